"""Lists are kept recent even if nobody asks, and then no question waits for long."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress.testing
from support.builders import Clock, GatedSource, by_hand, row, wait_for
from support.children import KEY, keep_recent_over_a_fork, started
from suppress import Health, SourceError, State, StopListUnavailable, Suppressor, UnknownChannel
from suppress.opt_outs.record import OptOutsUnreadable
from suppress.serving.limits import ServingLimits
from suppress_bsg.sandbox import Sandbox

LISTED, OTHER = "+14155552671", "+14155552672"
QUICK = ServingLimits(max_wait=0.05, retry_delay=0.05, min_pause=0.01)


@pytest.fixture
def source() -> Iterator[GatedSource]:
    source = GatedSource(LISTED)
    yield source
    source.open.set()


def kept(source: GatedSource, limits: ServingLimits = QUICK, **arguments: Any) -> Suppressor:
    """Return one of the source that keeps its channel `sms` recent."""
    given = {"store": None, **arguments}
    one = Suppressor(plugins=[source], sources=["list"], limits=limits, **given)
    one.keep_recent("sms")
    return one


def kept_by_hand(source: GatedSource, clock: Clock, **arguments: Any) -> Suppressor:
    """Return one that keeps its channel `sms` recent whenever the test lets it renew."""
    one = by_hand(source, clock=clock, **{"store": None, **arguments})
    one._kept_recent.add("sms")
    return one


def renew(one: Suppressor) -> float:
    """Renew what is due, and wait until it has been read; return the pause."""
    one._serving.renew()
    wait_for(lambda: not one._serving._flight.running("sms"))
    return one._serving.renew()


class TestKeeping:
    def test_a_list_is_read_though_nobody_asks(self, source: GatedSource) -> None:
        one = kept(source)
        assert one.status().health(["sms"]) in (Health.UNAVAILABLE, Health.READY)
        wait_for(lambda: one.status().health(["sms"]) is Health.READY)
        assert source.loads == [{"sms"}], "no other channel"

    def test_it_stays_recent_though_nobody_asks(self, source: GatedSource, clock: Clock) -> None:
        one = kept_by_hand(source, clock, ttl=300, max_stale=3600)
        for _ in range(40):
            assert renew(one) == pytest.approx(240)
            assert one.status().health(["sms"]) is Health.READY
            clock.now += 240
        assert len(source.loads) == 40

    def test_all_channels_are_kept_if_none_is_named(self, source: GatedSource) -> None:
        one = Suppressor(plugins=[source], sources=["list"], store=None)
        one.keep_recent()
        wait_for(lambda: one.status().health(["sms", "viber"]) is Health.READY)

    def test_a_channel_that_no_source_serves_is_an_error(self, source: GatedSource) -> None:
        one = Suppressor(plugins=[source], sources=["list"], store=None)
        with pytest.raises(UnknownChannel, match="'smss'"):
            one.keep_recent("sms", "smss")
        assert not one._kept_recent

    def test_without_the_background_nothing_is_kept(
        self, source: GatedSource, clock: Clock
    ) -> None:
        one = by_hand(source, clock=clock, store=None)
        one.keep_recent("sms")
        assert one._serving.renew() == float("inf")
        assert one.status().channels["sms"].state is State.MISSING

    def test_a_stop_list_for_tests_starts_no_thread(self) -> None:
        before = threading.active_count()
        with suppress.testing.stop_list(sms=[LISTED]) as one:
            suppress.keep_recent("sms")
            assert suppress.status().channels["sms"].may_serve
            with one.unavailable():
                assert not suppress.status().channels["sms"].may_serve
                with pytest.raises(StopListUnavailable):
                    suppress.is_suppressed(OTHER, "sms")
            assert suppress.status().channels["sms"].may_serve
        assert threading.active_count() == before

    def test_it_returns_at_once_whatever_the_source_does(self, source: GatedSource) -> None:
        source.shut()
        began = time.monotonic()
        one = kept(source)
        assert one.status().health(["sms"]) is Health.UNAVAILABLE
        assert time.monotonic() - began < 5
        source.open.set()
        wait_for(lambda: one.status().health(["sms"]) is Health.READY)

    def test_many_processes_read_a_list_once(
        self, source: GatedSource, clock: Clock, tmp_path: Path
    ) -> None:
        several = [kept_by_hand(source, clock, store=tmp_path) for _ in range(4)]
        for loads in (1, 2, 3):
            for one in several:
                renew(one)
            assert len(source.loads) == loads
            clock.now += 240

    def test_no_thread_is_no_error(
        self, source: GatedSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_thread: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as context:
            context.setattr("threading.Thread.start", refuse)
            one = kept(source)
        one.keep_recent("sms")
        wait_for(lambda: one.status().health(["sms"]) is Health.READY)

    def test_the_function(self, source: GatedSource, monkeypatch: pytest.MonkeyPatch) -> None:
        one = Suppressor(plugins=[source], sources=["list"], store=None)
        monkeypatch.setattr("suppress.default._made", one)
        suppress.keep_recent("sms")
        wait_for(lambda: suppress.status().channels["sms"].may_serve)
        assert not suppress.status().channels["viber"].may_serve

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.slow
    def test_it_goes_on_in_a_process_that_is_forked(self) -> None:
        with (
            Sandbox([row(1, 14155552671, "sms")], api_key=KEY) as server,
            started(keep_recent_over_a_fork, server.url) as (_process, pipe),
        ):
            assert pipe.poll(30)
            before, after = pipe.recv()
        assert after > before, "the child has read the list again, though nobody asked"

    def test_a_script_ends_at_once(self, tmp_path: Path) -> None:
        script = tmp_path / "script.py"
        script.write_text(SCRIPT)
        environ = {**os.environ, "SUPPRESS_STORE": str(tmp_path / "store")}
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, script], env=environ, capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("reading\n", "")
        assert time.monotonic() - began < 20


SCRIPT = """
import time
import suppress


