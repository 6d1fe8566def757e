"""Events: each is told with its counts, to every listener, and a failing one harms nothing."""

import contextlib
import io
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import Clock, ListSource, by_hand, listed
from support.takers import Taker
from suppress import (
    ConfigurationError,
    Event,
    FollowedList,
    InvalidNumber,
    Listener,
    ListFailed,
    ListLoaded,
    OptOutsChanged,
    OptOutsDelivered,
    RecipientsScreened,
    Rows,
    SendBypassed,
    StopListUnavailable,
    Suppressor,
)

LISTED, OTHER, THIRD = "+14155552671", "+14155552672", "+14155552673"


class Watch:
    """A plugin that keeps the events it is told, in order."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @suppress.hookimpl
    def suppress_listener(self, suppressor: Suppressor) -> Listener:
        return self.events.append

    def take(self) -> list[Event]:
        """Return the events since the last time, without their seconds."""
        events, self.events[:] = list(self.events), []
        for event in events:
            if hasattr(event, "seconds"):
                assert event.seconds >= 0
                object.__setattr__(event, "seconds", 0.0)
        return events


@pytest.fixture
def watch() -> Watch:
    return Watch()


def watched(watch: Any, source: ListSource, clock: Clock | None = None, **arguments: Any) -> Any:
    clock = clock or Clock()
    given: dict[str, Any] = {"sources": [source.name], "store": "none", **arguments}
    return Suppressor(plugins=[source, watch], background=False, clock=clock, timer=clock, **given)


class TestLists:
    def test_a_reading_is_told_for_each_channel(self, watch: Watch) -> None:
        source = ListSource(listed(LISTED, OTHER))
        watched(watch, source).refresh()
        assert watch.take() == [
            ListLoaded("sms", ("list",), 2, 0.0),
            ListLoaded("viber", ("list",), 0, 0.0),
        ]

    def test_a_reading_that_failed_is_told_with_the_reason(self, watch: Watch) -> None:
        source = ListSource()
        source.failure = suppress.SourceError("It does not answer. Try again later.")
        with pytest.raises(StopListUnavailable):
            watched(watch, source).is_suppressed(OTHER, "sms")
        (failed,) = watch.take()
        assert isinstance(failed, ListFailed)
        assert (failed.channel, failed.sources) == ("sms", ("list",))
        assert "It does not answer." in failed.error

    def test_a_list_that_is_not_believed_has_failed(self, watch: Watch) -> None:
        source = ListSource(listed(*range(14155550000, 14155550200)))
        suppressor = watched(watch, source)
        suppressor.refresh("sms")
        source.entries = []
        with pytest.raises(StopListUnavailable):
            suppressor.refresh("sms")
        assert [type(each) for each in watch.take()] == [ListLoaded, ListFailed]

    def test_a_list_from_the_store_was_not_read(self, watch: Watch, tmp_path: Path) -> None:
        source, clock = ListSource(listed(LISTED)), Clock()
        by_hand(source, clock=clock, store=tmp_path).refresh("sms")
        watched(watch, source, clock, store=tmp_path).snapshot("sms")
        assert watch.take() == []


Ask = Callable[[Suppressor, list[str]], object]


def is_suppressed(suppressor: Suppressor, numbers: Iterable[str]) -> None:
    for number in numbers:
        with contextlib.suppress(InvalidNumber):
            suppressor.is_suppressed(number, "sms")


def rows(suppressor: Suppressor, numbers: Iterable[str]) -> None:
    text = "".join(f"{each}\n" for each in numbers).encode()
    suppress.screen_rows(Rows(io.BytesIO(text)), FollowedList(suppressor, "sms"))


def frame(suppressor: Suppressor, numbers: list[str]) -> None:
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("narwhals")
    table = pa.table({"phone": numbers})
    suppress.filter_frame(table, "sms", column="phone", suppressor=suppressor)


def duckdb(suppressor: Suppressor, numbers: list[str]) -> None:
    connection = pytest.importorskip("duckdb").connect()
    suppress.sql.register(connection, suppressor=suppressor)
    values = ", ".join(f"('{each}')" for each in numbers)
    connection.sql(f"SELECT outcome(n, 'sms') FROM (VALUES {values}) t(n)").fetchall()


class TestScreenings:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda suppressor, numbers: suppressor.filter_recipients(numbers, "sms"),
            lambda suppressor, numbers: suppressor.screen(numbers, "sms"),
            is_suppressed,
            rows,
            frame,
            duckdb,
        ],
        ids=["filter", "screen", "single", "rows", "frame", "sql"],
    )
    def test_all_outcomes_are_told(self, ask: Ask, watch: Watch) -> None:
        suppressor = watched(watch, ListSource(listed(LISTED)))
        suppressor.snapshot("sms")
        watch.take()
        ask(suppressor, [LISTED, OTHER, "+1", THIRD])
        told = [each for each in watch.take() if isinstance(each, RecipientsScreened)]
        assert {each.channel for each in told} == {"sms"}
        counts = [(each.allowed, each.suppressed, each.invalid) for each in told]
        assert tuple(map(sum, zip(*counts, strict=True))) == (2, 1, 1)
        assert len(told) == (4 if ask is is_suppressed else 1)

    def test_what_cannot_be_answered_is_not_told(self, watch: Watch) -> None:
        source = ListSource()
        source.failure = suppress.SourceError("It does not answer.")
        suppressor = watched(watch, source)
        for ask in (suppressor.filter_recipients, suppressor.screen):
            with pytest.raises(StopListUnavailable):
                ask([OTHER], "sms")
        with pytest.raises(StopListUnavailable):
            suppressor.is_suppressed(OTHER, "sms")
        assert {type(each) for each in watch.take()} == {ListFailed}


class TestOptOuts:
    @pytest.fixture
    def taker(self) -> Taker:
        return Taker()

    @pytest.fixture
    def suppressor(self, watch: Watch, taker: Taker, tmp_path: Path) -> Suppressor:
        found: Suppressor = watched(watch, taker, store=tmp_path)
        found.refresh()
        watch.take()
        return found

    def test_the_new_ones_are_counted(self, suppressor: Suppressor, watch: Watch) -> None:
        suppressor.add([LISTED], "sms")
        suppressor.add([LISTED, OTHER], "sms")
        suppressor.add([LISTED], "sms")
        suppressor.remove([OTHER], "sms")
        assert watch.take() == [
            OptOutsChanged("sms", "add", 1),
            OptOutsChanged("sms", "add", 1),
            OptOutsChanged("sms", "remove", 1),
        ]

    def test_a_delivery_is_told(self, suppressor: Suppressor, watch: Watch) -> None:
        suppressor.add([LISTED, OTHER], "sms")
        watch.take()
        suppressor.pass_on()
        assert watch.take() == [OptOutsDelivered("list", "sms", "add", "taken", 2, 0.0)]

    def test_what_is_not_taken_is_told(
        self, suppressor: Suppressor, watch: Watch, taker: Taker
    ) -> None:
        taker.poison = {LISTED}
        suppressor.add([LISTED], "sms")
        suppressor.pass_on()
        taker.down = OSError("no route to host")
        suppressor.add([OTHER], "sms")
        suppressor.pass_on()
        told = [each for each in watch.take() if isinstance(each, OptOutsDelivered)]
        assert [each.outcome for each in told] == ["refused", "failed"]
        assert [each.error for each in told] == ["no such number.", "OSError: no route to host."]


class TestBypass:
    def test_each_send_is_told_with_the_reason(self, watch: Watch) -> None:
        suppressor = watched(watch, ListSource(listed(LISTED)))

        @suppress.guard(channel="sms", to="phone", suppressor=suppressor)
        def send(phone: str) -> str:
            return "sent"

        with suppress.bypass(reason=f"confirms the opt-out of {LISTED}"):
            assert send(LISTED) == "sent"
        (event,) = watch.take()
        assert event == SendBypassed("sms", "confirms the opt-out of +141******71")

    def test_it_sends_without_any_settings(self) -> None:
        @suppress.guard(channel="sms", to="phone")
        def send(phone: str) -> str:
            return "sent"

        with suppress.bypass(reason="a password"):
            assert send(LISTED) == "sent"

    def test_a_guarded_send_is_counted_once(self, watch: Watch) -> None:
        suppressor = watched(watch, ListSource(listed(LISTED)))
        suppressor.refresh()
        watch.take()

        @suppress.guard(channel="sms", to="phone", on_suppressed="skip", suppressor=suppressor)
        def send(phone: str) -> str:
            return "sent"

        assert send(LISTED) is None
        assert watch.take() == [RecipientsScreened("sms", 0, 1, 0, 0.0)]


class Failing:
    @suppress.hookimpl
    def suppress_listener(self, suppressor: Suppressor) -> Listener:
        def fail(event: Event) -> None:
            raise RuntimeError("the listener is broken")

        return fail


class TestListeners:
    def test_one_that_fails_is_logged_once_and_harms_nothing(
        self, watch: Watch, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = ListSource(listed(LISTED))
        suppressor = Suppressor(
            plugins=[source, Failing(), watch], background=False, sources=["list"], store="none"
        )
        with caplog.at_level(logging.WARNING):
            assert suppressor.filter_recipients([LISTED, OTHER], "sms") == [OTHER]
            assert suppressor.is_suppressed(LISTED, "sms")
        assert [type(each).__name__ for each in watch.take()] == [
            "ListLoaded",
            "RecipientsScreened",
            "RecipientsScreened",
        ]
        (record,) = caplog.records
        assert "A listener of events has failed" in record.getMessage()

    def test_a_plugin_that_cannot_offer_one_is_named(self) -> None:
        class Broken:
            @suppress.hookimpl
            def suppress_listener(self, suppressor: Suppressor) -> Listener:
                raise RuntimeError("no such thing")

        with pytest.raises(ConfigurationError, match=r"cannot offer its listener \(RuntimeError"):
            watched(Broken(), ListSource(listed(LISTED)))
