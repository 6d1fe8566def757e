"""The form that a provider's number has, and the entries that are in another one.

They are read like the others, for somebody may be listed by them. But when many of a list
are in no form of a number, its numbers may not be what they were.
"""

import numpy as np
from numpy.typing import NDArray

from suppress.numbers import damage
from suppress.numbers.e164_array import E164Array
from suppress.numbers.single import PLAIN_MARKS, may_not_be_single

FEWEST, MOST = 7, 15
"""Digits that a number with its calling code has."""

_LOWEST, _HIGHEST = 10 ** (FEWEST - 1), 10**MOST - 1
_BETWEEN_NUMBERS = (*PLAIN_MARKS, "/")


def has_form(number: object) -> bool:
    """Tell whether an entry has the form of a number with its calling code.

    That is an integer of 7 to 15 digits, or text of an optional `+` or `00` and as many, also
    where separators are between them or damage can be mended, such as `.0` behind them.
    """
    if isinstance(number, int):
        return bool(_LOWEST <= number <= _HIGHEST)
    text, is_cut = damage.cleaned(str(number))
    digits = damage.digits_alone(text.removeprefix("+"))
    if digits is None or is_cut or any(mark in text for mark in _BETWEEN_NUMBERS):
        return False
    return FEWEST <= len(digits.removeprefix("00")) <= MOST


def without_form(found: E164Array) -> NDArray[np.intp]:
    """Return the places of the entries that have no such form.

    Args:
        found: what `Reader.read_all` gave of their numbers.
    """
    numbers = found.numbers
    unsure = (found.plain < _LOWEST) | (found.plain > _HIGHEST)
    unsure[may_not_be_single(numbers, _BETWEEN_NUMBERS)] = True
    places = [place for place in np.flatnonzero(unsure).tolist() if not has_form(numbers[place])]
    return np.array(places, np.intp)
