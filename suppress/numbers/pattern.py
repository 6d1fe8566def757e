"""Regular expressions over digits of which the last may be unknown."""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

UNKNOWN = "abcdefghijklmnop"
"""Letters that stand for unknown digits."""

_ANY = 2**10 - 1
_DIGITS_OF = [
    [str(digit) for digit in range(10) if allowed >> digit & 1] for allowed in range(2**10)
]
_MOST_SHAPES = 10_000
_MOST_DIGITS = 24


class Undecided(Exception):
    """The answer depends on digits that are not known."""


class NotUnderstood(Exception):
    """Only phonenumbers can give the answer."""


class Shape(NamedTuple):
    """One sequence of digits that a pattern matches: for each place a set, as ten bits."""

    places: tuple[int, ...] = ()
    groups: tuple[tuple[int, int, int], ...] = ()  # number, start, end
    at_end: bool = False

    def then(self, other: "Shape") -> "Shape":
        """Return the shape of both, one behind the other."""
        n = len(self.places)
        moved = tuple((group, start + n, end + n) for group, start, end in other.groups)
        return Shape(self.places + other.places, self.groups + moved, self.at_end or other.at_end)


_TOKEN = re.compile(r"\(\?:|[()|$]|\\d|\d|\[(?:\d(?:-\d)?|\\d)+\]|\?|\{(\d+)(?:,(\d+))?\}|.")


def _alternatives(tokens: Iterator[re.Match[str]], group: Iterator[int]) -> list[Shape]:
    """Return the shapes of the tokens up to the end of their group.

    They come in the order in which a backtracking matcher tries them.
    """
    done: list[Shape] = []
    before = item = sequence = [Shape()]
    for match in tokens:
        piece = match[0]
        if piece == ")":
            break
        if piece == "|":
            done += sequence
            sequence = [Shape()]
        elif piece == "?" or match[1]:
            low = 0 if piece == "?" else int(match[1])
            high = 1 if piece == "?" else int(match[2] or low)
            sequence = _in_turn(before, _repeated(item, low, high))
        else:
            before, item = sequence, _item(piece, tokens, group)
            sequence = _in_turn(before, item)
    return done + sequence


def _item(piece: str, tokens: Iterator[re.Match[str]], group: Iterator[int]) -> list[Shape]:
    if piece == "(?:":
        return _alternatives(tokens, group)
    if piece == "(":
        number = next(group)
        return [
            shape._replace(groups=(*shape.groups, (number, 0, len(shape.places))))
            for shape in _alternatives(tokens, group)
        ]
    if piece == "$":
        return [Shape(at_end=True)]
    return [Shape((_digits(piece),))]


@cache
def _digits(piece: str) -> int:
    """Return the digits that a piece of an expression matches, as ten bits."""
    if not re.match(r"\d|\\d|\[", piece):
        raise NotUnderstood
    return sum(1 << digit for digit in range(10) if re.fullmatch(piece, str(digit)))


def _in_turn(first: list[Shape], second: list[Shape]) -> list[Shape]:
    if len(first) * len(second) > _MOST_SHAPES:
        raise NotUnderstood
    return [a.then(b) for a in first for b in second if not (a.at_end and b.places)]


def _repeated(item: list[Shape], low: int, high: int) -> list[Shape]:
    """Return the shapes of a repeated item; as it is greedy, once more comes before no more."""
    if high == 0:
        return [Shape()]
    more = _in_turn(item, _repeated(item, max(low - 1, 0), high - 1))
    return more if low else [*more, Shape()]


class Pattern:
    """A regular expression over digits of which the last may be unknown.

    A set of shapes is an integer with a bit for each; the lowest bit is the preferred shape.

    Raises:
        NotUnderstood: the expression has anything but digits, sets of digits,
            groups, alternatives, bounded repeats and `$`.
    """

    def __init__(self, source: str) -> None:
        group = itertools.count(1)
        self.shapes = _alternatives(_TOKEN.finditer(source), group)
        self.groups = next(group) - 1
        # Sets of shapes: by place and digit, those that allow it there, or end before it.
        self._fits = [dict.fromkeys("0123456789", 0) for _ in range(_MOST_DIGITS)]
        # By length: those that match so many digits, and those that can start as many.
        self._exactly = [0] * (_MOST_DIGITS + 1)
        self._within = [0] * (_MOST_DIGITS + 1)
        # By place: those with any digit there and behind.
        self._any_from = [0] * (_MOST_DIGITS + 1)
        for number, (places, _, at_end) in enumerate(self.shapes):
            bit, length = 1 << number, len(places)
            if length > _MOST_DIGITS:
                raise NotUnderstood
            for place, allowed in enumerate(places):
                for digit in _DIGITS_OF[allowed]:
                    self._fits[place][digit] |= bit
            self._exactly[length] |= bit
            if not at_end:
                self._within[length] |= bit
            while length and places[length - 1] == _ANY:
                length -= 1
            self._any_from[length] |= bit
        shorter = 0
        for place in range(_MOST_DIGITS):
            shorter |= self._exactly[place]
            for digit in self._fits[place]:
                self._fits[place][digit] |= shorter
            self._within[place + 1] |= self._within[place]
            self._any_from[place + 1] |= self._any_from[place]
        for place, exactly in enumerate(self._exactly):
            self._within[place] |= exactly

    def is_all_of(self, number: str) -> bool | None:
        """Tell whether the pattern matches the whole number; None where that is undecided."""
        possible = self._exactly[len(number)] if len(number) <= _MOST_DIGITS else 0
        if not possible:
            return False
        known = number.rstrip(UNKNOWN)
        possible = self._narrowed(possible, known)
        if possible & self._any_from[len(known)]:
            return True
        return None if possible else False

    def possible(self, number: str) -> int:
        """Return the shapes that the number can start with."""
        if len(number) > _MOST_DIGITS:
            raise NotUnderstood
        return self._narrowed(self._within[len(number)], number.rstrip(UNKNOWN))

    def starts(self, number: str) -> Shape | None:
        """Return the shape that `re.match` finds at the number's start; None for none.

        Raises:
            Undecided: it depends on digits that are not known.
        """
        possible, known = self.possible(number), known_digits(number)
        preferred = possible & -possible
        if not preferred:
            return None
        shape = self.shapes[preferred.bit_length() - 1]
        if preferred & self._any_from[known]:
            return shape
        # Looking past one digit that can be any costs ten cases; past two, a hundred.
        ahead = itertools.dropwhile(lambda place: place == _ANY, reversed(shape.places[known:]))
        passed = sum(place == _ANY for place in ahead)
        raise Undecided if passed <= 1 else NotUnderstood

    def _narrowed(self, possible: int, known: str) -> int:
        """Return those of the possible shapes that allow the known digits."""
        for fitting, digit in zip(self._fits, known, strict=False):
            possible &= fitting[digit]
            if not possible:
                break
        return possible


def known_digits(number: str) -> int:
    """Count the known digits of a number, which are those in front."""
    return len(number.rstrip(UNKNOWN))


@cache
def pattern_of(source: str | None) -> Pattern | None:
    """Return the pattern of a regular expression; None where there is none."""
    return Pattern(source) if source else None
