"""The form of a provider's numbers, and the entries that have another one.

Such entries are read like the others, since they may list somebody. But a list with many of
them may have changed its format.
"""

import numpy as np
from numpy.typing import NDArray

from suppress.numbers import damage
from suppress.numbers.e164_array import E164Array
from suppress.numbers.single import PLAIN_MARKS, may_not_be_single

FEWEST, MOST = 7, 15
"""Fewest and most digits of a number with its calling code."""

_LOWEST, _HIGHEST = 10 ** (FEWEST - 1), 10**MOST - 1
_BETWEEN_NUMBERS = (*PLAIN_MARKS, "/")


def has_form(number: object) -> bool:
    """Tell whether an entry has the form of a number with its calling code.

    The form is an integer of 7 to 15 digits, or a text of as many behind an optional `+` or
    `00`; separators, and damage that can be repaired such as `.0` at the end, do not matter.
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
