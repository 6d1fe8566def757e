"""Many numbers read at once: their E.164 forms, as `suppress.numbers.e164` gives them."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from suppress.numbers.e164 import LONGEST_TEXT, SEPARATORS, as_text
from suppress.numbers.readings import parsed
from suppress.numbers.rules import (
    ASK_PARSER,
    BEHIND_IDD,
    FIRST_CONSTANT,
    LONGEST,
    NUMBERING,
    POWERS,
)

OVERFLOW = 1
"""Stands for the value of a number that does not fit 64 bits; no number has one digit."""

AT_ONCE = 2**15
"""Numbers to normalize together: what is made of them fits the processor's cache."""

_NEWLINE, _PLUS = b"\n+"
_SCHEME = int.from_bytes(b"tel:", "little")
_TWO_DIGITS = re.compile(r"[0-9].*[0-9]", re.DOTALL)
_MASKS = np.array(
    [
        np.frombuffer((b"\xff" * length).rjust(LONGEST, b"\0"), "<u8")
        for length in range(LONGEST + 1)
    ]
)
_JOINS = (
    (10 << 8 | 1, 8, 0x00FF00FF00FF00FF),
    (100 << 16 | 1, 16, 0x0000FFFF0000FFFF),
    (10_000 << 32 | 1, 32, 0x00000000FFFFFFFF),
)


class E164Array(NamedTuple):
    """The E.164 numbers of many recipients.

    Attributes:
        values: each one's digits as a number; 0 where it cannot be parsed, `OVERFLOW` where
            it does not fit 64 bits.
        long: the E.164 texts of those that do not fit, by their places.
        plain: what was handed in, as a number, where it is nothing but digits, separators
            and a plus; 0 elsewhere.
    """

    values: NDArray[np.uint64]
    long: Mapping[int, str]
    plain: NDArray[np.int64]

    def text(self, place: int) -> str | None:
        """The E.164 text of one of them, or None where it cannot be parsed."""
        value = self.values.item(place)
        if value == OVERFLOW:
            return self.long[place]
        return f"+{value}" if value else None


def e164_all(numbers: Sequence[object], default_region: str | None = None) -> E164Array:
    """`e164` of each of the numbers, in their order.

    The memory it needs is about 200 bytes for each of them, so hand over `AT_ONCE` at a
    time.
    """
    plain, lengths, with_plus = _read(numbers)
    forms = 0 if with_plus.all() else np.where(with_plus, 0, NUMBERING.forms(default_region))
    rules = NUMBERING.rules(plain, lengths, forms)
    values = (plain + rules).view(np.uint64)
    long: dict[int, str] = {}
    others = np.flatnonzero(rules < FIRST_CONSTANT)
    if len(others):
        rules = rules[others]
        values[others] = 0
        abroad = rules >= BEHIND_IDD
        unread = _abroad(others[abroad], rules[abroad], plain, lengths, values)
        places = np.concatenate([others[rules == ASK_PARSER], unread]).tolist()
        for place, canonical in _asked(numbers, places, default_region):
            value = int(canonical[1:])
            if value < 2**64:
                values[place] = value
            else:
                values[place] = OVERFLOW
                long[place] = canonical
    return E164Array(values, long, plain)


def _abroad(
    places: NDArray[np.intp],
    rules: NDArray[np.int64],
    plain: NDArray[np.int64],
    lengths: NDArray[np.int64],
    values: NDArray[np.uint64],
) -> NDArray[np.intp]:
    """Fill in the values of international numbers behind an international prefix.

    Returns the places of those that the parser has to be asked about.
    """
    left = lengths[places] - (rules - BEHIND_IDD)
    behind = plain[places] % POWERS.take(left)
    rules = NUMBERING.rules(behind, left, 0)
    settled = rules >= FIRST_CONSTANT
    values[places[settled]] = (behind + rules)[settled]
    unread: NDArray[np.intp] = places[rules == ASK_PARSER]
    return unread


