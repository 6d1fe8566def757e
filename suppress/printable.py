"""Text that others have written, made safe to show: a line of characters that can be seen.

An id, a file's name or what a server says may hold orders to a terminal, line ends that
forge an entry of a log, or megabytes. Every error of suppress and every record of its log
goes through here; `suppress.numbers.mask` hides numbers besides.
"""

import logging
import os

LONGEST = 2000
"""Characters of a text that are shown."""

_GAP = " ... "


def printable(text: str, most: int = LONGEST) -> str:
    """The text as one line without invisible characters, and without its middle if it is long.

    Args:
        text: what somebody else has written.
        most: how many characters to show.
    """
    if len(text) <= most and text.isprintable():
        return text
    if len(text) > most:
        # Before anything is done with each character: there may be millions.
        text = shortened(text, most)
    seen = "".join(each if each.isprintable() else _escaped(each) for each in text)
    return shortened(seen, most)


class PrintableRecords(logging.Filter):
    """Makes what stands in the records of a log printable."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its texts, paths and exceptions as they may be shown."""
        if isinstance(record.args, tuple):
            record.args = tuple(map(_shown, record.args))
        return True


def shortened(text: str, most: int) -> str:
    """The text without its middle, if it is longer than that."""
    if len(text) <= most:
        return text
    end = (most - len(_GAP)) // 3
    return f"{text[: most - len(_GAP) - end]}{_GAP}{text[len(text) - end :]}"


def _shown(value: object) -> object:
    return printable(str(value)) if isinstance(value, str | os.PathLike | Exception) else value


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
