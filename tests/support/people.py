"""One campaign, to be screened in every form that people have it in."""

from collections.abc import Mapping
from typing import Any

LISTED = ("+14155552671", "+442079460958")
REGION = "US"

TEXTS: Mapping[str, str | None] = {
    "Ann": "+14155552671",
    "Bob": "(415) 555-2671",
    "Cleo": "442079460958",
    "Dan": "+1 415 555 2672",
    "Eve": "",
    "Fay": None,
    "Gus": "n/a",
    "Hal": "4155552673",
    "Ivy": '+14155552671, "Ivy"',
    "Jo\u00eb": "+442079460958.0",
    "Kim": "+14155552674",
}
"""The number of each person, as text."""

OUTCOMES_OF_TEXTS = {
    "suppressed": ["Ann", "Bob", "Cleo", "Ivy", "Jo\u00eb"],
    "allowed": ["Dan", "Hal", "Kim"],
    "invalid": ["Eve", "Fay", "Gus"],
}

WHOLE: Mapping[str, int | None] = {
    "Ann": 14155552671,
    "Bob": 4155552671,
    "Cleo": 442079460958,
    "Dan": 14155552672,
    "Eve": 0,
    "Fay": None,
    "Gus": 12,
    "Hal": 4155552673,
}
"""The number of each person, as a whole number."""

OUTCOMES_OF_WHOLE = {
    "suppressed": ["Ann", "Bob", "Cleo"],
    "allowed": ["Dan", "Hal"],
    "invalid": ["Eve", "Fay", "Gus"],
}


def without_gaps(people: Mapping[str, Any]) -> dict[str, Any]:
    """Return those who have something for a number."""
    return {name: number for name, number in people.items() if number is not None}


def outcomes(names: list[str], found: list[str]) -> dict[str, list[str]]:
    """Return who has each outcome, in order.

    Args:
        names: the people.
        found: the outcome of each.
    """
    pairs = list(zip(names, found, strict=True))
    return {
        outcome: [name for name, each in pairs if each == outcome] for outcome in OUTCOMES_OF_TEXTS
    }


def expected(people: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return who has each outcome: all people of one of the two campaigns, or some of them."""
    is_text = any(isinstance(each, str) for each in people.values())
    outcomes_of = OUTCOMES_OF_TEXTS if is_text else OUTCOMES_OF_WHOLE
    return {
        outcome: [name for name in names if name in people]
        for outcome, names in outcomes_of.items()
    }
