"""The record on a Redis server: kept, refused where it would not be, missed when it is gone."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.redis_server import KEEPS_ALL, RedisServer, missing_for_redis
from suppress import Overtaken, RecordError, Replaced, ServerUrl, Settings
from suppress.testing import SharedRecordContract
from suppress.testing.records import ANN, BOB, CY, ONE, OTHER, append, change, everybody
from suppress.testing.shared_records import Joining

if missing_for_redis() is None:
    import redis

    from suppress_redis import suppress_remote
    from suppress_redis.batches import RedisRecordState, packed, unpacked
    from suppress_redis.record import RedisRecord
    from suppress_redis.server import RedisConnections
    from suppress_redis.settings import LIMITS, RedisLimits, RedisSettings

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(missing_for_redis() is not None, reason=str(missing_for_redis())),
]

Opening = Callable[..., "RedisRecord"]


def record_at(url: str, limits: "RedisLimits | None" = None, **settings: Any) -> "RedisRecord":
    """Return a handle, with connections of its own."""
    own = RedisSettings(**settings)
    return RedisRecord(RedisConnections(ServerUrl(url), own, limits or LIMITS))


@pytest.fixture
def machines(redis_url: str) -> Iterator[Opening]:
    """Opens handles of one record, which is empty at first."""
    opened: list[RedisRecord] = []

    def open_one(**settings: Any) -> RedisRecord:
        opened.append(record_at(redis_url, **settings))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def server_of_module() -> Iterator[RedisServer]:
    if (missing := missing_for_redis()) is not None:
        pytest.skip(missing)
    with RedisServer() as server:
        yield server


@pytest.fixture
def own_server(server_of_module: RedisServer) -> Iterator[RedisServer]:
    """A server whose settings a test may change, and which it may kill; empty at first."""
    with server_of_module.client() as client:
        client.flushall()
    yield server_of_module
    server_of_module.set(**KEEPS_ALL, maxmemory_policy="noeviction")


class TestContract(SharedRecordContract):
    @pytest.fixture
    def joining(self, machines: Opening) -> Joining:
        return machines


@pytest.mark.parametrize(
    ("kept", "durability", "said"),
    [
        ({"appendonly": "no"}, "always", "keeps no append-only file"),
        ({"appendonly": "no"}, "everysec", "keeps no append-only file"),
        ({"appendfsync": "everysec"}, "always", "appendfsync everysec.*last two seconds"),
        ({"appendfsync": "no"}, "always", "appendfsync no"),
        ({"appendfsync": "no"}, "everysec", "appendfsync no"),
        ({"maxmemory_policy": "allkeys-lru"}, "always", "maxmemory-policy allkeys-lru"),
        ({"maxmemory_policy": "allkeys-lfu"}, "unchecked", "maxmemory-policy allkeys-lfu"),
    ],
)
def test_a_server_that_may_lose_opt_outs_is_refused(
    own_server: RedisServer, kept: dict[str, str], durability: str, said: str
) -> None:
    """Nothing is written; the message says what was found, and what to do."""
    record = record_at(own_server.url(), durability=durability)
    position = append(record, "add", ANN)
    own_server.set(**kept)
    writes: list[Callable[[], int]] = [
        lambda: record.append([change("add", BOB)], expected=position),
        lambda: record.forget([position], {}, made_at=1.0, expected=position),
    ]
    for writing in writes:
        with pytest.raises(RecordError, match=said) as refused:
            writing()
        assert "SUPPRESS_OPT_OUTS" in refused.value.remedy
        assert (
            next(iter(kept)).replace("_", "-") in f"{refused.value.reason} {refused.value.remedy}"
        )
    own_server.set(**KEEPS_ALL, maxmemory_policy="noeviction")
    assert [number for _, number in everybody(record)] == [ANN]
    record.close()


@pytest.mark.parametrize(
    ("kept", "durability"),
    [
        ({"maxmemory_policy": "volatile-lru"}, "always"),
        ({"appendfsync": "everysec"}, "everysec"),
        ({"appendonly": "no"}, "unchecked"),
    ],
)
def test_a_user_can_insist(own_server: RedisServer, kept: dict[str, str], durability: str) -> None:
    own_server.set(**kept)
    record = record_at(own_server.url(), durability=durability)
    append(record, "add", ANN)
    assert [number for _, number in everybody(record)] == [ANN]
    record.close()


def test_a_server_that_may_remove_opt_outs_is_not_read(own_server: RedisServer) -> None:
    """Somebody may be missing already, so nobody may be taken for allowed."""
    record = record_at(own_server.url())
    position = append(record, "add", ANN)
    own_server.set(maxmemory_policy="allkeys-random")
    for known in (None, position):
        with pytest.raises(RecordError, match="may remove opt-outs"):
            list(record.changes_since(known))
    record.close()


def test_a_server_that_hides_its_settings_is_asked_otherwise(own_server: RedisServer) -> None:
    """Services that others run take CONFIG away; INFO says a part of it."""
    with own_server.client() as client:
        client.acl_setuser(
            "us", enabled=True, passwords=["+secret"], keys=["*"], channels=["*"],
            categories=["+@all"], commands=["-config"],
        )  # fmt: skip
    url = f"redis://us:secret@127.0.0.1:{own_server.port}/0"
    strict, lenient = record_at(url), record_at(url, durability="everysec")
    with pytest.raises(RecordError, match="does not show its appendfsync"):
        append(strict, "add", ANN)
    append(lenient, "add", ANN)
    own_server.set(appendonly="no")
    with pytest.raises(RecordError, match="no append-only file"):
        append(lenient, "add", BOB)
    own_server.set(appendonly="yes", maxmemory_policy="allkeys-lru")
    with pytest.raises(RecordError, match="allkeys-lru"):
        append(lenient, "add", BOB)
    for each in (strict, lenient):
        each.close()


def test_what_was_acknowledged_is_there_after_a_kill(own_server: RedisServer) -> None:
    record = record_at(own_server.url())
    position = append(record, "add", ANN, tell={ONE: [ANN]})
    identity = record.identity()
    own_server.kill()
    with pytest.raises(RecordError, match="refused"):
        list(record.changes_since(position))
    with pytest.raises(RecordError, match="refused"):
        append(record, "add", BOB)
    own_server.start()
    assert record.identity() == identity
    assert [number for _, number in everybody(record)] == [ANN]
    assert len(record.pending(ONE)) == 1
    last = record.append([change("add", BOB)], expected=position)
    assert [each.position for each in record.changes_since(position)] == [last]
    record.close()


@pytest.mark.parametrize("durability", ["always", "unchecked"])
def test_a_server_that_is_empty_again_is_noticed(own_server: RedisServer, durability: str) -> None:
    """Whoever knows a position is told, and does not take it that nobody is opted out."""
    record = record_at(own_server.url(), durability=durability)
    position = append(record, "add", ANN)
    with own_server.client() as client:
        client.flushall()
    with pytest.raises(Replaced):
        list(record.changes_since(position))
    assert record.identity() is None
    with pytest.raises(Overtaken):
        record.append([change("add", BOB)], expected=position)
    other = record.append([change("add", BOB)], expected=None)
    assert other != position
    with pytest.raises(Replaced):
        list(record.changes_since(position))
    record.close()


@pytest.mark.parametrize("part", ["state", "order", "batches", "forgettings"])
def test_a_part_that_is_gone_is_no_record_without_it(
    machines: Opening, redis_server: RedisServer, part: str
) -> None:
    record = machines()
    position = append(record, "add", ANN)
    last = record.forget([position], {"sms": {int(ANN): True}}, made_at=2.0, expected=position)
    with redis_server.client() as client:
        assert client.delete(f"{{suppress}}:1:opt-outs:{part}") == 1
    with pytest.raises(RecordError, match="damaged"):
        record.forgotten() if part == "forgettings" else list(record.changes_since(None))
    if part != "forgettings":
        with pytest.raises(RecordError, match="damaged"):
            list(record.changes_since(position))
    if part == "state":
        with pytest.raises(RecordError, match="damaged"):
            record.append([change("add", BOB)], expected=last)


def test_a_batch_that_was_changed_is_damaged(machines: Opening, redis_server: RedisServer) -> None:
    record = machines()
    first = append(record, "add", ANN)
    second = append(record, "add", BOB)
    name = "{suppress}:1:opt-outs:batches"
    with redis_server.client() as client:
        value = client.hget(name, str(second))
        changed = value.replace(BOB.encode(), CY.encode()[: len(BOB)])
        assert changed != value
        for other in (client.hget(name, str(first)), changed, b""):
            client.hset(name, str(second), other)
            with pytest.raises(RecordError, match="damaged"):
                list(record.changes_since(first))
            with pytest.raises(RecordError, match="damaged"):
                record.people([second])
        client.hset(name, str(second), value)
    assert len(list(record.changes_since(first))) == 1


def test_an_append_whose_answer_was_lost_is_made_once(
    machines: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = machines()
    prepared: list[int] = []
    answers = iter([True])
    execute = redis.client.Pipeline.execute

    def losing(self: Any, raise_on_error: bool = True) -> Any:
        answer = execute(self, raise_on_error)
        if next(answers, False):
            raise redis.WatchError("the connection was lost while watching")
        return answer

    monkeypatch.setattr(redis.client.Pipeline, "execute", losing)
    position = record.append(
        [change("add", ANN, tell={ONE: [ANN]})], expected=None, prepare=prepared.append
    )
    assert prepared == [position]
    assert everybody(record) == [(position, ANN)]
    assert len(record.pending(ONE)) == 1


def test_a_change_of_the_outbox_meanwhile_overtakes_nobody(machines: Opening) -> None:
    record, other = machines(), machines()
    position = append(record, "add", ANN, BOB, tell={ONE: [ANN, BOB]})
    ann, _ = record.pending(ONE)
    prepared: list[int] = []

    def prepare(position: int) -> None:
        prepared.append(position)
        other.acknowledge([ann.id])

    last = record.append([change("add", CY)], expected=position, prepare=prepare)
    assert prepared == [last]
    assert [each.number for each in record.pending(ONE)] == [BOB]
    assert [number for _, number in everybody(record)] == [ANN, BOB, CY]


def test_many_changes_are_given_in_pages(redis_url: str) -> None:
    record = record_at(redis_url, RedisLimits(page=2))
    numbers = [f"+4479{place:08d}" for place in range(5)]
    positions: list[int] = []
    for number in numbers:
        positions.append(
            record.append([change("add", number)], expected=positions[-1] if positions else None)
        )
    for place, position in enumerate([None, *positions]):
        found = [each.people.numbers[0] for each in record.changes_since(position)]
        assert found == numbers[place:]
    record.close()


def test_many_are_told_in_chunks(machines: Opening, redis_server: RedisServer) -> None:
    record = machines()
    numbers = [f"+4479{place:08d}" for place in range(2_500)]
    append(record, "add", *numbers, tell={ONE: numbers, OTHER: numbers[:1]})
    seen: list[str] = []
    after = 0
    while page := record.pending(ONE, after=after, limit=700):
        seen += [each.number for each in page]
        after = page[-1].id
    assert seen == numbers
    assert [each.count for each in record.backlog()] == [2_500, 1]
    assert record.waits(ONE, "sms", [numbers[-1], ANN]) == {numbers[-1]}
    while page := record.pending(ONE):
        record.acknowledge([each.id for each in page])
    assert record.destinations() == [OTHER]
    record.acknowledge([each.id for each in record.pending(OTHER)])
    with redis_server.client() as client:
        left = {each.decode().rpartition(":")[2] for each in client.scan_iter()}
    assert left == {"state", "order", "batches", "destinations"}


def test_many_who_came_alone_are_told_in_order(machines: Opening) -> None:
    record = machines()
    numbers = [f"+4479{place:08d}" for place in range(150)]
    position = None
    for number in numbers:
        changes = change("add", number, tell={ONE: [number]})
        position = record.append([changes], expected=position)
    assert [each.number for each in record.pending(ONE)] == numbers
    page = record.pending(ONE, after=record.pending(ONE)[69].id, limit=70)
    assert [each.number for each in page] == numbers[70:140]
    record.acknowledge([each.id for each in page[::2]])
    left = [each for each in numbers if each not in numbers[70:140:2]]
    assert [each.number for each in record.pending(ONE)] == left
    assert [each.count for each in record.backlog()] == [len(left)]


def test_news_are_of_the_record_alone(machines: Opening) -> None:
    one, two = machines(), machines()
    assert two.news(0)
    position = append(one, "add", ANN, tell={ONE: [ANN]})
    assert two.news(5)
    assert not two.news(0)
    one.acknowledge([each.id for each in one.pending(ONE)])
    assert not two.news(0)
    one.forget([position], {}, made_at=1.0, expected=position)
    assert two.news(5)


def test_a_newer_version_is_refused(machines: Opening, redis_server: RedisServer) -> None:
    record = machines()
    append(record, "add", ANN)
    name = "{suppress}:1:opt-outs:state"
    with redis_server.client() as client:
        value = client.get(name)
        state = unpacked(value, RedisRecordState)
        client.set(name, packed(msgspec.structs.replace(state, format=state.format + 1)))
    with pytest.raises(RecordError, match="newer version"):
        list(record.changes_since(None))
    with pytest.raises(RecordError, match="newer version"):
        record.append([change("add", BOB)], expected=state.last)


def test_a_failover_that_loses_an_opt_out_is_noticed() -> None:
    """A replica that takes over lacks an opt-out that it did not have yet."""
    with RedisServer() as master, master.replica() as replica, master.sentinel() as url:
        record = record_at(url)
        kept = append(record, "add", ANN)
        with master.client() as client:
            client.wait(1, 10_000)
        replica.pause()
        with master.client() as client:
            client.execute_command("CLIENT KILL", "TYPE", "replica")
        lost = append(record, "add", BOB)
        master.kill()
        replica.resume()
        _wait_until(lambda: _answers(record))
        with pytest.raises(Replaced):
            list(record.changes_since(lost))
        assert list(record.changes_since(kept)) == []
        assert [number for _, number in everybody(record)] == [ANN]
        record.close()


def test_no_error_shows_the_password(redis_server: RedisServer) -> None:
    record = record_at(f"redis://us:an0ther@127.0.0.1:{redis_server.port}/0")
    with pytest.raises(RecordError, match="the user or the password") as failed:
        list(record.changes_since(None))
    assert "an0ther" not in f"{failed.value!r} {failed.value.__cause__!r} {record.where}"
    record.close()


def _answers(record: "RedisRecord") -> bool:
    try:
        return record.identity() is not None
    except RecordError:
        return False


def _wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_page_says_how_to_configure_the_server() -> None:
    """And what to allow a user of it: all that is needed, and nothing of others."""
    page = (Path(__file__).parents[2] / "docs/how-to/redis.md").read_text()
    configuration, user = re.findall(
        r"^```(?:ini|text)\n(.*?)\n```", page, re.DOTALL | re.MULTILINE
    )
    lines = [line.replace("-", "_").partition(" ") for line in configuration.split("\n")]
    with RedisServer(**{name: value for name, _, value in lines}) as server:
        with server.client() as client:
            client.execute_command(*user.split())
            client.set("other", "theirs")
        url = f"redis://suppress:password@127.0.0.1:{server.port}/0"
        remote = suppress_remote(ServerUrl(url), Settings())
        record = record_at(url)
        assert remote is not None
        with remote.exclusive("sms-1", 10) as lease:
            remote.publish("sms-1", b"head", {"part": [b"part"]}, lease)
            remote.fail("sms-1", b"failed")
            assert list(remote.part("sms-1", "part")) == [b"part"]
            remote.discard("sms-1", lease)
        assert remote.news(0)
        position = append(record, "add", ANN, BOB, tell={ONE: [ANN, BOB]})
        ann, bob = record.pending(ONE)
        record.reject([ann.id], "no.", 1.0, refused=True)
        assert record.next_refused(ONE, channels=["sms"], now=2.0) == 1.0
        record.acknowledge([bob.id])
        assert record.backlog()
        record.forget([position], {"sms": {int(BOB): True}}, made_at=1.0, expected=position)
        assert record.forgotten()
        assert record.news(0)
        own: Any = redis.Redis.from_url(url)
        for command in ("GET other", "FLUSHALL", "CONFIG SET appendonly no", "KEYS *"):
            with pytest.raises(redis.ResponseError, match=r"NOPERM|permission"):
                own.execute_command(*command.split())
        for each in (remote, record, own):
            each.close()
