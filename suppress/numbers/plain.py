"""Plain numbers (digits with separators and perhaps a plus), found in many texts at once."""

import contextlib
import operator
from functools import cache
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.arrow import ArrowNumbers
from suppress.numbers.column import ROOM, Column
from suppress.numbers.damage import DASHES, is_blank
from suppress.numbers.handed_in import LONGEST_TEXT, Numbers, as_text
from suppress.numbers.rule import LONGEST, POWERS

_NEWLINE, _PLUS, _SPACE, _DOT, _ZERO, _NINE, _SLASH, _ODD = b"\n+ .09/?"
_SEPARATORS = b" -.()/[]\t"
_GROUP_MARKS = b" /)]\t"
_QUOTE, _APOSTROPHE, _EQUALS = b"\"'="
_SCHEMES = (b"tel:", b"p:", b"sms:", b"whatsapp:")
_LONGEST_SCHEME = ROOM
_NO_PLACES = np.zeros(0, np.intp)

_BEHIND = np.isin(np.arange(2**8), list(b" \t([-"))

# In UTF-8, from these on: the first bytes of characters of two, three and four bytes.
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0xC0, 0xE0, 0xF0

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


class PlainNumbers(NamedTuple):
    """The digits of many numbers.

    Attributes:
        values: the digits as integers; 0 where a number is not plain.
        lengths: the counts of digits, up to `LONGEST`; 0 where a number is not plain.
        with_plus: True where a plus is before the digits.
        whole: True where a number was an integer; None where all were texts.
        grouped: True where any text may have groups of digits, with a blank, a slash or a
            bracket between them.
        split: the places of the texts with a slash.
    """

    values: NDArray[np.int64]
    lengths: NDArray[np.int64]
    with_plus: NDArray[np.bool_]
    whole: NDArray[np.bool_] | None = None
    grouped: bool = False
    split: NDArray[np.intp] = _NO_PLACES


def plain_numbers(numbers: Numbers) -> PlainNumbers:
    """Return the plain numbers among what was handed in: a column, an array, or anything else."""
    if isinstance(numbers, ArrowNumbers):
        numbers = numbers.in_bulk()
    if isinstance(numbers, Column):
        return plain_texts(numbers)
    try:
        column = Column.of(cast("list[str]", numbers))
    except TypeError:
        with contextlib.suppress(TypeError, ValueError, OverflowError):
            return _integers(numbers)
    else:
        return plain_texts(column)
    texts, whole = [], np.zeros(len(numbers), np.bool_)
    for place, number in enumerate(numbers):
        text, whole[place] = (number, False) if type(number) is str else as_text(number)
        texts.append(text)
    return plain_texts(Column.of(texts))._replace(whole=whole)


def _integers(numbers: Numbers) -> PlainNumbers:
    """Return the plain numbers of integers alone, or of whole decimals alone.

    Raises:
        TypeError, ValueError, OverflowError: there is something else among them.
    """
    if isinstance(numbers, np.ndarray) and numbers.dtype.kind in "iu":
        values = numbers.astype(np.int64)
    elif isinstance(numbers, np.ndarray) and numbers.dtype.kind == "f":
        values = _whole(numbers.astype(np.float64))
    elif (kinds := set(map(type, numbers))) in ({float}, {np.float64}):
        values = _whole(np.fromiter(cast("list[float]", numbers), np.float64, len(numbers)))
    else:
        if not kinds or kinds & {bool, np.bool_}:
            raise TypeError
        values = np.fromiter(map(operator.index, numbers), np.int64, len(numbers))
    lengths = np.searchsorted(POWERS, values, side="right")
    unfit = (lengths > LONGEST) | (values < 0)
    values[unfit] = lengths[unfit] = 0
    none = np.zeros(len(values), np.bool_)
    return PlainNumbers(values, lengths, none, ~none)


