"""Snapshots are renewed before their time is over, and nobody waits who need not."""

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import Clock, GatedSource, ListSource, by_hand, listed, wait_for
from suppress import SourceError, StopListUnavailable, Suppressor
from suppress.serving.limits import ServingLimits

LISTED, OTHER = "+14155552671", "+14155552672"


@pytest.fixture
def source() -> Iterator[GatedSource]:
    source = GatedSource(LISTED)
    yield source
    source.open.set()


@pytest.fixture
def made(source: GatedSource, clock: Clock) -> Callable[..., Suppressor]:
    def making(**arguments: Any) -> Suppressor:
        arguments = {"store": None, "ttl": 300, "max_stale": 3600, **arguments}
        return by_hand(source, clock=clock, **arguments)

    return making


def in_background(source: GatedSource, min_pause: float, **arguments: Any) -> Suppressor:
    """Return one that renews by itself, with a pause of so many seconds at least."""
    limits = ServingLimits(min_pause=min_pause)
    return Suppressor(plugins=[source], sources=["list"], limits=limits, **arguments)


class TestRenewal:
    def test_nobody_waits_for_it(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        clock.now += 239
        assert suppressor._serving.renew() == pytest.approx(1)
        assert len(source.loads) == 1
        clock.now += 1
        source.shut()
        source.entries = listed(OTHER)
        suppressor._serving.renew()
        assert source.begun.wait(10)
        # It is being read, and would wait for ever: whoever asks is answered all the same.
        assert suppressor.is_suppressed(LISTED, "sms")
        source.open.set()
        wait_for(lambda: suppressor.is_suppressed(OTHER, "sms"))
        assert len(source.loads) == 2
        assert suppressor._serving.renew() == pytest.approx(240)

    def test_one_that_takes_long_is_begun_earlier(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock
    ) -> None:
        suppressor = made()

        def slow() -> Any:
            clock.now += 50
            return listed(LISTED)

        source.instead = slow
        suppressor.snapshot("sms")
        assert suppressor._serving.renew() == pytest.approx(300 - 2 * 50 - 50)

    def test_what_nobody_asks_for_is_not_renewed(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock
    ) -> None:
        suppressor = made(max_stale=3600)
        suppressor.snapshot("sms")
        clock.now += 3600
        assert suppressor._serving.renew() == float("inf")
        assert len(source.loads) == 1
        suppressor.snapshot("sms")
        assert suppressor._serving.renew() < float("inf")

    def test_what_another_process_has_renewed_is_used(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock, tmp_path: Path
    ) -> None:
        one, two = made(store=tmp_path), made(store=tmp_path)
        one.snapshot("sms")
        two.snapshot("sms")
        clock.now += 240
        for each in (one, two):
            each._serving.renew()
            wait_for(lambda each=each: not each._serving._flight.running("sms"))  # type: ignore[misc]
        assert len(source.loads) == 2

    @pytest.mark.slow
    def test_is_not_held_up_by_opt_outs_that_take_their_time(
        self, source: GatedSource, tmp_path: Path
    ) -> None:

        class Slow(GatedSource):
            add_at_once = remove_at_once = 1

            def add(self, _numbers: Any, _channel: str) -> None:
                assert self.open.wait(10)

            def remove(self, _numbers: Any, _channel: str) -> None:
                """Nothing is removed here."""

        slow = Slow(LISTED)
        one = in_background(slow, 0.05, store=tmp_path, ttl=0.5)
        one.snapshot("sms")
        loads = len(slow.loads)
        slow.load = lambda *a: ListSource.load(slow, *a)  # type: ignore[method-assign]
        slow.shut()
        one.add([OTHER], "sms")
        wait_for(lambda: len(slow.loads) >= loads + 2)
        slow.open.set()
        wait_for(lambda: not one.waiting())

    @pytest.mark.slow
    def test_happens_by_itself(self, source: GatedSource) -> None:
        suppressor = in_background(source, 0.05, store=None, ttl=0.5)
        suppressor.snapshot("sms")
        wait_for(lambda: len(source.loads) >= 3)

    @pytest.mark.parametrize("ttl", [0, 1e-9, 0.01])
    def test_pauses_however_short_the_time_is(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock, ttl: float
    ) -> None:
        suppressor = made(ttl=ttl)

        def slow() -> Any:
            clock.now += 3
            return listed(LISTED)

        source.instead = slow
        suppressor.snapshot("sms")
        for loads in (1, 2, 3):
            assert suppressor._serving.renew() == pytest.approx(ServingLimits().min_pause)
            assert len(source.loads) == loads
            clock.now += ServingLimits().min_pause
            suppressor._serving.renew()
            wait_for(lambda: not suppressor._serving._flight.running("sms"))

    @pytest.mark.slow
    def test_pauses_in_its_thread(self, source: GatedSource) -> None:
        suppressor = in_background(source, 0.1, store=None, ttl=0)
        suppressor.snapshot("sms")
        time.sleep(0.35)
        assert 2 <= len(source.loads) <= 5

    @pytest.mark.slow
    def test_its_thread_ends_with_its_suppressor(self, source: GatedSource) -> None:
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
        source: GatedSource,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 240
        suppressor._serving.renew()
        wait_for(lambda: suppressor.status().channels["sms"].failure is not None)
        wait_for(lambda: not suppressor._serving._flight.running("sms"))
        clock.now += 60  # its time is over
        source.shut()
        for _ in range(3):
            assert suppressor.is_suppressed(LISTED, "sms")
        assert source.begun.wait(10), "it is asked again, but nobody waits for it"
        source.open.set()
        wait_for(lambda: not suppressor._serving._flight.running("sms"))
        assert "has failed to refresh since 2023-11-14T22:17:20+00:00" in caplog.messages[-1]
        assert len(source.loads) == 3

    def test_a_source_that_recovers_is_used(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock
    ) -> None:
        suppressor = made()
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 300
        suppressor.snapshot("sms")
        assert suppressor.status().channels["sms"].failure
        source.failure, source.entries = None, listed(OTHER)
        assert suppressor._serving.renew() == pytest.approx(5)
        clock.now += 5
        suppressor._serving.renew()
        wait_for(lambda: suppressor.status().channels["sms"].failure is None)
        assert suppressor.is_suppressed(OTHER, "sms")

    def test_the_failure_is_known_to_other_processes(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock, tmp_path: Path
    ) -> None:
        made(store=tmp_path).snapshot("sms")
        clock.now += 300
        source.failure = SourceError("down.")
        made(store=tmp_path).snapshot("sms")
        assert len(source.loads) == 2
        other = made(store=tmp_path)
        assert other.is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2, "it rests"
        failure = other.status().channels["sms"].failure
        assert failure
        assert failure.since == clock.now
        assert "down." in failure.message
        clock.now += 10
        source.failure = None
        other.refresh("sms")
        assert made(store=tmp_path).status().channels["sms"].failure is None

    def test_one_that_failed_while_the_snapshot_is_young_is_read_again_once(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock, tmp_path: Path
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
        suppressor._serving.renew()
        wait_for(lambda: not suppressor._serving._flight.running("sms"))
        assert len(source.loads) == 3
        assert suppressor.status().channels["sms"].failure is None
        assert suppressor._serving.renew() > 200

    def test_another_process_that_has_less_patience_is_no_failure_of_the_source(
        self, made: Callable[..., Suppressor], source: GatedSource, tmp_path: Path
    ) -> None:
        one, other = made(store=tmp_path), made(store=tmp_path, load_timeout=0.1)
        lock = one._store.exclusive(one._serving._channels["sms"].key, lease=60)
        other._serving._flight._timer = time.monotonic
        with lock, pytest.raises(StopListUnavailable, match="Another process has been reading"):
            other.snapshot("sms")
        assert one.status().channels["sms"].failure is None
        assert one.is_suppressed(LISTED, "sms")

    def test_a_source_that_hangs_is_given_up(
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock, tmp_path: Path
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
        self, source: GatedSource, clock: Clock, tmp_path: Path
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
        self, made: Callable[..., Suppressor], source: GatedSource, clock: Clock, tmp_path: Path
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
        self, made: Callable[..., Suppressor], source: GatedSource
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
        source: GatedSource,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        suppressor = made(limits=ServingLimits(max_wait=0.05))
        suppressor.snapshot("sms")
        clock.now += 300
        source.shut()
        assert suppressor.is_suppressed(LISTED, "sms")
        assert "is still being read" in caplog.messages[-1]
        said = len(caplog.messages)
        assert suppressor.is_suppressed(LISTED, "sms")
        assert len(caplog.messages) == said, "the next one does not wait at all"
        clock.now += 3600
        source.open.set()
        assert suppressor.is_suppressed(LISTED, "sms")


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
