"""The first rows of a file, read to find the column of the number, and then used as rows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from suppress.errors import InputError
from suppress.files.columns import choose
from suppress.files.lines import Lines
from suppress.files.slices import Row


class Sample:
    """The first rows of a file, as many as its limits say.

    Args:
        lines: the lines of the file, for errors.
        rows: its rows; none to take no sample.

    Attributes:
        rows: those that were read.
        fault: the error of the row behind them, if it cannot be read.
    """

    def __init__(self, lines: Lines, rows: Iterable[Row] = ()) -> None:
        self.rows: list[Row] = []
        self.fault: InputError | None = None
        self._lines = lines
        size, limits = 0, lines.limits
        unread = iter(rows)
        try:
            while len(self.rows) < limits.sample_rows and size < limits.sample_bytes:
                row = next(unread, None)
                if row is None:
                    break
                self.rows.append(row)
                size += len(row.raw)
        except InputError as fault:
            self.fault = fault

    def __len__(self) -> int:
        return len(self.rows) + (self.fault is not None)

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
        try:
            return choose(names, cells, region)
        except ValueError as error:
            # Without the rows behind the one that cannot be read, this says too little.
            raise self.fault or self._lines.error(str(error), line) from None

    def again(self, pick: Callable[[Row], Any]) -> Iterator[Row]:
        """Return the rows with their numbers, and raise the error of the one behind them.

        Args:
            pick: takes the number from a row of the sample.
        """
        for row in self.rows:
            self._lines.first = row.line
            yield row._replace(number=pick(row))
        if self.fault is not None:
            raise self.fault
