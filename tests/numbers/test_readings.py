"""Nobody is let through by the way a number is written, and nobody else is lost."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import pytest
from phonenumbers import PhoneNumber, PhoneNumberFormat

from support.phones import ELSEWHERE, REGIONS, e164, mobile, spellings
from suppress import Outcome, Screening, Snapshot
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.equivalence import NO_CHANGES, table
from suppress.numbers.problem import Problem
from suppress.numbers.readings import read, readings
from suppress.numbers.single import why_not_single
from suppress.stop_list.number_set import NumberSet

CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data" / "readings.jsonl")
    .read_text("utf-8")
    .splitlines()
]


def listing(*numbers: str) -> Snapshot:
    """A stop list on which some entries put all of their readings."""
    e164 = {each for number in numbers for each in readings(number, "international")}
    return Snapshot(
        channel="sms",
        read_at=datetime(2026, 1, 1, tzinfo=UTC),
        sources=("made-up",),
        numbers=NumberSet.of(e164),
    )


def outcomes(texts: list[Any], region: str | None, *listed: str) -> list[str]:
    screening = Screening(texts, listing(*listed), default_region=region)
    found = np.full(len(texts), "", object)
    for outcome in Outcome:
        found[screening.where(outcome)] = str(outcome)
    return found.tolist()


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{place}: {case['kind']}" for place, case in enumerate(CASES)]
)
def test_cases(case: dict[str, Any]) -> None:
    assert outcomes([case["text"]], case["region"], *case["listed"]) == [case["outcome"]]
    snapshot = listing(*case["listed"])
    meaning = read(case["text"], Convention(case["region"]))
    if snapshot.lists(meaning, case["text"]):
        by_reference = "suppressed"
    else:
        by_reference = "allowed" if meaning.problem is None else "invalid"
    assert by_reference == case["outcome"]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.slow
def test_nobody_listed_is_allowed_however_the_number_is_written(region: str) -> None:
    number = mobile(region)
    by_region: dict[str | None, list[tuple[str, Any]]] = {}
    for kind, text, read_with in spellings(number):
        by_region.setdefault(read_with, []).append((kind, text))
    for read_with, written in by_region.items():
        texts = [text for _, text in written]
        found = outcomes(texts, read_with, e164(number))
        assert [
            each for each, outcome in zip(written, found, strict=True) if outcome != "suppressed"
        ] == []


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.slow
def test_nobody_else_is_lost(region: str) -> None:
    number = mobile(region)
    texts = [
        phonenumbers.format_number(number, style)
        for style in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL)
    ]
    listed = "+4915112345678" if region != "DE" else ELSEWHERE
    assert outcomes([*texts, *texts], None, listed) == ["allowed"] * 4
    assert outcomes([texts[0][1:]], "international", listed) == ["allowed"]
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    assert outcomes([national], phonenumbers.region_code_for_number(number), listed) == ["allowed"]


def only(text: Any, region: str | None = None) -> list[str]:
    meaning = read(text, Convention(region))
    assert meaning.problem is None
    return [each.e164 for each in meaning.readings]


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("4915112345678", "DE", "+4915112345678"),  # and not +494915112345678
        ("004915112345678", "DE", "+4915112345678"),
        ("00442079460123", "US", "+442079460123"),
        ("2025550147", "US", "+12025550147"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("+22961234567", None, "+2290161234567"),
        ("+541143211234", None, "+541143211234"),  # a possible number is shown as it is written
        (PhoneNumber(country_code=44, national_number=2079460123), None, "+442079460123"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("tel:2079460123;phone-context=+44", None, "+442079460123"),
    ],
)
def test_the_first_reading(text: Any, region: str | None, expected: str) -> None:
    assert only(text, region)[0] == expected
    reader = Reader(Convention(region))
    (first,) = reader.firsts(reader.read_all([text])).tolist()
    assert f"+{first}" == expected


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        # Nothing that the damage makes of it.
        ("+4915112345678.0", None, ["+4915112345678"]),
        ("+4915112345678 STOP", None, ["+4915112345678"]),
        ("+49151123456O8", None, ["+4915112345608"]),
        # A group of zeros is none of damage.
        ("+33 1.23.45.67.00", None, ["+33123456700"]),
        ("(415) 555.0000", "US", ["+14155550000"]),
        # A date or a number of its own beside it.
        ("+442079460123 22", None, ["+442079460123"]),
        ("2) +442079460123", None, ["+442079460123"]),
        ("+442079460123, +442079460124", None, ["+442079460123", "+442079460124"]),
        ("+442079460123 / ext. 5", None, ["+442079460123"]),
        ("4,420,794,601,23", None, []),
        ("+44_20_7946_0123", None, ["+442079460123"]),
        ("+442,079,460,123", None, ["+442079460123"]),
    ],
)
def test_damage(text: str, region: str | None, expected: list[str]) -> None:
    assert list(readings(text, region)) == expected


@pytest.mark.parametrize(
    ("text", "region", "problem"),
    [
        (None, None, Problem.NO_NUMBER),
        ("", None, Problem.NO_NUMBER),
        (" \t", None, Problem.NO_NUMBER),
        (b"+442079460123", None, Problem.WRONG_TYPE),
        (True, None, Problem.WRONG_TYPE),
        (np.bool_(True), None, Problem.WRONG_TYPE),
        (math.nan, None, Problem.NO_NUMBER),
        (math.inf, None, Problem.WRONG_TYPE),
        (2025550147.5, "US", Problem.WRONG_TYPE),
        (Decimal("NaN"), None, Problem.WRONG_TYPE),
        (0, "US", Problem.WRONG_TYPE),
        (-442079460123, None, Problem.WRONG_TYPE),
        pytest.param(10**5000, None, Problem.WRONG_TYPE, id="huge"),
        ("n/a", "US", Problem.NOT_A_NUMBER),
        ("442079460123", None, Problem.WITHOUT_PLUS),
        ("020 7946 0123 (office)", None, Problem.WITHOUT_PLUS),
        ("4.42079E+11", "GB", Problem.CUT),
        ("201XXXXXXX", "US", Problem.MASKED),
        ("+44 20 7946 ****", None, Problem.MASKED),
        ("+49 151 1234 56xx", None, Problem.MASKED),
        ("+49 151 1234...", None, Problem.MASKED),
        ("+999123456", None, Problem.UNKNOWN_CODE),
        ("+44207946", None, Problem.TOO_SHORT),
        ("+4420794601231", None, Problem.TOO_LONG),
    ],
)
def test_why_a_number_is_invalid(text: Any, region: str | None, problem: Problem) -> None:
    assert read(text, Convention(region)).problem is problem
    assert Reader(Convention(region)).read_all([text]).problem(0) is problem


@pytest.mark.parametrize(
    "number",
    [
        np.int64(442079460123),
        np.uint64(442079460123),
        442079460123.0,
        np.float64(442079460123.0),
        Decimal(442079460123),
        Decimal("4.42079460123E+11"),
        PhoneNumber(country_code=44, national_number=2079460123),
        np.str_("+442079460123"),
    ],
)
def test_types(number: Any) -> None:
    assert only(number)[0] == "+442079460123"
    assert outcomes([number], None, "+442079460123") == ["suppressed"]
    assert outcomes([number, "+442079460124"], None, ELSEWHERE) == ["allowed"] * 2


def test_digits_of_no_region_only_suppress() -> None:
    found = read("442079460123", Convention(None))
    assert [(each.e164, each.allows) for each in found.readings] == [("+442079460123", False)]
    assert read("442079460123", Convention("international")).readings[0].allows


def test_a_number_too_long_for_its_plan_is_a_reading_where_possible_only_is_false() -> None:
    convention = Convention(None, possible_only=False)
    assert [each.e164 for each in read("+4420794601231", convention).readings] == ["+4420794601231"]
    (value,) = Reader(convention).read_all(["+4420794601231"]).values.tolist()
    assert value == 4420794601231
    assert read("+442079460123", convention) == read("+442079460123", Convention(None))


def test_changes_of_plans_can_be_left_out() -> None:
    convention = Convention(None, renumbering=NO_CHANGES)
    assert read("+22961234567", convention).readings == ()
    assert Reader(convention).read_all(["+22961234567"]).values.tolist() == [0]


@pytest.mark.parametrize("change", table().changes, ids=lambda change: change.id)
def test_both_forms_of_a_number_are_one_line(change: Any) -> None:
    old, new = (f"+{each}" for each in change.examples)
    written = (old, old[1:], f"00{old[1:]}", f"{old}.0", f"p:{old}", int(old[1:]))
    assert outcomes([*written, new, new[1:]], "international", old) == ["suppressed"] * 8
    assert outcomes([*written, new, new[1:]], "international", new) == ["suppressed"] * 8


def test_several_numbers_are_told_from_one() -> None:
    several = (
        "+442079460123 / +442079460999",
        "+442079460123;+442079460999",
        "+442079460123 or +442079460999",
        "020 7946 0123 020 7946 0999",
        "+44 20 7946 0123 +1 202 555 0147",
    )
    one = (
        "+442079460123",
        "+44 20 7946 0123",
        "+442079460123 / +44 20 7946 0123",
        "020 7946 0123 (office)",
        "+442079460123 ext. 5",
        "Ann <+442079460123>",
    )
    assert all(why_not_single(text, Convention("GB")) for text in several)
    assert not any(why_not_single(text, Convention("GB")) for text in one)


def test_each_odd_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(Convention(None))
    asked: list[object] = []

    def counted(number: object, *arguments: Any) -> Any:
        asked.append(number)
        return read(number, *arguments)

    monkeypatch.setattr("suppress.numbers.bulk.read", counted)
    for _ in range(2):
        reader.read_all(["+442079460123 Ann"] * 1000)
    assert asked == ["+442079460123 Ann"]