class Hanging:
    name = "hanging"
    channels = ("sms",)

    def load(self, channels, progress):
        print("reading", flush=True)
        time.sleep(300)

    @suppress.hookimpl
    def suppress_sources(self):
        return self


one = suppress.Suppressor(plugins=[Hanging()], sources=["hanging"])
one.keep_recent("sms")
time.sleep(0.5)
"""


class TestQuestions:
    """Nobody waits longer than a moment for a list that is kept recent."""

    def test_a_source_that_hangs_holds_up_nobody(
        self, source: GatedSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.shut()
        one = kept(source)
        for question in (
            lambda: one.is_suppressed(OTHER, "sms"),
            lambda: one.filter_recipients([OTHER], "sms"),
        ):
            with pytest.raises(StopListUnavailable, match=r"within 0\.05 s, and is still") as error:
                question()
            assert error.value.retryable
            assert "Nothing may be sent" in str(error.value)
        assert len(source.loads) == 0, "the reading goes on"
        source.open.set()
        wait_for(lambda: one.status().health(["sms"]) is Health.READY)
        assert one.filter_recipients([LISTED, OTHER], "sms") == [OTHER]
        assert len(source.loads) == 1

    def test_only_the_first_waits(self, source: GatedSource) -> None:
        source.shut()
        one = kept(source, QUICK._replace(max_wait=0.5))
        with pytest.raises(StopListUnavailable):
            one.snapshot("sms")
        began = time.monotonic()
        for _ in range(100):
            with pytest.raises(StopListUnavailable, match="is still being read"):
                one.snapshot("sms")
        assert time.monotonic() - began < 10

    def test_a_list_that_comes_in_time_is_waited_for(self, source: GatedSource) -> None:
        source.shut()
        one = kept(source, QUICK._replace(max_wait=30))
        threading.Timer(0.2, source.open.set).start()
        assert one.is_suppressed(LISTED, "sms")

    def test_whoever_does_not_keep_it_waits_until_it_has_been_read(
        self, source: GatedSource
    ) -> None:
        """A script that gave up would end, and never get a list that takes long."""
        source.shut()
        one = Suppressor(plugins=[source], sources=["list"], store=None, limits=QUICK)
        threading.Timer(0.3, source.open.set).start()
        assert one.is_suppressed(LISTED, "sms")

    def test_while_an_old_list_may_serve_it_does(
        self, source: GatedSource, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = kept_by_hand(source, clock, ttl=300, max_stale=3600, limits=QUICK)
        renew(one)
        clock.now += 3000
        source.shut()
        assert one.is_suppressed(LISTED, "sms")
        assert "Until then the last copy is used" in caplog.text
        caplog.clear()
        clock.now += 601
        with pytest.raises(StopListUnavailable, match="is still being read"):
            one.is_suppressed(LISTED, "sms")
        assert "the last copy is used" not in caplog.text
        source.open.set()
        wait_for(lambda: one.status().channels["sms"].may_serve)
        assert one.is_suppressed(LISTED, "sms")


def code_of(record: logging.LogRecord) -> str:
    return str(vars(record)["code"])


class TestReports:
    """Nobody may ask, so nobody would see an error: it is logged, once."""

    def test_a_list_that_cannot_be_read(
        self, source: GatedSource, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = kept_by_hand(source, clock)
        source.failure = SourceError("down.")
        for _ in range(3):
            assert renew(one) == pytest.approx(5)
            clock.now += 5
        assert len(source.loads) == 3, "it is asked again every few seconds"
        (record,) = caplog.records
        assert (record.levelno, code_of(record)) == (logging.WARNING, "list_unavailable")
        assert "down. Nothing may be sent until the list can be read." in record.message
        caplog.clear()
        source.failure = None
        renew(one)
        assert not caplog.records
        source.failure = SourceError("down.")
        clock.now += 3601
        renew(one)
        assert [code_of(each) for each in caplog.records] == ["list_unavailable"], "once more"

    def test_a_list_that_takes_long(
        self, source: GatedSource, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = kept_by_hand(source, clock, limits=QUICK)
        for _ in range(2):
            source.shut()
            one._serving.renew()
            for _ in range(3):
                with pytest.raises(StopListUnavailable):
                    one.is_suppressed(OTHER, "sms")
            (record,) = caplog.records
            assert (record.levelno, code_of(record)) == (logging.WARNING, "list_unavailable")
            assert "is still being read." in record.message
            assert "Nothing may be sent until the list can be read." in record.message
            source.failure = SourceError("down.")
            source.open.set()
            renew(one)
            assert len(caplog.records) == 2, "why it failed is known later"
            assert "down." in caplog.messages[1]
            source.shut()
            source.failure = None
            clock.now += 5
            one._serving.renew()
            with pytest.raises(StopListUnavailable):
                one.is_suppressed(OTHER, "sms")
            assert len(caplog.records) == 2, "it is the same hang"
            source.open.set()
            renew(one)
            assert one.status().channels["sms"].may_serve
            caplog.clear()
            clock.now += 3601

    def test_many_who_wait_for_a_list_that_takes_long_are_told_in_one_line(
        self, source: GatedSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.shut()
        one = kept(source, QUICK._replace(max_wait=0.5))
        refused = []

        def ask() -> None:
            with pytest.raises(StopListUnavailable):
                one.snapshot("sms")
            refused.append(1)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(refused) == 8
        assert [code_of(each) for each in caplog.records] == ["list_unavailable"]

    def test_a_list_that_takes_long_and_is_not_kept_recent_is_the_callers_affair(
        self, source: GatedSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.shut()
        one = Suppressor(plugins=[source], sources=["list"], store=None, limits=QUICK)
        threading.Timer(0.2, source.open.set).start()
        assert one.is_suppressed(LISTED, "sms")
        assert not caplog.records

    def test_opt_outs_that_cannot_be_read(
        self,
        source: GatedSource,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        one = kept_by_hand(source, clock)

        def unreadable(_channel: object) -> None:
            raise OptOutsUnreadable("The opt-outs cannot be read.")

        with monkeypatch.context() as context:
            context.setattr("suppress.serving.channel.Channel.sync", unreadable)
            for _ in range(3):
                assert one._serving.renew() == ServingLimits().retry_delay
        assert [code_of(each) for each in caplog.records] == ["list_unavailable"]
        renew(one)
        assert one.status().health(["sms"]) is Health.READY

    def test_an_error_that_nobody_foresaw_ends_nothing(
        self,
        source: GatedSource,
        clock: Clock,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        one = kept_by_hand(source, clock)

        def broken(_channel: object) -> None:
            raise KeyError(LISTED)

        with monkeypatch.context() as context:
            context.setattr("suppress.serving.channel.Channel.sync", broken)
            for _ in range(3):
                assert one._serving.renew() == ServingLimits().retry_delay
        assert caplog.messages == ["The sms stop list cannot be kept recent (KeyError)."]
        renew(one)
        assert one.status().health(["sms"]) is Health.READY

    def test_nobody_logs_what_a_caller_is_told(
        self, source: GatedSource, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = by_hand(source, clock=clock, store=None)
        source.failure = SourceError("down.")
        with pytest.raises(StopListUnavailable):
            one.is_suppressed(OTHER, "sms")
        assert not caplog.records
