"""The reasons why recipients are invalid, and what to do, in sentences that follow a count."""

from collections.abc import Mapping
from dataclasses import dataclass

from suppress.numbers.problem import Problem

_WHOSE = "add --default-region XX, or --default-region international"

_SENTENCES = {
    # For one recipient, and for several.
    Problem.NO_NUMBER: (
        "is empty: fill in the number, or leave the row out",
        "are empty: fill in the numbers, or leave the rows out",
    ),
    Problem.WRONG_TYPE: (
        "is neither text nor a positive whole number: write the number as text",
        "are neither text nor positive whole numbers: write the numbers as text",
    ),
    Problem.NOT_A_NUMBER: (
        "is not a phone number: correct it, or leave it out",
        "are not phone numbers: correct them, or leave them out",
    ),
    Problem.MASKED: (
        "has hidden digits: export the number without a mask",
        "have hidden digits: export the numbers without a mask",
    ),
    Problem.CUT: (
        "was cut by a spreadsheet: export the column as text",
        "were cut by a spreadsheet: export the column as text",
    ),
    Problem.WITHOUT_PLUS: (
        f"is digits without a plus: {_WHOSE} if it carries a calling code",
        f"are digits without a plus: {_WHOSE} if they carry calling codes",
    ),
    Problem.NATIONAL: (
        "is in national form: name its region with --default-region XX",
        "are in national form: name their region with --default-region XX",
    ),
    Problem.UNKNOWN_CODE: (
        "has a calling code that does not exist: correct it, or leave it out",
        "have a calling code that does not exist: correct them, or leave them out",
    ),
    Problem.TOO_SHORT: (
        "is too short for a phone number: add the missing digits, or leave it out",
        "are too short for a phone number: add the missing digits, or leave them out",
    ),
    Problem.TOO_LONG: (
        "is too long for a phone number: look for two numbers in one place",
        "are too long for a phone number: look for two numbers in one place",
    ),
    Problem.WRONG_LENGTH: (
        "has a length that no number of its country has: correct it, or leave it out",
        "have a length that no number of their country has: correct them, or leave them out",
    ),
}


@dataclass(frozen=True)
class Trouble:
    """A reason why some recipients are invalid.

    Attributes:
        problem: the reason.
        count: how many are invalid for it.
        fault: a clause that follows the count.
        remedy: the command that says what to do.
    """

    problem: Problem
    count: int
    fault: str
    remedy: str


def troubles(problems: Mapping[Problem, int]) -> list[Trouble]:
    """Return the reasons why recipients are invalid, most frequent first.

    Args:
        problems: how many are invalid for each reason.
    """
    often = sorted(problems.items(), key=lambda each: -each[1])
    return [
        Trouble(problem, count, *_SENTENCES[problem][count != 1].split(": "))
        for problem, count in often
    ]


def by_reason(problems: Mapping[Problem, int]) -> list[str]:
    """Return a line for each reason why recipients are invalid, most frequent first.

    Args:
        problems: how many are invalid for each reason.
    """
    return [f"{each.count:,} {each.fault}: {each.remedy}." for each in troubles(problems)]
