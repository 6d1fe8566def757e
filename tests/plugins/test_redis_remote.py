"""The store on a Redis server: leases, parts, news, and a server that is lost."""

import hashlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.redis_server import PASSWORD, QUOTED, RedisServer, missing_for_redis
from support.remotes import handles
from support.tcp_proxy import TcpProxy
from suppress import (
    ConfigurationError,
    Held,
    LeaseLost,
    PartGone,
    Remote,
    ServerUrl,
    Settings,
    StoreError,
)
from suppress.stores.shared import SharedStore
from suppress.testing import RemoteContract, StoreContract
from suppress.testing.remotes import LosingLease, OpeningRemote
from suppress.testing.stores import Damage
from suppress.testing.stores import Opening as OpeningStore

if missing_for_redis() is None:
    import redis

    from suppress_redis import suppress_remote
    from suppress_redis.remote import RedisRemote
    from suppress_redis.server import RedisConnections
    from suppress_redis.settings import RedisLimits, RedisSettings

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(missing_for_redis() is not None, reason=str(missing_for_redis())),
]

KEY, LEASE = "sms-0123456789abcdef", 60.0

Opening = Callable[..., Remote]


@pytest.fixture
def machines(redis_url: str) -> Iterator[Opening]:
    """Opens a handle to the store, perhaps by another URL and with settings of the plugin."""
    with handles(suppress_remote, "redis", redis_url) as opening_one:
        yield opening_one


class TestContract(RemoteContract):
    @pytest.fixture
    def opening(self, machines: Opening) -> OpeningRemote:
        return machines

    @pytest.fixture
    def losing(self, redis_server: RedisServer) -> LosingLease:
        def lose(name: str) -> None:
            with redis_server.client() as client:
                assert client.delete(f"{{suppress}}:1:lease:{name}") == 1

        return lose


class TestStoreContract(StoreContract):
    """Each handle is a machine, with a copy in a folder of its own."""

    @pytest.fixture
    def opening(self, machines: Opening, tmp_path: Path) -> OpeningStore:
        folders = (tmp_path / f"machine{place}" for place in itertools.count())
        return lambda: SharedStore(machines(), next(folders))

    @pytest.fixture
    def lag(self) -> float:
        return 1.0

    @pytest.fixture
    def damages(self, redis_server: RedisServer) -> Sequence[Damage]:
        def damage(kind: str, field: str) -> Damage:
            def spoil(_key: str) -> None:
                with redis_server.client() as client:
                    for name in client.scan_iter(f"*:{kind}:*"):
                        value = client.hget(name, field)
                        client.hset(name, field, bytes([255 - value[0]]) + value[1:])

            return spoil

        return [damage("head", "head"), damage("part", "0")]


def publish(remote: Remote, *contents: bytes, head: bytes = b"head") -> list[str]:
    parts = {hashlib.sha256(each).hexdigest(): [each] for each in contents}
    with remote.exclusive(KEY, LEASE, wait=10) as lease:
        remote.publish(KEY, head, parts, lease)
    return list(parts)


def test_installations_with_other_prefixes_and_databases_share_a_server(
    machines: Opening, redis_server: RedisServer
) -> None:
    one, other = machines(), machines(prefix="other")
    third = machines(redis_server.url(1))
    for each in (one, other, third):
        assert each.news(0)
    with one.exclusive(KEY, LEASE), other.exclusive(KEY, LEASE), third.exclusive(KEY, LEASE):
        pass
    publish(other, b"1", head=b"other")
    publish(third, b"2", head=b"third")
    assert one.head(KEY) is None
    assert not one.news(0)


def test_memory_is_bounded(redis_server: RedisServer, redis_url: str) -> None:
    """Neither old parts, nor those that were sent by half, nor a key that nobody uses stay."""
    limits = RedisLimits(piece=1000)
    remote = RedisRemote(RedisConnections(ServerUrl(redis_url), RedisSettings(), limits))

    def failing() -> Iterator[bytes]:
        yield bytes(1500)
        raise OSError("no more")

    with remote.exclusive(KEY, LEASE) as lease:
        for number in range(3):
            remote.publish(KEY, b"head", {f"{number}": [bytes(2500)], "same": [b"same"]}, lease)
        remote.fail(KEY, b"failed")
        with pytest.raises(OSError, match="no more"):
            remote.publish(KEY, b"head", {"half": failing()}, lease)
    with redis_server.client() as client:
        seconds = {
            name.decode().partition(":1:")[2]: client.pttl(name) / 1000
            for name in client.scan_iter()
        }
    month = [f"head:{KEY}", f"part:{KEY}:2", f"part:{KEY}:same", f"failure:{KEY}"]
    minutes = [f"part:{KEY}:0", f"part:{KEY}:1"]
    (half,) = (name for name in seconds if name.startswith(f"sent:{KEY}:half:"))
    assert seconds.keys() == {*month, *minutes, half, "version"}
    assert all(limits.upload_age < seconds[each] <= limits.unused_age for each in month)
    assert all(0 < seconds[each] <= limits.orphan_age for each in minutes)
    assert 0 < seconds[half] <= limits.upload_age
    remote.close()


