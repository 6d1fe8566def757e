"""One channel's stop list: the store, the opt-outs and the clock may change at any time."""

import math
from collections.abc import Callable

import pytest

from support.builders import READ_AT, Clock, snapshot
from suppress import Settings, Snapshot, State, StopListUnavailable
from suppress.serving.channel import Channel
from suppress.serving.context import Context
from suppress.serving.freshness import Step
from suppress.serving.limits import ServingLimits
from suppress.sources import ReadingFailed
from suppress.stores.contract import Lease, LeaseLost, StoreError
from suppress.stores.memory import MemoryStore

FIRST, SECOND = "+14155552671", "+14155552672"


class Faulty(MemoryStore):
    """A store that fails as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: StoreError | None = None
        self.looks = 0

    def latest(self, key: str) -> Snapshot | None:
        self.looks += 1
        if self.failing is not None:
            raise self.failing
        return super().latest(key)

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        if self.failing is not None:
            raise self.failing
        return super().publish(key, snapshot, lease)


@pytest.fixture
def clock(clock: Clock) -> Clock:
    clock.now = READ_AT.timestamp()
    return clock


@pytest.fixture
def store() -> Faulty:
    return Faulty()


@pytest.fixture
def made(store: Faulty, clock: Clock) -> Callable[[], Channel]:
    def making() -> Channel:
        context = Context(
            settings=Settings(ttl=300, max_stale=3600, store=None),
            limits=ServingLimits(store_check=0.5),
            store=store,
            opt_outs=None,
            clock=clock,
            timer=clock,
            wake=lambda: None,
        )
        return Channel("sms", "key", context)

    return making


def publish(store: MemoryStore, *numbers: str) -> Snapshot:
    with store.exclusive("key", 60) as lease:
        return store.publish("key", snapshot(*numbers), lease)


def test_it_takes_over_what_is_published(made: Callable[[], Channel], store: Faulty) -> None:
    channel = made()
    channel.sync()
    assert (channel.state, channel.latest) == (State.MISSING, None)
    publish(store, FIRST)
    channel.sync()
    assert channel.state is State.FRESH
    assert channel.latest is not None
    assert set(channel.latest.numbers) == {FIRST}


def test_it_looks_at_the_store_when_it_is_told_and_now_and_then(
    made: Callable[[], Channel], store: Faulty, clock: Clock
) -> None:
    channel = made()
    for _ in range(3):
        channel.sync()
    assert store.looks == 1
    store.notify()
    channel.sync()
    assert store.looks == 2
    clock.now += 0.5
    channel.sync()
    assert store.looks == 3
    channel.invalidate()
    channel.sync()
    assert store.looks == 4


def test_an_answer_ends_with_its_time(
    made: Callable[[], Channel], store: Faulty, clock: Clock
) -> None:
    channel = made()
    publish(store, FIRST)
    channel.sync()
    assert channel.fresh() is not None
    answer = channel.answer
    assert answer is not None
    assert (answer.begin, answer.end) == (clock.now, clock.now + 300)
    assert answer.check_at == clock.now + 0.5
    assert answer.version == store.version()
    clock.now += 299.9
    channel.sync()
    assert channel.fresh() is not None
    assert channel.answer is not None
    assert channel.answer.check_at - clock.now == pytest.approx(0.1, abs=1e-3)
    clock.now += 0.1
    channel.sync()
    assert channel.fresh() is None


def test_a_store_that_cannot_be_read_is_reported_once_and_tried_again(
    made: Callable[[], Channel], store: Faulty, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    channel = made()
    publish(store, FIRST)
    store.failing = StoreError("Input/output error")
    for _ in range(3):
        channel.sync()
        clock.now += 1
    assert caplog.messages == ["The stored sms stop list cannot be read: Input/output error."]
    store.failing = None
    channel.sync()
    assert channel.latest is not None
    store.failing = StoreError("Input/output error")
    clock.now += 1
    channel.sync()
    assert len(caplog.messages) == 2
    assert channel.latest is not None, "it is in memory"


@pytest.mark.parametrize("error", [StoreError("No space left"), LeaseLost("the lease has ended")])
def test_what_cannot_be_stored_stays_in_memory(
    made: Callable[[], Channel],
    store: Faulty,
    caplog: pytest.LogCaptureFixture,
    error: StoreError,
) -> None:
    channel = made()
    read = snapshot(FIRST)
    channel.accept(read, took=1)
    store.failing = error
    with store.exclusive("key", 60) as lease:
        channel.publish(read, lease)
    assert f"cannot be stored in memory ({error}); it stays in memory alone" in caplog.text
    assert channel.state is State.FRESH


def test_a_failure_is_kept_for_others_unless_it_is_ones_own(
    made: Callable[[], Channel], store: Faulty, clock: Clock
) -> None:
    one, other = made(), made()
    one.fail(clock.now, StopListUnavailable("this process hangs."), warn=False)
    assert (one.failure() is not None, other.failure()) == (True, None)
    clock.now += 1
    one.fail(clock.now, ReadingFailed("it is down."), warn=False)
    failure = other.failure()
    assert failure is not None
    assert (failure.message, failure.since, failure.began) == (
        "it is down.",
        clock.now - 1,
        clock.now,
    )
    with pytest.raises(StopListUnavailable, match=r"it is down\. Nothing may be sent"):
        other.next_step(None)
    clock.now += 5
    assert other.next_step(None) is Step.WAIT


def test_the_error_says_how_old_the_list_is(
    made: Callable[[], Channel], store: Faulty, clock: Clock
) -> None:
    channel = made()
    publish(store, FIRST)
    channel.sync()
    error = StopListUnavailable("it is down.")
    clock.now += 3601
    with pytest.raises(StopListUnavailable, match=r"read 3601 s ago, longer than SUPPRESS_MAX"):
        channel.fallback(error)
    clock.now -= 3602
    with pytest.raises(StopListUnavailable, match=r"from the future: the clock was set back"):
        channel.fallback(error)
    clock.now += 302
    assert channel.fallback(error).count == 1


def test_an_earlier_reading_replaces_a_later_one_only_if_that_is_from_the_future(
    made: Callable[[], Channel], clock: Clock
) -> None:
    channel, later, earlier = made(), snapshot(FIRST), snapshot(SECOND)
    object.__setattr__(earlier, "read_at", earlier.read_at.replace(year=2025))
    channel.accept(later, took=1)
    channel.accept(earlier, took=1)
    assert channel.latest is not None
    assert set(channel.latest.numbers) == {FIRST}
    assert set(channel.or_latest(earlier).numbers) == {FIRST}
    clock.now -= 3600
    channel.accept(earlier, took=1)
    assert set(channel.latest.numbers) == {SECOND}


def test_a_list_that_nobody_asks_for_is_not_renewed(
    made: Callable[[], Channel], store: Faulty, clock: Clock
) -> None:
    channel = made()
    publish(store, FIRST)
    assert channel.renewal_pause() == math.inf
    channel.asked()
    assert channel.renewal_pause() == 240
    clock.now += 240
    assert channel.renewal_pause() == 0
    assert channel.renewal_newer_than() == READ_AT.timestamp()
    clock.now += 3600 - 240
    assert channel.renewal_pause() == math.inf
