"""Text with a number on each line."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from suppress.errors import InputError
from suppress.files.blocks import Block
from suppress.files.lines import CR_ALONE, Lines
from suppress.files.number_column import shown
from suppress.files.slices import Row, Slices
from suppress.numbers.column import Column


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

    def cells(self, _row: Row) -> Mapping[str, str]:
        """Return nothing: text has no columns."""
        return {}

    def at_once(self, block: Block) -> Slices | None:
        """Return the rows of a block; None where a line needs a closer look."""
        bounds = block.stripped_lines(self._lines.limits.row_bytes)
        if bounds is None:
            return None
        row_starts, row_ends, starts, ends = bounds
        lines: Sequence[int] = range(block.first, block.first + len(starts))
        filled = np.flatnonzero(starts < ends)
        if len(filled) < len(starts):
            lines = (filled + block.first).tolist()
            starts, ends = starts[filled], ends[filled]
            row_starts, row_ends = row_starts[filled], row_ends[filled]
        return Slices(Column(block.raw, starts, ends), lines, block.raw, row_starts, row_ends)
