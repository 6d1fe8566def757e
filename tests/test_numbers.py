"""The same number is what phonenumbers gives the same E.164 text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import suppress
from differential import reference
from suppress.numbers.bulk import e164_all
from suppress.numbers.e164 import digits, e164, known_region, why_invalid
from suppress.numbers.mask import mask


@pytest.mark.parametrize(
    ("number", "region", "expected"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("14155552671", "US", "+14155552671"),
        (14155552671, None, "+14155552671"),
        ("14155552671", None, None),
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
    assert e164(number, region) == expected


@pytest.mark.parametrize(
    "number",
    [
        None,
        True,
        False,
        14155552671.0,
        b"+14155552671",
        0,
        -14155552671,
        10**251,
        pytest.param(10**5000, id="huge"),
        ["+1"],
    ],
)
def test_nothing_but_text_and_positive_int_is_a_number(number: Any) -> None:
    assert e164(number, "US") is None
    assert why_invalid(number, "US")


@given(st.text(max_size=30), st.sampled_from([None, "US", "GB", "AR", "IT", "RU"]))
def test_equals_the_reference_for_any_text(text: str, region: str | None) -> None:
    expected = reference(text, region)
    assert e164(text, region) == expected
    assert e164_all([text], region).text(0) == expected
    if expected is None:
        assert why_invalid(text, region)


@given(st.integers(min_value=1, max_value=10**17))
def test_an_int_is_its_digits_with_a_plus(number: int) -> None:
    assert e164(number) == reference(f"+{number}", None)


def test_normalize() -> None:
    assert suppress.normalize("(415) 555-2671", "US") == "+14155552671"
    with pytest.raises(suppress.InvalidNumber, match="no default region is set") as raised:
        suppress.normalize("4155552671")
    assert "4155552671" not in str(raised.value)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+14155552671", "+141******71"),
        (14155552671, "141******71"),
        ("(415) 555-2671", "(415*****71"),
        ("call +1 415 555 2671 or 12", "call +141******71 or 12"),
        ("+1 415\u2013555\u20132671", "+141******71"),
        ("12345", "12345"),
        (None, "NoneType"),
    ],
)
def test_mask(number: Any, shown: str) -> None:
    assert mask(number) == shown


def test_digits_are_those_of_any_script() -> None:
    assert digits("+1 (\u0664\u0661\u0665) 555") == "1415555"
    assert digits(85267202829) == "85267202829"
    assert digits(None) == ""


def test_region() -> None:
    assert known_region("us") == "US"
    for odd in ("UK", "", "ZZ", "001", "USA"):
        with pytest.raises(suppress.ConfigurationError, match="default_region"):
            known_region(odd)
