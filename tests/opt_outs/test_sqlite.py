"""Opt-outs that are made here hold at once, for good, and in every process; damage is noticed."""

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, ListSource, by_hand, listed
from support.children import started
from suppress import (
    ConfigurationError,
    InvalidNumber,
    Origin,
    SourceError,
    StopListUnavailable,
    StoreUnavailable,
    Suppressor,
    UnknownChannel,
)
from suppress.numbers.convention import Convention
from suppress.opt_outs.evidence import NO_EVIDENCE
from suppress.opt_outs.limits import OptOutLimits
from suppress.opt_outs.marks import Marks
from suppress.opt_outs.outbox import put_into_outbox
from suppress.opt_outs.people import People, Person, read_people
from suppress.opt_outs.record import OptOuts
from suppress.opt_outs.sqlite import SqliteRecord
from suppress.serving.limits import ServingLimits

LISTED, ANN, BOB, CY = "+14155552671", "+14155552672", "+14155552673", "+442079460958"
DEE = "+14155552674"
GERMAN, EGYPTIAN, EITHER = "+49201001234567", "+201001234567", "201001234567"
NAME = "opt-outs.sqlite3"
TODAY = 1_767_225_600.0  # the first of January 2026


def made(
    folder: Path | None, clock: Clock | None = None, source: Any = None, **arguments: Any
) -> Suppressor:
    """One of its own process, as far as that goes: it shares nothing with others but the folder."""
    source = source or ListSource(listed(LISTED))
    return by_hand(source, clock=clock, store=folder, **arguments)


def today() -> Clock:
    clock = Clock()
    clock.now = TODAY
    return clock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", path],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("mounting is not allowed")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


