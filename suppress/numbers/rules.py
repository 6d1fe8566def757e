"""What the first digits and the length of a plain number say of its E.164 form.

`phonenumbers.parse` looks at a string of digits through few holes: calling codes, three
regular expressions of a region's metadata, and lengths. So for most numbers a few
leading digits settle what becomes of the whole: a constant is added to its value (which
drops, puts in front or replaces a prefix), or it is certainly invalid. This module
derives from the metadata of the installed phonenumbers which digits settle what, by
following `parse` step by step over *known leading digits, any others behind them*: a
proof by cases. What it cannot settle it leaves to the parser.

The explanation is in the documentation, under "Exact and fast".
"""

import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.numbers.pattern import UNKNOWN, NotUnderstood, Undecided
from suppress.numbers.plan import Plan, international
from suppress.numbers.readings import parsed

logger = logging.getLogger("suppress")

SHORTEST, LONGEST = 3, 16
"""Digits of the numbers that are decided here; the parser is asked about others."""

LEAD = 7
"""How many leading digits are looked at. Shorter numbers are filled up with zeros."""

# A rule is what is to be added to the value of the number, or one of these.
_SPECIAL = -(2**63)
ASK_PARSER = _SPECIAL
"""The rule of a number that the parser has to be asked about."""
INVALID = _SPECIAL + 1
"""The rule of a number that cannot be parsed."""
BEHIND_IDD = _SPECIAL + 2
"""`BEHIND_IDD + n`: behind the n first digits, an international prefix, an international number."""
_UNDERIVED = BEHIND_IDD + LEAD + 1
FIRST_CONSTANT = _UNDERIVED + 1
"""Rules from here on are what is to be added."""

_SAMPLES = 4
"""Numbers on which the parser is asked whether rules hold, each time some are derived."""

_PAGE = 1000
_TOPS = 10**LEAD // _PAGE
_UNIT = 10 ** (LEAD - 2)
POWERS = 10 ** np.arange(19)
"""Of ten, those that fit 64 bits."""
_UP = POWERS[np.maximum(LEAD - np.arange(LONGEST + 1), 0)]
_DOWN = POWERS[np.maximum(np.arange(LONGEST + 1) - LEAD, 0)]


