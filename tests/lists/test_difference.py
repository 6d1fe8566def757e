"""Two lists compared: by people, whatever form their numbers have."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.builders import Clock, ListSource, by_hand, listed
from suppress import ConfigurationError, InputError, Rows, Suppressor, UnknownChannel, lists
from suppress.lists import Difference

ANN, BOB, CY, DEE = "+14155552671", "+14155552672", "+442079460958", "+442079460959"
OLD, NEW = "+22961234567", "+2290161234567"
"""The forms of one line before and after a change of the plan of Benin."""

MOBILE = "+5491123456789", "+541123456789"
"""One line of Argentina with the digit of mobiles and without: both are possible numbers."""


@pytest.fixture
def one(clock: Clock, tmp_path: Path) -> Suppressor:
    crm = ListSource(listed(ANN, BOB, "12", "13"), name="crm")
    legacy = ListSource(listed(BOB, CY, "12"), name="legacy", channels=("sms",))
    return by_hand(crm, legacy, clock=clock, store=tmp_path / "store")


def only(found: Difference) -> tuple[set[str], set[str]]:
    return (
        {*found.only_a.numbers, *found.only_a.unread},
        {*found.only_b.numbers, *found.only_b.unread},
    )


def file_of(*lines: str) -> Rows:
    return Rows(io.BytesIO("\n".join(lines).encode()), name="in")


def test_two_sources(one: Suppressor) -> None:
    found = lists.compare("crm", "legacy", "sms", suppressor=one)
    assert only(found) == ({ANN, "13"}, {CY})
    assert (found.count_a, found.count_b, found.forgotten) == (4, 3, 0)
    found = lists.compare("legacy", "crm", "sms", suppressor=one)
    assert only(found) == ({CY}, {ANN, "13"})


def test_opt_outs_and_a_file(one: Suppressor) -> None:
    one.add([ANN, DEE, "+44 20 7946 0000"], "sms")
    one.forget("+442079460000")
    found = lists.compare("opt-outs", "crm", "sms", suppressor=one)
    assert only(found) == ({DEE}, {BOB, "12", "13"})
    assert (found.count_a, found.forgotten) == (2, 1)
    # Whoever was forgotten is still suppressed.
    forgotten = file_of("+442079460000", ANN)
    assert only(lists.compare(forgotten, "opt-outs", "sms", suppressor=one)) == (set(), {DEE})
    out = io.BytesIO()
    lists.export(out, source="crm", suppressor=one)
    again = Rows(io.BytesIO(out.getvalue()), name="crm.csv", column="number")
    assert only(lists.compare(again, "crm", "sms", suppressor=one)) == (set(), set())


def test_rows_of_other_channels_are_passed_over(one: Suppressor) -> None:
    rows = file_of("number,channel", f"{ANN},viber", f"{BOB},sms")
    assert only(lists.compare("crm", rows, "sms", suppressor=one)) == ({ANN, "12", "13"}, set())


@pytest.mark.parametrize(("a", "b"), [(OLD, NEW), (NEW, OLD), (OLD, OLD), MOBILE, MOBILE[::-1]])
def test_every_form_of_a_line_is_one_person(clock: Clock, a: str, b: str) -> None:
    clock.now = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    one, other = ListSource(listed(a), name="one"), ListSource(listed(b), name="other")
    suppressor = by_hand(one, other, clock=clock)
    assert only(lists.compare("one", "other", "sms", suppressor=suppressor)) == (set(), set())


def test_a_further_reading_is_nobody_else_here(clock: Clock) -> None:
    """The one list would suppress both; the other one knows which of them is meant."""
    one, other = ListSource(listed("15112345679"), name="one"), ListSource(name="other")
    one.region = "DE"  # type: ignore[attr-defined]
    suppressor = by_hand(one, other, clock=clock)
    assert only(lists.compare("one", "other", "sms", suppressor=suppressor))[0] == {
        "+4915112345679"
    }
    other.entries = listed("+15112345679")
    suppressor.refresh()
    assert only(lists.compare("one", "other", "sms", suppressor=suppressor)) == (
        {"+4915112345679"},
        set(),
    )


def test_digits_without_a_reading_suppress_the_same_digits(clock: Clock) -> None:
    digits = CY[1:]
    one, other = ListSource(listed(CY), name="one"), ListSource(listed("12"), name="other")
    suppressor = by_hand(one, other, clock=clock)
    found = lists.compare("one", "other", "sms", suppressor=suppressor)
    assert only(found) == ({CY}, {"12"})
    assert digits not in found.only_b.unread


def test_what_cannot_be_compared(one: Suppressor) -> None:
    with pytest.raises(ConfigurationError, match="There are: crm, legacy, opt-outs"):
        lists.compare("crm", "nobody", "sms", suppressor=one)
    with pytest.raises(UnknownChannel, match="Served are: sms"):
        lists.compare("crm", "legacy", "viber", suppressor=one)
    with pytest.raises(InputError, match="in, line 2"):
        lists.compare("crm", file_of(ANN, "12"), "sms", suppressor=one)