def test_a_part_that_the_server_removed_is_sent_again(
    machines: Opening, redis_server: RedisServer
) -> None:
    remote = machines()
    (digest,) = publish(remote, b"part")
    with redis_server.client() as client:
        client.delete(f"{{suppress}}:1:part:{KEY}:{digest}")
    with pytest.raises(StoreError, match="maxmemory-policy") as failed:
        list(remote.part(KEY, digest))
    assert not isinstance(failed.value, PartGone), "to read the head again would not help"
    publish(remote, b"part")
    assert list(remote.part(KEY, digest)) == [b"part"]


def test_a_reader_of_a_part_that_goes_meanwhile_is_told(
    redis_server: RedisServer, redis_url: str
) -> None:
    limits = RedisLimits(orphan_age=0.1, piece=1000)
    remote = RedisRemote(RedisConnections(ServerUrl(redis_url), RedisSettings(), limits))
    publish(remote, bytes(2500))
    reading = remote.part(KEY, hashlib.sha256(bytes(2500)).hexdigest())
    assert len(next(reading)) == 1000
    publish(remote, b"other")
    with redis_server.client() as client:
        _wait_until(lambda: len(client.keys("*:part:*")) == 1)
    with pytest.raises(PartGone):
        list(reading)
    remote.close()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_holder_that_was_stopped_has_lost_its_lease(machines: Opening) -> None:
    """It comes back behind another who has published, and changes nothing."""
    remote, other = machines(), machines()
    ours, theirs = os.pipe()
    holder = os.fork()
    if holder == 0:
        status = 1
        try:
            remote.after_fork_in_child()
            with remote.exclusive(KEY, 0.5) as lease:
                os.write(theirs, b"held")
                os.kill(os.getpid(), signal.SIGSTOP)
                try:
                    remote.publish(KEY, b"late", {"late": [b"late"]}, lease)
                except LeaseLost:
                    status = 0
        finally:
            os._exit(status)
    assert os.read(ours, 4) == b"held"
    os.waitpid(holder, os.WUNTRACED)
    with pytest.raises(Held), other.exclusive(KEY, LEASE):
        pass
    with other.exclusive(KEY, LEASE, wait=10) as lease:
        other.publish(KEY, b"in time", {}, lease)
    os.kill(holder, signal.SIGCONT)
    assert os.waitpid(holder, 0)[1] == 0
    assert other.head(KEY) == b"in time"
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("sends", [True, False])
def test_a_lease_that_is_lost_at_the_last_moment_changes_nothing(
    machines: Opening, redis_server: RedisServer, sends: bool
) -> None:
    """The server looks at it in the very step that publishes."""
    remote = machines()
    publish(remote, b"there", head=b"before")

    def losing() -> Iterator[bytes]:
        lose()
        yield b"part"

    def lose() -> None:
        with redis_server.client() as client:
            client.set(f"{{suppress}}:1:lease:{KEY}", "another")

    with remote.exclusive(KEY, LEASE) as lease:
        if not sends:
            lose()
        with pytest.raises(LeaseLost):
            remote.publish(KEY, b"after", {"part": losing()} if sends else {}, lease)
        with pytest.raises(LeaseLost):
            remote.discard(KEY, lease)
    assert remote.head(KEY) == b"before"
    with pytest.raises(Held), machines().exclusive(KEY, LEASE):
        raise AssertionError("the lease of another was given back")


