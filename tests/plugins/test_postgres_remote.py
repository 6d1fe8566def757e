"""The store in a PostgreSQL database: leases, parts, news, and a server that is lost."""

import contextlib
import hashlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.postgres_server import QUOTED, PostgresServer
from support.remotes import handles
from support.tcp_proxy import TcpProxy
from suppress import (
    ConfigurationError,
    LeaseLost,
    PartGone,
    Remote,
    StoreError,
)
from suppress.stores.shared import SharedStore
from suppress.testing import RemoteContract, StoreContract
from suppress.testing.remotes import LosingLease, OpeningRemote
from suppress.testing.stores import Damage
from suppress.testing.stores import Opening as OpeningStore
from suppress_postgres import suppress_remote

pytestmark = pytest.mark.servers


class TestContract(RemoteContract):
    @pytest.fixture
    def opening(self, opening: "Opening") -> OpeningRemote:
        return opening

    @pytest.fixture
    def losing(self, postgres: PostgresServer, postgres_url: str) -> LosingLease:
        def lose(_name: str) -> None:
            database = postgres_url.rpartition("/")[2]
            ended = postgres.run_sql(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks "
                "WHERE locktype = 'advisory' AND pid <> pg_backend_pid()",
                database,
            )
            assert ended == [(True,)]

        return lose


@pytest.mark.slow
class TestStoreContract(StoreContract):
    """Each handle is a machine, with a copy in a folder of its own."""

    @pytest.fixture
    def opening(self, opening: "Opening", tmp_path: Path) -> OpeningStore:
        folders = (tmp_path / f"machine{place}" for place in itertools.count())
        return lambda: SharedStore(opening(), next(folders))

    @pytest.fixture
    def lag(self) -> float:
        return 1.0

    @pytest.fixture
    def damages(self, postgres: PostgresServer, postgres_url: str) -> Sequence[Damage]:
        def damage(what: str) -> Damage:
            spoilt = "set_byte(content, 9, 255 - get_byte(content, 9))"
            spoil = f"UPDATE suppress.{what} SET content = {spoilt}"
            return lambda _key: void(postgres.run_sql(spoil, postgres_url.rpartition("/")[2]))

        return [damage("head"), damage("chunk")]


def void(_result: object) -> None:
    """Return nothing."""


KEY, LEASE = "sms-0123456789abcdef", 60.0

Opening = Callable[..., Remote]


@pytest.fixture
def opening(postgres_url: str) -> Iterator[Opening]:
    """Opens a handle to the store, perhaps by another URL and with settings of the plugin."""
    with handles(suppress_remote, "postgres", postgres_url) as opening_one:
        yield opening_one


def publish(remote: Remote, *contents: bytes, head: bytes = b"head") -> list[str]:
    parts = {hashlib.sha256(each).hexdigest(): [each] for each in contents}
    with remote.exclusive(KEY, LEASE, wait=10) as lease:
        remote.publish(KEY, head, parts, lease)
    return list(parts)


def test_a_part_without_a_name_goes_later(
    opening: Opening, postgres: PostgresServer, postgres_url: str
) -> None:
    remote = opening()
    (first,) = publish(remote, b"first")
    (second,) = publish(remote, b"second")
    assert b"".join(remote.part(KEY, first)) == b"first"
    database = postgres_url.rpartition("/")[2]
    postgres.run_sql(
        "UPDATE suppress.part SET unnamed_since = unnamed_since - interval '11 minutes'", database
    )
    publish(remote, b"second")
    assert b"".join(remote.part(KEY, second)) == b"second"
    with pytest.raises(PartGone):
        b"".join(remote.part(KEY, first))


def test_a_key_goes_that_nobody_publishes(
    opening: Opening, postgres: PostgresServer, postgres_url: str
) -> None:
    remote = opening()
    (digest,) = publish(remote, b"list")
    database = postgres_url.rpartition("/")[2]
    postgres.run_sql("UPDATE suppress.head SET published_at = now() - interval '31 days'", database)
    with remote.exclusive("viber-1", LEASE) as lease:
        remote.publish("viber-1", b"head", {}, lease)
    assert remote.head(KEY) is None
    with pytest.raises(PartGone):
        b"".join(remote.part(KEY, digest))


def test_many_who_come_at_once_make_one_schema(opening: Opening) -> None:
    with ThreadPoolExecutor(20) as pool:
        assert [*pool.map(lambda _: opening().head(KEY), range(20))] == [None] * 20


