"""The reasons why a number may not be messaged although nobody listed it."""

from enum import Enum


class Problem(Enum):
    """A reason, in words that stand behind a number."""

    NO_NUMBER = "no number was given"
    WRONG_TYPE = "not text, a positive whole number or a PhoneNumber"
    NOT_A_NUMBER = "not a phone number"
    MASKED = "some of its digits are hidden"
    CUT = "cut by a spreadsheet"
    WITHOUT_PLUS = "digits without a plus: say whose they are"
    NATIONAL = "not in international form, and no default region is set"
    UNKNOWN_CODE = "its country calling code is unknown"
    TOO_SHORT = "too short for a phone number"
    TOO_LONG = "too long for a phone number"
    WRONG_LENGTH = "of a length that no number of its country has"

    @property
    def words(self) -> str:
        """The reason, of one number."""
        return self.value

    @property
    def code(self) -> int:
        """The integer from 1 that stands for the problem in an array; 0 stands for none."""
        return _CODES[self]


PROBLEMS = tuple(Problem)
"""All problems, in the order of their codes."""

_CODES = {problem: code for code, problem in enumerate(PROBLEMS, 1)}