class TestAdd:
    def test_holds_here_and_elsewhere_at_once(self, folder: Path) -> None:
        """No timer moves, so nobody checks the folder again."""
        one, two = made(folder), made(folder)
        for each in (one, two):
            assert each.filter_recipients([ANN, BOB], "sms") == [ANN, BOB]
        assert one.add([ANN], "sms") == 1
        for each in (one, two, made(folder)):
            assert each.is_suppressed(ANN, "sms")
            assert each.screen([ANN, BOB], "sms").suppressed == [ANN]
        assert two.add([BOB], "sms") == 1
        assert one.filter_recipients([ANN, BOB], "sms") == []

    @pytest.mark.slow
    def test_holds_at_once_for_many_threads(self, folder: Path) -> None:
        everyone = [
            Suppressor(plugins=[source], sources=["list"], store=folder, background=False)
            for source in (ListSource(), ListSource())
        ]

        def add(first: int) -> list[str]:
            let_through = []
            for place in range(first, first + 10):
                everyone[place % 2].add([number_of(place)], "sms")
                let_through += [
                    number
                    for each in everyone
                    for number in each.filter_recipients([number_of(place)], "sms")
                ]
            return let_through

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(add, range(0, 400, 100))) == [[]] * 4

    def test_holds_in_a_folder_of_any_name(self, tmp_path: Path) -> None:
        folder = tmp_path / "a b?mode=memory&c#d%41é"
        made(folder).add([ANN], "sms")
        assert (folder / NAME).exists()
        assert made(folder).is_suppressed(ANN, "sms")

    def test_holds_before_anything_was_read(self, folder: Path) -> None:
        source = ListSource()
        made(folder, source=source).add([ANN], "sms")
        assert not source.loads
        assert made(folder).is_suppressed(ANN, "sms")

    def test_holds_for_one_that_reads_the_list_meanwhile(self, folder: Path) -> None:
        source = ListSource()
        one = made(folder, source=source)

        def slow() -> Any:
            made(folder).add([ANN], "sms")
            return []

        source.instead = slow
        assert one.is_suppressed(ANN, "sms")

    def test_holds_for_one_whose_source_fails_meanwhile(self, folder: Path) -> None:
        clock, source = Clock(), ListSource()
        one = made(folder, clock, source)
        one.snapshot("sms")
        clock.now += 300

        def failing() -> Any:
            made(folder).add([ANN], "sms")
            raise SourceError("down.")

        source.instead = failing
        assert one.is_suppressed(ANN, "sms")

    def test_holds_whatever_a_refresh_brings(self, folder: Path) -> None:
        source = ListSource(listed(ANN))
        one = made(folder, source=source)
        one.add([ANN], "sms")
        for entries in ([], listed(BOB), listed(ANN)):
            source.entries = entries
            assert ANN in one.refresh("sms")["sms"].opted_out
            assert one.is_suppressed(ANN, "sms")
        source.failure = SourceError("down.")
        assert one.is_suppressed(ANN, "sms")

    def test_holds_for_good(self, folder: Path) -> None:
        clock = Clock()
        made(folder, clock).add([ANN], "sms")
        clock.now += 20 * 365 * 86400
        assert made(folder, clock).is_suppressed(ANN, "sms")
        clock.now = 0.0  # a clock that was never set
        assert made(folder, clock).is_suppressed(ANN, "sms")

    def test_is_of_one_channel(self, folder: Path) -> None:
        one = made(folder)
        one.add([ANN], "sms")
        assert not one.is_suppressed(ANN, "viber")
        assert one.add([ANN, BOB], "viber") == 2
        assert not one.is_suppressed(BOB, "sms")
        one.remove([ANN], "viber")
        assert one.is_suppressed(ANN, "sms")

    def test_twice_is_the_same_as_once(self, folder: Path) -> None:
        one = made(folder)
        assert one.add([ANN, ANN, 14155552672, "+1 (415) 555-2672"], "sms") == 1
        assert one.add([ANN], "sms") == 0
        assert made(folder).add([ANN, BOB], "sms") == 1
        assert one.snapshot("sms").count == 3

    def test_national_numbers(self, folder: Path) -> None:
        one = made(folder)
        one.add(["020 7946 0958"], "sms", default_region="GB")
        assert one.is_suppressed(CY, "sms")

    def test_says_since_when(self, folder: Path) -> None:
        one = made(folder, source=ListSource(listed(ANN)))
        one.add([ANN], "sms")
        (decision,) = one.screen([ANN], "sms")
        since = one.snapshot("sms").read_at
        assert decision.origins == (Origin("opt-outs", None, since), Origin("list", 0, None))
        assert decision.reason == (
            "listed for sms by opt-outs (since 2023-11-14) and list (entry 0)"
        )

    def test_counts_and_digest_tell_of_it(self, folder: Path) -> None:
        one = made(folder)
        before = one.snapshot("sms")
        one.add([LISTED, ANN], "sms")
        after = one.snapshot("sms")
        assert (before.count, after.count) == (1, 2)
        assert before.digest != after.digest
        one.remove([LISTED, ANN], "sms")
        assert one.snapshot("sms").digest == before.digest

    @pytest.mark.parametrize("odd", ["x", "", None, True, 1.5, b"+14155552672", "4155552672"])
    def test_what_is_no_number_adds_nobody(self, folder: Path, odd: Any) -> None:
        one = made(folder)
        with pytest.raises(InvalidNumber):
            one.add([ANN, odd, BOB], "sms")
        with pytest.raises(InvalidNumber):
            one.remove([ANN, odd], "sms")
        assert one.filter_recipients([ANN, BOB], "sms") == [ANN, BOB]
        assert not (folder / NAME).exists()

    def test_an_error_shows_no_number(self, folder: Path) -> None:
        with pytest.raises(InvalidNumber) as raised:
            made(folder).add(["4155552672"], "sms")
        assert "55526" not in str(raised.value)

    def test_nobody_is_no_error(self, folder: Path) -> None:
        assert made(folder).add([], "sms") == 0
        assert made(folder).remove([], "sms") == {}

    def test_an_unknown_channel(self, folder: Path) -> None:
        for method in (made(folder).add, made(folder).remove):
            with pytest.raises(UnknownChannel, match="Served are: sms, viber"):
                method([ANN], "smss")

    def test_one_number_in_place_of_a_list(self, folder: Path) -> None:
        with pytest.raises(TypeError, match="one number"):
            made(folder).add(ANN, "sms")
        assert not (folder / NAME).exists()

    def test_without_a_store(self) -> None:
        for method in (made(None).add, made(None).remove):
            with pytest.raises(ConfigurationError, match=r"SUPPRESS_STORE .* names no folder"):
                method([ANN], "sms")
        assert made(None).waiting() == []

    def test_twenty_thousand_are_quick(self, folder: Path) -> None:
        numbers = [f"+4479{place:08d}" for place in range(20_000)]
        one, two = made(folder), made(folder)
        two.snapshot("sms")
        began = time.monotonic()
        assert one.add(numbers, "sms") == 20_000
        assert two.filter_recipients([*numbers, ANN], "sms") == [ANN]
        assert made(folder).filter_recipients([*numbers, ANN], "sms") == [ANN]
        assert time.monotonic() - began < 10, "it takes one, on a slow machine"

    def test_holds_for_one_that_looks_at_that_moment(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The mark of a change is taken before the look, so that nothing falls in between."""
        one, two = made(folder), made(folder)
        two.snapshot("sms")
        assert two._opt_outs is not None
        look = two._opt_outs.of

        def overtaken(channel: str) -> Any:
            found = look(channel)
            monkeypatch.undo()
            one.add([ANN], "sms")
            return found

        two._serving.invalidate()
        monkeypatch.setattr(two._opt_outs, "of", overtaken)
        assert not two.is_suppressed(ANN, "sms")
        assert two.is_suppressed(ANN, "sms")

    def test_holds_where_the_file_of_changes_is_another_one(self, folder: Path) -> None:
        clock = Clock()
        one, two = made(folder, clock=clock), made(folder, clock=clock)
        two.snapshot("sms")
        (folder / "changes").unlink()
        clock.now += 1
        one.snapshot("sms")
        two.snapshot("sms")
        one.add([ANN], "sms")
        assert two.is_suppressed(ANN, "sms")


class TestRemove:
    def test_says_who_still_lists_them(self, folder: Path) -> None:
        one, two = made(folder), made(folder)
        one.add([LISTED, ANN], "sms")
        two.snapshot("sms")
        assert one.remove([ANN, LISTED, BOB], "sms") == {ANN: (), LISTED: ("list",), BOB: ()}
        for each in (one, two, made(folder)):
            assert each.filter_recipients([ANN, LISTED, BOB], "sms") == [ANN, BOB]

    def test_what_has_no_parse_is_listed_by_its_digits(self, folder: Path) -> None:
        source = ListSource(listed("0499 123456"))
        assert made(folder, source=source).remove(["+499123456"], "sms") == {"+499123456": ()}
        source = ListSource(listed("49 9123456"))
        one = made(folder / "another", source=source)
        assert one.remove(["+499123456"], "sms") == {"+499123456": ("list",)}

    def test_add_again(self, folder: Path) -> None:
        one, two = made(folder), made(folder)
        for _ in range(3):
            assert one.add([ANN], "sms") == 1
            assert two.is_suppressed(ANN, "sms")
            one.remove([ANN], "sms")
            assert not two.is_suppressed(ANN, "sms")
        one.add([ANN], "sms")
        assert made(folder).is_suppressed(ANN, "sms")

    def test_is_not_done_while_nobody_can_say_who_lists_them(self, folder: Path) -> None:
        source = ListSource()
        one = made(folder, source=source)
        one.add([ANN], "sms")
        source.failure = SourceError("down.")
        with pytest.raises(StopListUnavailable, match="Nothing was taken back"):
            one.remove([ANN], "sms")
        source.failure = None
        one.refresh("sms")
        assert one.is_suppressed(ANN, "sms")


class TestReadings:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("+229 61234567", "+2290161234567"),
            ("+5215598765432", "+525598765432"),
            ("+48 48512345678", "+48512345678"),
            ("+442079460958 STOP", CY),
            ("442079460958.0", "0044 20 7946 0958"),
        ],
    )
    @pytest.mark.parametrize("is_turned", [False, True])
    @pytest.mark.slow
    def test_one_form_holds_for_the_other(
        self, folder: Path, old: str, new: str, is_turned: bool
    ) -> None:
        one, two = made(folder, today()), made(folder, today())
        kept, other = (new, old) if is_turned else (old, new)
        for taking_back in (kept, other):
            assert one.add([kept], "sms", default_region="international") == 1
            for each in (one, two, made(folder, today())):
                for number in (kept, other):
                    assert each.is_suppressed(number, "sms", default_region="international")
                    (decision,) = each.screen([number], "sms", default_region="international")
                    assert decision.outcome == "suppressed"
                    assert decision.reason.startswith("listed for sms by opt-outs (since 2026-01-")
            one.remove([taking_back], "sms", default_region="international")
            for each in (one, two):
                for number in (kept, other):
                    assert not each.is_suppressed(number, "sms", default_region="international")

    def test_a_reason_says_how_the_forms_meet(self, folder: Path) -> None:
        one = made(folder, today())
        one.add(["+229 61234567"], "sms")
        (decision,) = one.screen(["+2290161234567"], "sms")
        assert decision.reason == (
            "listed for sms by opt-outs (since 2026-01-01) as +22961234567, which is "
            "+2290161234567 since 2024-11-30"
        )

    def test_each_text_of_a_number_puts_its_own_readings_on_the_list(self, folder: Path) -> None:
        """Both may be a number of Essen; the second may be one of Egypt as well."""
        one = made(folder)
        assert one.add([GERMAN], "sms") == 1
        assert not one.is_suppressed(EGYPTIAN, "sms")
        assert one.add([EITHER], "sms", default_region="DE") == 0
        for each in (one, made(folder)):
            assert each.is_suppressed(EGYPTIAN, "sms")
        assert one.snapshot("sms").opted_out.count == 1
        one.remove([GERMAN], "sms")
        for each in (one, made(folder)):
            assert each.filter_recipients([GERMAN, EGYPTIAN], "sms") == [GERMAN, EGYPTIAN]

    def test_a_short_group_at_the_end_may_belong_to_a_number_or_not(self, folder: Path) -> None:
        """An entry puts both on the list, whether it was added here or a source has it."""
        text, readings = "+354 555 1234 35", ["+354555123435", "+3545551234"]
        one = made(folder, source=ListSource(listed(text)))
        assert one.screen(readings, "sms").suppressed == readings
        one = made(folder)
        one.add([text], "viber")
        assert one.screen(readings, "viber").suppressed == readings

    def test_what_may_be_somebody_elses_number_takes_nothing_of_theirs_back(
        self, folder: Path
    ) -> None:
        one = made(folder)
        one.add([EGYPTIAN], "sms")
        assert one.remove([EITHER], "sms", default_region="DE") == {GERMAN: ("opt-outs",)}
        assert made(folder).is_suppressed(EGYPTIAN, "sms")
        one.add([EITHER], "sms", default_region="DE")
        assert one.remove([EGYPTIAN], "sms") == {EGYPTIAN: ("opt-outs",)}
        assert made(folder).is_suppressed(GERMAN, "sms")
        assert one.remove([EITHER], "sms", default_region="DE") == {GERMAN: ()}
        assert made(folder).filter_recipients([GERMAN, EGYPTIAN], "sms") == [GERMAN, EGYPTIAN]

    @pytest.mark.parametrize("region", [None, "GB", "international"])
    @pytest.mark.parametrize(
        "odd",
        [
            *(f"{CY} +442079460124", f"{CY}/59", f"{CY} or 59", f"{CY} and {ANN}", "+4420*"),
            *("201XXXXXXX", "+44207946012*", "+44207946012?", "+4420794601[0-9]", f"{CY}-70"),
            *(f"{CY}..70", f"{CY} - 0970", f"{CY} to 70", "+4420794601237867", "+44", "STOP"),
        ],
    )
    def test_what_is_not_exactly_one_number_adds_nobody(
        self, folder: Path, odd: str, region: str | None
    ) -> None:
        one = made(folder)
        with pytest.raises(InvalidNumber) as raised:
            one.add([ANN, odd, BOB], "sms", default_region=region)
        assert not re.search(r"\d{7}", str(raised.value))
        assert one.filter_recipients([ANN, BOB, CY], "sms") == [ANN, BOB, CY]
        assert not (folder / NAME).exists()

    def test_what_is_passed_over_in_a_text_is_kept(self, folder: Path) -> None:
        text = f"\udc80 {CY}\0 from \u00c9va\n"
        one = made(folder)
        assert one.add([text], "sms") == 1
        assert one.add([text], "sms") == 0
        assert made(folder).is_suppressed(CY, "sms")
        with contextlib.closing(sqlite3.connect(folder / NAME)) as database:
            query = "SELECT number, text, region FROM change ORDER BY position LIMIT 1"
            (row,) = database.execute(query)
        assert row == (CY, text.replace("\udc80", "\ufffd"), "")

    def test_a_change_of_plan_takes_effect_on_its_day(self, disk: Path, tmp_path: Path) -> None:
        """On what was kept, and on what could not be."""
        old, new, old_unkept, new_unkept = (
            *("+442079460958", "+442039460958"),
            *("+442079460123", "+442039460123"),
        )
        table = tmp_path / "table.tsv"
        table.write_text(
            "id\tregion\tmatch\tlength\tat\tdrop\tadd\tfrom\n"
            "XX\tGB\t44207946\t12\t4\t1\t3\t2023-12-01\n"
        )
        clock = Clock()
        one = made(disk, clock, renumbering=table)
        one.add([old], "sms")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StoreUnavailable):
            one.add([old_unkept], "sms")
        everyone = [old, old_unkept, new, new_unkept]
        assert one.filter_recipients(everyone, "sms") == [new, new_unkept]
        clock.now += 30 * 86400
        assert one.filter_recipients(everyone, "sms") == []
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        one.remove([new_unkept], "sms")
        assert one.filter_recipients(everyone, "sms") == [old_unkept, new_unkept]
        one.remove([new], "sms")
        assert one.filter_recipients(everyone, "sms") == everyone

    def test_on_that_day_a_file_that_is_gone_is_missed(self, folder: Path) -> None:
        clock = Clock()
        one = made(folder, clock)
        one.add([ANN], "sms")
        assert one.is_suppressed(ANN, "sms")
        (folder / NAME).unlink()
        clock.now = TODAY
        with pytest.raises(StopListUnavailable, match="No such file"):
            one.is_suppressed(ANN, "sms")


TWICE, UNREAD, OVERFLOW = "+1442079460123", "+4420794601237867", "+35812345678901234567"
OLD = Path(__file__).parents[1] / "data" / "opt-outs-of-version-1.sqlite3"
"""Written by suppress before it kept texts. For `sms` it has Ann, Cy, +22961234567 and the
three above, for `viber` Cy; of `viber` Bob was taken back. Ten changes wait for the source."""


class TestOldRecord:
    """A record of the version that kept the numbers alone, as its parser had made them."""

    @pytest.fixture
    def old(self, folder: Path) -> Path:
        folder.mkdir()
        return Path(shutil.copy(OLD, folder / NAME))

    def check(self, one: Suppressor) -> None:
        listed = [ANN, CY, "+229 61234567", "+2290161234567", "+442079460123"]
        for number in listed:
            assert one.is_suppressed(number, "sms"), number
        assert one.filter_recipients([*listed, BOB], "sms") == [BOB]
        assert one.filter_recipients([ANN, BOB, CY], "viber") == [ANN, BOB]
        assert one.unread() == (OVERFLOW, UNREAD)
        assert one.snapshot("sms").opted_out.count == 6

    def test_is_read_before_anything_is_written(self, folder: Path, old: Path) -> None:
        self.check(made(folder, today()))
        assert old.read_bytes() == OLD.read_bytes()

    def test_is_read_where_nothing_can_be_written(self, disk: Path) -> None:
        shutil.copy(OLD, disk / NAME)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        one = made(disk, today())
        self.check(one)
        with pytest.raises(StoreUnavailable):
            one.add([BOB], "sms")
        assert one.is_suppressed(BOB, "sms")

    def test_loses_nothing_at_the_first_write(self, folder: Path, old: Path) -> None:
        with contextlib.closing(sqlite3.connect(old)) as database:
            columns = "id, source, account, action, channel, number, since, tries, tried_at, error"
            waiting = database.execute(f"SELECT {columns} FROM waiting").fetchall()
            rows = database.execute(
                "SELECT number, channel, added_at, removed_at FROM opt_out ORDER BY 1, 2"
            ).fetchall()
        one, two = made(folder, today()), made(folder, today())
        self.check(one)
        two.add(["+14155550000"], "viber")
        for each in (one, two, made(folder, today())):
            self.check(each)
            assert each.is_suppressed("+14155550000", "viber")
        with contextlib.closing(sqlite3.connect(old)) as database:
            assert database.execute("PRAGMA user_version").fetchone() == (4,)
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        changes = [each for number in (ANN, BOB, CY) for each in one.history(number)]
        for number, channel, added_at, removed_at in rows:
            if number in (ANN, BOB, CY):
                mine = [
                    each for each in changes if (each.number, each.channel) == (number, channel)
                ]
                found = [(each.action, each.made_at.timestamp()) for each in mine]
                assert found == [
                    ("add", added_at),
                    *([] if removed_at is None else [("remove", removed_at)]),
                ]
        assert [
            (
                *(each.id, each.source, each.account, each.action, each.channel, each.number),
                *(each.made_at, each.tries, each.tried_at, each.error),
            )
            for each in one.waiting()
        ] == waiting

    def test_what_an_older_suppress_still_writes_is_seen(self, folder: Path, old: Path) -> None:
        clock = today()
        one = made(folder, clock)
        self.check(one)
        with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as database:
            row = f"'{BOB}', 'sms', 1.0, NULL, (SELECT max(change) + 1 FROM opt_out)"
            database.execute(f"INSERT INTO opt_out VALUES ({row})")
        clock.now += 2 * ServingLimits().store_check
        assert one.filter_recipients([ANN, BOB, "+14155550000"], "sms") == ["+14155550000"]
        with contextlib.closing(sqlite3.connect(old, isolation_level=None)) as database:
            database.execute(
                "UPDATE opt_out SET removed_at = 2.0, change = change + 1 WHERE number = ?", (BOB,)
            )
        clock.now += 2 * ServingLimits().store_check
        assert one.filter_recipients([ANN, BOB], "sms") == [BOB]

    @pytest.mark.parametrize(
        ("taking_back", "region", "free"),
        [
            ("+2290161234567", None, "+22961234567"),
            ("+229 61234567", None, "+2290161234567"),
            ("+442079460123", None, "+442079460123"),
            ("442079460123", "US", "+442079460123"),
            (ANN, None, ANN),
        ],
    )
    def test_is_taken_back_under_any_form(
        self, folder: Path, old: Path, taking_back: str, region: str | None, free: str
    ) -> None:
        assert old.exists()
        one = made(folder, today())
        assert one.is_suppressed(free, "sms")
        one.remove([taking_back], "sms", default_region=region)
        for each in (one, made(folder, today())):
            assert not each.is_suppressed(free, "sms")
            assert each.snapshot("sms").opted_out.count == 5

    def test_the_digits_of_one_without_a_number_are_suppressed(
        self, folder: Path, old: Path
    ) -> None:
        assert old.exists()
        one = made(folder, today())
        one.remove(["+442079460123"], "sms")
        written = "+44 20 7946 0123 7867"  # may mean +442079460123
        for number in (written, UNREAD):
            assert one.is_suppressed(number, "sms")
            (decision,) = one.screen([number], "sms")
            assert decision.reason == "listed for sms by opt-outs (since 2023-11-14)"
        assert one.remove([written], "sms") == {UNREAD: ()}
        assert one.filter_recipients([written, UNREAD], "sms") == [written]

    @pytest.mark.parametrize("named", [UNREAD, f" {UNREAD}\n", "+442***********67"])
    def test_one_without_a_number_is_taken_back_as_listed(
        self, folder: Path, old: Path, named: str
    ) -> None:
        assert old.exists()
        one = made(folder, today())
        assert one.remove([named, ANN], "sms") == {UNREAD: (), ANN: ()}
        for each in (one, made(folder, today())):
            assert each.unread() == (OVERFLOW,)
            with pytest.raises(InvalidNumber):
                each.remove([named], "sms")

    def test_whatever_the_length_is_one_where_every_length_counts(
        self, folder: Path, old: Path
    ) -> None:
        assert old.exists()
        one = made(folder, today(), possible_only=False)
        assert one.is_suppressed(UNREAD, "sms")
        assert one.is_suppressed("+442079460123", "sms")
        assert one.unread() == (OVERFLOW,)


OF_VERSION_3 = Path(__file__).parents[1] / "data" / "opt-outs-of-version-3.sqlite3"
"""Written by the commands of the version before. For `sms` it has Ann, Cy, and by other texts
+447900000123, +2290161234567, +49201001234567 (or +201001234567) and +4912345, which BSG has
refused; for `viber` Ann and Dee, of which BSG does not know yet. Taken back of `viber` are Bob and
Cy, of which BSG does not know either."""


class TestRecordOfVersion3:
    @pytest.fixture
    def old(self, folder: Path) -> Path:
        folder.mkdir()
        return Path(shutil.copy(OF_VERSION_3, folder / NAME))

    def check(self, one: Suppressor) -> None:
        sms = [ANN, CY, "+447900000123", "+22961234567", GERMAN, EGYPTIAN, "+4912345"]
        assert one.filter_recipients([*sms, BOB, DEE], "sms") == [BOB, DEE]
        assert one.filter_recipients([ANN, BOB, CY, DEE], "viber") == [BOB, CY]
        assert [(each.action, each.number, each.tries) for each in one.waiting()] == [
            *(("add", "+4912345", 1), ("add", DEE, 2), ("remove", CY, 0)),
        ]
        assert [each.refused for each in one.waiting()] == [True, False, False]
        assert [(each.action, each.channel, each.text) for each in one.history(CY)] == [
            *(("add", "sms", CY), ("add", "viber", CY), ("remove", "viber", CY)),
        ]
        (change,) = one.history("+447900000123")
        assert (change.text, change.region) == ("07900 000123", "GB")

    def test_is_read_before_anything_is_written(self, folder: Path, old: Path) -> None:
        one = made(folder, today())
        self.check(one)
        self.check(one)
        assert old.read_bytes() == OF_VERSION_3.read_bytes()

    def test_loses_nothing_at_the_first_write(self, folder: Path, old: Path) -> None:
        assert old.exists()
        one, two = made(folder, today()), made(folder, today())
        self.check(one)
        assert two.add(["+14155550000"], "viber") == 1
        for each in (one, two, made(folder, today())):
            self.check(each)
            assert each.is_suppressed("+14155550000", "viber")
        two.remove([EITHER], "sms", default_region="DE")
        for each in (one, two, made(folder, today())):
            assert each.filter_recipients([ANN, GERMAN, EGYPTIAN], "sms") == [GERMAN, EGYPTIAN]

    def test_nothing_that_was_removed_before_is_left_in_it(self, folder: Path, old: Path) -> None:
        gone = b"4479111111"
        with contextlib.closing(sqlite3.connect(old)) as database:
            database.execute("PRAGMA secure_delete = OFF")
            with database:
                database.executemany(
                    "INSERT INTO waiting (source, account, action, channel, number, since) "
                    "VALUES ('gone', '', 'add', 'sms', ?, 0)",
                    ((f"+{gone.decode()}{place}",) for place in range(10, 1000)),
                )
            with database:
                database.execute("DELETE FROM waiting WHERE source = 'gone'")
        assert gone in old.read_bytes()
        one = made(folder, today())
        one.add(["+14155550000"], "viber")
        assert gone not in old.read_bytes()
        self.check(one)


class TestManyThatWait:
    """Three hundred thousand opt-outs that a source has not taken yet."""

    @pytest.fixture
    def one(self, folder: Path) -> Suppressor:
        one = made(folder)
        one.add([ANN], "sms")
        with contextlib.closing(sqlite3.connect(folder / NAME)) as database, database:
            database.execute("INSERT INTO destination VALUES (1, 'list', 'any')")
            database.execute(
                "WITH RECURSIVE place(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place "
                "WHERE n < 299999) INSERT INTO outbox (destination, action, channel, number, "
                "made_at) SELECT 1, 'add', 'sms', '+4479' || (10000000 + n), 0 FROM place"
            )
        return one

    def test_an_opt_out_more_looks_through_none_of_them(
        self, one: Suppressor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each statement finds by an index what it needs of those that wait."""
        plans: list[str] = []
        executed = sqlite3.connect

        class Explaining(sqlite3.Connection):
            def execute(self, statement: str, values: Any = ()) -> sqlite3.Cursor:
                if "outbox" in statement and not statement.lstrip().startswith("CREATE"):
                    explained = super().execute(f"EXPLAIN QUERY PLAN {statement}", values)
                    plans.extend(row[3] for row in explained)
                return super().execute(statement, values)

        monkeypatch.setattr(
            sqlite3, "connect", lambda *given, **more: executed(*given, **more, factory=Explaining)
        )
        one.add([BOB], "sms")
        one.remove([BOB], "sms")
        assert any(re.match("SEARCH (outbox|o) ", plan) for plan in plans)
        assert not any(re.match("SCAN (outbox|o)$", plan) for plan in plans)

    def test_who_looks_reads_only_what_has_changed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even where the very row is changed that was changed last."""
        one, two = made(folder), made(folder)
        one.add([ANN, BOB], "sms")
        two.snapshot("sms")
        read: list[int] = []
        read_all = read_people

        def counting(people: People, convention: Convention) -> Any:
            read.append(len(people.numbers))
            return read_all(people, convention)

        monkeypatch.setattr("suppress.opt_outs.fold.read_people", counting)
        for _ in range(3):
            for change, expected in ((one.remove, [BOB]), (one.add, [])):
                change([BOB], "sms")
                read.clear()
                assert two.filter_recipients([ANN, BOB], "sms") == expected
                assert sum(read) <= 1


class TestNobodyWaitsForAWriter:
    def test_that_waits_for_another_process(self, folder: Path) -> None:
        one = made(folder)
        one.add([ANN], "sms")
        with (
            contextlib.closing(sqlite3.connect(folder / NAME)) as database,
            ThreadPoolExecutor(1) as pool,
        ):
            database.execute("BEGIN IMMEDIATE")
            adding = pool.submit(one.add, [BOB], "sms")
            for _ in range(20):
                began = time.monotonic()
                one._serving.invalidate()
                assert one.filter_recipients([ANN, BOB], "sms") == [BOB]
                assert time.monotonic() - began < 1
                time.sleep(0.005)
            assert not adding.done()
            database.rollback()
            assert adding.result(10) == 1
        assert one.is_suppressed(BOB, "sms")

    def test_that_is_at_it(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        one = made(folder)
        one.add([ANN], "sms")
        begun, go_on = threading.Event(), threading.Event()

        def slow(*arguments: Any) -> None:
            begun.set()
            assert go_on.wait(10)
            put_into_outbox(*arguments)

        monkeypatch.setattr("suppress.opt_outs.sqlite.put_into_outbox", slow)
        with ThreadPoolExecutor(1) as pool:
            adding = pool.submit(one.add, [BOB], "sms")
            assert begun.wait(10)
            one._serving.invalidate()
            try:
                assert one.filter_recipients([ANN, BOB], "sms") == [BOB]
                assert made(folder).filter_recipients([ANN, BOB], "sms") == [BOB]
                assert not adding.done()
            finally:
                go_on.set()
            assert adding.result(10) == 1
        assert one.is_suppressed(BOB, "sms")


def test_is_for_its_owner_alone(folder: Path) -> None:
    made(folder).add([ANN], "sms")
    assert folder.stat().st_mode & 0o777 == 0o700
    database = sqlite3.connect(folder / NAME, isolation_level=None)
    with contextlib.closing(database):
        database.execute("BEGIN IMMEDIATE")
        database.execute("UPDATE batch SET made_at = 0")
        files = {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}
    assert f"{NAME}-journal" in files
    assert set(files.values()) == {0o600}


def some(folder: Path) -> list[str]:
    """Enough opt-outs for several pages of the database."""
    numbers = [f"+4479{place:08d}" for place in range(300)]
    one = made(folder)
    one.add([each for each in numbers if each != "+447900000123"], "sms")
    one.add(["07900 000123"], "sms", default_region="GB")
    return numbers


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    path.write_bytes(b"\xff" * 100 + path.read_bytes()[100:])


def of_another_program(path: Path) -> None:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE opt_out (number, channel, added_at, removed_at, change)")


def of_a_newer_version(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 1000")


def with_a_person_changed(path: Path) -> None:
    content = path.read_bytes()
    assert b"+447900000123" in content
    path.write_bytes(content.replace(b"+447900000123", b"+447900009123", 1))


def without_a_person(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM change WHERE number = '+447900000122'")


def without_a_batch(path: Path) -> None:
    """The last one, as if a page had lost it."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM batch WHERE position = (SELECT max(position) FROM batch)")


