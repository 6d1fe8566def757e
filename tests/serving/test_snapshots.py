"""Snapshots are renewed before their time is over, and nobody waits who need not."""

import asyncio
import gc
import inspect
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress.aio
import suppress.serving.snapshots
from support.builders import Clock, ListSource, by_hand, listed, wait_for
from suppress import SourceError, StopListUnavailable, Suppressor
from suppress.background import Background
from suppress.serving.snapshots import LOWEST_PAUSE

LISTED, OTHER = "+14155552671", "+14155552672"


class Gate(ListSource):
    """A source whose loads wait until they are let through, each with the list of then."""

    def __init__(self, *numbers: str) -> None:
        super().__init__(listed(*numbers))
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Event()

    def load(self, *arguments: Any) -> Any:
        self.begun.set()
        assert self.open.wait(10)
        return super().load(*arguments)

    def shut(self) -> None:
        self.begun.clear()
        self.open.clear()


@pytest.fixture
def source() -> Iterator[Gate]:
    source = Gate(LISTED)
    yield source
    source.open.set()


@pytest.fixture
def made(source: Gate, clock: Clock) -> Callable[..., Suppressor]:
    def making(**arguments: Any) -> Suppressor:
        arguments = {"store": None, "ttl": 300, "max_stale": 3600, **arguments}
        return by_hand(source, clock=clock, **arguments)

    return making


