"""Exactly one number in one text, as a list of one's own requires.

Elsewhere, a text with several numbers or with other digits beside a number is read for
everything that it may mean. In a list that somebody keeps, this would silently pass over
people: those of a range, of `0123 / 0124`, or of `+4420794601*`. So every digit of such a
text has to belong to the one number.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers import damage
from suppress.numbers.column import Column
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import QuickReader
from suppress.numbers.e164 import is_valid as quickly_valid
from suppress.numbers.handed_in import Numbers
from suppress.numbers.parsed import is_valid
from suppress.numbers.readings import read

HIDDEN = "a wildcard or a mark that may stand for digits. Write each number out."
SEVERAL = "more digits than one number has. Write each number in a row of its own."

PLAIN_MARKS = ("[", "..", "--", "\u2013\u2013", "\u2014\u2014")
"""Marks that phonenumbers passes over between digits, and that stand in no number."""

_WILDCARD = re.compile(
    r"""
      [*?%\u2026\\^$]
    | \[[^\]]*[-,^][^\]]*\]      # one of several digits: [0-9]
    | \{\s*\d                    # repeated: {3}
    | [#_]\s*$ | \d[xX]\s*$
    | [-_\u2010-\u2015]{2}        # 0100--0199, 0100____
    """,
    re.VERBOSE,
)
_RANGE = re.compile(r"\d\s*(?:\.\.|[~\u2053\u223c\u301c\uff5e])")
_HIDDEN_LAST = re.compile(r"\d\s*(?:[?%$]+|[-_\u2010-\u2015]{2,})\s*$")
# A comma or a semicolon may stand between two numbers.
_EXTENSION_MARK = re.compile(r"[^\w)\]]*(?:[^\W\d_]+|#)[^\w)\]]*$")
_EXTENSION = re.compile(r"[^\W\d_#,;~].*\d|[#,;\uff03].*\d")
_LONGEST_EXTENSION = 6
_FEWEST_DIGITS = 5
"""Fewest digits of a number that stands beside another one."""


def why_not_single(text: str, convention: Convention) -> str | None:
    """Return why a text is not exactly one number; None where it is one.

    Args:
        text: the text, which has a reading.
        convention: how it is to be read.
    """
    clean = damage.cleaned(text).text
    if _RANGE.search(clean) or _HIDDEN_LAST.search(text):
        return HIDDEN
    alone = _without_extension(clean, convention)
    if alone is None:
        return SEVERAL
    if _WILDCARD.search(alone):
        return HIDDEN
    return SEVERAL if _has_more(alone, convention) else None


def may_not_be_single(numbers: Numbers, marks: Iterable[str] = PLAIN_MARKS) -> NDArray[np.intp]:
    """Return the places of the texts with a mark that may make them more than one number."""
    if isinstance(numbers, Column):
        column = numbers
    elif any(issubclass(kind, str) for kind in set(map(type, numbers))):
        texts = [each if issubclass(type(each), str) else None for each in numbers]
        column = Column.of(cast("list[str | None]", texts))
    else:
        return np.zeros(0, np.intp)
    return distinct(np.concatenate([column.containing(each) for each in marks]))


def _without_extension(text: str, convention: Convention) -> str | None:
    """Return the text without its extension; None where that may be another number."""
    if not _EXTENSION.search(text):
        return text
    try:
        extension = phonenumbers.parse(text, convention.plan).extension
    except phonenumbers.NumberParseException:
        return text
    if not extension:
        return text
    head = text[: text.rfind(extension)]
    mark = _EXTENSION_MARK.search(head)
    if mark is None or len(extension) > _LONGEST_EXTENSION:
        return None
    return head[: mark.start()]


def _has_more(text: str, convention: Convention) -> bool:
    """Tell whether a text has digits beside a number, or several numbers."""
    if damage.has_letters(text):
        if QuickReader(convention).read_letters(text):
            return False
        changed = damage.with_digits_for_letters(text)
        if changed is None:
            pieces = [each for each in damage.beside_words(text) if damage.count_digits(each)]
            if _are_same(pieces, convention):
                return False
            if len(pieces) != 1 or damage.count_digits(pieces[0]) != damage.count_digits(text):
                return True
            changed = pieces[0]
        text = changed
    text = damage.trimmed(text)
    reader = QuickReader(convention)
    if not reader.read_whole(text):
        return not _are_same(damage.split_up(text), convention)
    if _is_number(damage.before_split(text), convention):
        return True
    is_one = not damage.splits(text) and QuickReader(convention).as_written(text, allows=True)
    return not is_one and _are_several(damage.divisions(text), convention)


def _are_same(parts: Sequence[str], convention: Convention) -> bool:
    """Tell whether the parts are one number that is written several times."""
    if len(parts) < 2 or any(why_not_single(part, convention) for part in parts):  # noqa: PLR2004
        return False
    meanings = [_readings(part, convention) for part in parts]
    return bool(meanings[0]) and all(each == meanings[0] for each in meanings)


def _readings(text: str, convention: Convention) -> set[str]:
    return {each.e164 for each in read(text, convention, QuickReader).readings}


def _is_number(text: str, convention: Convention) -> bool:
    """Tell whether a text has a reading that is a valid number."""
    if damage.count_digits(text) < _FEWEST_DIGITS:
        return False
    return any(_is_valid(each, convention) for each in _readings(text, convention))


def _is_valid(e164: str, convention: Convention) -> bool:
    known = quickly_valid(e164[1:], convention)
    return is_valid(e164) if known is None else known


def _are_several(divisions: Iterable[list[str]], convention: Convention) -> bool:
    """Tell whether two parts of a division are different numbers."""
    for division in divisions:
        whole = [part for part in division if damage.count_digits(part) >= _FEWEST_DIGITS]
        if len(whole) == 1:
            continue
        found = [_readings(part, convention) for part in whole if _is_number(part, convention)]
        if any(one.isdisjoint(other) for one, other in itertools.combinations(found, 2)):
            return True
    return False
