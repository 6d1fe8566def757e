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

import itertools
import logging
import re
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import phonenumbers
from numpy.typing import NDArray

logger = logging.getLogger("suppress")

SHORTEST, LONGEST = 3, 16
"""Digits of the numbers that are decided here; the parser is asked about others."""

LEAD = 7
"""How many leading digits are looked at. Shorter numbers are filled up with zeros."""

# A rule is what is to be added to the value of the number, or one of these.
_SPECIAL = -(2**63)
ASK = _SPECIAL
"""The rule of a number that the parser has to be asked about."""
INVALID = _SPECIAL + 1
"""The rule of a number that cannot be parsed."""
ABROAD = _SPECIAL + 2
"""`ABROAD + n`: behind the n first digits, an international prefix, an international number."""
_UNDERIVED = ABROAD + LEAD + 1
SETTLED = _UNDERIVED + 1
"""Rules from here on are what is to be added."""

_UNKNOWN = "abcdefghijklmnop"
"""Stand for digits that can be any."""

_ANY = 2**10 - 1
_MOST_SHAPES = 10_000
_MOST_DIGITS = 24
_SAMPLES = 4
"""Numbers on which the parser is asked whether rules hold, each time some are derived."""


def parsed(text: str, region: str | None) -> str | None:
    """The reference: the E.164 text by phonenumbers itself; None where it cannot be parsed."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class _Undecided(Exception):
    """The answer depends on digits that are not known."""


class _NotUnderstood(Exception):
    """The answer is for the parser to give."""


class _Shape(NamedTuple):
    """One sequence of digits that a pattern matches: for each place a set, as ten bits."""

    places: tuple[int, ...] = ()
    groups: tuple[tuple[int, int, int], ...] = ()  # number, start, end
    at_end: bool = False

    def then(self, other: "_Shape") -> "_Shape":
        n = len(self.places)
        moved = tuple((group, start + n, end + n) for group, start, end in other.groups)
        return _Shape(self.places + other.places, self.groups + moved, self.at_end or other.at_end)


_TOKEN = re.compile(r"\(\?:|[()|$]|\\d|\d|\[(?:\d(?:-\d)?|\\d)+\]|\?|\{(\d+)(?:,(\d+))?\}|.")


def _alternatives(tokens: Iterator[re.Match[str]], group: Iterator[int]) -> list[_Shape]:
    """The shapes of the tokens up to the end of their group, the preferred ones first.

    The order is that in which a backtracking matcher tries them.
    """
    done: list[_Shape] = []
    before = item = sequence = [_Shape()]
    for match in tokens:
        piece = match[0]
        if piece == ")":
            break
        if piece == "|":
            done += sequence
            sequence = [_Shape()]
        elif piece == "?" or match[1]:
            low = 0 if piece == "?" else int(match[1])
            high = 1 if piece == "?" else int(match[2] or low)
            sequence = _in_turn(before, _repeated(item, low, high))
        else:
            before, item = sequence, _item(piece, tokens, group)
            sequence = _in_turn(before, item)
    return done + sequence


def _item(piece: str, tokens: Iterator[re.Match[str]], group: Iterator[int]) -> list[_Shape]:
    if piece == "(?:":
        return _alternatives(tokens, group)
    if piece == "(":
        number = next(group)
        return [
            shape._replace(groups=(*shape.groups, (number, 0, len(shape.places))))
            for shape in _alternatives(tokens, group)
        ]
    if piece == "$":
        return [_Shape(at_end=True)]
    if not re.match(r"\d|\\d|\[", piece):
        raise _NotUnderstood
    places = [digit for digit in range(10) if re.fullmatch(piece, str(digit))]
    return [_Shape((sum(1 << digit for digit in places),))]


def _in_turn(first: list[_Shape], second: list[_Shape]) -> list[_Shape]:
    if len(first) * len(second) > _MOST_SHAPES:
        raise _NotUnderstood
    return [a.then(b) for a in first for b in second if not (a.at_end and b.places)]


def _repeated(item: list[_Shape], low: int, high: int) -> list[_Shape]:
    """Greedy: once more is tried before no more."""
    if high == 0:
        return [_Shape()]
    more = _in_turn(item, _repeated(item, max(low - 1, 0), high - 1))
    return more if low else [*more, _Shape()]


class _Pattern:
    """A regular expression over digits of which the last may be unknown.

    A set of shapes is an integer, a bit a shape, the preferred one lowest.

    Raises:
        _NotUnderstood: the expression has something else than digits, sets of digits,
            groups, alternatives, bounded repeats and `$`.
    """

    def __init__(self, source: str) -> None:
        group = itertools.count(1)
        self.shapes = _alternatives(_TOKEN.finditer(source), group)
        self.groups = next(group) - 1
        self._fits = [[0] * 10 for _ in range(_MOST_DIGITS)]
        self._exactly = [0] * (_MOST_DIGITS + 1)
        self._within = [0] * (_MOST_DIGITS + 1)
        self._any_from = [0] * (_MOST_DIGITS + 1)
        for number, (places, _, at_end) in enumerate(self.shapes):
            bit, length = 1 << number, len(places)
            for place in range(_MOST_DIGITS):
                allowed = places[place] if place < length else _ANY
                for digit in range(10):
                    self._fits[place][digit] |= bit * (allowed >> digit & 1)
            for start in range(_MOST_DIGITS + 1):
                self._any_from[start] |= bit * all(each == _ANY for each in places[start:])
                self._exactly[start] |= bit * (start == length)
                self._within[start] |= bit * (start == length or (start > length and not at_end))

    def is_all_of(self, number: str) -> bool | None:
        """Whether it matches the whole number; None where that is undecided."""
        possible = self._narrowed(self._exactly, number)
        if possible & self._any_from[_known(number)]:
            return True
        return None if possible else False

    def possible(self, number: str) -> int:
        """The shapes that the number can start with."""
        return self._narrowed(self._within, number)

    def starts(self, number: str) -> _Shape | None:
        """The shape that `re.match` finds at the number's start.

        Raises:
            _Undecided: it depends on digits that are not known.
        """
        possible, known = self.possible(number), _known(number)
        preferred = possible & -possible
        if not preferred:
            return None
        shape = self.shapes[preferred.bit_length() - 1]
        if preferred & self._any_from[known]:
            return shape
        # Looking past one digit that can be any costs ten cases; past two, a hundred.
        ahead = itertools.dropwhile(lambda place: place == _ANY, reversed(shape.places[known:]))
        passed = sum(place == _ANY for place in ahead)
        raise _Undecided if passed <= 1 else _NotUnderstood

    def _narrowed(self, by_length: list[int], number: str) -> int:
        if len(number) > _MOST_DIGITS:
            raise _NotUnderstood
        possible = by_length[len(number)]
        for place, digit in enumerate(number):
            if not possible or digit in _UNKNOWN:
                break
            possible &= self._fits[place][ord(digit) - 48]
        return possible


def _known(number: str) -> int:
    """How many digits of the number are known: those in front."""
    return len(number.rstrip(_UNKNOWN))


@cache
def _pattern(source: str | None) -> _Pattern | None:
    return _Pattern(source) if source else None


class _Plan:
    """A region's numbering plan, and the steps of `parse` that depend on it."""

    def __init__(self, metadata: phonenumbers.PhoneMetadata | None) -> None:
        if metadata is None or metadata.general_desc is None or metadata.country_code is None:
            raise _NotUnderstood
        general = metadata.general_desc
        pattern = _pattern(general.national_number_pattern)
        if pattern is None or not general.possible_length:
            raise _NotUnderstood
        self._general = pattern
        self._code = str(metadata.country_code)
        self._international_prefix = _pattern(metadata.international_prefix)
        self._national_prefix = _pattern(metadata.national_prefix_for_parsing)
        self._transform = re.split(r"\\(\d)", metadata.national_prefix_transform_rule or "")
        self._lengths = general.possible_length
        self._local_lengths = general.possible_length_local_only
        self._last_group = self._national_prefix.groups if self._national_prefix else 0
        self._changes: dict[int, int] = {}
        if self._national_prefix is not None:
            for number, shape in enumerate(self._national_prefix.shapes):
                sample = "0" * len(shape.places)
                change = len(self._replaced(sample, shape)) - len(sample)
                self._changes[change] = self._changes.get(change, 0) | 1 << number

    def national(self, number: str) -> str | None:
        """What becomes of digits without a plus, as `international` gives it.

        A plus in front of the answer says that the rest is an international number.
        """
        abroad = self._behind_international_prefix(number)
        if abroad is not None:
            return f"+{abroad}"
        if _known(number) < len(self._code):
            raise _Undecided
        if number.startswith(self._code):
            rest = self._without_national_prefix(number[len(self._code) :])
            if self._is_too_long(number) or self._better(number, rest):
                return _plan_of_code(int(self._code)).significant(rest)
        return self.significant(number)

    def significant(self, number: str) -> str | None:
        """What becomes of digits behind the calling code."""
        if len(number) < 2:  # noqa: PLR2004 - as in parse
            return None
        if any(self._may_serve(length) for length in self._possible_lengths(number)):
            rest = self._without_national_prefix(number)
            if self._may_serve(len(rest)):
                number = rest
        return self._code + number if 2 <= len(number) <= 17 else None  # noqa: PLR2004

    def _behind_international_prefix(self, number: str) -> str | None:
        prefix = self._international_prefix and self._international_prefix.starts(number)
        if not prefix:
            return None
        rest = number[len(prefix.places) :]
        if rest and rest[0] in _UNKNOWN:
            raise _Undecided
        return None if rest.startswith("0") else rest

    def _better(self, number: str, other: str) -> bool:
        """Whether the other is a number of the plan, and the first one is not."""
        before, after = self._general.is_all_of(number), self._general.is_all_of(other)
        if before is True or after is False:
            return False
        if before is None or after is None:
            raise _Undecided
        return True

    def _without_national_prefix(self, number: str) -> str:
        prefix = self._national_prefix and self._national_prefix.starts(number)
        if not number or not prefix:
            return number
        rest = self._replaced(number, prefix)
        unknown = number[_known(number) :]
        if not rest.endswith(unknown):
            # Ten more cases for one more known digit are worth it, a hundred are not.
            dropped = len(unknown) - (len(rest) - _known(rest))
            raise _Undecided if dropped == 1 else _NotUnderstood
        return number if self._better(rest, number) else rest

    def _replaced(self, number: str, prefix: _Shape) -> str:
        rest = number[len(prefix.places) :]
        groups = {group: number[start:end] for group, start, end in prefix.groups}
        if self._transform == [""] or self._last_group not in groups:
            return rest
        pieces = (
            groups[int(piece)] if place % 2 else piece
            for place, piece in enumerate(self._transform)
        )
        return "".join(pieces) + rest

    def _possible_lengths(self, number: str) -> Iterator[int]:
        """The lengths that it can have without its national prefix, if it has one."""
        if self._national_prefix is not None:
            possible = self._national_prefix.possible(number)
            for change, shapes in self._changes.items():
                if possible & shapes:
                    yield len(number) + change

    def _may_serve(self, length: int) -> bool:
        """Whether a number of the length counts as one without its national prefix."""
        if length in self._local_lengths:
            return False
        return length in self._lengths or length > self._lengths[-1]

    def _is_too_long(self, number: str) -> bool:
        length = len(number)
        return length not in self._local_lengths and length > self._lengths[-1]


