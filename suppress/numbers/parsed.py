"""A number as phonenumbers parses it, or the problem for which it cannot."""

import re

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from suppress.lazy import cached_property
from suppress.numbers.handed_in import e164_of
from suppress.numbers.problem import Problem

MOST_DIGITS = 19
"""Most digits of a number of any plan, calling code included. As an integer they fit 64 bits."""

_PLUS = re.compile("[+\uff0b]")

_LENGTH_PROBLEMS = {
    ValidationResult.IS_POSSIBLE: None,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: Problem.TOO_SHORT,
    ValidationResult.TOO_SHORT: Problem.TOO_SHORT,
    ValidationResult.TOO_LONG: Problem.TOO_LONG,
    ValidationResult.INVALID_LENGTH: Problem.WRONG_LENGTH,
    ValidationResult.INVALID_COUNTRY_CODE: Problem.UNKNOWN_CODE,
}

_PARSE_PROBLEMS = {
    NumberParseException.INVALID_COUNTRY_CODE: Problem.UNKNOWN_CODE,
    NumberParseException.NOT_A_NUMBER: Problem.NOT_A_NUMBER,
    NumberParseException.TOO_SHORT_AFTER_IDD: Problem.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: Problem.TOO_SHORT,
    NumberParseException.TOO_LONG: Problem.TOO_LONG,
}


class Number:
    """A number as phonenumbers gives it."""

    def __init__(self, number: phonenumbers.PhoneNumber) -> None:
        self._number = number
        self.digits = e164_of(number)[1:]
        self.code = str(number.country_code)

    @cached_property
    def length_problem(self) -> Problem | None:
        """The problem with its length; None for a possible one."""
        return _LENGTH_PROBLEMS[phonenumbers.is_possible_number_with_reason(self._number)]

    @cached_property
    def is_valid(self) -> bool:
        """True where the number is in a range that its country has given out."""
        return phonenumbers.is_valid_number(self._number)


def parse(text: str, region: str | None) -> Number | Problem:
    """Return the number of a text, by phonenumbers itself, or why it cannot be parsed."""
    try:
        return Number(phonenumbers.parse(text, region))
    except NumberParseException as error:
        problem = _PARSE_PROBLEMS[error.error_type]
    if problem is Problem.UNKNOWN_CODE and region is None and not _PLUS.search(text):
        return Problem.NATIONAL
    return problem


def is_valid(e164: str) -> bool:
    """Tell whether an E.164 number is in a range that its country has given out."""
    number = parse(e164, None)
    return not isinstance(number, Problem) and number.is_valid
