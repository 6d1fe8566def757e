"""A derived rule: the readings of all plain numbers of a length that begin alike."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from suppress.numbers.problem import PROBLEMS, Problem

SHORTEST, LONGEST = 3, 16
"""Digits of the numbers that rules decide; the reference is asked about others."""

LEAD = 7
"""Leading digits that rules look at. Shorter numbers are filled up with zeros."""

POWERS = 10 ** np.arange(19)
"""The powers of ten that fit 64 bits."""

# The first constant of a rule, or one of these.
_SPECIAL = -(2**63)
ASK_PARSER = _SPECIAL
"""Stands for a number that the reference has to be asked about."""
UNKNOWN_CODE = _SPECIAL + 1
"""Stands for a number behind a plus whose calling code does not exist."""
BEHIND_IDD = _SPECIAL + 2
"""`BEHIND_IDD + n`: behind the n first digits, an international prefix, an international number."""
NO_READING = BEHIND_IDD + LEAD + 1
"""`NO_READING + n`: a number without a reading, for the n-th of the `PROBLEMS`."""
UNDERIVED = NO_READING + len(PROBLEMS)
"""Stands for a rule that has not been derived yet."""
FIRST_CONSTANT = UNDERIVED + 1
"""The least constant."""


class Rule(NamedTuple):
    """The readings of all numbers of a form with some leading digits.

    Attributes:
        first: the constant to add to the digits' value for the first reading, or one that
            stands for a number without a reading.
        further: the constants of the other readings.
        maybe: the constants of possible readings: the reference has to be asked.
        is_written: True where the first reading is the number as it is written.
        width: the digits that the first reading has more than the number.
    """

    first: int
    further: tuple[int, ...] = ()
    maybe: tuple[int, ...] = ()
    is_written: bool = True
    width: int = 0

    @property
    def has_reading(self) -> bool:
        """True where the number has a reading for certain."""
        return self.first >= FIRST_CONSTANT

    @property
    def problem(self) -> Problem | None:
        """The problem of a number that has no reading for certain; None for others."""
        if NO_READING <= self.first < UNDERIVED:
            return PROBLEMS[self.first - NO_READING]
        return None

    @property
    def idd_digits(self) -> int:
        """The digits of the international prefix before an international number; 0 for none."""
        return self.first - BEHIND_IDD if BEHIND_IDD <= self.first < NO_READING else 0


ASK = Rule(ASK_PARSER)
"""The rule of a number that the reference has to be asked about."""
VALID = Rule(0, width=99)
"""The rule of a number that is certainly valid, in the form of `Rules.VALIDITY`."""
NOT_VALID = Rule(0, width=98)
"""The rule of a number that is certainly not valid."""

Derive = Callable[[str, str], Rule]
"""Gives the rule of known digits, and of unknown ones behind them."""
