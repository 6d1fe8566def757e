"""Changes of numbering plans: the table in the package, and rows of one's own."""

import itertools
from datetime import date
from pathlib import Path

import numpy as np
import phonenumbers
import pytest
from numpy.typing import NDArray

from suppress import ConfigurationError
from suppress.numbers.convention import Convention
from suppress.numbers.equivalence import (
    NO_CHANGES,
    PlanChange,
    chosen,
    first_day,
    table,
)
from suppress.numbers.pattern import Pattern
from suppress.numbers.readings import read

ANY = 2**10 - 1
CHANGES = table().changes
HEADER = "id\tregion\tmatch\tlength\tat\tdrop\tadd\tfrom\n"


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.id)
class TestEachRow:
    def test_its_example(self, change: PlanChange) -> None:
        old, new = change.examples
        assert table().change_of(old) is change
        assert change.new_form(old) == new

    def test_its_new_form_is_possible(self, change: PlanChange) -> None:
        number = phonenumbers.parse(f"+{change.examples[1]}")
        assert phonenumbers.is_possible_number(number)
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert e164 == f"+{change.examples[1]}"

    def test_it_makes_no_chain(self, change: PlanChange) -> None:
        assert table().change_of(change.examples[1]) is None

    def test_an_old_number_that_may_be_given_out_again_has_not_been(
        self, change: PlanChange
    ) -> None:
        if change.reuse != "free":
            return
        number = phonenumbers.parse(f"+{change.examples[0]}")
        assert not phonenumbers.is_valid_number(number), "reuse has begun: take the row out"


def test_the_table() -> None:
    assert len(CHANGES) == 101
    assert len({change.region for change in CHANGES}) == 47
    assert len({change.id for change in CHANGES}) == 101
    assert all(change.at + change.drop <= 6 for change in CHANGES)


Beginnings = NDArray[np.uint16]
"""Beginnings of numbers: for each place of each a set of digits, as bits."""


def beginnings(change: PlanChange) -> Beginnings:
    """Return beginnings of numbers that a row acts on."""
    return np.array(
        [
            shape.places + (ANY,) * (change.length - len(shape.places))
            for shape in Pattern(change.match).shapes
        ],
        np.uint16,
    )


def new_forms(change: PlanChange) -> Beginnings:
    """Return the new forms that a row makes."""
    before = beginnings(change)
    added = np.array([[1 << int(digit) for digit in change.add]] * len(before), np.uint16)
    kept = before[:, : change.at], before[:, change.at + change.drop :]
    return np.hstack([kept[0], added, kept[1]])


def meet(one: Beginnings, other: Beginnings) -> bool:
    """Some number begins as any of the one and any of the other."""
    if one.shape[1] != other.shape[1]:
        return False
    return bool((one[:, np.newaxis] & other).all(axis=2).any())


def test_rows_are_disjoint() -> None:
    acted_on = [(each.id, beginnings(each)) for each in CHANGES]
    for (one, first), (other, second) in itertools.combinations(acted_on, 2):
        assert not meet(first, second), (one, other)


def test_rows_make_no_chains() -> None:
    acted_on = [(each.id, beginnings(each)) for each in CHANGES]
    for one in CHANGES:
        made = new_forms(one)
        assert [other for other, before in acted_on if meet(made, before)] == [], one.id


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-11-30", date(2024, 11, 30)),
        ("2013", date(2013, 1, 1)),
        ("2005-12", date(2005, 12, 1)),
        ("2012-07-29..2016-11-06", date(2012, 7, 29)),
        ("2004..2021-06", date(2004, 1, 1)),
        ("alias", None),
    ],
)
def test_the_first_day(text: str, day: date | None) -> None:
    assert first_day(text) == day


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "24-01-01", "2024-1-1"])
def test_no_day(text: str) -> None:
    with pytest.raises(ValueError, match=r"from is|month"):
        first_day(text)


def test_a_row_acts_from_its_first_day_on(tmp_path: Path) -> None:
    file = tmp_path / "rows.tsv"
    file.write_text(f"{HEADER}GB-2030\tGB\t44151\t12\t2\t3\t207\t2030-02-03..2031\n", "utf-8")
    renumbering = chosen(file)
    assert len(renumbering.changes) == 102

    def readings(day: date) -> list[str]:
        convention = Convention(None, renumbering=renumbering.in_force(day))
        return [each.e164 for each in read("+441512345678", convention).readings]

    assert readings(date(2030, 2, 2)) == ["+441512345678"]
    assert readings(date(2030, 2, 3)) == ["+441512345678", "+442072345678"]
    assert renumbering.period(date(2030, 2, 2))[1] == date(2030, 2, 3)
    assert renumbering.period(date(2030, 2, 3)) == (date(2030, 2, 3), date.max)


def test_the_setting() -> None:
    assert chosen(True) == table()
    assert chosen(False) == NO_CHANGES
    assert chosen(True).digest != chosen(False).digest


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "has no column 'id'"),
        ("id\tregion\n", "has no column 'match'"),
        (f"{HEADER}A\tGB\t44(\t12\t2\t0\t1\t2030\n", "line 2"),
        (f"{HEADER}A\tGB\t44\t12\t2\t0\t1\tsoon\n", "line 2: .*from is 'soon'"),
        (f"{HEADER}A\tGB\t44\t12\t9\t9\t1\t2030\n", "line 2: .*within length"),
        (f"{HEADER}A\tGB\t44\t12\t2\t0\tx\t2030\n", "line 2: .*digits"),
        (f"{HEADER}A\tGB\n", "line 2"),
    ],
)
def test_rows_that_make_no_sense(tmp_path: Path, rows: str, message: str) -> None:
    file = tmp_path / "rows.tsv"
    file.write_text(rows, "utf-8")
    with pytest.raises(ConfigurationError, match=message):
        chosen(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SUPPRESS_RENUMBERING.*cannot be read"):
        chosen(tmp_path / "none.tsv")