def _asked(
    numbers: Sequence[object], places: Sequence[int], region: str | None
) -> Iterator[tuple[int, str]]:
    """The places of those that the parser can read, each with its E.164 text."""
    answers: dict[str, str | None] = {}
    for place in places:
        text = as_text(numbers[place])
        if text is None:
            continue
        if text not in answers:
            answers[text] = None if _hopeless(text) else parsed(text, region)
        if canonical := answers[text]:
            yield place, canonical


_Read = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def _read(numbers: Sequence[object]) -> _Read:
    """The digits of plain numbers as integers, how many there are, and whether a plus is before.

    What is not plain has 0 digits.
    """
    with contextlib.suppress(TypeError):  # which is what joining anything but texts raises
        return _read_texts(cast("Sequence[str]", numbers))
    if set(map(type, numbers)) == {int}:
        with contextlib.suppress(OverflowError):
            return _read_integers(np.fromiter(cast("Sequence[int]", numbers), np.int64))
    return _read_texts([each if type(each) is str else as_text(each) or "" for each in numbers])


def _read_integers(numbers: NDArray[np.int64]) -> _Read:
    lengths = np.searchsorted(POWERS, numbers, side="right")
    unfit = (lengths > LONGEST) | (numbers < 0)
    numbers[unfit] = lengths[unfit] = 0
    return numbers, lengths, np.ones(len(numbers), np.bool_)


def _read_texts(texts: Sequence[str]) -> _Read:
    lines = _lines(texts)
    ends = np.frombuffer(lines, np.uint8) == _NEWLINE
    separated = any(each in lines for each in SEPARATORS)
    if np.count_nonzero(ends) != len(texts) + 1 or (separated and _may_be_long(ends)):
        odd = ["\n" in text or len(text) > LONGEST_TEXT for text in texts]
        lines = _lines(["?" if each else text for each, text in zip(odd, texts, strict=True)])
    if separated:
        lines = lines.translate(None, SEPARATORS)
    return _read_lines(lines)


def _lines(texts: Sequence[str]) -> bytes:
    """The texts as lines, with question marks for what is not ASCII.

    There is room before and behind them, so that words can be read at both ends of a line.
    """
    lines = "\n".join(texts)
    end = "\n" if texts else ""
    return f"{'?' * LONGEST}\n{lines}{end}????".encode("ascii", "replace")


def _may_be_long(ends: NDArray[np.bool_]) -> bool:
    """Whether a line can be too long: such a one fills a block of half that length."""
    block = LONGEST_TEXT // 2
    blocks = ends[: len(ends) // block * block].reshape(-1, block)
    return not bool(blocks.any(axis=1).all())


def _read_lines(lines: bytes) -> _Read:
    characters = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(characters == _NEWLINE)
    starts = ends[:-1] + 1
    ends = ends[1:]
    if b":" in lines:
        heads = np.ndarray(len(lines) - 3, "V4", lines, strides=(1,))
        starts += 4 * (heads[starts].view("<u4") == _SCHEME)
    with_plus = characters.take(starts) == _PLUS
    lengths = ends - starts
    lengths -= with_plus
    words = np.ndarray(len(lines) - LONGEST + 1, f"V{LONGEST}", lines, strides=(1,))
    pairs = words[ends - LONGEST].view("<u8").reshape(-1, 2)
    np.putmask(lengths, lengths > LONGEST, 0)
    pairs ^= 0x3030303030303030  # a digit becomes its value
    pairs &= _MASKS.take(lengths, axis=0)
    odd = ((pairs + 0x7676767676767676) | pairs) & 0x8080808080808080
    plain = (odd[:, 0] | odd[:, 1]) == 0
    lengths *= plain
    # Eight digits to a number: neighbours are joined to pairs, these to fours, to eights.
    for factor, shift, mask in _JOINS:
        pairs *= factor
        pairs >>= shift
        pairs &= mask
    high, low = pairs[:, 0], pairs[:, 1]
    values = (high * 10**8 + low).view(np.int64)
    values *= plain
    return values, lengths, with_plus


def _hopeless(text: str) -> bool:
    """Whether the text is certainly no number: a number has two digits at least."""
    return text.isascii() and not _TWO_DIGITS.search(text)