def _whole(decimals: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return decimals as integers; 0 in the place of what is not a whole number."""
    fit = np.flatnonzero((decimals >= 1) & (decimals < 10**LONGEST))
    values = np.zeros(len(decimals), np.int64)
    values[fit] = decimals[fit]
    values[values != decimals] = 0
    return values


def plain_texts(column: Column, *, clean: bool = False) -> PlainNumbers:
    """Return the plain numbers among texts.

    Args:
        column: the texts.
        clean: True where they are parts of others: nothing is wrapped around them.
    """
    if not column.in_lines:
        return _plain_in_place(column, clean=clean)
    lines, starts, ends = bytes(column.data), column.starts, column.ends
    is_ascii = lines.isascii()
    separated = not is_ascii or any(each in lines for each in _SEPARATORS)
    # Without its separators, a text too long for phonenumbers could look like a number.
    long = np.flatnonzero(ends - starts > LONGEST_TEXT) if separated else _NO_PLACES
    grouped = any(each in lines for each in _GROUP_MARKS)
    split = _NO_PLACES
    if not is_ascii or len(long) or any(each in lines for each in b":.\"'/"):
        characters = np.frombuffer(bytearray(lines), np.uint8)
        last = ends - 1
        dotted = b"." in lines
        if dotted:
            _mark_ellipses(characters)
        # The reference works in this order.
        if not clean:
            _blank_wrappers(characters, starts, last)
        if not is_ascii:
            grouped |= _blank_passed_over(characters)
        if dotted and not clean:
            _blank_decimals(characters, last)
        if b"/" in lines:
            split = distinct(np.searchsorted(last, np.flatnonzero(characters == _SLASH)))
        characters[starts[long]] = _ODD
        lines, separated = characters.tobytes(), True
    if separated:
        lines = lines.translate(None, _SEPARATORS)
        line_ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == _NEWLINE)
        starts, ends = line_ends[:-1] + 1, line_ends[1:]
    values, lengths, with_plus = _digits(lines, starts, ends)
    return PlainNumbers(values, lengths, with_plus, None, grouped, split)


def _plain_in_place(column: Column, *, clean: bool) -> PlainNumbers:
    """Return the plain numbers among texts of which most are digits, perhaps with a plus.

    These are read where they stand. The others, and those before which there is no room for a
    word of bytes, are put in lines.
    """
    values, lengths = np.zeros(len(column), np.int64), np.zeros(len(column), np.intp)
    with_plus = np.zeros(len(column), np.bool_)
    roomy = column.ends >= LONGEST
    if len(column) and roomy.all():
        values, lengths, with_plus = _digits(column.data, column.starts, column.ends)
    elif roomy.any():
        starts, ends = column.starts[roomy], column.ends[roomy]
        values[roomy], lengths[roomy], with_plus[roomy] = _digits(column.data, starts, ends)
    others = np.flatnonzero(lengths == 0)
    if not len(others):
        return PlainNumbers(values, lengths, with_plus)
    rest = plain_texts(_in_lines(column.take(others)), clean=clean)
    values[others], lengths[others], with_plus[others] = rest.values, rest.lengths, rest.with_plus
    return PlainNumbers(values, lengths, with_plus, None, rest.grouped, others[rest.split])


def _in_lines(column: Column) -> Column:
    """Return the column with its texts in lines; line ends of their own become odd marks.

    With the room around, words of bytes can be read at both ends of a line.
    """
    lengths = column.ends - column.starts
    ends = ROOM + np.cumsum(lengths + 1)
    starts = ends - lengths
    # Each text is taken with the byte behind it, in whose place its line end comes.
    sources = np.arange(ROOM + 1, ROOM + 1 + int((lengths + 1).sum()))
    sources += np.repeat(column.starts - starts, lengths + 1)
    data = np.frombuffer(column.data or b"\n", np.uint8)
    texts = data.take(sources, mode="clip")
    texts[texts == _NEWLINE] = _ODD
    texts[ends - (ROOM + 1)] = _NEWLINE
    room = b"?" * ROOM
    return Column(room + b"\n" + texts.tobytes() + room, starts, ends, in_lines=True)


def _mark_ellipses(characters: NDArray[np.uint8]) -> None:
    """Put something odd in the place of three dots, which stand for digits."""
    dots = characters == _DOT
    three = dots[:-2] & dots[1:-1] & dots[2:]
    if three.any():
        characters[np.flatnonzero(three)[:, None] + np.arange(3)] = _ODD


def _blank_wrappers(
    characters: NDArray[np.uint8], starts: NDArray[np.int64], last: NDArray[np.int64]
) -> None:
    """Put blanks in the place of quotes and schemes around numbers."""
    first = characters.take(starts)
    odd = np.flatnonzero((first > _NINE) | _is_quote(first))
    if not len(odd):
        return
    starts, last = starts[odd], last[odd]
    # A quote at the end counts where there is one at the start.
    for _ in range(2):
        first = characters.take(starts)
        quoted = np.flatnonzero(_is_quote(first) | (first == _EQUALS))
        if not len(quoted):
            break
        characters[starts[quoted]] = _SPACE
        at = last[quoted]
        behind = _is_quote(characters.take(at)) & (at > starts[quoted])
        characters[at[behind]] = _SPACE
        starts[quoted] += 1
    heads = np.ndarray(
        len(characters) - _LONGEST_SCHEME + 1, f"V{_LONGEST_SCHEME}", characters, strides=(1,)
    )
    first = characters.take(starts)
    for scheme in _SCHEMES:  # each begins with another letter
        begin = starts[first == scheme[0]]
        if not len(begin):
            continue
        words = heads[begin].view("<u8").reshape(-1, 2)
        wanted, mask = (
            np.frombuffer(each.ljust(_LONGEST_SCHEME, b"\0"), "<u8")
            for each in (scheme, b"\xff" * len(scheme))
        )
        is_it = (words[:, 0] & mask[0]) == wanted[0]
        if mask[1]:
            is_it &= (words[:, 1] & mask[1]) == wanted[1]
        for place in range(len(scheme)):
            characters[begin[is_it] + place] = _SPACE


def _is_quote(characters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (characters == _QUOTE) | (characters == _APOSTROPHE)
    return found


@cache
def _passed_over() -> NDArray[np.bool_]:
    """Tell of each character beyond ASCII whether phonenumbers passes over it between digits."""
    passed = np.zeros(2**16, np.bool_)
    codes = [code for code in range(2**7, 2**16) if is_blank(chr(code)) or chr(code) in DASHES]
    passed[codes] = True
    # Line ends separate numbers, so the reference has to read them.
    passed[[0x85, 0x2028, 0x2029]] = False
    return passed


def _blank_passed_over(characters: NDArray[np.uint8]) -> bool:
    """Put blanks in the place of white space, format characters and dashes beyond ASCII.

    Return whether one of them may stand between groups of digits.
    """
    leads = np.flatnonzero(characters >= _TWO_BYTES)
    lead = characters.take(leads).astype(np.uint16)
    second = (characters.take(leads + 1) & 0x3F).astype(np.uint16)
    third = (characters.take(leads + 2) & 0x3F).astype(np.uint16)
    two, three = lead < _THREE_BYTES, (lead >= _THREE_BYTES) & (lead < _FOUR_BYTES)
    codes = np.zeros(len(leads), np.uint16)
    codes[two] = ((lead & 0x1F) << 6 | second)[two]
    codes[three] = ((lead & 0x0F) << 12 | second << 6 | third)[three]
    passed = _passed_over().take(codes)
    found = leads[passed]
    behind = found + 2 + three[passed]
    inside = (characters.take(found - 1) != _NEWLINE) & (characters.take(behind) != _NEWLINE)
    characters[found] = _SPACE
    characters[found + 1] = _SPACE
    characters[leads[passed & three] + 2] = _SPACE
    return bool(inside.any())


def _blank_decimals(characters: NDArray[np.uint8], last: NDArray[np.int64]) -> None:
    """Put blanks in the place of `.0` behind a number; the reference reads more zeros."""
    final = characters.take(last)
    at = last[final == _ZERO]
    # Marks at the end that do not belong to the number are passed over.
    behind = last[_BEHIND.take(final)]
    while len(behind):
        behind = behind - 1
        final = characters.take(behind)
        at = np.concatenate([at, behind[final == _ZERO]])
        behind = behind[_BEHIND.take(final)]
    at, zeros = at - 1, 1
    while len(at):
        before = characters.take(at)
        tails = before == _DOT
        if tails.any():
            dot = at[tails]
            # More zeros may be a group of digits, so the reference decides.
            characters[dot] = _ODD
            if zeros == 1:
                whole = dot[_is_digit(characters.take(dot - 1))]
                characters[whole] = characters[whole + 1] = _SPACE
        at = at[before == _ZERO] - 1
        zeros += 1


def _is_digit(characters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (characters >= _ZERO) & (characters <= _NINE)
    return found


_Digits = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


def _digits(texts: bytes | memoryview, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> _Digits:
    """Return the values and lengths of texts of digits, and which have a plus before them.

    Args:
        texts: the bytes that the texts stand in.
        starts: where each text starts.
        ends: where each text ends, with `LONGEST` bytes or more before it.
    """
    lengths = ends - starts
    with_plus = np.frombuffer(texts, np.uint8).take(starts, mode="clip") == _PLUS
    with_plus &= lengths > 0
    lengths -= with_plus
    words = np.ndarray(len(texts) - LONGEST + 1, f"V{LONGEST}", texts, strides=(1,))
    pairs = words[ends - LONGEST].view("<u8").reshape(-1, 2)
    np.putmask(lengths, lengths > LONGEST, 0)
    pairs ^= 0x3030303030303030  # a digit becomes its value
    pairs &= _MASKS.take(lengths, axis=0)
    odd = ((pairs + 0x7676767676767676) | pairs) & 0x8080808080808080
    plain = (odd[:, 0] | odd[:, 1]) == 0
    lengths *= plain
    # Eight digits make a number: neighbours join to pairs, these to fours, these to eights.
    for factor, shift, mask in _JOINS:
        pairs *= factor
        pairs >>= shift
        pairs &= mask
    high, low = pairs[:, 0], pairs[:, 1]
    values = (high * 10**8 + low).view(np.int64)
    values *= plain
    return values, lengths, with_plus
