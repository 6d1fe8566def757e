"""What may be shown of a number."""

import re

from suppress.printable import LONGEST, printable, shortened

_LONGEST_INT = 2**1000
"""Integers from here on are not written out: that takes long, and Python refuses some."""


def mask(number: object, most: int = LONGEST) -> str:
    """Return what may be shown of a number, or of a text with numbers in it, in errors and logs.

    Of every run of seven digits or more (separators between them do not end a run) the
    first three and the last two stay. What cannot be seen is escaped, so it is one line.

    Args:
        number: the number, or a text that may have numbers in it.
        most: how many characters to show.
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

    # What is invisible may stand between digits, so they are hidden before it is escaped.
    return printable(re.sub(r"\d(?:[^\w,;]{0,3}\d){6,}", hide, text), most)
