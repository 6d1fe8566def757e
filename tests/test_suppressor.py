"""The Suppressor: the snapshot that answers, when it is read again, and nothing sent in doubt."""

import io
import logging
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import Clock, ListSource, by_hand, listed
from suppress import (
    ConfigurationError,
    Entries,
    Entry,
    InvalidNumber,
    SourceError,
    StopListUnavailable,
    Suppressor,
    UnknownChannel,
)
from suppress.stores.image import FORMAT

LISTED, OTHER = "+14155552671", "+14155552672"


def made(*sources: ListSource, clock: Clock | None = None, **arguments: Any) -> Suppressor:
    arguments = {"store": "none", "default_region": "US", **arguments}
    return by_hand(*sources, clock=clock, **arguments)


@pytest.fixture
def source() -> ListSource:
    return ListSource(listed(LISTED))


@pytest.fixture
def no_store(tmp_path: Path) -> Path:
    """A store that cannot be made, so that there is no lock and all read at the same time."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "store"


def test_filter_recipients(source: ListSource) -> None:
    suppressor = made(source)
    numbers = ["(415) 555-2671", OTHER, 14155552671, OTHER, "x"]
    assert suppressor.filter_recipients(numbers, "sms") == [OTHER, OTHER]
    assert suppressor.filter_recipients([{"to": OTHER}], "sms", key=lambda each: each["to"]) == [
        {"to": OTHER}
    ]
    assert repr(suppressor) == "<Suppressor: list for sms, viber>"


def test_is_suppressed(source: ListSource) -> None:
    suppressor = made(source)
    assert suppressor.is_suppressed("(415) 555-2671", "sms")
    assert suppressor.is_suppressed(14155552671, "sms")
    assert not suppressor.is_suppressed(OTHER, "sms")
    assert not suppressor.is_suppressed(LISTED, "viber")
    for odd in ("x", "", None, True, 1.5):
        with pytest.raises(InvalidNumber):
            suppressor.is_suppressed(odd, "sms")


def test_the_region_of_the_call_wins(source: ListSource) -> None:
    suppressor = made(source)
    source.entries = listed("+442079460958")
    assert suppressor.is_suppressed("020 7946 0958", "sms", default_region="GB")
    assert suppressor.screen(["020 7946 0958"], "sms", default_region="gb").suppressed
    with pytest.raises(ConfigurationError, match="UK"):
        suppressor.filter_recipients(["020 7946 0958"], "sms", default_region="UK")


@pytest.mark.parametrize("channel", ["smss", "SMS", "", "whatsapp"])
def test_a_channel_that_no_source_serves(source: ListSource, channel: str) -> None:
    suppressor = made(source)
    message = "Served are: sms, viber"
    with pytest.raises(UnknownChannel, match=message):
        suppressor.filter_recipients([], channel)
    with pytest.raises(UnknownChannel, match=message):
        suppressor.is_suppressed(OTHER, channel)
    with pytest.raises(UnknownChannel, match=message):
        suppressor.refresh(channel)
    assert not source.loads


def test_a_number_in_place_of_a_name_is_not_shown(source: ListSource) -> None:
    suppressor = made(source)
    for number in (LISTED, int(LISTED)):
        with pytest.raises(UnknownChannel, match="Digits stand where the channel belongs") as odd:
            suppressor.is_suppressed("sms", number)  # type: ignore[arg-type]
        assert "4155552671" not in str(odd.value)
    with pytest.raises(suppress.ConfigurationError) as raised:
        suppressor.is_suppressed("sms", "sms", default_region=LISTED)
    assert "4155552671" not in str(raised.value)
    with pytest.raises(suppress.InputError) as missing:
        list(suppress.Rows(io.BytesIO(b"phone,b\n1,2\n"), name="a.csv", column=LISTED))
    assert "4155552671" not in str(missing.value)


class TestLoading:
    def test_on_first_use_and_when_its_time_is_over(self, source: ListSource) -> None:
        clock = Clock()
        suppressor = made(source, clock=clock, ttl=300)
        assert not source.loads
        suppressor.is_suppressed(OTHER, "sms")
        clock.now += 299
        suppressor.is_suppressed(OTHER, "sms")
        assert source.loads == [{"sms"}]
        source.entries = listed(OTHER)
        clock.now += 1
        assert suppressor.is_suppressed(OTHER, "sms")
        assert len(source.loads) == 2

    def test_read_at_is_when_the_reading_began(self) -> None:
        clock = Clock()

        class Slow(ListSource):
            def load(self, *args: Any) -> Any:
                clock.now += 60
                return super().load(*args)

        began = clock.now
        snapshot = made(Slow(listed(LISTED)), clock=clock).refresh("sms")["sms"]
        assert snapshot.read_at.timestamp() == began
        assert snapshot.read_at.utcoffset() is not None

    def test_a_clock_set_back_does_not_keep_a_snapshot_young(self, source: ListSource) -> None:
        clock = Clock()
        suppressor = Suppressor(
            plugins=[source], sources=["list"], store="none", clock=clock, timer=Clock()
        )
        suppressor.snapshot("sms")
        clock.now -= 3600
        suppressor.snapshot("sms")
        assert len(source.loads) == 2

    @pytest.mark.parametrize("stored", [False, True])
    def test_a_clock_set_back_does_not_keep_a_stale_snapshot_in_use(
        self, source: ListSource, tmp_path: Path, stored: bool
    ) -> None:
        clock, timer = Clock(), Clock()
        arguments: dict[str, Any] = {"plugins": [source], "sources": ["list"], "max_stale": 3600}
        arguments |= {"store": tmp_path, "background": False, "clock": clock, "timer": timer}
        suppressor = Suppressor(**arguments)
        suppressor.snapshot("sms")
        if stored:
            suppressor = Suppressor(**arguments)
            suppressor.snapshot("sms")
            assert len(source.loads) == 1
        source.failure = SourceError("down.")
        timer.now += 10 * 3600
        clock.now += 1800  # as if it had been set back by nine hours and a half
        with pytest.raises(StopListUnavailable, match="36000 s ago, longer than SUPPRESS_MAX"):
            suppressor.snapshot("sms")

    def test_a_snapshot_from_the_future_is_not_trusted(self, source: ListSource) -> None:
        """The clock was wrong, and was set back: how old the snapshot is nobody knows."""
        clock = Clock()
        suppressor = made(source, clock=clock)
        suppressor.snapshot("sms")
        clock.now -= 86400
        source.entries = listed(OTHER)
        suppressor.refresh("sms")
        assert suppressor.is_suppressed(OTHER, "sms")
        assert len(source.loads) == 2
        clock.now -= 86400
        source.failure = SourceError("down.")
        with pytest.raises(StopListUnavailable):
            suppressor.snapshot("sms")

    def test_a_load_that_was_begun_earlier_does_not_replace_a_later_one(
        self, source: ListSource, no_store: Path
    ) -> None:
        clock = Clock()
        suppressor = made(source, clock=clock, store=no_store)

        def overtaken() -> list[Entry]:
            entries, source.instead, source.entries = source.entries, None, listed(OTHER)
            clock.now += 1
            suppressor.refresh("sms")
            return entries

        source.instead = overtaken
        suppressor.snapshot("sms")
        assert suppressor.is_suppressed(OTHER, "sms")

    def test_many_threads_cause_one_load(self, source: ListSource) -> None:
        suppressor = made(source)
        everyone = threading.Barrier(8)
        second_load = threading.Event()

        def slow() -> list[Entry]:
            # Gives the others every chance to start a load of their own.
            if len(source.loads) > 1 or not second_load.wait(0.2):
                second_load.set()
            return source.entries

        source.instead = slow

        def ask(_: int) -> bool:
            everyone.wait()
            return suppressor.is_suppressed(LISTED, "sms")

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(ask, range(8)))
        assert len(source.loads) == 1

    def test_those_who_wait_get_the_same_error(self, source: ListSource) -> None:
        started, go_on = threading.Event(), threading.Event()
        suppressor = made(source)

        def failing() -> Any:
            started.set()
            go_on.wait()
            raise SourceError("down.")

        source.instead = failing
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(suppressor.snapshot, "sms")
            started.wait()
            second = pool.submit(suppressor.snapshot, "sms")
            go_on.set()
            for each in (first, second):
                with pytest.raises(StopListUnavailable, match=r"down\."):
                    each.result()

    def test_an_interrupt_ends_the_load_and_leaves_nothing_behind(self, source: ListSource) -> None:
        suppressor = made(source)
        source.failure = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            suppressor.snapshot("sms")
        source.failure = None
        assert suppressor.snapshot("sms").count == 1

    def test_refresh_reads_however_young_the_snapshot_is(self, source: ListSource) -> None:
        suppressor = made(source)
        suppressor.snapshot("sms")
        source.entries = listed(OTHER)
        snapshots = suppressor.refresh()
        assert sorted(snapshots) == ["sms", "viber"]
        assert source.loads[-1] == {"sms", "viber"}, "one pass for both"
        assert suppressor.is_suppressed(OTHER, "sms")
        assert suppressor.refresh("viber")["viber"].count == 0

    def test_a_channel_that_is_named_twice_is_read_once(
        self, source: ListSource, tmp_path: Path
    ) -> None:
        suppressor = made(source, store=tmp_path, load_timeout=2)
        assert list(suppressor.refresh(["sms", "sms"])) == ["sms"]
        assert len(source.loads) == 1

    def test_who_waited_gets_what_was_read_last(self, source: ListSource, no_store: Path) -> None:
        clock = Clock()
        suppressor = made(source, clock=clock, store=no_store)
        begun, go_on = threading.Event(), threading.Event()

        def slow() -> list[Entry]:
            entries, source.instead = source.entries, None
            begun.set()
            go_on.wait(10)
            return entries

        source.instead = slow
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(suppressor.snapshot, "sms")
            begun.wait(10)
            source.entries = listed(OTHER)
            clock.now += 1
            suppressor.refresh("sms")
            go_on.set()
            assert OTHER in waiting.result(10).numbers

    def test_a_thread_that_cannot_start_leaves_nobody_waiting(
        self, source: ListSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        suppressor = made(source)

        def refusing(_self: threading.Thread) -> None:
            raise RuntimeError("can't start new thread")

        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refusing)
            with pytest.raises(StopListUnavailable, match="can't start new thread"):
                suppressor.snapshot("sms")
        assert suppressor.is_suppressed(LISTED, "sms")

    def test_refresh_tells_how_far_it_is(self, source: ListSource) -> None:
        told: list[tuple[str, int, int | None]] = []
        made(source).refresh("sms", progress=lambda *args: told.append(args))
        assert told == [("list", 1, 1)]


class TestUniting:
    def test_listed_by_any_is_listed(self, source: ListSource) -> None:
        crm = ListSource(listed(OTHER), name="crm", channels=["sms", "letter"])
        suppressor = made(source, crm)
        assert suppressor.channels == ("letter", "sms", "viber")
        assert suppressor.is_suppressed(LISTED, "sms")
        assert suppressor.is_suppressed(OTHER, "sms")
        assert suppressor.snapshot("sms").sources == ("list", "crm")
        assert suppressor.snapshot("letter").sources == ("crm",)

    def test_if_one_fails_the_load_fails(self, source: ListSource) -> None:
        crm = ListSource(listed(OTHER), name="crm")
        crm.failure = SourceError("the database is down.")
        with pytest.raises(StopListUnavailable, match=r"'crm': the database is down\."):
            made(source, crm).snapshot("sms")

    @pytest.mark.parametrize(
        ("entries", "said"),
        [
            ([Entry(None, {"sms"}, 17)], "id 17 has no digits in its number"),  # type: ignore[arg-type]
            ([Entry("n/a", {"sms"}, "row 3")], "id row 3 has no digits in its number"),
            ([Entry("", {"sms"}, 1)], "id 1 has no digits in its number"),
            ([Entry(LISTED, "sms")], "channels are a text"),
            ([LISTED], "gave a str"),
            ([Entries(numbers=LISTED, channels={"sms"})], "its numbers are a text"),
            ([Entries(numbers=[LISTED], channels="sms")], "channels are a text"),
            ([Entries(numbers=[LISTED], channels={"sms"}, ids=[])], "1 numbers with 0 ids"),
            ([Entries(numbers=[LISTED], channels={"sms"}, added_at=[None] * 2)], "with 2 times"),
            ([Entries(numbers=["n/a"], channels={"sms"}, ids=[3])], "id 3 has no digits"),
            (None, "not iterable"),
        ],
    )
    def test_what_cannot_be_used_fails_the_load(
        self, source: ListSource, entries: Any, said: str
    ) -> None:
        source.instead = lambda: entries
        with pytest.raises(StopListUnavailable, match=said):
            made(source).snapshot("sms")

    def test_a_strangers_error_shows_no_number(self, source: ListSource) -> None:
        source.failure = ValueError(f"cannot read {LISTED}")
        with pytest.raises(StopListUnavailable, match="ValueError") as raised:
            made(source).snapshot("sms")
        assert LISTED not in str(raised.value)
        assert "2671" not in str(raised.value)

    def test_what_cannot_be_parsed_suppresses_the_same_digits(
        self, source: ListSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        source.entries = listed("999 123456", LISTED)
        suppressor = made(source, default_region=None)
        snapshot = suppressor.snapshot("sms")
        assert snapshot.count == 2
        assert snapshot.unread == {"999123456"}
        assert suppressor.is_suppressed("999-123-456", "sms", default_region="DE")
        assert "1 entry of the sms stop list is not a phone number" in caplog.text
        assert "999123456" not in caplog.text

    def test_entries_of_channels_not_asked_for_are_passed_over(self, source: ListSource) -> None:
        source.entries = [Entry(None, {"viber"}), Entry(LISTED, {"sms", "viber"})]  # type: ignore[arg-type]
        assert set(made(source).snapshot("sms").numbers) == {LISTED}


class TestStale:
    def test_serves_while_the_source_fails_until_max_stale(
        self, source: ListSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        clock = Clock()
        suppressor = made(source, clock=clock, ttl=300, max_stale=3600)
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 3600
        assert suppressor.is_suppressed(LISTED, "sms")
        assert "has failed to refresh since 2023-11-14T23:13:20+00:00; " in caplog.text
        assert "using the copy from 2023-11-14T22:13:20+00:00" in caplog.text
        clock.now += 1
        for _ in range(3):
            with pytest.raises(StopListUnavailable, match="3601 s ago, longer than SUPPRESS_MAX"):
                suppressor.is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2, "nobody waits for a source that has just failed"
        source.failure = None
        clock.now += 5
        assert suppressor.is_suppressed(LISTED, "sms")

    def test_a_failed_source_rests_while_a_stale_snapshot_serves(self, source: ListSource) -> None:
        clock = Clock()
        suppressor = made(source, clock=clock, ttl=300)
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        clock.now += 300
        for _ in range(10):
            suppressor.snapshot("sms")
        assert len(source.loads) == 2
        clock.now += 5
        asked_again = threading.Event()
        source.instead = asked_again.set
        source.failure = None
        suppressor.snapshot("sms")
        assert asked_again.wait(10), "in the background"

    def test_refresh_fails_however_young_the_snapshot_is(self, source: ListSource) -> None:
        suppressor = made(source)
        suppressor.snapshot("sms")
        source.failure = SourceError("down.")
        with pytest.raises(StopListUnavailable):
            suppressor.refresh("sms")
        assert suppressor.is_suppressed(LISTED, "sms")

    def test_without_a_snapshot_nothing_is_answered(self, source: ListSource) -> None:
        source.failure = SourceError("down.")
        suppressor = made(source)
        for _ in range(2):
            with pytest.raises(StopListUnavailable, match=r"'list': down\. Nothing may be sent"):
                suppressor.filter_recipients([OTHER], "sms")
        assert len(source.loads) == 1


class TestStore:
    def test_is_shared(self, source: ListSource, tmp_path: Path) -> None:
        clock = Clock()
        one = made(source, clock=clock, store=tmp_path)
        two = made(source, clock=clock, store=tmp_path)
        one.snapshot("sms")
        assert two.snapshot("sms") == one.snapshot("sms")
        assert len(source.loads) == 1

    def test_a_refresh_elsewhere_is_seen_within_a_second(
        self, source: ListSource, tmp_path: Path
    ) -> None:
        clock = Clock()
        one = made(source, clock=clock, store=tmp_path)
        two = made(source, clock=clock, store=tmp_path)
        assert not two.is_suppressed(OTHER, "sms")
        clock.now += 10
        source.entries = listed(OTHER)
        one.refresh("sms")
        clock.now += 1
        assert two.is_suppressed(OTHER, "sms")
        assert len(source.loads) == 2

    def test_one_from_the_store_is_as_old_as_it_is(
        self, source: ListSource, tmp_path: Path
    ) -> None:
        clock = Clock()
        made(source, clock=clock, store=tmp_path, ttl=300).snapshot("sms")
        clock.now += 200
        suppressor = made(source, clock=clock, store=tmp_path, ttl=300)
        suppressor.snapshot("sms")
        clock.now += 100
        suppressor.snapshot("sms")
        assert len(source.loads) == 2

    def test_a_stored_one_serves_while_the_source_fails(
        self, source: ListSource, tmp_path: Path
    ) -> None:
        clock = Clock()
        made(source, clock=clock, store=tmp_path).snapshot("sms")
        clock.now += 1000
        source.failure = SourceError("down.")
        assert made(source, clock=clock, store=tmp_path).is_suppressed(LISTED, "sms")

    @pytest.mark.parametrize(
        "other",
        [
            {"possible_only": False},
            {"renumbering": False},
            {"identity": "another account"},
            {"region": "GB"},
            {"second": True},
        ],
        ids=str,
    )
    def test_another_list_is_never_used(
        self, source: ListSource, tmp_path: Path, other: dict[str, Any]
    ) -> None:
        made(source, store=tmp_path).snapshot("sms")
        for name in ("identity", "region"):
            if name in other:
                setattr(source, name, other.pop(name))
        second = [ListSource(listed(OTHER), name="second")] if other.pop("second", None) else []
        made(source, *second, store=tmp_path, **other).snapshot("sms")
        assert len(source.loads) == 2

    def test_the_region_of_the_recipients_is_no_part_of_the_list(
        self, source: ListSource, tmp_path: Path
    ) -> None:
        made(source, store=tmp_path).snapshot("sms")
        made(source, store=tmp_path, default_region="GB").snapshot("sms")
        assert len(source.loads) == 1

    def test_a_newer_phonenumbers_reads_anew(
        self, source: ListSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made(source, store=tmp_path).snapshot("sms")
        monkeypatch.setattr("phonenumbers.__version__", "10.0")
        made(source, store=tmp_path).snapshot("sms")
        assert len(source.loads) == 2

    def test_is_for_its_owner_alone(self, source: ListSource, tmp_path: Path) -> None:
        folder = tmp_path / "new" / "store"
        made(source, store=folder).snapshot("sms")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
        assert {file.suffix for file in folder.iterdir()} == {
            *("", ".lock", ".numbers", ".origins", ".snapshot")
        }

    @pytest.mark.parametrize("kept", [0, 10, 100, -1])
    @pytest.mark.parametrize("kind", ["snapshot", "numbers"])
    def test_a_damaged_snapshot_is_not_used(
        self,
        source: ListSource,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
        kept: int,
        kind: str,
    ) -> None:
        source.entries = listed(*(f"+141555526{place}" for place in range(10, 100)))
        made(source, store=tmp_path).snapshot("sms")
        (file,) = tmp_path.glob(f"*.{kind}")
        file.write_bytes(file.read_bytes()[:kept])
        assert made(source, store=tmp_path).snapshot("sms").count == 90
        assert "is damaged and not used" in caplog.text
        assert len(source.loads) == 2

    def test_a_number_that_changed_on_disk_is_noticed(
        self, source: ListSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        made(source, store=tmp_path).snapshot("sms")
        (file,) = tmp_path.glob("*.numbers")
        content = bytearray(file.read_bytes())
        content[24] ^= 1  # the first bit of the only number
        file.write_bytes(content)
        assert made(source, store=tmp_path).is_suppressed(LISTED, "sms")
        assert "its numbers do not match their digest" in caplog.text

    def test_numbers_that_were_copied_are_used(
        self, source: ListSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        made(source, store=tmp_path).snapshot("sms")
        (file,) = tmp_path.glob("*.numbers")
        content = file.read_bytes()
        file.unlink()
        file.write_bytes(content)
        assert made(source, store=tmp_path).is_suppressed(LISTED, "sms")
        assert len(source.loads) == 1
        assert not caplog.records

    def test_numbers_that_are_gone_are_read_anew(self, source: ListSource, tmp_path: Path) -> None:
        made(source, store=tmp_path).snapshot("sms")
        (file,) = tmp_path.glob("*.numbers")
        file.unlink()
        assert made(source, store=tmp_path).is_suppressed(LISTED, "sms")
        assert len(source.loads) == 2

    def test_numbers_that_nobody_needs_any_more_go(
        self, source: ListSource, tmp_path: Path
    ) -> None:
        suppressor = made(source, store=tmp_path)
        suppressor.refresh("sms")
        (first,) = tmp_path.glob("*.numbers")
        source.entries = listed(OTHER)
        suppressor.refresh("sms")
        assert first in tmp_path.glob("*.numbers"), "another process may be about to publish it"
        os.utime(first, (0, 0))
        source.entries = listed(LISTED, OTHER)
        suppressor.refresh("sms")
        assert len(list(tmp_path.glob("*.numbers"))) == 2
        assert not first.exists()

    @pytest.mark.parametrize("other", [FORMAT - 1, FORMAT + 1])
    def test_another_format_is_neither_read_nor_touched(
        self, source: ListSource, tmp_path: Path, other: int
    ) -> None:
        made(source, store=tmp_path).snapshot("sms")
        for file in tmp_path.glob(f"*.{FORMAT}.*"):
            file.rename(tmp_path / file.name.replace(f".{FORMAT}.", f".{other}."))
        others = {file: file.read_bytes() for file in tmp_path.glob(f"*.{other}.*")}
        assert len(others) == 3
        made(source, store=tmp_path).snapshot("sms")
        assert len(source.loads) == 2
        assert {file: file.read_bytes() for file in others} == others

    def test_where_it_cannot_be_written_memory_serves(
        self, source: ListSource, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").touch()
        suppressor = made(source, store=tmp_path / "file" / "store")
        assert suppressor.is_suppressed(LISTED, "sms")
        assert suppressor.is_suppressed(LISTED, "sms")
        assert len(source.loads) == 1
        assert "If this lasts, name another place in SUPPRESS_STORE" in caplog.text

    def test_none_keeps_nothing(self, source: ListSource, tmp_path: Path) -> None:
        made(source, store=None).snapshot("sms")
        made(source, store="none").snapshot("sms")
        assert len(source.loads) == 2
        assert not list(tmp_path.iterdir())


class TestDefault:
    @pytest.fixture(autouse=True)
    def fresh(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("suppress.default._made", None)
        (tmp_path / "list.txt").write_text(f"{LISTED}\n")
        monkeypatch.setenv("SUPPRESS_FILE_PATH", "list.txt")
        monkeypatch.setenv("SUPPRESS_FILE_QUIET", "0")
        monkeypatch.setenv("SUPPRESS_DEFAULT_REGION", "US")

    def test_the_functions_use_one_made_from_the_settings(self) -> None:
        assert suppress.filter_recipients(["(415) 555-2671", OTHER], "sms") == [OTHER]
        assert suppress.screen([LISTED], "viber").counts["suppressed"] == 1
        assert suppress.is_suppressed(LISTED, "sms")
        assert suppress.refresh("sms")["sms"].count == 1
        assert suppress.default_suppressor() is suppress.default_suppressor()

    def test_settings_or_arguments(self) -> None:
        with pytest.raises(TypeError):
            Suppressor(suppress.Settings(), ttl=1)


def test_nothing_is_logged_of_a_quiet_run(
    source: ListSource, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "suppress"):
        made(source).filter_recipients([LISTED], "sms")
    assert not caplog.records