class Numbering:
    """The rules of all plain numbers, derived when they are first needed.

    They are kept by form (a length, with a plus or without one in some region) and
    leading digits, in pages, most of which are the same:

        rules[pages[page_of[form * 10_000 + lead // 1000] + lead % 1000]]

    Other threads read them meanwhile, from the innermost to the outermost. So what is
    further out is there before anything further in leads to it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: dict[str | None, int] = {}
        # By form, divided by the number of lengths: the region, and what becomes of a number.
        self._blocks: list[tuple[str | None, Callable[[str], str | None]]] = []
        # The first page is of what is to be derived, the second of what is to be asked.
        self._start = 0
        self._rule_numbers = {_UNDERIVED: 0, ASK_PARSER: 1}
        self._page_numbers: dict[bytes, int] = {}
        self._page_of = np.zeros(0, np.int32)
        self._pages = np.zeros(2 * _PAGE, np.uint16)
        self._pages[_PAGE:] = self._rule_numbers[ASK_PARSER]
        self._rules = np.array(list(self._rule_numbers))
        self._add(None, international)
        self._add(None, lambda _number: None)
        self._forms[None] = LONGEST + 1

    def forms(self, region: str | None) -> int:
        """The form of no digits, without a plus, in a region; that with a plus is 0."""
        if region is not None and region not in self._forms:
            try:
                metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
                becomes: Callable[[str], str | None] = Plan(metadata).national
            except NotUnderstood:
                becomes = _unknown
            with self._lock:
                if region not in self._forms:
                    self._forms[region] = self._add(region, becomes)
        return self._forms[region]

    def _add(self, region: str | None, becomes: Callable[[str], str | None]) -> int:
        forms = np.full((LONGEST + 1, _TOPS), self._start, np.int32)
        forms[:SHORTEST] = _PAGE
        first = len(forms) * len(self._blocks)
        self._blocks.append((region, becomes))
        self._page_of = np.concatenate([self._page_of, forms.ravel()])
        return first

    def rules(
        self,
        values: NDArray[np.int64],
        lengths: NDArray[np.int64],
        forms: NDArray[np.int64] | int,
    ) -> NDArray[np.int64]:
        """The rule of each number.

        Args:
            values: their digits.
            lengths: how many digits each has, up to `LONGEST`.
            forms: what `forms` gives, or 0 for a number with a plus.
        """
        lows = values * _UP.take(lengths)
        lows //= _DOWN.take(lengths)
        tops = lows // _PAGE
        lows -= tops * _PAGE
        tops += (lengths + forms) * _TOPS
        while True:
            places = self._page_of.take(tops) + lows
            numbers = self._pages.take(places)
            found = self._rules.take(numbers)
            missing = found == _UNDERIVED
            if not missing.any():
                return found
            for unit in np.unique(tops[missing] // (_UNIT // _PAGE)).tolist():
                self._derive(*divmod(unit, 100))

    def rule(self, digits: str, forms: int) -> int:
        """The rule of one number with up to `LONGEST` digits; `forms` as for `rules`."""
        top, low = divmod(int(digits[:LEAD].ljust(LEAD, "0")), _PAGE)
        form = len(digits) + forms
        while True:
            place = self._page_of.item(form * _TOPS + top) + low
            number = self._pages.item(place)
            found: int = self._rules.item(number)
            if found != _UNDERIVED:
                return found
            self._derive(form, top * _PAGE // _UNIT)

    def _derive(self, form: int, first: int) -> None:
        """Derive the rules of the numbers of a form that start with two digits."""
        block, length = divmod(form, LONGEST + 1)
        region, becomes = self._blocks[block]
        with self._lock:
            start = form * _TOPS + first * (_UNIT // _PAGE)
            if self._page_of[start]:
                return
            runs = list(_runs(becomes, f"{first:02}", length))
            if not _hold("" if block else "+", region, length, runs):
                logger.warning(
                    "phonenumbers %s parses otherwise than this version of suppress expects: "
                    "it is asked about every number, which is slower. Use a later suppress.",
                    phonenumbers.__version__,
                )
                self._start = _PAGE
                self._page_of[:] = _PAGE
                return
            leads, rules = zip(*runs, strict=True)
            numbers = [
                self._rule_numbers.setdefault(each, len(self._rule_numbers)) for each in rules
            ]
            if len(self._rule_numbers) > len(self._rules):
                self._rules = np.array(list(self._rule_numbers))
            widths = np.diff(leads, append=(first + 1) * _UNIT)
            found = np.repeat(np.array(numbers, np.uint16), widths)
            self._page_of[start : start + _UNIT // _PAGE] = [
                self._page(page) for page in found.reshape(-1, _PAGE)
            ]

    def _page(self, content: NDArray[np.uint16]) -> int:
        """Where such a page starts, among those that there are or as a new one."""
        key = content.tobytes()
        if key not in self._page_numbers:
            number = self._page_numbers[key] = len(self._page_numbers) + 2
            if len(self._pages) < (number + 1) * _PAGE:
                self._pages = np.concatenate([self._pages, np.zeros_like(self._pages)])
            self._pages[number * _PAGE : (number + 1) * _PAGE] = content
        return self._page_numbers[key] * _PAGE


NUMBERING = Numbering()
"""That of the installed phonenumbers."""


def _runs(
    becomes: Callable[[str], str | None], prefix: str, length: int
) -> Iterator[tuple[int, int]]:
    """The leading digits at which another rule begins, each with that rule, in order."""
    last = None
    for settling, rule in _cases(becomes, prefix, length):
        if rule != last:
            yield int(settling.ljust(LEAD, "0")), rule
        last = rule


def _unknown(_number: str) -> None:
    raise NotUnderstood


def _cases(
    becomes: Callable[[str], str | None], prefix: str, length: int
) -> Iterator[tuple[str, int]]:
    """The shortest leading digits that settle a number of the length, each with its rule."""
    unknown = UNKNOWN[: length - len(prefix)]
    try:
        yield prefix, _rule(becomes(prefix + unknown), prefix, unknown)
    except NotUnderstood:
        yield prefix, ASK_PARSER
    except Undecided:
        if len(prefix) == min(LEAD, length):
            yield prefix, ASK_PARSER
            return
        for digit in "0123456789":
            yield from _cases(becomes, prefix + digit, length)


def _hold(plus: str, region: str | None, length: int, runs: list[tuple[int, int]]) -> bool:
    """Whether the parser agrees, on a few numbers."""
    for lead, rule in runs[:: len(runs) // _SAMPLES + 1]:
        if rule == ASK_PARSER:
            continue
        number = f"{lead:0{LEAD}}581395077"[:length]
        answer = parsed(plus + number, region)
        if rule >= FIRST_CONSTANT:
            agrees = answer == f"+{int(number) + rule}"
        elif rule >= BEHIND_IDD:
            agrees = answer == parsed(f"+{number[rule - BEHIND_IDD :]}", None)
        else:
            agrees = answer is None
        if not agrees:
            return False
    return True


def _rule(becomes: str | None, prefix: str, unknown: str) -> int:
    if becomes is None:
        return INVALID
    if becomes.startswith("+"):
        return BEHIND_IDD + len(prefix) + len(unknown) - (len(becomes) - 1)
    if len(becomes) > 18:  # noqa: PLR2004 - beyond it, the sum may not fit 64 bits
        raise NotUnderstood
    known = becomes[: len(becomes) - len(unknown)]
    more: int = (int(known) - int(prefix)) * 10 ** len(unknown)
    return more
