"""Damaged texts: what is left of a number in them, to be read as if it had been whole.

Everything here works on characters alone. `suppress.numbers.readings` decides what number a
text means.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc\uff0d"
"""Dashes that phonenumbers passes over between digits, besides `-`."""

_BETWEEN = frozenset(f"-.()/[]{DASHES}")

# A mask hides digits, so no number is left of it.
_MASK = re.compile(
    r"""
      \*(?=\s*[\d*(])                                  # 44***123; a star at the end is a footnote
    | (?<![^\W\d_])[nN]?[xX]{2,}(?![^\W\d_])         # 201XXXXXXX, 201NXXXXXX
    | (?<=[\d)\]\-.\s])(?<![^\W_]\s)[xX](?=[-.\s)]*$)  # 201-555-01X
    | [#?]{2,} | [\u2022\u2219\u25cf\u25a0\u2026]
    | \d\s*\.{3,}                                      # cut: 44 20 79...
    """,
    re.VERBOSE,
)
# A text without any of these needs no cleaning.
_MARKS = re.compile(r"[^\W\d]|[.,%_\u00b7@:]")
_EXPONENT = re.compile(r"(\+?)(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_TAIL = re.compile(r"[.,]0+")
_THOUSANDS = re.compile(r"\+?\d{1,3}(?:,\d{3})+")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[_\u00b7](?=\d)")
_MESSENGER = re.compile(
    r"""
      (?:https?://)?(?:www\.)?(?:api\.)?(?:wa\.me/|(?:chat\.)?whatsapp\.com/send/?\?(?:.*&)?phone=)
      \+?(?P<link>[\d\s().-]+?)(?:[/?&\#].*)?
    | \+?(?P<address>\d+)(?::\d+)?@(?:s\.whatsapp\.net|c\.us)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SCHEME = re.compile(
    r"""
      (?:viber|whatsapp)://[a-z]+/?\?(?:.*&)?(?:number|phone)=(?P<number>[^&]*)(?:&.*)?
    | (?:p|tel|sms|smsto|mms|callto|whatsapp|viber|rcs):/{0,2}(?P<rest>.*)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Quotes and the like around a number do not belong to it.
_AROUND = re.compile(r"^[^\w+\uff0b(\[\-.*/]+|[^\w)\].*#/]+$")

_DIGIT_LETTERS = str.maketrans("OoIl", "0011")
_DIGIT_TOKEN = re.compile(r"(?<![^\W\d_])[\dOoIl]*\d[\dOoIl]*(?![^\W\d_])")

_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_SPLIT = re.compile(rf"[/,;|{_LINE_ENDS}]|\s\s+|(?=[+\uff0b])")
_SPLITS = re.compile(rf"[/,;|{_LINE_ENDS}]")
_GROUP = re.compile(r"[\s/)\]]+")
# U+30FC is a letter to Unicode, and a dash between digits.
_GROUPS = re.compile(r"\d[\W_\u30fc]+\d")
_LETTER = re.compile(r"[^\W\d_\u30fc]")
_WORDS = re.compile(r"[^\W\d_\u30fc]+(?:[\W_]*[^\W\d_\u30fc]+)*")

FEWEST_DIGITS = 3
"""Fewest digits of a number, calling code included."""

SHORT_LAST, SHORT_FIRST = 4, 2
"""Most digits of a group behind and before a number."""


class Cleaned(NamedTuple):
    """A text without what was wrapped around its number.

    Attributes:
        text: what is left.
        cut: True where a spreadsheet has cut off digits, which stand as zeros in the text.
    """

    text: str
    cut: bool = False


@lru_cache(2**10)
def is_blank(character: str) -> bool:
    """Tell whether a character is white space or a format character (Unicode category Cf)."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def without_blanks(text: str) -> str:
    """Return the text without white space and format characters."""
    return "".join(each for each in text if not is_blank(each))


def is_masked(text: str) -> bool:
    """Tell whether some digits of a text are hidden."""
    return _MASK.search(text) is not None


def digits_alone(text: str) -> str | None:
    """Return the digits, as ASCII, of a text of digits and separators alone; None for another."""
    if text.isascii() and text.isdigit():
        return text
    digits = []
    for each in text:
        if each.isdecimal():
            digits.append(str(unicodedata.decimal(each)))
        elif each not in _BETWEEN and not is_blank(each):
            return None
    return "".join(digits) or None


def cleaned(text: str) -> Cleaned:
    """Return the text without wrappers, a decimal tail, an exponent, and odd marks among digits."""
    text = trimmed(text)
    if not _MARKS.search(text):
        return Cleaned(text)
    if found := _EXPONENT.fullmatch(text):
        return _written_out(*found.groups(default=""))
    if found := _MESSENGER.fullmatch(text):
        return Cleaned("+" + (found["link"] or found["address"]))
    if "%" in text:
        text = unquote(text)
    if found := _SCHEME.fullmatch(text):
        text = trimmed(found["number"] or found["rest"] or "")
    if "_" in text or "\u00b7" in text:
        text = _BETWEEN_DIGITS.sub("", text)
    text = _without_tail(text)
    if "," in text and _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    return Cleaned(text)


def trimmed(text: str) -> str:
    """Return the text without the blanks, quotes and the like around a number."""
    if text[-1:].isdigit() and (text[0] in "+(" or text[0].isdigit()):
        return text
    start, end = 0, len(text)
    while start < end and is_blank(text[start]):
        start += 1
    while start < end and is_blank(text[end - 1]):
        end -= 1
    return _AROUND.sub("", text[start:end])


def _written_out(plus: str, first: str, rest: str, exponent: str) -> Cleaned:
    """Return the digits of a number such as `4.42079460123E+11`."""
    missing = int(exponent) - len(rest)
    digits = first + (rest if missing >= 0 else rest[:missing])
    if missing < 0 and rest[missing:].strip("0"):
        return Cleaned("")  # a fraction is left: not a whole number
    return Cleaned(plus + digits + "0" * max(missing, 0), cut=missing > 0)


def _without_tail(text: str) -> str:
    """Return the text without `.0` or `,00` at its end, unless that is a group of digits."""
    mark = max(text.rfind("."), text.rfind(","))
    if mark < 0 or not _TAIL.fullmatch(text, mark):
        return text
    before, zeros = text[:mark], len(text) - mark - 1
    if not before[-1:].isdecimal() and before[-1:] != ")":
        return text
    # A single zero is not a group of digits, but 01.23.45.67.00 and 415555.0000 are numbers.
    if zeros > 1 and text[mark] in before:
        return text
    if zeros > 2 and not re.fullmatch(r"\+?\d{7,}", before):  # noqa: PLR2004
        return text
    return before


def has_letters(text: str) -> bool:
    """Tell whether a text has letters of any script."""
    return _LETTER.search(text) is not None


def before_letters(text: str) -> str:
    """Return the text before its first letter, or before the bracket that this stands in."""
    found = _LETTER.search(text)
    return text if found is None else text[: found.start()].rstrip(" \t([{<\"'-:,;/|")


def keypad_start(text: str) -> str | None:
    """Return the text before the letters of a keypad number: `1-800-` of `1-800-FLOWERS`.

    Return None where there is no such number: a digit stands behind the first letter.
    """
    found = _LETTER.search(text)
    if found is None or any(each.isdigit() for each in text[found.start() :]):
        return None
    return text[: found.start()]


def with_digits_for_letters(text: str) -> str | None:
    """Return the text with digits for the letters O, I and l that stand among digits.

    Return None where it has other letters, or none of these.
    """
    changed = _DIGIT_TOKEN.sub(lambda found: found[0].translate(_DIGIT_LETTERS), text)
    return None if changed == text or has_letters(changed) else changed


def beside_words(text: str) -> Iterator[str]:
    """Yield the pieces before, between and behind the words of a text."""
    last = 0
    for found in _WORDS.finditer(text):
        yield text[last : found.start()]
        last = found.end()
        # Digits that stick to a word belong to it, as in an address or a product's name.
        while last < len(text) and (text[last].isalnum() or text[last] == "@"):
            last += 1
    yield text[last:]


def splits(text: str) -> bool:
    """Tell whether a text has a mark that separates several numbers."""
    return _SPLITS.search(text) is not None


def before_split(text: str) -> str:
    """Return the text before the first such mark; empty where there is none."""
    found = _SPLITS.search(text)
    return "" if found is None else text[: found.start()]


def parts(text: str) -> Iterator[str]:
    """Return the parts of a text that may be a number of their own; none of them has words."""
    whole = map(_without_tail, _parts(text))
    return (part for part in whole if count_digits(part) >= FEWEST_DIGITS)


def _parts(text: str) -> Iterator[str]:
    text = trimmed(text)
    if _SPLIT.search(text, 1):
        pieces = split_up(text)
        yield from pieces
        for piece in pieces:
            yield from _parts_by_groups(piece)
    yield from _parts_by_groups(text)


def split_up(text: str) -> list[str]:
    """Return the pieces of a text between marks that separate several numbers."""
    return [each for each in map(trimmed, _SPLIT.split(text)) if count_digits(each)]


def divisions(text: str) -> Iterator[list[str]]:
    """Yield the ways to divide a text into several numbers, in case it holds several."""
    pieces = split_up(text)
    beside = [each for each in map(trimmed, beside_words(text)) if count_digits(each)]
    for each in (pieces, beside, [part for piece in beside for part in _SPLIT.split(piece)]):
        if len(each) > 1:
            yield each
    groups = list(_GROUP.finditer(text))
    if len(groups) % 2:
        middle = groups[len(groups) // 2]
        yield [text[: middle.start()], text[middle.end() :]]


def _parts_by_groups(text: str) -> Iterator[str]:
    groups = _GROUP.split(text)
    if len(groups) == 1:
        return
    first, last = groups[0], groups[-1]
    if 0 < count_digits(first) <= SHORT_FIRST:
        yield text[len(first) :]
    if 0 < count_digits(last) <= SHORT_LAST:
        yield text[: len(text) - len(last)]
    if len(groups) % 2 == 0:
        middle = list(_GROUP.finditer(text))[len(groups) // 2 - 1]
        yield text[: middle.start()]
        yield text[middle.end() :]


def has_group_marks(text: str) -> bool:
    """Tell whether a text has a character that may separate groups of digits."""
    return _GROUP.search(text) is not None or not text.isascii()


def has_groups(text: str) -> bool:
    """Tell whether a text has two groups of digits with no letter between them."""
    return _GROUPS.search(text) is not None


def count_digits(text: str) -> int:
    """Count the decimal digits of a text."""
    return sum(map(str.isdecimal, text))
