"""Masking: the part of a number that may be shown."""

import re
from re import Match

from suppress.printable import LONGEST, printable, shortened

_LONGEST_INT = 2**1000
"""Integers from here on are not written out: it takes long, and Python refuses some."""

# A value may be written with whatever is read as a separator, and with letters like digits.
_IN_VALUE = r"\d(?:[\W_OIl]{0,3}\d){6,}"
# In a sentence, commas and semicolons stand between things.
_IN_TEXT = r"\d(?:[^\w,;]{0,3}\d){6,}"

_DATE = r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_ZONE = r"(?:Z|[ ]?[+-](?:0\d|1[0-4]):?[0-5]\d)?"
_SECONDS = r":[0-5]\d(?:\.\d{1,6})?"
_CLOCK = rf"(?:[01]?\d|2[0-3]):[0-5]\d(?:{_SECONDS})?{_ZONE}"
_MOMENT = rf"(?:{_DATE}(?:[T ]{_CLOCK})?|(?:[01]?\d|2[0-3]):[0-5]\d{_SECONDS}{_ZONE})"
_SERVER = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d):\d{1,5}"
# With a plus before them, or digits beside them, they may be a part of a number. What has
# matched is not matched in another way: a long row of dates would take for ever.
_KEPT = (
    r"(?<![\d+])(?<!\+\W)"
    rf"(?>{_MOMENT}(?:\W{{1,3}}{_MOMENT}){{0,3}}|{_SERVER})"
    r"(?![^\w,;]{0,3}\d)"
)
_IN_TEXT_OR_KEPT = re.compile(rf"({_KEPT})|{_IN_TEXT}")


def mask(number: object, most: int = LONGEST) -> str:
    """Return the part of a number that was handed in, to show in errors and logs.

    The first three and the last two digits of every run of seven or more stay; separators do
    not end a run. Invisible characters are escaped, so the result is one line. For a sentence
    with dates, such as another library's error, there is `mask_numbers`.

    Args:
        number: the number, or a value that may have numbers in it.
        most: most characters to show.
    """
    if isinstance(number, int) and abs(number) >= _LONGEST_INT:
        return "an integer of hundreds of digits"
    if isinstance(number, str):
        text = str.__str__(number)  # not what a subclass prints
    else:
        text = str(number) if isinstance(number, int) else type(number).__name__
    # Invisible characters may stand between digits, so digits are hidden before escaping.
    return printable(re.sub(_IN_VALUE, _hidden, shortened(text, 4 * most)), most)


def mask_numbers(text: str, most: int = LONGEST) -> str:
    """Return a text with the numbers in it masked, to show in errors and logs.

    It hides what `mask` hides, but dates and times in ISO form (`2026-11-29`,
    `2026-11-29T09:30:00Z`) and servers (`10.20.30.40:5432`) stay. Eight digits without dashes
    may be a number, and are hidden. A number that was handed in belongs in `mask`, where
    nothing is taken for a date.

    Args:
        text: an error, a reason or a name that may have numbers in it.
        most: most characters to show.
    """
    shown = shortened(str.__str__(text), 4 * most)
    return printable(_IN_TEXT_OR_KEPT.sub(lambda found: found[1] or _hidden(found), shown), most)


def _hidden(found: Match[str]) -> str:
    run = re.sub(r"\D", "", found[0])
    return f"{run[:3]}{'*' * (len(run) - 5)}{run[-2:]}"
