"""Text with a number on each line."""

from collections.abc import Iterator, Sequence
from typing import Any

from suppress.errors import InputError
from suppress.files.lines import CR_ALONE, Lines
from suppress.files.number_column import shown
from suppress.files.slices import Row


class Text:
    """The rows of text with a number on each line.

    Args:
        lines: the lines of the file.
        columns: the columns that were named; text has none.

    Attributes:
        header: empty, since text has none.
        columns: empty, like the header.

    Raises:
        InputError: a column was named.
    """

    header = b""
    columns: tuple[str, ...] = ()

    def __init__(self, lines: Lines, columns: Sequence[str]) -> None:
        if columns:
            raise InputError(
                f"{lines.name}: text with a number on each line has no column "
                f"{shown(columns[0])}. If the file has another format, name the format."
            )
        self._lines = lines

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        lines = self._lines
        for text in lines:
            number = text.strip()
            if not number:
                lines.drop()
                continue
            if "\r" in number:
                raise lines.error(CR_ALONE)
            yield Row(lines.first, lines.take(), number)

    def at_once(self, lines: list[str]) -> tuple[list[Any], Sequence[int]]:
        """Return the numbers of many lines, and the place of each among the lines."""
        numbers = list(map(str.strip, lines))
        if all(numbers):
            return numbers, range(len(numbers))
        places = [place for place, number in enumerate(numbers) if number]
        return [numbers[place] for place in places], places
