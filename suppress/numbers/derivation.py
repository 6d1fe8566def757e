"""The rules of plain numbers, derived from the installed phonenumbers: a proof by cases.

`phonenumbers.parse` looks at a string of digits through few holes: calling codes, three
regular expressions of a region's metadata, and lengths. A change of plan looks at the
first digits too. So for most numbers a few leading digits settle what becomes of the
whole: constants are added to its value (each drops, puts in front or replaces a prefix),
one for each reading, or it certainly has none. This module follows `parse` and the other
rules step by step over *known leading digits, any others behind them*. Where these do not
settle a step, one more digit is known; what seven do not settle is left to the reference.

The explanation is in the documentation, under "Exact and fast".
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

import phonenumbers

from suppress.numbers import plan
from suppress.numbers.equivalence import PlanChange, Renumbering
from suppress.numbers.parsed import MOST_DIGITS
from suppress.numbers.pattern import UNKNOWN, NotUnderstood, Pattern, Undecided, pattern_of
from suppress.numbers.plan import Plan, UnknownCode
from suppress.numbers.problem import PROBLEMS, Problem
from suppress.numbers.readings import FORMER_PREFIXES
from suppress.numbers.rule import (
    ASK,
    BEHIND_IDD,
    LEAD,
    NO_READING,
    NOT_VALID,
    UNKNOWN_CODE,
    VALID,
    Derive,
    Rule,
)


class Derivation:
    """Derives the rules of readings, with some changes of numbering plans.

    Args:
        renumbering: the changes of numbering plans that count.
    """

    def __init__(self, renumbering: Renumbering) -> None:
        self._changes: dict[tuple[int, str], list[tuple[Pattern | None, PlanChange]]] = {}
        for each in renumbering.changes:
            row = _understood(each.match), each
            for first in _first_digit(each.match) or "0123456789":
                self._changes.setdefault((each.length, first), []).append(row)

    def national(self, region: str) -> Derive:
        """Return what derives the rules of digits without a plus in a region."""
        try:
            return _National(region, self).rule
        except NotUnderstood:
            return _not_understood

    def behind_plus(self, known: str, unknown: str) -> Rule:
        """Return the rule of digits behind a plus."""
        try:
            becomes = plan.international(known + unknown)
        except UnknownCode:
            return Rule(UNKNOWN_CODE)
        return self.with_forms(becomes, known, unknown, plus=True)

    def with_forms(
        self,
        becomes: str | None,
        known: str,
        unknown: str,
        further: tuple[str, ...] = (),
        *,
        plus: bool = False,
    ) -> Rule:
        """Return the rule of digits that `parse` makes a number of, with its other forms.

        Args:
            becomes: the E.164 digits that `parse` gives; None where it gives none.
            known: the known digits.
            unknown: what stands for the others, behind them.
            further: E.164 digits of further readings.
            plus: True where a plus is before the digits.
        """
        certain: list[str] = []
        maybe: list[str] = []
        # Too few digits are the only fault for which `parse` gives no number.
        problem: Problem | None = Problem.TOO_SHORT
        if becomes is not None:
            problem = plan.length_problem(becomes)
            if problem is None:
                certain.append(becomes)
            new = self._new_form(becomes)
            if new is not None:
                certain.append(new)
            # Digits behind a plus that stay as they are would do so once more.
            if problem is None and not (plus and becomes == known + unknown):
                again = plan.international(becomes)
                if again is not None and plan.length_problem(again) is None:
                    certain.append(again)
            once = _with_code_once(becomes)
            if once is not None:
                if not certain:
                    return ASK
                maybe.append(once)
        readings = list(dict.fromkeys([*certain, *further]))
        if not readings:
            return Rule(NO_READING + PROBLEMS.index(problem or Problem.TOO_SHORT))
        first, *others = (_constant(each, known, unknown) for each in readings)
        return Rule(
            first,
            tuple(others),
            tuple(_constant(each, known, unknown) for each in maybe),
            is_written=problem is None,
            width=len(readings[0]) - len(known) - len(unknown),
        )

    def _new_form(self, digits: str) -> str | None:
        if digits[0] in UNKNOWN:
            raise Undecided
        for pattern, change in self._changes.get((len(digits), digits[0]), ()):
            if pattern is None:
                raise NotUnderstood
            if pattern.starts(digits) is None:
                continue
            if len(digits.rstrip(UNKNOWN)) < change.at + change.drop:
                raise Undecided
            new = change.new_form(digits)
            is_new = plan.international(new) == new and plan.length_problem(new) is None
            return new if is_new else None
        return None


class _National:
    """The rules of digits without a plus in a region."""

    def __init__(self, region: str, derivation: Derivation) -> None:
        self._plan = Plan(phonenumbers.PhoneMetadata.metadata_for_region(region))
        self._derivation = derivation
        self._prefixes = FORMER_PREFIXES.get(region, ())

    def rule(self, known: str, unknown: str) -> Rule:
        """Return the rule of digits without a plus."""
        number = known + unknown
        becomes = self._plan.national(number)
        former = tuple(self._behind_former_prefixes(number))
        if becomes is not None and becomes.startswith("+"):
            if former:
                return ASK
            return Rule(BEHIND_IDD + len(number) - (len(becomes) - 1))
        return self._derivation.with_forms(becomes, known, unknown, former)

    def _behind_former_prefixes(self, number: str) -> Iterator[str]:
        for prefix, begins, length in self._prefixes:
            if len(number) == len(prefix) + length and _begins(number, prefix + begins):
                becomes = self._plan.national(number[len(prefix) :])
                if becomes is not None and becomes.startswith("+"):
                    raise NotUnderstood
                if becomes is not None and plan.length_problem(becomes) is None:
                    yield becomes


def _first_digit(match: str) -> str:
    """Return the digit with which all numbers begin that a row acts on; empty for none."""
    found = re.match(r"[0-9](?=[0-9(\[])", match)
    return found[0] if found and "|" not in re.sub(r"\(.*\)", "", match) else ""


def _understood(match: str) -> Pattern | None:
    """Return the pattern of a row; None where only the reference can follow it."""
    with suppress(NotUnderstood):
        return pattern_of(match)
    return None


def _begins(number: str, digits: str) -> bool:
    """Tell whether a number begins with some digits.

    Raises:
        Undecided: it depends on digits that are not known.
    """
    for mine, wanted in zip(number, digits, strict=False):
        if mine in UNKNOWN:
            raise Undecided
        if mine != wanted:
            return False
    return True


def _with_code_once(number: str) -> str | None:
    """Return the digits with the calling code once, where it may be written twice."""
    code = plan.calling_code(number)
    once = number[len(code) :]
    if plan.plan_of_code(int(code)).length_problem(once) is not None:
        return None
    return once if _begins(once, code) else None


def validity(known: str, unknown: str) -> Rule:
    """Return the rule of E.164 digits that may be a valid number."""
    return VALID if plan.is_valid(known + unknown) else NOT_VALID


@lru_cache(maxsize=2**16)
def are_valid(known: str, others: int) -> bool:
    """Tell whether all numbers are valid that begin with these digits, and have so many others."""
    with suppress(Undecided, NotUnderstood):
        return plan.is_valid(known + UNKNOWN[:others])
    return False


def _not_understood(_known: str, _unknown: str) -> Rule:
    return ASK


def runs(derive: Derive, prefix: str, length: int) -> Iterator[tuple[int, Rule]]:
    """Yield the leading digits at which another rule begins, each with that rule, in order."""
    last = None
    for settling, rule in _cases(derive, prefix, length):
        if rule != last:
            yield int(settling.ljust(LEAD, "0")), rule
        last = rule


def _cases(derive: Derive, prefix: str, length: int) -> Iterator[tuple[str, Rule]]:
    """Yield the shortest leading digits that settle a number of the length, with its rule."""
    unknown = UNKNOWN[: length - len(prefix)]
    try:
        yield prefix, derive(prefix, unknown)
    except NotUnderstood:
        yield prefix, ASK
    except Undecided:
        if len(prefix) == min(LEAD, length):
            yield prefix, ASK
            return
        for digit in "0123456789":
            yield from _cases(derive, prefix + digit, length)


def _constant(becomes: str, known: str, unknown: str) -> int:
    """Return what is to be added to the value of the digits to make another number of them."""
    if len(becomes) >= MOST_DIGITS or not becomes.endswith(unknown):  # the sum may not fit 64 bits
        raise NotUnderstood
    front = becomes[: len(becomes) - len(unknown)]
    more: int = (int(front) - int(known)) * 10 ** len(unknown)
    return more
