"""What makes two numbers the same: their E.164 form, as `phonenumbers` gives it.

The reference, which every answer of this module equals, is

    format_number(parse(text, default_region), E164)

Callers that have many numbers hand them over together (`e164_all`), so that a faster
way of normalizing can be put in here without touching them.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.errors import ConfigurationError, InvalidNumber
from suppress.numbering import (
    ABROAD,
    ASK,
    INVALID,
    LONGEST,
    NUMBERING,
    POWERS,
    SETTLED,
    SHORTEST,
    parsed,
)

# phonenumbers refuses longer texts, and Python refuses to print much longer integers.
_LONGEST_INT = 10**250
_LONGEST_TEXT = 250

LONG = 1
"""Stands for the value of a number that does not fit 64 bits; no number has one digit."""

AT_ONCE = 2**15
"""Numbers to normalize together: what is made of them fits the processor's cache."""

NO_REGION = "and no default region is set"
"""Why a number in national form is invalid, at the end."""

_SEPARATORS = b" -.()/[]"
_NO_SEPARATORS = dict.fromkeys(_SEPARATORS)
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


def known_region(region: str) -> str:
    """The region in the spelling of ISO 3166, for example `"US"` for `"us"`.

    Raises:
        ConfigurationError: phonenumbers has no such region.
    """
    upper = region.upper()
    if upper not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigurationError(
            f"default_region: {region!r} is no region that phonenumbers knows. "
            "Use two letters of ISO 3166, such as US, GB (not UK) or DE."
        )
    return upper


def as_text(number: object) -> str | None:
    """The text to parse for a number as handed in, or None where there is none.

    An `int` is an international number without its plus. Nothing but `str` and `int` is
    a number; a `bool` is not one either.
    """
    if isinstance(number, str):
        return number
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < _LONGEST_INT:
        return f"+{int(number)}"
    return None


def e164(number: object, default_region: str | None = None) -> str | None:
    """The E.164 text of a number (a plus and digits), or None where it cannot be parsed."""
    value = settled(number, default_region)
    if value is None:
        text = as_text(number)
        return None if text is None else parsed(text, default_region)
    return f"+{value}" if value else None


def settled(number: object, default_region: str | None = None) -> int | None:
    """The digits of a plain number's E.164 text, as an integer.

    It is 0 where the number is certainly invalid, and None where `e164` has to be asked.
    """
    text = number if type(number) is str else as_text(number)
    if text is None:
        return 0
    if len(text) > _LONGEST_TEXT:
        return 0
    digits = text.removeprefix("+")
    if not digits.isdigit():
        text = text.translate(_NO_SEPARATORS)
        digits = text.removeprefix("+")
    if not (SHORTEST <= len(digits) <= LONGEST and digits.isdigit() and digits.isascii()):
        return None
    rule = NUMBERING.rule(digits, 0 if digits is not text else NUMBERING.forms(default_region))
    if rule >= SETTLED:
        return int(digits) + rule
    if rule >= ABROAD:
        return settled(f"+{digits[rule - ABROAD :]}")
    return 0 if rule == INVALID else None


class Canonical(NamedTuple):
    """The E.164 numbers of many recipients.

    Attributes:
        values: each one's digits as a number; 0 where it cannot be parsed, `LONG` where
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
        if value == LONG:
            return self.long[place]
        return f"+{value}" if value else None


def e164_all(numbers: Sequence[object], default_region: str | None = None) -> Canonical:
    """`e164` of each of the numbers, in their order.

    The memory it needs is about 200 bytes for each of them, so hand over `AT_ONCE` at a
    time.
    """
    plain, lengths, with_plus = _read(numbers)
    forms = 0 if with_plus.all() else np.where(with_plus, 0, NUMBERING.forms(default_region))
    rules = NUMBERING.rules(plain, lengths, forms)
    values = (plain + rules).view(np.uint64)
    long: dict[int, str] = {}
    others = np.flatnonzero(rules < SETTLED)
    if len(others):
        rules = rules[others]
        values[others] = 0
        abroad = rules >= ABROAD
        unread = _abroad(others[abroad], rules[abroad], plain, lengths, values)
        places = np.concatenate([others[rules == ASK], unread]).tolist()
        for place, canonical in _asked(numbers, places, default_region):
            value = int(canonical[1:])
            if value < 2**64:
                values[place] = value
            else:
                values[place] = LONG
                long[place] = canonical
    return Canonical(values, long, plain)


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
    left = lengths[places] - (rules - ABROAD)
    behind = plain[places] % POWERS.take(left)
    rules = NUMBERING.rules(behind, left, 0)
    settled = rules >= SETTLED
    values[places[settled]] = (behind + rules)[settled]
    unread: NDArray[np.intp] = places[rules == ASK]
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
    separated = any(each in lines for each in _SEPARATORS)
    if np.count_nonzero(ends) != len(texts) + 1 or (separated and _may_be_long(ends)):
        odd = ["\n" in text or len(text) > _LONGEST_TEXT for text in texts]
        lines = _lines(["?" if each else text for each, text in zip(odd, texts, strict=True)])
    if separated:
        lines = lines.translate(None, _SEPARATORS)
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
    block = _LONGEST_TEXT // 2
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


def why_invalid(number: object, default_region: str | None = None) -> str:
    """Why `e164` gives None for the number, in words and without its digits."""
    text = as_text(number)
    if text is None:
        return f"a number is text or a positive int, not {type(number).__name__}"
    try:
        phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE and default_region is None:
            return f"not in international form, {NO_REGION}"
        if error.error_type == error.INVALID_COUNTRY_CODE:
            return "its country calling code is unknown"
        if error.error_type == error.TOO_LONG:
            return "too long for a phone number"
        if error.error_type in (error.TOO_SHORT_NSN, error.TOO_SHORT_AFTER_IDD):
            return "too short for a phone number"
        return "not a phone number"
    raise ValueError("the number is valid")


def normalize(number: str | int, default_region: str | None = None) -> str:
    """The E.164 text of one number.

    Args:
        number: text in any form that `phonenumbers` reads, or an `int`: an international
            number without its plus.
        default_region: the ISO 3166 region of a number written in national form.

    Raises:
        InvalidNumber: it cannot be parsed.
    """
    canonical = e164(number, default_region)
    if canonical is None:
        shown = mask(number) or "An empty text"
        raise InvalidNumber(f"{shown}: {why_invalid(number, default_region)}.")
    return canonical


def digits(number: object) -> str:
    """The decimal digits of a number, of whatever script, as ASCII; no plus, no separators."""
    text = as_text(number)
    return "" if text is None else phonenumbers.normalize_digits_only(text)


def mask(number: object) -> str:
    """What may be shown of a number, or of a text with numbers in it, in errors and logs.

    Of every run of seven digits or more (separators between them do not end a run) the
    first three and the last two stay.
    """
    text = str(number) if isinstance(number, str | int) else type(number).__name__

    def hide(match: re.Match[str]) -> str:
        run = re.sub(r"\D", "", match[0])
        return f"{run[:3]}{'*' * (len(run) - 5)}{run[-2:]}"

    return re.sub(r"\d(?:[^\w,;]{0,3}\d){6,}", hide, text)
