"""The rules of plain numbers: what their first digits and their length say of their readings.

`phonenumbers.parse` looks at a string of digits through few holes: calling codes, three
regular expressions of a region's metadata, and lengths. A change of plan looks at the
first digits too. So for most numbers a few leading digits settle what becomes of the
whole: constants are added to its value (each drops, puts in front or replaces a prefix),
one for each reading, or it certainly has none. This module derives from the metadata of
the installed phonenumbers which digits settle what, by following `parse` and the other
rules step by step over *known leading digits, any others behind them*: a proof by cases.
What it cannot settle it leaves to the reference.

The explanation is in the documentation, under "Exact and fast".
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.numbers import plan
from suppress.numbers.convention import Convention
from suppress.numbers.equivalence import Change, Renumbering
from suppress.numbers.pattern import UNKNOWN, NotUnderstood, Pattern, Undecided, pattern_of
from suppress.numbers.plan import Plan, UnknownCode
from suppress.numbers.problem import PROBLEMS, Problem
from suppress.numbers.readings import FORMER_PREFIXES, read

logger = logging.getLogger("suppress")

SHORTEST, LONGEST = 3, 16
"""Digits of the numbers that are decided here; the reference is asked about others."""

LEAD = 7
"""How many leading digits are looked at. Shorter numbers are filled up with zeros."""

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
_UNDERIVED = NO_READING + len(PROBLEMS)
FIRST_CONSTANT = _UNDERIVED + 1
"""Constants are from here on."""

_SAMPLES = 4
"""Numbers on which the reference is asked whether rules hold, each time some are derived."""

_PAGE = 1000
_TOPS = 10**LEAD // _PAGE
_UNIT = 10 ** (LEAD - 2)
POWERS = 10 ** np.arange(19)
"""Of ten, those that fit 64 bits."""
_FILL = POWERS[LONGEST - np.arange(LONGEST + 1)]


class Rule(NamedTuple):
    """What becomes of all numbers of a form with some leading digits.

    Attributes:
        first: what to add to the digits' value for the first reading, or what stands for
            a number without one.
        further: the same for the other readings.
        maybe: the same for what may be readings: the reference has to be asked.
        is_written: whether the first reading is the number as it is written.
        width: how many digits more the first reading has than the number.
    """

    first: int
    further: tuple[int, ...] = ()
    maybe: tuple[int, ...] = ()
    is_written: bool = True
    width: int = 0


_ASK = Rule(ASK_PARSER)
VALID = Rule(0, width=99)
"""The rule of a number that is certainly valid, in the form of `Rules.VALIDITY`."""
NOT_VALID = Rule(0, width=98)
"""The rule of a number that is certainly not valid."""

_DERIVING = threading.RLock()
"""Held while rules are derived."""
# phonenumbers holds one while it reads the metadata of a region.
_LOADING = getattr(phonenumbers.PhoneMetadata, "_metadata_lock", _DERIVING)


def _wait_for_others() -> None:
    _DERIVING.acquire()
    _LOADING.acquire()


def _let_others_go_on() -> None:
    _LOADING.release()
    _DERIVING.release()


# A process that is forked while another thread holds them would find them held for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_wait_for_others,
        after_in_parent=_let_others_go_on,
        after_in_child=_let_others_go_on,
    )

Derive = Callable[[str, str], Rule]
"""Gives the rule of known digits, and of unknown ones behind them."""


class Rules:
    """The rules of all plain numbers, derived when they are first needed.

    They are kept by form (a length, with a plus or without one in some region) and
    leading digits, in pages, most of which are the same:

        rules[pages[page_of[form * 10_000 + lead // 1000] + lead % 1000]]

    Other threads read them meanwhile, from the innermost to the outermost. So what is
    further out is there before anything further in leads to it.

    Args:
        renumbering: the changes of numbering plans that count.

    Attributes:
        all: the rules, by their numbers.
        first: the first constants of the rules, by their numbers.
        widths: how many digits more the first readings have, by their numbers.
        special: by their numbers, `SEVERAL` for rules with more than a first constant, and
            `CHANGED` for those whose first reading is not the number as it is written.
    """

    ASK, VALID = 1, 2
    """The numbers of the rule by which the reference is asked, and of `VALID`."""
    SEVERAL, CHANGED = 1, 2

    PLUS = 0
    """The form of no digits behind a plus."""
    VALIDITY = LONGEST + 1
    """The form of no digits of an E.164 number that may be valid."""

    def __init__(self, renumbering: Renumbering) -> None:
        self.renumbering = renumbering
        self._changes: dict[tuple[int, str], list[tuple[Pattern | None, Change]]] = {}
        for each in renumbering.changes:
            row = _understood(each.match), each
            for first in _first_digit(each.match) or "0123456789":
                self._changes.setdefault((each.length, first), []).append(row)
        self._forms: dict[str, int] = {}
        # By form, divided by the number of lengths.
        self._derivations: list[tuple[str | None, Derive]] = []
        # The first page is of what is to be derived, the second of what is to be asked.
        self._start = 0
        self.all = [Rule(_UNDERIVED), _ASK, VALID]
        self._numbers = {rule: number for number, rule in enumerate(self.all)}
        self._page_numbers: dict[bytes, int] = {}
        self._page_of = np.zeros(0, np.int32)
        self._pages = np.zeros(2 * _PAGE, np.uint16)
        self._pages[_PAGE:] = self.ASK
        self.first = self.widths = np.zeros(0, np.int64)
        self.special = np.zeros(0, np.uint8)
        self._publish()
        self._add(None, self._behind_plus)
        self._add(None, _validity)

    def form(self, region: str) -> int:
        """The form of no digits, without a plus, in a region."""
        if region not in self._forms:
            derive: Derive = _not_understood
            with suppress(NotUnderstood):
                derive = _National(region, self).rule
            with _DERIVING:
                if region not in self._forms:
                    self._forms[region] = self._add(region, derive)
        return self._forms[region]

    def _add(self, region: str | None, derive: Derive) -> int:
        forms = np.full((LONGEST + 1, _TOPS), self._start, np.int32)
        forms[:SHORTEST] = _PAGE
        first = len(forms) * len(self._derivations)
        self._derivations.append((region, derive))
        self._page_of = np.concatenate([self._page_of, forms.ravel()])
        return first

    def of_all(
        self,
        values: NDArray[np.int64],
        lengths: NDArray[np.int64],
        forms: NDArray[np.int64] | int,
    ) -> NDArray[np.uint16]:
        """The number of each plain number's rule.

        Args:
            values: their digits.
            lengths: how many digits each has, up to `LONGEST`.
            forms: what `form` gives, or `PLUS`, or `VALIDITY`.
        """
        # All have LONGEST digits then: dividing by one number takes a fraction of the time.
        lows = values * _FILL.take(lengths)
        lows //= 10 ** (LONGEST - LEAD)
        tops = lows // _PAGE
        lows -= tops * _PAGE
        tops += (lengths + forms) * _TOPS
        while True:
            places = self._page_of.take(tops) + lows
            found = self._pages.take(places)
            if found.all():
                return found
            for unit in np.unique(tops[found == 0] // (_UNIT // _PAGE)).tolist():
                self._derive(*divmod(unit, 100))

    def of(self, digits: str, form: int) -> Rule:
        """The rule of one number with up to `LONGEST` digits; `form` as for `of_all`."""
        top, low = divmod(int(digits[:LEAD].ljust(LEAD, "0")), _PAGE)
        form += len(digits)
        while True:
            place = self._page_of.item(form * _TOPS + top) + low
            number: int = self._pages.item(place)
            if number:
                return self.all[number]
            self._derive(form, top * _PAGE // _UNIT)

    def _derive(self, form: int, first: int) -> None:
        """Derive the rules of the numbers of a form that start with two digits."""
        block, length = divmod(form, LONGEST + 1)
        region, derive = self._derivations[block]
        with _DERIVING:
            start = form * _TOPS + first * (_UNIT // _PAGE)
            if self._page_of[start]:
                return
            runs = list(_runs(derive, f"{first:02}", length))
            if derive is not _validity and not self._hold(region, length, runs):
                logger.warning(
                    "phonenumbers %s parses otherwise than this version of suppress expects: "
                    "it is asked about every number, which is slower. Use a later suppress.",
                    phonenumbers.__version__,
                )
                self._start = _PAGE
                self._page_of[:] = _PAGE
                return
            leads, rules = zip(*runs, strict=True)
            numbers = [self.number_of(each) for each in rules]
            self._publish()
            widths = np.diff(leads, append=(first + 1) * _UNIT)
            found = np.repeat(np.array(numbers, np.uint16), widths)
            self._page_of[start : start + _UNIT // _PAGE] = [
                self._page(page) for page in found.reshape(-1, _PAGE)
            ]

    def number_of(self, rule: Rule) -> int:
        """The number of a rule."""
        if rule not in self._numbers:
            if len(self.all) == 2**16:
                return self.ASK
            self._numbers[rule] = len(self.all)
            self.all.append(rule)
        return self._numbers[rule]

    def _publish(self) -> None:
        """Let readers have the rules that are new."""
        new = self.all[len(self.first) :]
        firsts = np.array([each.first for each in new], np.int64)
        widths = np.array([each.width for each in new], np.int64)
        special = np.array(
            [
                self.SEVERAL * bool(each.further or each.maybe)
                + self.CHANGED * (not each.is_written)
                for each in new
            ],
            np.uint8,
        )
        self.widths = np.concatenate([self.widths, widths])
        self.special = np.concatenate([self.special, special])
        self.first = np.concatenate([self.first, firsts])

    def _page(self, content: NDArray[np.uint16]) -> int:
        """Where such a page starts, among those that there are or as a new one."""
        key = content.tobytes()
        if key not in self._page_numbers:
            number = self._page_numbers[key] = len(self._page_numbers) + 2
            if len(self._pages) < (number + 1) * _PAGE:
                self._pages = np.concatenate([self._pages, np.zeros_like(self._pages)])
            self._pages[number * _PAGE : (number + 1) * _PAGE] = content
        return self._page_numbers[key] * _PAGE

    def _hold(self, region: str | None, length: int, runs: list[tuple[int, Rule]]) -> bool:
        """Ask the reference whether it agrees, on a few numbers."""
        convention = Convention(region, renumbering=self.renumbering)
        for lead, rule in runs[:: len(runs) // _SAMPLES + 1]:
            if rule.first in (ASK_PARSER, UNKNOWN_CODE):
                continue
            number = f"{lead:0{LEAD}}581395077"[:length]
            expected = {each.e164 for each in read(_written(number, region), convention).readings}
            if BEHIND_IDD <= rule.first < NO_READING:
                behind = f"+{number[rule.first - BEHIND_IDD :]}"
                if not {each.e164 for each in read(behind, convention).readings} <= expected:
                    return False
            elif rule.first >= FIRST_CONSTANT:
                found = {f"+{int(number) + each}" for each in (rule.first, *rule.further)}
                if not found <= expected:
                    return False
            elif region is None and expected:
                return False
        return True

    def _behind_plus(self, known: str, unknown: str) -> Rule:
        """The rule of digits behind a plus."""
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
        """The rule of digits that `parse` makes a number of, with its other forms.

        Args:
            becomes: the E.164 digits that `parse` gives; None where it gives none.
            known: the known digits.
            unknown: what stands for the others, behind them.
            further: E.164 digits of further readings.
            plus: whether a plus is before the digits.
        """
        certain: list[str] = []
        maybe: list[str] = []
        # That is the only fault for which `parse` gives no number of so few digits.
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
                    return _ASK
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


@lru_cache(maxsize=8)
def rules_for(renumbering: Renumbering) -> Rules:
    """The rules for the installed phonenumbers and some changes of numbering plans."""
    return Rules(renumbering)


class _National:
    """The rules of digits without a plus in a region."""

    def __init__(self, region: str, rules: Rules) -> None:
        self._plan = Plan(phonenumbers.PhoneMetadata.metadata_for_region(region))
        self._rules = rules
        self._prefixes = FORMER_PREFIXES.get(region, ())

    def rule(self, known: str, unknown: str) -> Rule:
        number = known + unknown
        becomes = self._plan.national(number)
        former = tuple(self._behind_former_prefixes(number))
        if becomes is not None and becomes.startswith("+"):
            if former:
                return _ASK
            return Rule(BEHIND_IDD + len(number) - (len(becomes) - 1))
        return self._rules.with_forms(becomes, known, unknown, former)

    def _behind_former_prefixes(self, number: str) -> Iterator[str]:
        for prefix, begins, length in self._prefixes:
            if len(number) == len(prefix) + length and _begins(number, prefix + begins):
                becomes = self._plan.national(number[len(prefix) :])
                if becomes is not None and becomes.startswith("+"):
                    raise NotUnderstood
                if becomes is not None and plan.length_problem(becomes) is None:
                    yield becomes


def _first_digit(match: str) -> str:
    """The digit with which all numbers begin that a row acts on; empty if there is no such."""
    found = re.match(r"[0-9](?=[0-9(\[])", match)
    return found[0] if found and "|" not in re.sub(r"\(.*\)", "", match) else ""


def _understood(match: str) -> Pattern | None:
    """The pattern of a row; None where it is for the reference to follow."""
    with suppress(NotUnderstood):
        return pattern_of(match)
    return None


def _begins(number: str, digits: str) -> bool:
    """Tell whether the number begins with the digits."""
    for mine, wanted in zip(number, digits, strict=False):
        if mine in UNKNOWN:
            raise Undecided
        if mine != wanted:
            return False
    return True


def _with_code_once(number: str) -> str | None:
    """The digits with the calling code once, where it may be written twice."""
    code = plan.calling_code(number)
    once = number[len(code) :]
    if plan.plan_of_code(int(code)).length_problem(once) is not None:
        return None
    return once if _begins(once, code) else None


def _validity(known: str, unknown: str) -> Rule:
    return VALID if plan.is_valid(known + unknown) else NOT_VALID


@lru_cache(maxsize=2**16)
def are_valid(known: str, others: int) -> bool:
    """Tell whether all numbers are valid that begin with these digits, and have so many others."""
    with suppress(Undecided, NotUnderstood):
        return plan.is_valid(known + UNKNOWN[:others])
    return False


def _not_understood(_known: str, _unknown: str) -> Rule:
    return _ASK


def _written(number: str, region: str | None) -> str:
    return f"+{number}" if region is None else number


def _runs(derive: Derive, prefix: str, length: int) -> Iterator[tuple[int, Rule]]:
    """The leading digits at which another rule begins, each with that rule, in order."""
    last = None
    for settling, rule in _cases(derive, prefix, length):
        if rule != last:
            yield int(settling.ljust(LEAD, "0")), rule
        last = rule


def _cases(derive: Derive, prefix: str, length: int) -> Iterator[tuple[str, Rule]]:
    """The shortest leading digits that settle a number of the length, each with its rule."""
    unknown = UNKNOWN[: length - len(prefix)]
    try:
        yield prefix, derive(prefix, unknown)
    except NotUnderstood:
        yield prefix, _ASK
    except Undecided:
        if len(prefix) == min(LEAD, length):
            yield prefix, _ASK
            return
        for digit in "0123456789":
            yield from _cases(derive, prefix + digit, length)


def _constant(becomes: str, known: str, unknown: str) -> int:
    """What is to be added to the value of the digits to make another number of them."""
    if len(becomes) > 18 or not becomes.endswith(unknown):  # noqa: PLR2004 - the sum may not fit 64 bits
        raise NotUnderstood
    front = becomes[: len(becomes) - len(unknown)]
    more: int = (int(front) - int(known)) * 10 ** len(unknown)
    return more
