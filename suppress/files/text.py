"""Text with a number on each line."""

from collections.abc import Iterator, Sequence

import numpy as np

from suppress.errors import InputError
from suppress.files.batch import Row
from suppress.files.blocks import Block
from suppress.files.contract import Asked
from suppress.files.lines import CR_ALONE
from suppress.files.named_columns import shown
from suppress.files.opened import OpenedFile
from suppress.files.slices import Slices
from suppress.files.text_format import LinedFormat
from suppress.numbers.column import Column


class Text(LinedFormat):
    """The rows of text with a number on each line.

    Args:
        file: the file.
        asked: the way in which it is to be read.

    Raises:
        InputError: a column was named; text has none.
    """

    def __init__(self, file: OpenedFile, asked: Asked) -> None:
        super().__init__(file.lines)
        if asked.columns:
            raise InputError(
                f"{file.name}: text with a number on each line has no column "
                f"{shown(asked.columns[0])}. If the file has another format, name the format."
            )

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