class TestRenewal:
    def test_nobody_waits_for_it(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        clock.now += 239
        assert suppressor._snapshots.renew() == pytest.approx(1)
        assert len(source.loads) == 1
        clock.now += 1
        source.shut()
        source.entries = listed(OTHER)
        suppressor._snapshots.renew()
        assert source.begun.wait(10)
        # It is being read, and would wait for ever: whoever asks is answered all the same.
        assert suppressor.is_suppressed(LISTED, "sms")
        source.open.set()
        wait_for(lambda: suppressor.is_suppressed(OTHER, "sms"))
        assert len(source.loads) == 2
        assert suppressor._snapshots.renew() == pytest.approx(240)

    def test_one_that_takes_long_is_begun_earlier(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock
    ) -> None:
        suppressor = made()

        def slow() -> Any:
            clock.now += 50
            return listed(LISTED)

        source.instead = slow
        suppressor.snapshot("sms")
        assert suppressor._snapshots.renew() == pytest.approx(300 - 2 * 50 - 50)

    def test_what_nobody_asks_for_is_not_renewed(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock
    ) -> None:
        suppressor = made(max_stale=3600)
        suppressor.snapshot("sms")
        clock.now += 3600
        assert suppressor._snapshots.renew() == float("inf")
        assert len(source.loads) == 1
        suppressor.snapshot("sms")
        assert suppressor._snapshots.renew() < float("inf")

    def test_what_another_process_has_renewed_is_used(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock, tmp_path: Path
    ) -> None:
        one, two = made(store=tmp_path), made(store=tmp_path)
        one.snapshot("sms")
        two.snapshot("sms")
        clock.now += 240
        for each in (one, two):
            each._snapshots.renew()
            wait_for(lambda each=each: not each._snapshots._loading)  # type: ignore[misc]
        assert len(source.loads) == 2

    def test_is_not_held_up_by_opt_outs_that_take_their_time(
        self, source: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(suppress.serving.snapshots, "LOWEST_PAUSE", 0.05)

        class Slow(Gate):
            add_at_once = remove_at_once = 1

            def add(self, _numbers: Any, _channel: str) -> None:
                assert self.open.wait(10)

            def remove(self, _numbers: Any, _channel: str) -> None:
                """Nothing is removed here."""

        slow = Slow(LISTED)
        one = Suppressor(plugins=[slow], sources=["list"], store=tmp_path, ttl=0.5)
        one.snapshot("sms")
        loads = len(slow.loads)
        slow.load = lambda *a: ListSource.load(slow, *a)  # type: ignore[method-assign]
        slow.shut()
        one.add([OTHER], "sms")
        wait_for(lambda: len(slow.loads) >= loads + 2)
        slow.open.set()
        wait_for(lambda: not one.waiting())

    def test_happens_by_itself(self, source: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(suppress.serving.snapshots, "LOWEST_PAUSE", 0.05)
        suppressor = Suppressor(plugins=[source], sources=["list"], store=None, ttl=0.5)
        suppressor.snapshot("sms")
        wait_for(lambda: len(source.loads) >= 3)

    @pytest.mark.parametrize("ttl", [0, 1e-9, 0.01])
    def test_pauses_however_short_the_time_is(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock, ttl: float
    ) -> None:
        suppressor = made(ttl=ttl)

        def slow() -> Any:
            clock.now += 3
            return listed(LISTED)

        source.instead = slow
        suppressor.snapshot("sms")
        for loads in (1, 2, 3):
            assert suppressor._snapshots.renew() == pytest.approx(LOWEST_PAUSE)
            assert len(source.loads) == loads
            clock.now += LOWEST_PAUSE
            suppressor._snapshots.renew()
            wait_for(lambda: not suppressor._snapshots._loading)

    def test_pauses_in_its_thread(self, source: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(suppress.serving.snapshots, "LOWEST_PAUSE", 0.1)
        suppressor = Suppressor(plugins=[source], sources=["list"], store=None, ttl=0)
        suppressor.snapshot("sms")
        time.sleep(0.35)
        assert 2 <= len(source.loads) <= 5

    def test_its_thread_ends_with_its_suppressor(self, source: Gate) -> None:
        suppressor = Suppressor(plugins=[source], sources=["list"], store=None)
        suppressor.snapshot("sms")
        thread = suppressor._renewing._thread if suppressor._renewing else None
        assert thread
        assert thread.is_alive()
        gone = weakref.ref(suppressor)
        del suppressor

        def is_gone() -> bool:
            gc.collect()  # its thread may be in the middle of a step
            return gone() is None

        wait_for(is_gone)
        thread.join(10)
        assert not thread.is_alive()


class TestFailing:
    def test_nobody_waits_for_a_source_that_fails(
        self,
        made: Callable[..., Suppressor],
        source: Gate,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 240
        suppressor._snapshots.renew()
        wait_for(lambda: suppressor.failure("sms") is not None)
        wait_for(lambda: not suppressor._snapshots._loading)
        clock.now += 60  # its time is over
        source.shut()
        for _ in range(3):
            assert suppressor.is_suppressed(LISTED, "sms")
        assert source.begun.wait(10), "it is asked again, but nobody waits for it"
        source.open.set()
        wait_for(lambda: not suppressor._snapshots._loading)
        assert "cannot be read since 2023-11-14T22:17:20+00:00" in caplog.messages[-1]
        assert len(source.loads) == 3

    def test_a_source_that_recovers_is_used(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 300
        suppressor.snapshot("sms")
        assert suppressor.failure("sms")
        source.failure, source.entries = None, listed(OTHER)
        assert suppressor._snapshots.renew() == pytest.approx(5)
        clock.now += 5
        suppressor._snapshots.renew()
        wait_for(lambda: suppressor.failure("sms") is None)
        assert suppressor.is_suppressed(OTHER, "sms")

    def test_the_failure_is_known_to_other_processes(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock, tmp_path: Path
    ) -> None:
        made(store=tmp_path).snapshot("sms")
        clock.now += 300
        source.failure = SourceError("down.")
        made(store=tmp_path).snapshot("sms")
        assert len(source.loads) == 2
        other = made(store=tmp_path)
        assert other.is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2, "it rests"
        failure = other.failure("sms")
        assert failure
        assert failure.since == clock.now
        assert "down." in failure.message
        clock.now += 10
        source.failure = None
        other.refresh("sms")
        assert made(store=tmp_path).failure("sms") is None

    def test_one_that_failed_while_the_snapshot_is_young_is_read_again_once(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock, tmp_path: Path
    ) -> None:
        """Not over and over, since the young snapshot would do."""
        suppressor = made(store=tmp_path)
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 1
        with pytest.raises(StopListUnavailable):
            suppressor.refresh("sms")
        source.failure = None
        clock.now += 5
        suppressor._snapshots.renew()
        wait_for(lambda: not suppressor._snapshots._loading)
        assert len(source.loads) == 3
        assert suppressor.failure("sms") is None
        assert suppressor._snapshots.renew() > 200

    def test_another_process_that_has_less_patience_is_no_failure_of_the_source(
        self, made: Callable[..., Suppressor], source: Gate, tmp_path: Path
    ) -> None:
        one, other = made(store=tmp_path), made(store=tmp_path, load_timeout=0.1)
        lock = one._store.exclusive(one._snapshots._keys["sms"], lease=60)
        other._snapshots._reader._timer = time.monotonic
        with lock, pytest.raises(StopListUnavailable, match="Another process has been reading"):
            other.snapshot("sms")
        assert one.failure("sms") is None
        assert one.is_suppressed(LISTED, "sms")

    def test_a_source_that_hangs_is_given_up(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock, tmp_path: Path
    ) -> None:
        suppressor = made(load_timeout=0.1, store=tmp_path)
        source.shut()
        with pytest.raises(StopListUnavailable, match=r"within 0\.1 s \(SUPPRESS_LOAD_TIMEOUT\)"):
            suppressor.snapshot("sms")
        source.open.set()
        clock.now += 5
        # It holds no lock any more, and what it gives later on is not used.
        assert made(store=tmp_path).is_suppressed(LISTED, "sms")

    def test_a_source_that_hangs_is_not_asked_again(
        self, source: Gate, clock: Clock, tmp_path: Path
    ) -> None:
        """Each try would leave a thread behind."""
        other = ListSource(listed(OTHER, channels=["viber"]), name="other", channels=["viber"])
        suppressor = Suppressor(
            plugins=[source, other],
            store=tmp_path,
            load_timeout=0.05,
            background=False,
            clock=clock,
            timer=clock,
        )
        source.channels = ("sms",)
        source.shut()
        before = threading.active_count()
        with pytest.raises(StopListUnavailable, match="the source 'list' takes longer"):
            suppressor.snapshot("sms")
        for _ in range(5):
            clock.now += 10
            with pytest.raises(StopListUnavailable, match=r"'list' has not answered for \d+ s"):
                suppressor.snapshot("sms")
        with pytest.raises(StopListUnavailable, match="has not answered"):
            suppressor.refresh()
        assert threading.active_count() == before + 1
        clock.now += 10
        assert suppressor.is_suppressed(OTHER, "viber"), "another source is read all the same"
        source.open.set()
        wait_for(lambda: threading.active_count() == before)
        clock.now += 10
        assert suppressor.is_suppressed(LISTED, "sms")

    def test_one_that_hangs_here_does_not_keep_others_from_asking(
        self, made: Callable[..., Suppressor], source: Gate, clock: Clock, tmp_path: Path
    ) -> None:
        one, other = made(load_timeout=0.05, store=tmp_path), made(store=tmp_path)
        source.shut()
        with pytest.raises(StopListUnavailable):
            one.snapshot("sms")
        clock.now += 10
        source.load = lambda *a: ListSource.load(source, *a)  # type: ignore[method-assign]
        with pytest.raises(StopListUnavailable, match="has not answered"):
            one.snapshot("sms")
        assert other.is_suppressed(LISTED, "sms")
        assert one.is_suppressed(LISTED, "sms"), "it uses what the other has read"

    def test_a_source_that_goes_on_and_on_is_stopped(
        self, made: Callable[..., Suppressor], source: Gate
    ) -> None:
        stopped = threading.Event()

        def endless(_channels: Any, progress: suppress.Progress) -> Any:
            try:
                while True:
                    time.sleep(0.001)
                    progress(0, None)
            finally:
                stopped.set()

        source.load = endless  # type: ignore[method-assign]
        with pytest.raises(StopListUnavailable, match="SUPPRESS_LOAD_TIMEOUT"):
            made(load_timeout=0.1).snapshot("sms")
        assert stopped.wait(10)

    def test_the_old_snapshot_serves_when_reading_takes_long(
        self,
        made: Callable[..., Suppressor],
        source: Gate,
        clock: Clock,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(suppress.serving.snapshots, "PATIENCE", 0.05)
        suppressor = made()
        suppressor.snapshot("sms")
        clock.now += 300
        source.shut()
        assert suppressor.is_suppressed(LISTED, "sms")
        assert "is still being read" in caplog.messages[-1]
        monkeypatch.setattr(suppress.serving.snapshots, "PATIENCE", 60)
        assert suppressor.is_suppressed(LISTED, "sms"), "the next one does not wait at all"
        clock.now += 3600
        source.open.set()
        assert suppressor.is_suppressed(LISTED, "sms")


class TestAsyncio:
    @pytest.fixture(autouse=True)
    def default(self, made: Callable[..., Suppressor], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("suppress.default._made", made(default_region="US"))

    def test_the_loop_goes_on_while_the_list_is_read(self, source: Gate) -> None:
        async def main() -> list[str]:
            source.shut()
            screening = asyncio.create_task(
                suppress.aio.filter_recipients([LISTED, OTHER], "sms", default_region="US")
            )
            while not source.begun.is_set():
                await asyncio.sleep(0.001)
            # The loop runs, or nobody would open the gate.
            source.open.set()
            return await screening

        assert asyncio.run(main()) == [OTHER]

    def test_all_have_a_twin(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        source = ListSource(listed(LISTED))
        one = Suppressor(plugins=[source], sources=["list"], store=tmp_path, background=False)
        monkeypatch.setattr("suppress.default._made", one)

        async def main() -> None:
            assert await suppress.aio.is_suppressed(LISTED, "sms")
            assert (await suppress.aio.screen([OTHER], "sms")).counts["allowed"] == 1
            assert (await suppress.aio.refresh("sms"))["sms"].count == 1
            assert await suppress.aio.add([OTHER], "sms") == 1
            assert await suppress.aio.is_suppressed(OTHER, "sms")
            assert await suppress.aio.remove([LISTED, OTHER], "sms") == {
                LISTED: ("list",),
                OTHER: (),
            }
            with pytest.raises(suppress.UnknownChannel):
                await suppress.aio.filter_recipients([OTHER], "smss")

        asyncio.run(main())

    def test_cancelled_calls_leave_the_machine_to_others(self, source: Gate) -> None:
        async def main() -> list[str]:
            source.shut()
            for _ in range(3):
                screenings = [
                    asyncio.create_task(suppress.aio.is_suppressed(OTHER, "sms"))
                    for _ in range(200)
                ]
                refreshes = [asyncio.create_task(suppress.aio.refresh("sms")) for _ in range(40)]
                while not source.begun.is_set():
                    await asyncio.sleep(0.001)
                for each in (*screenings, *refreshes):
                    each.cancel()
            began = time.monotonic()
            await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 80)
            names = [each.name for each in threading.enumerate()]
            assert names.count("suppress") < 80
            source.open.set()
            allowed = await suppress.aio.filter_recipients(numbers=[LISTED, OTHER], channel="sms")
            assert time.monotonic() - began < 5
            return allowed

        assert asyncio.run(main()) == [OTHER]

    def test_a_channel_that_waits_holds_up_no_other(self, source: Gate, clock: Clock) -> None:
        async def main() -> bool:
            await suppress.aio.refresh("viber")
            source.shut()
            waiting = [
                asyncio.create_task(suppress.aio.is_suppressed(OTHER, "sms")) for _ in range(100)
            ]
            await asyncio.sleep(0)
            found = await suppress.aio.is_suppressed(OTHER, "viber")
            source.open.set()
            assert not any(await asyncio.gather(*waiting))
            return found

        assert asyncio.run(main()) is False

    def test_all_who_wait_get_the_error(
        self, source: Gate, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.failure = SourceError("it is down")

        async def main() -> list[Any]:
            source.shut()
            calls = [
                asyncio.create_task(suppress.aio.is_suppressed(OTHER, "sms")) for _ in range(9)
            ]
            await asyncio.sleep(0.01)
            calls[0].cancel()
            source.open.set()
            return await asyncio.gather(*calls, return_exceptions=True)

        found = asyncio.run(main())
        assert isinstance(found[0], asyncio.CancelledError)
        assert {type(each) for each in found[1:]} == {StopListUnavailable}
        gc.collect()
        assert "never retrieved" not in caplog.text

    def test_a_function_of_ones_own_in_a_thread(self, made: Callable[..., Suppressor]) -> None:
        one = made()
        numbers = [LISTED, OTHER]
        awaited = suppress.aio.in_thread(one.filter_recipients, numbers, channel="sms")
        assert asyncio.run(awaited) == [OTHER]

    def test_documentation_and_names_are_those_of_the_functions(self) -> None:
        names = [
            "add",
            "filter_recipients",
            "is_suppressed",
            "refresh",
            "remove",
            "screen",
            "status",
        ]
        for name in names:
            twin, function = getattr(suppress.aio, name), getattr(suppress, name)
            assert twin.__doc__ == function.__doc__
            assert inspect.iscoroutinefunction(twin)


def test_threads_that_ask_for_several_channels(
    made: Callable[..., Suppressor], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Locks are taken in one order, so that no two wait for each other."""
    caplog.set_level(logging.WARNING)
    suppressors = [made(store=tmp_path) for _ in range(4)]
    threads = [
        threading.Thread(target=each.refresh, args=(channels,))
        for each, channels in zip(
            suppressors, [("sms", "viber"), ("viber", "sms"), "sms", "viber"], strict=True
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert not caplog.records


class Owner:
    """Has something done in the background that fails."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error
        self.steps = threading.Semaphore(0)
        self.background = Background(self.step)

    def step(self) -> float:
        self.steps.release()
        raise self.error


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_the_background_survives_what_fails_in_it(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    owner = Owner(error)
    for _ in range(3):
        owner.background.wake()
        assert owner.steps.acquire(timeout=10)
        wait_for(lambda: "in the background has failed" in caplog.text)
        caplog.clear()
