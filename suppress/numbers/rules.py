"""The table of derived rules, looked up by the length and the first digits of plain numbers.

They are derived by `suppress.numbers.derivation`, when they are first needed.
"""

import logging
import os
import threading
from functools import lru_cache

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.convention import Convention
from suppress.numbers.derivation import Derivation, runs, validity
from suppress.numbers.equivalence import Renumbering
from suppress.numbers.readings import read
from suppress.numbers.rule import (
    ASK,
    ASK_PARSER,
    LEAD,
    LONGEST,
    POWERS,
    SHORTEST,
    UNDERIVED,
    UNKNOWN_CODE,
    VALID,
    Derive,
    Rule,
)

logger = logging.getLogger("suppress")

_SAMPLES = 4
"""Numbers on which the reference is asked whether rules hold, each time some are derived."""

_PAGE = 1000
_TOPS = 10**LEAD // _PAGE
_UNIT = 10 ** (LEAD - 2)
_FILL = POWERS[LONGEST - np.arange(LONGEST + 1)]

_DERIVING = threading.RLock()
"""Held while rules are derived."""
# phonenumbers holds its own while it reads the metadata of a region.
_LOADING = getattr(phonenumbers.PhoneMetadata, "_metadata_lock", _DERIVING)


def _wait_for_others() -> None:
    _DERIVING.acquire()
    _LOADING.acquire()


def _let_others_go_on() -> None:
    _LOADING.release()
    _DERIVING.release()


# A process forked while another thread holds these locks would find them held for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_wait_for_others,
        after_in_parent=_let_others_go_on,
        after_in_child=_let_others_go_on,
    )


class Rules:
    """The rules of all plain numbers.

    They are kept by form (a length, with a plus or without one in some region) and
    leading digits, in pages, most of which are the same:

        rules[pages[page_of[form * 10_000 + lead // 1000] + lead % 1000]]

    Other threads look rules up meanwhile, from the innermost array to the outermost. So a
    rule is in the outer ones before an inner one leads to it.

    Args:
        renumbering: the changes of numbering plans that count.

    Attributes:
        all: the rules, by their numbers.
        first: the first constants of the rules, by the rules' numbers.
        widths: the digits that the first readings have more, by the rules' numbers.
        special: flags by the rules' numbers: `SEVERAL` where there is more than a first
            constant, `CHANGED` where the first reading is not the number as it is written.
    """

    ASK, VALID = 1, 2
    """The numbers of the rule by which the reference is asked, and of `VALID`."""
    SEVERAL, CHANGED = 1, 2

    PLUS = 0
    """The form of a plus with no digits behind it; with n digits, n more."""
    VALIDITY = LONGEST + 1
    """The same of E.164 digits that may be a valid number."""

    def __init__(self, renumbering: Renumbering) -> None:
        self.renumbering = renumbering
        self._derivation = Derivation(renumbering)
        self._forms: dict[str, int] = {}
        # By form, divided by the number of lengths.
        self._derivations: list[tuple[str | None, Derive]] = []
        # The first page stands for rules to derive, the second for asking the reference.
        self._start = 0
        self.all = [Rule(UNDERIVED), ASK, VALID]
        self._numbers = {rule: number for number, rule in enumerate(self.all)}
        self._page_numbers: dict[bytes, int] = {}
        self._page_of = np.zeros(0, np.int32)
        self._pages = np.zeros(2 * _PAGE, np.uint16)
        self._pages[_PAGE:] = self.ASK
        self.first = self.widths = np.zeros(0, np.int64)
        self.special = np.zeros(0, np.uint8)
        self._publish()
        self._add(None, self._derivation.behind_plus)
        self._add(None, validity)

    def form(self, region: str) -> int:
        """Return the form of no digits without a plus in a region; with n digits, n more."""
        if region not in self._forms:
            derive = self._derivation.national(region)
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
        """Return the number of each plain number's rule.

        Args:
            values: their digits.
            lengths: how many digits each has, up to `LONGEST`.
            forms: what `form` gives, or `PLUS`, or `VALIDITY`.
        """
        # Filled up to LONGEST digits: dividing all by one number takes a fraction of the time.
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
            for unit in distinct(tops[found == 0] // (_UNIT // _PAGE)).tolist():
                self._derive(*divmod(unit, 100))

    def of(self, digits: str, form: int) -> Rule:
        """Return the rule of one number of up to `LONGEST` digits; `form` as for `of_all`."""
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
            derived = list(runs(derive, f"{first:02}", length))
            if derive is not validity and not self._hold(region, length, derived):
                logger.warning(
                    "phonenumbers %s parses numbers in another way than this version of suppress "
                    "expects, so it is asked about each number, which is slower. Update suppress.",
                    phonenumbers.__version__,
                    extra={"code": "phonenumbers_differs"},
                )
                self._start = _PAGE
                self._page_of[:] = _PAGE
                return
            leads, rules = zip(*derived, strict=True)
            numbers = [self.number_of(each) for each in rules]
            self._publish()
            widths = np.diff(leads, append=(first + 1) * _UNIT)
            found = np.repeat(np.array(numbers, np.uint16), widths)
            self._page_of[start : start + _UNIT // _PAGE] = [
                self._page(page) for page in found.reshape(-1, _PAGE)
            ]

    def number_of(self, rule: Rule) -> int:
        """Return the number of a rule, which is new or known."""
        if rule not in self._numbers:
            if len(self.all) == 2**16:
                return self.ASK
            self._numbers[rule] = len(self.all)
            self.all.append(rule)
        return self._numbers[rule]

    def _publish(self) -> None:
        """Let other threads have the rules that are new."""
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
        """Return where a page of this content starts, a known one or a new one."""
        key = content.tobytes()
        if key not in self._page_numbers:
            number = self._page_numbers[key] = len(self._page_numbers) + 2
            if len(self._pages) < (number + 1) * _PAGE:
                self._pages = np.concatenate([self._pages, np.zeros_like(self._pages)])
            self._pages[number * _PAGE : (number + 1) * _PAGE] = content
        return self._page_numbers[key] * _PAGE

    def _hold(self, region: str | None, length: int, derived: list[tuple[int, Rule]]) -> bool:
        """Tell whether the reference agrees with rules, on a few numbers."""
        convention = Convention(region, renumbering=self.renumbering)
        for lead, rule in derived[:: len(derived) // _SAMPLES + 1]:
            if rule.first in (ASK_PARSER, UNKNOWN_CODE):
                continue
            number = f"{lead:0{LEAD}}581395077"[:length]
            expected = {each.e164 for each in read(_written(number, region), convention).readings}
            if rule.idd_digits:
                behind = f"+{number[rule.idd_digits :]}"
                if not {each.e164 for each in read(behind, convention).readings} <= expected:
                    return False
            elif rule.has_reading:
                found = {f"+{int(number) + each}" for each in (rule.first, *rule.further)}
                if not found <= expected:
                    return False
            elif region is None and expected:
                return False
        return True


@lru_cache(maxsize=8)
def rules_for(renumbering: Renumbering) -> Rules:
    """Return the rules for the installed phonenumbers and some changes of numbering plans."""
    return Rules(renumbering)


def _written(number: str, region: str | None) -> str:
    return f"+{number}" if region is None else number