def with_a_person_taken_back(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        (at,) = database.execute(
            "SELECT position FROM change WHERE number = '+447900000122'"
        ).fetchone()
        database.execute("UPDATE batch SET takes_back = ?", (at.to_bytes(8),))


def with_a_text_changed(path: Path) -> None:
    content = path.read_bytes()
    row = b"+44790000012307900 000123GB"
    assert row in content
    path.write_bytes(content.replace(row, row.replace(b"07900 000123", b"07900 009123"), 1))


def with_a_region_changed(path: Path) -> None:
    content = path.read_bytes()
    row = b"+44790000012307900 000123GB"
    assert row in content
    path.write_bytes(content.replace(row, row.replace(b"GB", b"US"), 1))


def without_what_it_says_of_itself(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM file")


def with_its_schema_garbled(path: Path) -> None:
    content = path.read_bytes()
    assert b"CREATE INDEX" in content
    path.write_bytes(content.replace(b"CREATE INDEX", b"CREAT\xc5 INDEX"))


def with_a_folder_in_its_place(path: Path) -> None:
    path.unlink()
    path.mkdir()


class TestDamage:
    @pytest.mark.parametrize(
        ("damage", "said", "seen"),
        [
            (truncated, "malformed", False),
            (with_a_person_changed, "it is damaged", False),
            (without_a_person, "it is damaged", False),
            (without_a_batch, "it is damaged", False),
            (with_a_person_taken_back, "it is damaged", False),
            (with_a_text_changed, "it is damaged", False),
            (with_a_region_changed, "it is damaged", False),
            # Of these five, one that has seen the whole file needs nothing any more.
            *(
                (damage, said, seen)
                for seen in (False, True)
                for damage, said in (
                    (emptied, "it is empty, or another program's database"),
                    (overwritten, "not a database"),
                    (without_what_it_says_of_itself, "it is damaged"),
                    (with_its_schema_garbled, "it is damaged"),
                    (of_another_program, "another program's database"),
                    (of_a_newer_version, "a newer version of suppress has written it"),
                    (with_a_folder_in_its_place, "unable to open"),
                )
            ),
        ],
    )
    def test_nothing_is_screened_without_them(
        self, folder: Path, damage: Callable[[Path], None], said: str, seen: bool
    ) -> None:
        numbers = some(folder)
        clock = Clock()
        one = made(folder, clock)
        if seen:
            one.snapshot("sms")
            clock.now += 1
        damage(folder / NAME)
        asks: list[Callable[[], object]] = [
            lambda: one.is_suppressed(numbers[0], "sms"),
            lambda: one.filter_recipients([BOB], "sms"),
            lambda: one.refresh("sms"),
            lambda: one.stored("sms"),
            lambda: one.remove([BOB], "sms"),
        ]
        for _ in range(2):
            for ask in asks:
                with pytest.raises(StopListUnavailable) as raised:
                    ask()
                message = str(raised.value)
                assert said in message
                assert NAME in message
                assert "restore the file from a backup" in message
        with pytest.raises(StoreUnavailable, match=NAME):
            one.add([BOB], "sms")

    @pytest.mark.slow
    def test_no_flipped_bit_lets_anyone_through(self, folder: Path) -> None:
        """SQLite keeps no sums: each batch of changes has its digest."""
        numbers = [f"+4479{place:08d}" for place in range(60)]
        made(folder).add(numbers[:30], "sms")
        national = [f"0{each[3:7]} {each[7:]}" for each in numbers[30:]]
        made(folder).add(national, "sms", default_region="GB")
        source = ListSource()
        made(folder, source=source).snapshot("sms")
        path = folder / NAME
        content = path.read_bytes()
        dice = random.Random(1)
        noticed = 0
        for _ in range(100):
            place = dice.choice([at for at in range(len(content)) if content[at]])
            flipped = bytearray(content)
            flipped[place] ^= 1 << dice.randrange(8)
            path.write_bytes(flipped)
            try:
                allowed = made(folder, source=source).filter_recipients(numbers, "sms")
            except StopListUnavailable:
                noticed += 1
            else:
                assert allowed == [], f"byte {place}"
        assert noticed > 30

    def test_a_file_restored_from_an_older_backup_is_read_anew(
        self, folder: Path, tmp_path: Path
    ) -> None:
        clock = Clock()
        one, two = made(folder, clock), made(folder, clock)
        one.add([ANN], "sms")
        shutil.copy(folder / NAME, tmp_path / "backup")
        one.remove([ANN], "sms")
        one.add([BOB], "sms")
        assert two.filter_recipients([ANN, BOB, CY], "sms") == [ANN, CY]
        (tmp_path / "backup").replace(folder / NAME)
        clock.now += 1
        assert two.filter_recipients([ANN, BOB, CY], "sms") == [BOB, CY]
        one.add([CY], "sms")
        assert two.filter_recipients([ANN, BOB, CY], "sms") == [BOB]

    @pytest.mark.parametrize("more", [0, 1, 9])
    @pytest.mark.slow
    def test_a_file_overwritten_with_an_older_backup_is_read_anew(
        self, folder: Path, tmp_path: Path, more: int
    ) -> None:
        """As `cp` does it: the inode stays. Others may have gone on adding before one looks."""
        clock = Clock()
        one, two = made(folder, clock), made(folder, clock)
        one.add([ANN], "sms")
        shutil.copy(folder / NAME, tmp_path / "backup")
        for place in range(5):
            one.add([f"+1415555267{place}"], "viber")
        one.remove([ANN], "sms")
        assert not two.is_suppressed(ANN, "sms")
        shutil.copyfile(tmp_path / "backup", folder / NAME)
        later = [f"+4479{place:08d}" for place in range(more)]
        for number in later:
            made(folder).add([number], "sms")
        clock.now += 1
        assert two.filter_recipients([ANN, *later, BOB], "sms") == [BOB]

    def test_a_new_file_takes_no_journal_of_the_one_that_was_moved_away(self, folder: Path) -> None:
        made(folder).add([ANN], "sms")
        path = folder / "opt-outs.sqlite3"
        journal = folder / "opt-outs.sqlite3-journal"
        path.rename(folder / "moved away")
        assert made(folder).reset_opt_outs()
        journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(5000))
        one = made(folder)
        assert one.add([BOB], "sms") == 1
        assert made(folder).is_suppressed(BOB, "sms")
        assert not journal.exists()

    def test_a_new_file_in_its_place_is_not_taken_by_one_that_knows_the_old_one(
        self, folder: Path
    ) -> None:
        running = made(folder)
        running.add([ANN], "sms")
        assert running.is_suppressed(ANN, "sms")
        (folder / NAME).unlink()
        assert made(folder).reset_opt_outs()
        made(folder).add([BOB], "sms")
        with pytest.raises(StopListUnavailable, match="another one has taken its place"):
            running.is_suppressed(ANN, "sms")
        assert made(folder).is_suppressed(BOB, "sms")

    def test_a_file_that_is_gone_while_a_process_runs(self, folder: Path) -> None:
        clock = Clock()
        one = made(folder, clock)
        one.add([ANN], "sms")
        one.snapshot("sms")
        (folder / NAME).unlink()
        clock.now += 1
        with pytest.raises(StopListUnavailable, match="No such file"):
            one.filter_recipients([BOB], "sms")
        # A new file would let Ann through, here and everywhere.
        with pytest.raises(StoreUnavailable, match="No such file"):
            one.add([BOB], "sms")
        assert not (folder / NAME).exists()

    def test_several_that_make_it_at_the_same_time(self, folder: Path) -> None:
        barrier = threading.Barrier(8)
        numbers = [f"+4479{place:08d}" for place in range(8)]

        def add(number: str) -> None:
            one = made(folder)
            barrier.wait()
            one.add([number], "sms")

        threads = [threading.Thread(target=add, args=(number,)) for number in numbers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made(folder).filter_recipients([*numbers, BOB], "sms") == [BOB]


class TestTheRecordIsGone:
    """Once opt-outs were made in a store, nothing is screened there without their record."""

    def refused(self, folder: Path, said: str) -> None:
        one = made(folder)
        asks: list[Callable[[], object]] = [
            lambda: one.is_suppressed(BOB, "sms"),
            lambda: one.filter_recipients([BOB], "sms"),
            lambda: one.stored("sms"),
            lambda: one.remove([BOB], "sms"),
        ]
        for ask in asks:
            with pytest.raises(StopListUnavailable, match=said) as raised:
                ask()
            assert "reset-opt-outs" in str(raised.value)
        with pytest.raises(StoreUnavailable, match=said):
            one.add([CY], "sms")
        with pytest.raises(StoreUnavailable, match=said):
            one.waiting()
        assert not (folder / NAME).exists()

    def test_a_file_that_was_deleted(self, folder: Path) -> None:
        made(folder).add([ANN], "sms")
        (folder / NAME).unlink()
        self.refused(folder, "No such file or directory, but opt-outs were made here")
        assert made(folder).reset_opt_outs()
        assert not made(folder).reset_opt_outs()
        assert made(folder).filter_recipients([ANN, BOB], "sms") == [ANN, BOB]
        made(folder).add([BOB], "sms")
        assert made(folder).filter_recipients([ANN, BOB], "sms") == [ANN]
        (folder / NAME).unlink()
        self.refused(folder, "opt-outs were made here")

    @pytest.mark.parametrize("without", ["home", "store"])
    def test_either_mark_will_do(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: str
    ) -> None:
        """Another user has another home; in a container it may not last."""
        made(folder).add([ANN], "sms")
        if without == "home":
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
            (folder / NAME).unlink()
        else:
            shutil.rmtree(folder)
        self.refused(folder, "opt-outs were made here")

    def test_a_user_without_a_home(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("suppress.opt_outs.marks.state_folder", lambda: None)
        made(folder).add([ANN], "sms")
        assert made(folder).is_suppressed(ANN, "sms")
        (folder / NAME).unlink()
        self.refused(folder, "opt-outs were made here")

    def test_a_volume_that_is_not_mounted(self, disk: Path) -> None:
        made(disk / "store").add([ANN], "sms")
        subprocess.run(["umount", "-l", disk], check=True)
        self.refused(disk / "store", "opt-outs were made here")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", disk], check=True)  # to be taken off

    @pytest.mark.parametrize("link", ["folder", "record"])
    def test_a_link_that_leads_nowhere(self, folder: Path, tmp_path: Path, link: str) -> None:
        """Even where no mark tells of it: a link is laid to something."""
        if link == "folder":
            folder.symlink_to(tmp_path / "elsewhere")
        else:
            folder.mkdir()
            (folder / NAME).symlink_to(tmp_path / "elsewhere")
        self.refused(folder, "a link that leads nowhere")
        with pytest.raises(StoreUnavailable, match="leads nowhere: remove"):
            made(folder).reset_opt_outs()
        (folder if link == "folder" else folder / NAME).unlink()
        assert made(folder).add([ANN], "sms") == 1

    def test_another_record_in_its_place(self, folder: Path) -> None:
        """As one that was made below a mount point while nothing was mounted there."""
        made(folder).add([ANN], "sms")
        folder.rename(folder.with_name("away"))
        shutil.rmtree(folder.parent / "home")
        made(folder).add([BOB], "sms")
        (folder.with_name("away") / NAME).replace(folder / NAME)
        for ask in (lambda: made(folder).is_suppressed(BOB, "sms"), made(folder).unread):
            with pytest.raises(StopListUnavailable, match="not the one that opt-outs were made in"):
                ask()
        with pytest.raises(StoreUnavailable, match="not the one that opt-outs were made in"):
            made(folder).add([CY], "sms")
        assert made(folder).reset_opt_outs()
        assert made(folder).filter_recipients([ANN, BOB], "sms") == [BOB]

    def test_a_record_without_marks_gets_them_when_it_is_read(self, folder: Path) -> None:
        """One of an earlier version."""
        made(folder).add([ANN], "sms")
        (folder / "opt-outs.made").unlink()
        shutil.rmtree(folder.parent / "home")
        assert made(folder).is_suppressed(ANN, "sms")
        (folder / NAME).unlink()
        self.refused(folder, "opt-outs were made here")

    def test_no_record_is_reset(self, folder: Path) -> None:
        assert not made(folder).reset_opt_outs()
        assert not made(None).reset_opt_outs()
        made(folder).add([ANN], "sms")
        assert not made(folder).reset_opt_outs()
        assert made(folder).is_suppressed(ANN, "sms")
        emptied(folder / NAME)
        with pytest.raises(StoreUnavailable, match="it is empty"):
            made(folder).reset_opt_outs()

    def test_where_nobody_was_opted_out_nothing_is_missed(self, folder: Path) -> None:
        made(folder).snapshot("sms")
        shutil.rmtree(folder)
        assert not made(folder).is_suppressed(BOB, "sms")

    def test_marks_are_for_their_owner_alone(self, folder: Path) -> None:
        made(folder).add([ANN], "sms")
        state = folder.parent / "home" / "suppress"
        assert state.stat().st_mode & 0o777 == 0o700
        (mark,) = state.iterdir()
        for each in (mark, folder / "opt-outs.made"):
            assert each.stat().st_mode & 0o777 == 0o600
            assert str(folder) in each.read_text()

    def test_one_that_is_made_at_this_moment_is_not_missed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not there yet when it is looked for, and its mark is a moment later."""
        one = made(folder)
        one.snapshot("sms")
        one._serving.invalidate()
        found = Marks.found

        def overtaken(marks: Marks) -> frozenset[str]:
            monkeypatch.setattr(Marks, "found", found)
            made(folder).add([ANN], "sms")
            return found(marks)

        monkeypatch.setattr(Marks, "found", overtaken)
        assert one.is_suppressed(ANN, "sms")


class TestWhatCannotBeKept:
    def refused(self, one: Suppressor, numbers: list[str]) -> None:
        with pytest.raises(StoreUnavailable) as raised:
            one.add(numbers, "sms")
        message = str(raised.value)
        assert "SUPPRESS_STORE" in message
        what = "the opt-out holds" if len(numbers) == 1 else f"the {len(numbers)} opt-outs hold"
        assert f"For now {what} in this process alone" in message
        assert numbers[0] not in message

    @pytest.mark.parametrize("is_made", [False, True], ids=["new", "old"])
    def test_on_a_full_disk(self, disk: Path, is_made: bool) -> None:
        one, two = made(disk / "store"), made(disk / "store")
        if is_made:
            one.add([ANN], "sms")
        for each in (one, two):
            each.snapshot("sms")
        with contextlib.suppress(OSError), (disk / "full").open("wb", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass
        numbers = [f"+4479{place:08d}" for place in range(500)]
        self.refused(one, numbers)
        assert one.filter_recipients([*numbers, BOB], "sms") == [BOB], "at once"
        assert two.is_suppressed(ANN, "sms") is is_made
        assert not two.is_suppressed(numbers[0], "sms")
        (disk / "full").unlink()
        assert one.add(numbers, "sms") == 500
        for each in (one, two, made(disk / "store")):
            assert each.filter_recipients([*numbers, BOB], "sms") == [BOB]
        one.remove(numbers, "sms")
        assert one.filter_recipients([*numbers, BOB], "sms") == [*numbers, BOB]

    def test_where_nothing_can_be_written(self, disk: Path) -> None:
        made(disk).add([ANN], "sms")
        made(disk).snapshot("sms")
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        one = made(disk)
        assert one.filter_recipients([ANN, BOB], "sms") == [BOB]
        self.refused(one, [BOB])
        assert one.filter_recipients([ANN, BOB, CY], "sms") == [CY], "at once"
        with pytest.raises(StoreUnavailable):
            one.remove([ANN], "sms")
        assert one.is_suppressed(ANN, "sms")

    def test_one_that_may_only_read_is_told_at_once(self, disk: Path, tmp_path: Path) -> None:
        one = made(disk / "store")
        one.snapshot("sms")
        one.add([ANN], "sms")
        view = tmp_path / "view"
        view.mkdir()
        subprocess.run(["mount", "--bind", disk, view], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", view], check=True)
            two = made(view / "store")
            assert two.filter_recipients([ANN, BOB], "sms") == [BOB]
            one.add([BOB], "sms")
            assert two.filter_recipients([ANN, BOB], "sms") == []
        finally:
            subprocess.run(["umount", "-l", view], check=True)

    def test_where_there_can_be_no_folder(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        one = made(tmp_path / "file" / "store")
        assert not one.is_suppressed(ANN, "sms")
        self.refused(one, [ANN])
        assert one.is_suppressed(ANN, "sms"), "at once"
        assert not one.is_suppressed(ANN, "viber")

    def test_while_another_holds_the_database(self, folder: Path) -> None:
        made(folder).add([ANN], "sms")
        lock, limits = threading.Lock(), OptOutLimits(max_wait=0.05)
        opt_outs = OptOuts(SqliteRecord(folder, lambda: lock, limits=limits), Convention())
        bob = People.of([Person(BOB, BOB)])

        def add() -> dict[str, int]:
            return opt_outs.add(bob, ["sms"], lambda _: [], now=1.0, evidence=NO_EVIDENCE)

        with contextlib.closing(sqlite3.connect(folder / NAME)) as database:
            database.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="locked"):
                add()
            assert ANN in opt_outs.of("sms")
            assert BOB in opt_outs.of("sms")
            database.rollback()
        assert add() == {"sms": 1}


def number_of(place: int) -> str:
    return f"+4479{place:08d}"


def add_and_tell(pipe: Connection, folder: Path, first: int, many: int) -> None:
    """Add, many together, and tell what has been added, when that has returned."""
    one = made(folder)
    for start in range(first, first + 10**6, many):
        one.add(map(number_of, range(start, start + many)), "sms")
        pipe.send(start)


def add_some(pipe: Connection, folder: Path, first: int, many: int) -> None:
    """Add one by one, beginning when told."""
    one = made(folder)
    pipe.send("ready")
    pipe.recv()
    for place in range(first, first + many):
        one.add([number_of(place)], "sms")
    pipe.send("done")


def change_and_wait(pipe: Connection, path: Path) -> None:
    """Begin to take everyone's opt-out back, with some of that on disk already."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN IMMEDIATE")
    database.execute("UPDATE change SET region = 'GB'")
    pipe.send("begun")
    time.sleep(60)


def fork_while_adding(pipe: Connection, folder: Path, forks: int) -> None:
    """Fork while threads add and look; each child adds and looks too, and ends."""
    one = made(folder)
    one.add([ANN], "sms")
    one.is_suppressed(BOB, "sms")
    places = itertools.count()
    done = threading.Event()

    def add() -> None:
        while not done.is_set():
            one.add([number_of(next(places))], "sms")

    def look() -> None:
        while not done.is_set():
            one._serving.invalidate()
            one.is_suppressed(BOB, "sms")

    for work in (add, add, look, look):
        threading.Thread(target=work, daemon=True).start()
    for _ in range(forks):
        if (child := os.fork()) == 0:
            number = number_of(10**7 + os.getpid())
            one.add([number], "sms")
            os._exit(0 if one.is_suppressed(number, "sms") else 1)
        pipe.send(child)
        pipe.send(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    done.set()


class TestProcesses:
    def test_one_that_is_forked_while_threads_add_and_look(self, folder: Path) -> None:
        with started(fork_while_adding, folder, 10) as (_, pipe):
            for _ in range(10):
                assert pipe.poll(20), "the parent hangs"
                child = pipe.recv()
                try:
                    assert pipe.poll(20), "the child hangs"
                finally:
                    if not pipe.poll():
                        os.kill(child, signal.SIGKILL)
                assert pipe.recv() == 0

    def test_what_was_added_is_there_after_a_kill(self, folder: Path) -> None:
        returned: list[str] = []
        for turn, many in enumerate([1, 30, 500]):
            first = turn * 10**6
            with started(add_and_tell, folder, first, many) as (process, pipe):
                for _ in range(4):
                    start = pipe.recv()
                time.sleep(random.Random(turn).random() / 50)
                process.kill()
                process.join()
                with contextlib.suppress(EOFError):
                    while pipe.poll():
                        start = pipe.recv()
            returned += map(number_of, range(first, start + many))
            one = made(folder)
            assert one.filter_recipients([*returned, BOB], "sms") == [BOB]
            # What did not return is there as a whole or not at all.
            unsaid = [number_of(place) for place in range(start + many, start + 2 * many)]
            assert len(one.filter_recipients(unsaid, "sms")) in (0, many)
        assert made(folder).add([BOB], "sms") == 1
        assert made(folder).is_suppressed(BOB, "sms")

    def test_one_that_is_killed_before_it_has_told_the_others(self, folder: Path) -> None:
        clock = Clock()
        one, two = made(folder, clock), made(folder)
        one.snapshot("sms")
        assert two._opt_outs is not None
        people = People.of([Person(ANN, ANN)])
        two._opt_outs.add(people, ["sms"], lambda _: [], now=0.0, evidence=NO_EVIDENCE)
        clock.now += ServingLimits().store_check
        assert one.is_suppressed(ANN, "sms")

    def test_one_that_is_killed_in_the_middle_of_writing_changes_nothing(
        self, folder: Path
    ) -> None:
        numbers = list(map(number_of, range(2000)))
        made(folder).add(numbers, "sms")
        before = (folder / NAME).read_bytes()
        with started(change_and_wait, folder / NAME) as (process, pipe):
            assert pipe.recv() == "begun"
            process.kill()
            process.join()
        assert (folder / NAME).read_bytes() != before
        assert (folder / f"{NAME}-journal").stat().st_mode & 0o777 == 0o600
        assert made(folder).filter_recipients([*numbers, BOB], "sms") == [BOB]
        assert (folder / NAME).read_bytes() == before

    def test_several_that_add_at_once_lose_nothing(self, folder: Path) -> None:
        one = made(folder)
        one.snapshot("sms")
        with contextlib.ExitStack() as stack:
            pipes = [
                stack.enter_context(started(add_some, folder, 100 * place, 20))[1]
                for place in range(4)
            ]
            for pipe in pipes:
                assert pipe.recv() == "ready"
            for pipe in pipes:
                pipe.send("go")
            for pipe in pipes:
                assert pipe.recv() == "done"
        everyone = [number_of(100 * turn + place) for turn in range(4) for place in range(20)]
        for each in (one, made(folder)):
            assert each.filter_recipients([*everyone, BOB], "sms") == [BOB]
            assert each.snapshot("sms").opted_out.count == 80
