"""Masking: the part of a number that may be shown."""

import re

from suppress.printable import LONGEST, printable, shortened

_LONGEST_INT = 2**1000
"""Integers from here on are not written out: it takes long, and Python refuses some."""


def mask(number: object, most: int = LONGEST) -> str:
    """Return the part of a number, or of a text with numbers, to show in errors and logs.

    The first three and the last two digits of every run of seven or more stay; separators do
    not end a run. Invisible characters are escaped, so the result is one line.

    Args:
        number: the number, or a text that may have numbers in it.
        most: most characters to show.
    """
    if isinstance(number, int) and abs(number) >= _LONGEST_INT:
        return "an integer of hundreds of digits"
    if isinstance(number, str):
        text = str.__str__(number)  # not what a subclass prints
    else:
        text = str(number) if isinstance(number, int) else type(number).__name__
    text = shortened(text, 4 * most)

    def hide(match: re.Match[str]) -> str:
        run = re.sub(r"\D", "", match[0])
        return f"{run[:3]}{'*' * (len(run) - 5)}{run[-2:]}"

    # Invisible characters may stand between digits, so digits are hidden before escaping.
    return printable(re.sub(r"\d(?:[^\w,;]{0,3}\d){6,}", hide, text), most)
