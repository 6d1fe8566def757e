"""The reference: the rules for the numbers that a text may mean, in plain `phonenumbers` calls.

A text that was handed in may mean one number, several, or none. Each number that it may
mean is a *reading*, in E.164 form. One sentence decides:

    A recipient is suppressed if any of its readings is on the list, invalid if it has
    none, and allowed otherwise. An entry puts all of its readings on the list.

The rules stand below in their order: as written (1), digits without a plus (2), damage
(3), the same line in another form (4). Only a number of a possible length is a reading.
Every faster way has to give the same answers.
"""

from collections.abc import Iterator
from typing import NamedTuple

import phonenumbers

from suppress.numbers import damage, parsed
from suppress.numbers.convention import Convention
from suppress.numbers.handed_in import as_text, is_missing
from suppress.numbers.parsed import MOST_DIGITS, Number
from suppress.numbers.problem import Problem

_FEWEST_DIGITS = 5
"""Fewest digits of a number that is looked for among words."""

FORMER_PREFIXES = {
    # By region: the prefix, how the rest begins, and its number of digits.
    "UA": (("8", "0", 10),),  # 8 0671234567, until 2009
    "UZ": (("8", "", 9),),
    "CL": (("0", "9", 9),),  # 09 for mobile lines, until 2013
    "MX": (("044", "", 10), ("045", "", 10), ("01", "", 10)),  # until 2019
}


class Reading(NamedTuple):
    """One number that a text may mean.

    Attributes:
        e164: the number.
        allows: True where the text may be messaged for it; otherwise it can only suppress.
        note: the way from the text to the number, in words; empty for the number as written.
    """

    e164: str
    allows: bool = True
    note: str = ""


class Meaning(NamedTuple):
    """Everything that a text may mean.

    Attributes:
        readings: its readings, the first one first.
        problem: why it may not be messaged; None where a reading allows it.
    """

    readings: tuple[Reading, ...]
    problem: Problem | None = None

    @property
    def first(self) -> str | None:
        """The reading to show and to pass on, in E.164 form."""
        return self.readings[0].e164 if self.readings else None


def has_former_prefix(digits: str, region: str | None) -> bool:
    """Tell whether digits in national form begin with a long-distance prefix of the past."""
    return any(
        digits.startswith(prefix + begins) and len(digits) == len(prefix) + length
        for prefix, begins, length in FORMER_PREFIXES.get(region or "", ())
    )


def readings(number: object, region: str | None = None) -> tuple[str, ...]:
    """Return the E.164 numbers that a recipient or an entry may stand for, the first one first.

    Args:
        number: text, a whole number, or a `phonenumbers.PhoneNumber`.
        region: an ISO 3166 region, `"international"`, or None.
    """
    return tuple(each.e164 for each in read(number, Convention(region)).readings)


def read(
    number: object, convention: Convention, reader: "type[TextReader] | None" = None
) -> Meaning:
    """Return everything that a number as handed in may mean.

    Args:
        number: what was handed in.
        convention: how it is to be read.
        reader: a faster way to apply the rules; None for the reference.
    """
    text, whole = as_text(number)
    if text is None:
        problem = Problem.NO_NUMBER if is_missing(number) else Problem.WRONG_TYPE
        return Meaning((), problem)
    if not text or text.isspace():
        return Meaning((), Problem.NO_NUMBER)
    return (reader or TextReader)(convention, whole=whole).read(text)


