"""The first rows of a file, read ahead to find the column of the number."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from suppress.errors import InputError
from suppress.files.batch import Row
from suppress.files.lines import Lines


class Sample:
    """The first rows of a file, as many as its limits say; they are still to be read.

    Args:
        lines: the lines of the file.
        read: reads its rows.

    Attributes:
        rows: the rows.
    """

    def __init__(self, lines: Lines, read: Callable[[], Iterator[Row]]) -> None:
        self.rows: list[Row] = []
        self._lines = lines
        self._fault: InputError | None = None
        size, limits = 0, lines.limits
        lines.mark()
        unread = read()
        try:
            while len(self.rows) < limits.sample_rows and size < limits.sample_bytes:
                row = next(unread, None)
                if row is None:
                    break
                self.rows.append(row)
                size += len(row.raw)
        except InputError as fault:
            self._fault = fault
        lines.rewind()

    def column(
        self, names: Sequence[str], cells: Sequence[Sequence[Any]], region: str | None, line: int
    ) -> int:
        """Return the position of the column that holds the number.

        Args:
            names: the names of the columns.
            cells: for each, its cells in the sample.
            region: the region of numbers in national form.
            line: the line of the names, for errors.

        Raises:
            InputError: it cannot be told.
        """
        from suppress.files.number_column import choose  # noqa: PLC0415 - most name the column

        try:
            return choose(names, cells, region)
        except ValueError as error:
            # Without the rows behind the one that cannot be read, this says too little.
            raise self._fault or self._lines.error(str(error), line) from None
