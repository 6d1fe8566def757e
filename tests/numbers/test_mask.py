"""Masking: no number escapes, and what is none stays."""

import time
from typing import Any

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suppress.numbers.mask import mask, mask_numbers

FORMS = range(4)  # of phonenumbers: E.164, international, national, RFC 3966


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+14155552671", "+141******71"),
        (14155552671, "141******71"),
        ("(415) 555-2671", "(415*****71"),
        ("call +1 415 555 2671 or 12", "call +141******71 or 12"),
        ("+1 415\u2013555\u20132671", "+141******71"),
        ("+1,415,555,2671", "+141******71"),
        ("+44_20_7946_0123", "+442*******23"),
        ("+44 2O7 946 Ol23", "+442****23"),
        ("2026-11-29", "202***29"),  # handed in as a number, it is one
        ("12345", "12345"),
        (None, "NoneType"),
    ],
)
def test_mask(number: Any, shown: str) -> None:
    assert mask(number) == shown


@pytest.mark.parametrize(
    "text",
    [
        "listed for sms by bsg (entry 1, since 2026-11-29)",
        "read at 2026-11-29T09:30:00Z",
        "read at 2026-11-29T09:30:00.123456+02:00, and again at 2026-11-29 10:30",
        "from 2026-11-29 - 2026-11-30",
        "it took 0:00:12.345678",
        "campaign-2026-11-29.csv",
        "http://127.0.0.1:18080 refuses the connection",
        "12,345,678 entries",
        "Python 3.11.7, Django 5.2.9, phonenumbers 9.0.20",
    ],
)
def test_what_is_no_number_stays(text: str) -> None:
    assert mask_numbers(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as +14155552671, since 2026-11-29", "as +141******71, since 2026-11-29"),
        ("list-20261129.csv", "list-202***29.csv"),
        ("for +2026-11-29", "for +202***29"),
        ("for + 2026-11-29", "for + 202***29"),
        ("for +45 2026-11-29", "for +452*****29"),
        ("for 2026-11-29 415", "for 202******15"),
        ("2026-11-29 4155552671", "202*************71"),
        ("2026-11-29 10:00 +41 79 555 26 71", "202******************71"),
        ("10:00:00.123456+4155552671", "100*****************71"),
        ("2026-11-29\n4155552671", "202*************71"),
        ("2026-13-29", "202***29"),
        ("2026-11-32", "202***32"),
        ("2026.11.29", "202***29"),
        ("20.26.11.29", "202***29"),
        ("415.555.26.71:1", "415******11"),
    ],
)
def test_what_may_be_a_number_is_hidden(text: str, shown: str) -> None:
    assert mask_numbers(text) == shown


@pytest.mark.parametrize("around", ["{}", "since 2026-11-29 {}", "{}, 2026-11-29", "at 10:00 ({})"])
@given(
    region=st.sampled_from(sorted(phonenumbers.SUPPORTED_REGIONS)),
    kind=st.sampled_from(FORMS),
)
def test_no_number_escapes(around: str, region: str, kind: int) -> None:
    example = phonenumbers.example_number(region)
    assert example is not None
    written = phonenumbers.format_number(example, kind)
    digits = "".join(filter(str.isdigit, written))
    if len(digits) < 7:
        return
    text = around.format(written)
    for shown in (mask(text), mask_numbers(text)):
        assert digits not in "".join(filter(str.isdigit, shown))


@pytest.mark.parametrize(
    "text", ["2026-11-29T10:00:00 " * 5000 + "5", "2026-11-29 10:00 " * 5000, "1 " * 50_000]
)
def test_long_texts_take_no_time(text: str) -> None:
    began = time.process_time()
    mask(text, 10**6)
    mask_numbers(text, 10**6)
    assert time.process_time() - began < 2


def test_it_is_one_line_of_bounded_length() -> None:
    assert mask_numbers("2026-11-29:\x1b[m\n") == r"2026-11-29:\x1b[m\n"
    assert len(mask_numbers("x" * 10_000, 200)) == 200