@cache
def _plan_of_code(code: int) -> _Plan:
    region = phonenumbers.region_code_for_country_code(code)
    return _Plan(phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region))


def _international(number: str) -> str | None:
    """What becomes of digits behind a plus: their E.164 digits; None where it is invalid.

    Raises:
        _Undecided: it depends on digits that are not known.
        _NotUnderstood: no such calling code; `parse` looks at the default region again.
    """
    if len(number) <= 2:  # noqa: PLR2004 - as in parse
        return None
    if number.startswith("0"):
        raise _NotUnderstood
    for length in (1, 2, 3):
        if number[length - 1] in _UNKNOWN:
            raise _Undecided
        if int(number[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return _plan_of_code(int(number[:length])).significant(number[length:])
    raise _NotUnderstood


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
        self._rule_numbers = {_UNDERIVED: 0, ASK: 1}
        self._page_numbers: dict[bytes, int] = {}
        self._page_of = np.zeros(0, np.int32)
        self._pages = np.zeros(2 * _PAGE, np.uint16)
        self._pages[_PAGE:] = self._rule_numbers[ASK]
        self._rules = np.array(list(self._rule_numbers))
        self._add(None, _international)
        self._add(None, lambda _number: None)
        self._forms[None] = LONGEST + 1

    def forms(self, region: str | None) -> int:
        """The form of no digits, without a plus, in a region; that with a plus is 0."""
        if region is not None and region not in self._forms:
            try:
                metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
                becomes: Callable[[str], str | None] = _Plan(metadata).national
            except _NotUnderstood:
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
    raise _NotUnderstood


def _cases(
    becomes: Callable[[str], str | None], prefix: str, length: int
) -> Iterator[tuple[str, int]]:
    """The shortest leading digits that settle a number of the length, each with its rule."""
    unknown = _UNKNOWN[: length - len(prefix)]
    try:
        yield prefix, _rule(becomes(prefix + unknown), prefix, unknown)
    except _NotUnderstood:
        yield prefix, ASK
    except _Undecided:
        if len(prefix) == min(LEAD, length):
            yield prefix, ASK
            return
        for digit in "0123456789":
            yield from _cases(becomes, prefix + digit, length)


def _hold(plus: str, region: str | None, length: int, runs: list[tuple[int, int]]) -> bool:
    """Whether the parser agrees, on a few numbers."""
    for lead, rule in runs[:: len(runs) // _SAMPLES + 1]:
        if rule == ASK:
            continue
        number = f"{lead:0{LEAD}}581395077"[:length]
        answer = parsed(plus + number, region)
        if rule >= SETTLED:
            agrees = answer == f"+{int(number) + rule}"
        elif rule >= ABROAD:
            agrees = answer == parsed(f"+{number[rule - ABROAD :]}", None)
        else:
            agrees = answer is None
        if not agrees:
            return False
    return True


def _rule(becomes: str | None, prefix: str, unknown: str) -> int:
    if becomes is None:
        return INVALID
    if becomes.startswith("+"):
        return ABROAD + len(prefix) + len(unknown) - (len(becomes) - 1)
    if len(becomes) > 18:  # noqa: PLR2004 - beyond it, the sum may not fit 64 bits
        raise _NotUnderstood
    known = becomes[: len(becomes) - len(unknown)]
    more: int = (int(known) - int(prefix)) * 10 ** len(unknown)
    return more