def test_an_answer_that_is_lost_costs_no_lease(
    machines: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library asks again: what it has already got, it gets once more."""
    remote = machines()
    assert isinstance(remote, RedisRemote)
    kind = type(remote._connections.client.connection_pool.make_connection())
    reads = iter([True])
    original = kind.read_response

    def losing(self: object, *arguments: object, **options: object) -> object:
        answer = original(self, *arguments, **options)
        if next(reads, False):
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError("lost")
        return answer

    remote.head(KEY)
    monkeypatch.setattr(kind, "read_response", losing)
    with remote.exclusive(KEY, LEASE) as lease:
        lease.check()


def test_news_are_looked_for_where_a_message_was_missed(
    machines: Opening, redis_server: RedisServer
) -> None:
    remote = machines()
    assert remote.news(0)
    assert not remote.news(0)
    with redis_server.client() as client:
        client.incr("{suppress}:1:version")
    assert remote.news(5)


def test_goes_on_with_a_server_that_was_killed() -> None:
    with RedisServer() as server:
        remote = suppress_remote(ServerUrl(server.url()), Settings())
        assert remote is not None
        (digest,) = publish(remote, b"part")
        assert remote.news(0)
        server.kill()
        with pytest.raises(StoreError):
            remote.news(10)
        with pytest.raises(StoreError):
            remote.head(KEY)
        with pytest.raises(StoreError), remote.exclusive(KEY, LEASE):
            pass
        server.start()
        assert remote.head(KEY) == b"head"
        assert b"".join(remote.part(KEY, digest)) == b"part"
        assert remote.news(0), "there may have been changes meanwhile"
        remote.close()


def test_waits_for_no_network(machines: Opening, redis_server: RedisServer) -> None:
    with TcpProxy(redis_server.port) as proxy:
        remote = machines(redis_server.url(port=proxy.port), timeout=0.5)
        remote.head(KEY)
        assert remote.news(0)
        proxy.cut()
        for asks in (lambda: remote.head(KEY), lambda: remote.news(30)):
            began = time.monotonic()
            with pytest.raises(StoreError, match="does not answer"):
                asks()
            assert time.monotonic() - began < 1.9, "it was waited for several times"
        proxy.heal()
        assert remote.head(KEY) is None
        assert remote.news(0)
        remote.close()


def test_close_ends_a_wait_for_news(machines: Opening) -> None:
    remote = machines()
    assert isinstance(remote, RedisRemote)
    assert remote.news(0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(remote.news, 30)
        _wait_until(remote._news._lock.locked)
        remote.close()
        with pytest.raises(StoreError):
            waiting.result(10)


@pytest.mark.parametrize("password", [QUOTED, "an0ther"])
def test_no_error_shows_the_password(
    machines: Opening, redis_server: RedisServer, password: str
) -> None:
    port = redis_server.port if password == "an0ther" else 1
    remote = machines(f"redis://:{password}@127.0.0.1:{port}/0")
    with pytest.raises(StoreError) as failed:
        remote.head(KEY)
    shown = f"{failed.value!r} {failed.value.__cause__!r} {remote.describe()} {vars(remote)}"
    assert not any(each in shown for each in (PASSWORD, QUOTED, "an0ther"))


@pytest.mark.parametrize(
    "url",
    [
        "redis://:s3cret@127.0.0.1:port/0",
        "redis://:s3cret@127.0.0.1/zero",
        "redis://:s3cret@127.0.0.1/0?misspelt=1",
        "redis+sentinel://:s3cret@127.0.0.1",
        "redis+sentinel://:s3cret@127.0.0.1/lists/zero",
        "redis+sentinel://:s3cret@127.0.0.1:x/lists",
        "redis+sentinel://:s3cret@/lists",
        "redis+sentinel://:s3cret@127.0.0.1/lists?misspelt=1",
    ],
)
def test_a_url_that_makes_no_sense_is_refused(machines: Opening, url: str) -> None:
    with pytest.raises(ConfigurationError, match="form") as failed:
        machines(url)
    assert "s3cret" not in f"{failed.value} {failed.value.__cause__!r}"


@pytest.mark.parametrize(
    ("name", "value"),
    [("prefix", "{x}"), ("durability", "most"), ("timeout", 0)],
)
def test_a_setting_that_makes_no_sense_is_named(
    machines: Opening, name: str, value: object
) -> None:
    with pytest.raises(ConfigurationError, match=f"SUPPRESS_REDIS_{name.upper()}"):
        machines(**{name: value})


def test_other_urls_are_for_other_plugins() -> None:
    assert suppress_remote(ServerUrl("postgresql://127.0.0.1/x"), Settings()) is None


def test_the_options_of_a_sentinel_url_are_those_of_the_server() -> None:
    url = ServerUrl(f"rediss+sentinel://me:{QUOTED}@one,two:7/lists/3?ssl_cert_reqs=none")
    connections = RedisConnections(url, RedisSettings())
    options = connections.client.connection_pool.connection_kwargs
    assert (options["username"], options["password"], options["db"]) == ("me", PASSWORD, 3)
    assert options["ssl_cert_reqs"] == "none"
    assert connections.describe() == "rediss+sentinel://me@one,two:7/lists/3"


def test_follows_a_failover(machines: Opening) -> None:
    with RedisServer() as master, master.replica(), master.sentinel() as url:
        remote = machines(url)
        (digest,) = publish(remote, b"part")
        assert remote.news(0)
        with master.client() as client:
            client.wait(1, 10_000)
        master.kill()
        _wait_until(lambda: _serves(remote))
        assert remote.head(KEY) == b"head"
        assert b"".join(remote.part(KEY, digest)) == b"part"
        publish(remote, b"another", head=b"after")
        assert remote.head(KEY) == b"after"
        remote.close()


def _serves(remote: Remote) -> bool:
    try:
        remote.fail(KEY, b"")
    except StoreError:
        return False
    return True


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