def test_a_lease_is_lost_when_its_holder_is_silent(opening: Opening) -> None:
    """As one is that was stopped: here, its signs of life are stopped with it."""
    one, two = opening(), opening()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "suppress_postgres.leases._signs_of_life", lambda *_: contextlib.nullcontext()
        )
        with one.exclusive(KEY, 0.2) as lease:
            with two.exclusive(KEY, LEASE, wait=10):
                with pytest.raises(LeaseLost):
                    lease.check()
                with pytest.raises(LeaseLost):
                    one.publish(KEY, b"late", {}, lease)
            assert two.head(KEY) is None


def test_a_lease_that_ends_within_publishing_changes_nothing(opening: Opening) -> None:
    one, two = opening(), opening()

    def stopped() -> Iterator[bytes]:
        yield b"first" * 300_000
        time.sleep(0.6)
        yield b"last"

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(
            "suppress_postgres.leases._signs_of_life", lambda *_: contextlib.nullcontext()
        )
        with one.exclusive(KEY, 0.2) as lease, pytest.raises(LeaseLost):
            one.publish(KEY, b"late", {"a": stopped()}, lease)
    assert two.head(KEY) is None


def test_goes_on_with_a_server_that_was_killed(opening: Opening, postgres: PostgresServer) -> None:
    remote = opening()
    assert remote.news(0)
    publish(remote, b"list")
    assert remote.news(10)
    with remote.exclusive(KEY, LEASE) as lease:
        postgres.kill()
        try:
            with pytest.raises(StoreError):
                remote.news(10)
            with pytest.raises(StoreError) as failed:
                remote.head(KEY)
            assert "Connection refused" in str(failed.value)
        finally:
            postgres.start()
        with pytest.raises(LeaseLost):
            remote.publish(KEY, b"late", {}, lease)
    assert remote.head(KEY) == b"head"
    assert remote.news(0)


@pytest.mark.slow
def test_waits_for_no_network(
    opening: Opening, postgres: PostgresServer, postgres_url: str
) -> None:
    database = postgres_url.rpartition("/")[2]
    with TcpProxy(postgres.port) as proxy:
        remote = opening(postgres.url(database, proxy.port), timeout=1.0)
        remote.head(KEY)
        assert remote.news(0)
        proxy.cut()
        began = time.monotonic()
        with pytest.raises(StoreError):
            remote.head(KEY)
        with pytest.raises(StoreError):
            remote.head(KEY)
        with pytest.raises(StoreError):
            remote.news(30)
        assert time.monotonic() - began < 8
        proxy.heal()
        assert remote.head(KEY) is None
        assert remote.news(0)


def test_close_ends_a_wait_for_news(opening: Opening) -> None:
    remote = opening()
    assert remote.news(0)
    begun = threading.Event()

    def wait() -> bool:
        begun.set()
        return remote.news(30)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        assert begun.wait(10)
        remote.close()
        with pytest.raises(StoreError):
            waiting.result(10)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_parent_that_is_killed_leaves_no_lease_to_its_child(
    opening: Opening, postgres: PostgresServer
) -> None:
    """A child has the sockets of its parent, and must not keep them open."""
    remote = opening()
    ours, theirs = os.pipe()
    parent = os.fork()
    if parent == 0:
        with remote.exclusive(KEY, LEASE):
            if os.fork() == 0:
                remote.after_fork_in_child()
                os.close(theirs)
                time.sleep(30)
            os._exit(0)
    os.waitpid(parent, 0)
    os.close(theirs)
    with opening().exclusive(KEY, LEASE, wait=10):
        pass
    os.close(ours)


@pytest.mark.parametrize(
    "broken", ["postgresql://owner:{}@127.0.0.1:{}/nowhere", "postgresql://other:{}@127.0.0.1:{}/x"]
)
def test_no_error_shows_the_password(
    opening: Opening, postgres: PostgresServer, broken: str
) -> None:
    remote = opening(broken.format(QUOTED, postgres.port))
    with pytest.raises(StoreError) as failed:
        remote.head(KEY)
    assert "s3cret" not in f"{failed.value!r} {failed.value.__cause__!r} {remote.describe()}"


def test_a_parameter_that_is_misspelt_is_named_as_such(opening: Opening) -> None:
    with pytest.raises(ConfigurationError, match="misspelt") as failed:
        opening("postgresql://owner:s3cret@127.0.0.1/x?sslmod=require")
    assert "s3cret" not in str(failed.value)