class TextReader:
    """A reader that applies the rules to one text, for one use.

    Args:
        convention: how it is to be read.
        whole: True where it was a whole number.
    """

    def __init__(self, convention: Convention, *, whole: bool = False) -> None:
        self.convention = convention
        self.whole = whole
        self._found: dict[str, Reading] = {}
        self.problem: Problem | None = None
        self._impossible: list[tuple[Number, bool, str]] = []

    def read(self, text: str) -> Meaning:
        """Return everything that the text may mean."""
        if damage.is_masked(text):
            return Meaning((), Problem.MASKED)
        clean = damage.cleaned(text)
        if not any(map(str.isdigit, clean.text)):
            return Meaning((), Problem.NOT_A_NUMBER)
        self._text(clean.text, allows=not clean.cut)
        if clean.cut:
            return Meaning(tuple(self._found.values()), Problem.CUT)
        if not self._found and not self.convention.possible_only:
            for number, allows, note in self._impossible:
                if len(number.digits) <= MOST_DIGITS:
                    self._take(number, allows=allows, note=note)
        found = tuple(self._found.values())
        if any(each.allows for each in found):
            return Meaning(found)
        return Meaning(found, self.problem or Problem.NOT_A_NUMBER)

    def read_letters(self, text: str) -> bool:
        """Read letters that are part of a number; return False where they are words beside it."""
        return self._as_syntax(text) or self._keypad(text)

    def read_whole(self, text: str) -> bool:
        """Read digits and separators as one number; return False where that fails."""
        self.as_written(text, allows=True)
        return bool(self._found or (self._impossible and not self.convention.possible_only))

    def _text(self, text: str, *, allows: bool) -> None:
        """Read a text that has no wrapper and no decimals."""
        if not damage.has_letters(text):
            self._digits(text, allows=allows)
            return
        if self.read_letters(text):
            return
        # Rule 3: O, I and l among digits.
        changed = damage.with_digits_for_letters(text)
        if changed is not None:
            self._digits(changed, allows=allows)
            if self._found:
                return
        self._words(text)

    def _digits(self, text: str, *, allows: bool) -> None:
        """Apply rules 1 to 3 to digits and separators."""
        is_valid = self.as_written(text, allows=allows)
        # Rule 3: several numbers, or a number with a short group.
        if damage.splits(text) or not is_valid:
            for part in damage.parts(text):
                self.as_written(part, allows=True, valid_only=True)

    def as_written(self, text: str, *, allows: bool, valid_only: bool = False) -> bool:
        """Take the readings of rules 1 and 2, with their other forms (rule 4).

        Args:
            text: what is to be read.
            allows: True where it may be messaged for them.
            valid_only: True where only valid numbers count.

        Returns:
            True where the number that is written is a valid one.
        """
        digits = damage.digits_alone(text)
        if digits is not None:
            written = self._without_plus(text, digits, allows=allows, valid_only=valid_only)
        else:
            written = self._parse_written(text)
            self._accept(written, allows=allows, valid_only=valid_only)
        # Some numbers that are too short for a plan are valid in it: +1 310 1234 is one.
        return (
            not isinstance(written, Problem) and written.length_problem is None and written.is_valid
        )

    def _parse_written(self, text: str) -> Number | Problem:
        """Apply rule 1: a number as it is written."""
        number = parsed.parse(text, self.convention.plan)
        if isinstance(number, Problem):
            return parsed.parse(damage.without_blanks(text), self.convention.plan)
        return number

    def _without_plus(
        self, text: str, digits: str, *, allows: bool, valid_only: bool
    ) -> Number | Problem:
        """Apply rules 1 and 2 to digits without a plus; return the number that is written."""
        # With no region, digits may be national or not; an integer never is.
        sure = self.convention.region is not None or self.whole
        candidates: list[tuple[Number | Problem, bool, str]] = []
        note = ""
        if self.convention.plan is not None:
            candidates.append((self._parse_written(text), allows, ""))
            note = _WITH_CODE
        with_code = parsed.parse(f"+{digits}", None)
        candidates.append((with_code, allows and sure, note))
        if digits.startswith("00"):
            with_code = parsed.parse(f"+{digits[2:]}", None)
            candidates.append((with_code, allows, note))
        elif not sure:
            self.problem = self.problem or Problem.WITHOUT_PLUS
        first = self._meant_first(digits, with_code)
        for each in reversed(candidates) if first else candidates:
            self._accept(each[0], allows=each[1], note=each[2], valid_only=valid_only)
        self._former_prefixes(digits, allows=allows, valid_only=valid_only)
        return candidates[0][0] if self.convention.plan is not None else with_code

    def _meant_first(self, digits: str, with_code: Number | Problem) -> bool:
        """Tell whether the number behind a plus comes before the national one."""
        if isinstance(with_code, Problem):
            return False
        plan = self.convention.plan
        own = str(phonenumbers.country_code_for_region(plan)) if plan else "00"
        return digits.startswith(("00", own)) and with_code.is_valid

    def _accept(
        self,
        number: Number | Problem,
        *,
        allows: bool,
        note: str = "",
        valid_only: bool = False,
    ) -> None:
        """Take a number of rules 1 to 3, and the same line in another form (rule 4)."""
        if isinstance(number, Problem):
            if not valid_only:
                self.problem = self.problem or number
            return
        problem = number.length_problem
        if problem is None:
            self._take(number, allows=allows, note=note, valid_only=valid_only)
        elif not valid_only:
            self._impossible.append((number, allows, note))
            self.problem = self.problem or problem
        for form, how in self._other_forms(number):
            self._take(form, allows=allows, note=how, valid_only=valid_only)

    def _other_forms(self, number: Number) -> Iterator[tuple[Number, str]]:
        """Apply rule 4: yield the same line in another form, each with a note."""
        digits, code = number.digits, number.code
        change = self.convention.renumbering.change_of(digits)
        if change is not None:
            new = self._possible(change.new_form(digits))
            if new is not None and new.digits == change.new_form(digits):
                since = "" if change.begins is None else f" since {change.begins}"
                yield new, f"which is +{new.digits}{since}"
        if number.length_problem is None:
            again = self._possible(digits)
            if again is not None:
                yield again, "read once more"
        if digits.startswith(code + code):
            once = self._possible(digits[len(code) :])
            if once is not None and once.digits == digits[len(code) :] and once.is_valid:
                yield once, "its calling code is written twice"

    def _possible(self, digits: str) -> Number | None:
        """Return the number behind a plus, if its length is possible."""
        number = parsed.parse(f"+{digits}", None)
        if isinstance(number, Problem) or number.length_problem is not None:
            return None
        return number

    def _former_prefixes(self, digits: str, *, allows: bool, valid_only: bool) -> None:
        """Apply rule 4 to former long-distance prefixes in national form."""
        region = self.convention.plan
        for prefix, begins, length in FORMER_PREFIXES.get(region or "", ()):
            rest = digits[len(prefix) :]
            if digits.startswith(prefix + begins) and len(rest) == length:
                number = parsed.parse(rest, region)
                if isinstance(number, Problem) or number.length_problem is not None:
                    continue
                note = "without a former prefix"
                self._take(number, allows=allows, note=note, valid_only=valid_only)

    def _as_syntax(self, text: str) -> bool:
        """Read letters that are part of the form of a number: `;phone-context=+44`."""
        if ";phone-context=" not in text and ";isub=" not in text and ";ext=" not in text:
            return False
        number = parsed.parse(text, self.convention.plan)
        self._accept(number, allows=True)
        return not isinstance(number, Problem)

    def _keypad(self, text: str) -> bool:
        """Read letters that stand for digits on a keypad: `1-800-FLOWERS`."""
        start = damage.keypad_start(text)
        if start is None:
            return False
        # Letters behind a whole number are words, not digits.
        if self.is_whole(start):
            return False
        number = parsed.parse(text, self.convention.plan)
        if isinstance(number, Problem) or not number.is_valid:
            return False
        self._accept(number, allows=True)
        return True

    def is_whole(self, text: str) -> bool:
        """Tell whether a text is a number of a possible length, as it is written."""
        number = parsed.parse(text, self.convention.plan)
        return not isinstance(number, Problem) and number.length_problem is None

    def _words(self, text: str) -> None:
        """Apply rule 3: numbers beside words, names, replies and pauses."""
        before = damage.before_letters(text)
        if any(each.isdigit() for each in before):
            self._digits(before, allows=True)
        for piece in damage.beside_words(text):
            if piece.strip() != before and any(each.isdigit() for each in piece):
                for part in dict.fromkeys([*damage.parts(piece), piece]):
                    self.as_written(part, allows=True, valid_only=True)
        # A single run of digits has been a piece of its own already.
        behind = text[len(before) :]
        if damage.has_groups(behind) and damage.count_digits(behind) >= _FEWEST_DIGITS:
            for match in phonenumbers.PhoneNumberMatcher(behind, self.convention.plan):
                self._accept(Number(match.number), allows=True, note="found in the text")

    def _take(self, number: Number, *, allows: bool, note: str, valid_only: bool = False) -> None:
        if not valid_only or number.is_valid:
            self.take(number.digits, allows=allows, note=note)

    def take(self, digits: str, *, allows: bool, note: str = "") -> None:
        """Take a reading, by its E.164 digits."""
        e164 = f"+{digits}"
        known = self._found.get(e164)
        if known is not None:
            # A number that is also found as it is written needs no note.
            allows, note = allows or known.allows, note and known.note
        self._found[e164] = Reading(e164, allows, note)


_WITH_CODE = "if its digits begin with a calling code"
