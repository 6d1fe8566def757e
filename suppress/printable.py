"""Text from elsewhere, made safe to show: one line of visible characters.

An id, a file name or the answer of a server may hold control sequences for a terminal, line
ends that forge a log entry, or megabytes. Every error and every log record of suppress goes
through here. `suppress.numbers.mask` hides phone numbers.
"""

import logging
import os

LONGEST = 2000
"""The length up to which a text is shown whole."""

_GAP = " ... "

_USUAL = vars(logging.makeLogRecord({})).keys() | {"message", "asctime"}
"""The attributes of every log record; the others are extra fields."""


def printable(text: str, most: int = LONGEST) -> str:
    """Return a text as one visible line, without its middle if it is long.

    Args:
        text: a text from elsewhere.
        most: how many characters to show.
    """
    if len(text) <= most and text.isprintable():
        return text
    if len(text) > most:
        # First of all: there may be millions of characters.
        text = shortened(text, most)
    seen = "".join(each if each.isprintable() else _escaped(each) for each in text)
    return shortened(seen, most)


class PrintableRecords(logging.Filter):
    """Makes the arguments and the extra fields of log records printable."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its texts, paths and exceptions made printable."""
        if isinstance(record.args, tuple):
            record.args = tuple(map(_shown, record.args))
        for name in vars(record).keys() - _USUAL:
            setattr(record, name, _shown(getattr(record, name)))
        return True


def shortened(text: str, most: int) -> str:
    """Return a text without its middle if it is longer than `most`."""
    if len(text) <= most:
        return text
    end = (most - len(_GAP)) // 3
    return f"{text[: most - len(_GAP) - end]}{_GAP}{text[len(text) - end :]}"


def _shown(value: object) -> object:
    return printable(str(value)) if isinstance(value, str | os.PathLike | Exception) else value


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
