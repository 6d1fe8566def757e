"""A number as it was handed in: the text to read, whatever its type."""

import math
import operator
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias, cast

import numpy as np
import phonenumbers
from numpy.typing import NDArray

Numbers: TypeAlias = Sequence[object] | NDArray[np.integer[Any]] | NDArray[np.floating[Any]]
"""Many numbers handed in together: of any types, a `Column` of texts, or an array of numpy's."""

LONGEST_TEXT = 250
"""Most characters of a text that phonenumbers reads."""

LONGEST_INT = 10**LONGEST_TEXT
"""Integers from here on are not numbers: phonenumbers refuses longer texts."""


def as_text(number: object) -> tuple[str | None, bool]:
    """Return the text to read for what was handed in, and whether it was a whole number.

    Whatever has `__index__` is a whole number, and so are `float` and `Decimal` where they
    are whole; a `bool` is not one. There is no text for anything else.
    """
    if issubclass(type(number), str):
        return own_text(cast("str", number)), False
    if isinstance(number, phonenumbers.PhoneNumber):
        return e164_of(number), False
    if isinstance(number, float | np.floating | Decimal):
        if issubclass(type(number), float):
            number = float.__float__(cast("float", number))
        elif isinstance(number, Decimal):
            number = Decimal(number)
            if number.is_snan():  # it takes part in no comparison
                return None, False
        value = int(number) if math.isfinite(number) and number == int(number) else 0
    elif isinstance(number, bool | np.bool_):
        return None, False
    else:
        try:
            value = operator.index(number)  # type: ignore[arg-type]
        except TypeError:
            return None, False
    return (str(value), True) if 0 < value < LONGEST_INT else (None, False)


def is_missing(value: object) -> bool:
    """Tell whether a value stands for a missing one: None, NaN, or one of pandas' own."""
    if isinstance(value, float | np.floating):
        return bool(value != value)  # noqa: PLR0124 - NaN alone differs from itself
    return value is None or type(value).__name__ in _MISSING


_MISSING = ("NAType", "NaTType")


def own_text(text: str) -> str:
    """Return the characters of a text itself, and not what a subclass prints (as an Enum does)."""
    return text if type(text) is str else str.__str__(text)


def digits_of(number: object) -> str:
    """Return the decimal digits of a number, of any script, as ASCII."""
    text, _ = as_text(number)
    return "" if text is None else phonenumbers.normalize_digits_only(text)


def e164_of(number: phonenumbers.PhoneNumber) -> str:
    """Return the E.164 text of a number of phonenumbers."""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
