"""One number: what is shown of it, its first reading, and what is wrong with it."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suppress
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import why_invalid
from suppress.numbers.handed_in import digits_of
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning, read


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("14155552671", "US", "+14155552671"),
        (14155552671, None, "+14155552671"),
        ("14155552671", None, None),
        ("14155552671", "international", "+14155552671"),
        ("+85267202829", None, "+85267202829"),
        (85267202829, None, "+85267202829"),
        ("+44 20 7946 0958", "US", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("tel:+1-202-555-0143", None, "+12025550143"),
        (
            "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff12\uff16\uff17\uff11",
            None,
            "+14155552671",
        ),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("n/a", "US", None),
        ("", "US", None),
        (" ", "US", None),
        ("+" + "1" * 251, "US", None),
    ],
)
def test_e164(number: str | int, region: str | None, expected: str | None) -> None:
    if expected is not None:
        assert suppress.normalize(number, region) == expected
        return
    with pytest.raises(suppress.InvalidNumber):
        suppress.normalize(number, region)


@pytest.mark.parametrize(
    "number",
    [
        14155552671.0,
        Decimal(14155552671),
        Decimal("1.4155552671E+10"),
        np.int64(14155552671),
        np.uint64(14155552671),
        np.float64(14155552671),
        phonenumbers.parse("+14155552671"),
    ],
    ids=repr,
)
def test_other_types_of_numbers(number: Any) -> None:
    assert suppress.normalize(number) == "+14155552671"
    assert Reader(Convention()).read_all([number, "x"]).values.tolist() == [14155552671, 0]


@pytest.mark.parametrize(
    "number",
    [
        None,
        True,
        False,
        np.True_,
        14155552671.5,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("14155552671.5"),
        b"+14155552671",
        0,
        -14155552671,
        -14155552671.0,
        10**251,
        pytest.param(10**5000, id="huge"),
        ["+1"],
        np.array(["+14155552671"]),
    ],
)
def test_nothing_else_is_a_number(number: Any) -> None:
    meaning = read(number, Convention("US"))
    missing = number is None or (isinstance(number, float) and math.isnan(number))
    problem = Problem.NO_NUMBER if missing else Problem.WRONG_TYPE
    assert meaning == Meaning((), problem)
    assert why_invalid(number, meaning) == f"The number: {problem.words}."
    found = Reader(Convention("US")).read_all([number, "+14155552672"])
    assert found.values.tolist() == [0, 14155552672]
    assert found.problems.astype(bool).tolist() == [True, False]


@settings(deadline=None)  # rules are derived when they are first needed
@given(
    st.text(max_size=30),
    st.sampled_from([None, "international", "US", "GB", "AR", "IT", "RU"]),
)
def test_equals_the_reference_for_any_text(text: str, region: str | None) -> None:
    meaning = read(text, Convention(region))
    quick = Reader(Convention(region)).read(text)
    assert [each[:2] for each in quick.readings] == [each[:2] for each in meaning.readings]
    assert quick.problem == meaning.problem
    found = Reader(Convention(region)).read_all([text])
    certain = {value for value in (*found.values.tolist(), *found.further[1].tolist()) if value}
    assert certain <= {int(each.e164) for each in meaning.readings}
    assert bool(found.problems[0]) == (meaning.problem is not None)
    assert bool(certain) == bool(meaning.readings)
    if meaning.problem is not None:
        assert why_invalid(text, meaning)


@given(st.integers(min_value=1, max_value=10**17))
def test_an_int_is_its_digits_with_a_plus(number: int) -> None:
    assert read(number, Convention()).readings == read(f"+{number}", Convention()).readings


def test_normalize() -> None:
    assert suppress.normalize("(415) 555-2671", "US") == "+14155552671"
    with pytest.raises(suppress.InvalidNumber, match="say whose they are") as raised:
        suppress.normalize("4155552671")
    assert "4155552671" not in str(raised.value)


def test_digits_are_those_of_any_script() -> None:
    assert digits_of("+1 (\u0664\u0661\u0665) 555") == "1415555"
    assert digits_of(85267202829) == "85267202829"
    assert digits_of(None) == ""
