"""Many rows of a file read at once, where every line is a plain row of its own.

That is so for most of what people have. The functions here give no row where anything is
odd: then the rows are read one by one, which finds out what it is, and in which line.
"""

import csv
import io
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, NamedTuple

from suppress.errors import InputError
from suppress.files.columns import is_blank

_SIZE = 2**19
"""Bytes of a block, to which the rest of its last line is added."""

_FIRST = operator.itemgetter(0)
_QUOTE = '"'


class RowNumbers(NamedTuple):
    """The numbers of some rows.

    Attributes:
        numbers: the numbers, as the rows have them.
        lines: for each, the number of the first line of its row.
    """

    numbers: list[Any]
    lines: Sequence[int]


AtOnce = Callable[[list[str], int], RowNumbers | None]
"""Gives the numbers of some lines, of which the first one has the number; None if one is odd."""


def none_at_once(_lines: list[str], _first: int) -> None:
    """Leave all lines to be read one by one."""


class Lines:
    """The lines of a file as bytes, with their ends, one by one or a block at a time.

    Args:
        stream: the file.
        name: its name, for errors.
        longest: bytes of a line, at most; the rest of a longer one is a line of its own.
    """

    def __init__(self, stream: BinaryIO, name: str, longest: int) -> None:
        self._stream = stream
        self._name = name
        self._longest = longest
        self._ahead = io.BytesIO()

    def __iter__(self) -> Iterator[bytes]:
        while line := self._ahead.readline(self._longest) or self._line():
            yield line

    @property
    def is_ahead(self) -> bool:
        """Whether lines of a block are still to be read one by one."""
        return self._ahead.tell() < len(self._ahead.getbuffer())

    def block(self) -> bytes:
        """The next lines; empty at the end.

        Raises:
            InputError: they cannot be read.
        """
        try:
            block = self._ahead.read() + self._stream.read(_SIZE)
        except OSError as error:
            raise self._unreadable(error) from error
        if block and not block.endswith(b"\n"):
            block += self._line()
        return block

    def _line(self) -> bytes:
        try:
            return self._stream.readline(self._longest)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"{self._name} cannot be read: {error.strerror}.")

    def put_back(self, block: bytes) -> None:
        """Take back a block, to be read again."""
        self._ahead = io.BytesIO(block)


def plain_lines(block: bytes) -> list[str] | None:
    """The lines of a block, without their ends; None where one is no plain text."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def of_text(lines: list[str], first: int) -> RowNumbers:
    """The numbers of lines of text that each have one; the first line has the number `first`."""
    numbers = list(map(str.strip, lines))
    places: Sequence[int] = range(len(numbers))
    if not all(numbers):
        places = [place for place, number in enumerate(numbers) if number]
        numbers = [numbers[place] for place in places]
    return batch_of(numbers, places, first)


def of_table(
    lines: list[str],
    first: int,
    *,
    delimiter: str,
    width: int,
    pick: Callable[[list[str]], Any],
) -> RowNumbers | None:
    """The numbers of lines of a table; None where one is not exactly a row.

    Args:
        lines: the lines.
        first: the number of the first line.
        delimiter: what stands between fields.
        width: how many fields a row has.
        pick: takes the number, or several as a tuple, from a row.
    """
    try:
        picked = [
            pick(record) if len(record) == width else None for record in _records(lines, delimiter)
        ]
        # A row of several lines leaves fewer rows than lines.
        if len(picked) != len(lines):
            return None
        if None not in picked and _are_filled(picked):
            return batch_of(picked, range(len(picked)), first)
        rows = enumerate(_records(lines, delimiter))
        filled_rows = [(place, row) for place, row in rows if any(map(str.strip, row))]
    except csv.Error:
        return None
    if any(len(row) != width for _, row in filled_rows):
        return None
    numbers = [pick(row) for _, row in filled_rows]
    return batch_of(numbers, [place for place, _ in filled_rows], first)


def _records(lines: list[str], delimiter: str) -> Iterable[list[str]]:
    longest = max(map(len, lines), default=0)
    if longest <= csv.field_size_limit() and not any(_QUOTE in line for line in lines):
        return (line.split(delimiter) for line in lines)
    return csv.reader(lines, delimiter=delimiter, strict=True)


def _are_filled(picked: list[Any]) -> bool:
    """Whether the first number of each row is not blank."""
    firsts = map(_FIRST, picked) if isinstance(picked[0], tuple) else picked
    return all(map(str.strip, firsts))


def batch_of(numbers: list[Any], places: Sequence[int], first: int) -> RowNumbers:
    """The batch of what stands in the columns of rows: a number in each, or a tuple of them.

    Args:
        numbers: what stands there.
        places: the lines of the rows, counted from the first one.
        first: the number of that line.
    """
    lines: Sequence[int]
    if isinstance(places, range):
        lines = range(first + places.start, first + places.stop)
    else:
        lines = [first + place for place in places]
    if not any(issubclass(kind, tuple) for kind in set(map(type, numbers))):
        return RowNumbers(numbers, lines)
    several = list(map(filled, numbers))
    owners = itertools.chain.from_iterable(
        itertools.repeat(line, len(some)) for line, some in zip(lines, several, strict=True)
    )
    return RowNumbers(list(itertools.chain.from_iterable(several)), list(owners))


def filled(number: Any) -> tuple[Any, ...]:
    """What stands in the columns of a row; blank ones aside where one of several is not."""
    if not isinstance(number, tuple):
        return (number,)
    return tuple(each for each in number if not is_blank(each)) or number[:1]
