"""Writers of the rows of a sheet: as CSV, or into a workbook through XlsxWriter."""

import contextlib
import csv
import io
import itertools
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from suppress.atomic import TEMPORARY, with_filename
from suppress.errors import InputError
from suppress.files.batch import Writer

_BATCH_ROWS = 2**10
_PIECE = 2**20
_EXACT = 2**53
"""From here on, a number of a workbook has lost digits."""

_FIRST_YEAR = 1900
_LONGEST_NAME = 31
_FORMATS = {
    datetime: "yyyy-mm-dd hh:mm:ss",
    date: "yyyy-mm-dd",
    time: "hh:mm:ss",
    timedelta: "[h]:mm:ss",
}
"""The formats in which a workbook shows times."""


def whole(cell: Any) -> Any:
    """Return a cell, a whole number as an integer: workbooks know fractions alone."""
    if type(cell) is float and cell.is_integer() and abs(cell) < _EXACT:
        return int(cell)
    return cell


def text_of(cell: Any) -> str:
    """Return the text of a cell in CSV: times as in ISO 8601, truth as a workbook shows it."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, datetime):
        return cell.isoformat(" ")
    if isinstance(cell, timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return "{}:{:02}:{:02}".format(*divmod(minutes, 60), seconds)
    return str(whole(cell))


def csv_of(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as lines of CSV."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([list(map(text_of, cells)) for cells in rows])
    return buffer.getvalue().encode()


class CsvWriter:
    """Writes rows as CSV.

    Args:
        out: where they go.
        header: the rows before all others.
    """

    def __init__(self, out: Writer, header: Iterable[Sequence[Any]]) -> None:
        self._out = out
        self.writelines(header)

    def writelines(self, pieces: Iterable[Sequence[Any]], /) -> None:
        """Write rows."""
        rows = iter(pieces)
        while some := list(itertools.islice(rows, _BATCH_ROWS)):
            self._out.writelines([csv_of(some)])

    def finish(self) -> None:
        """Do nothing: nothing stands behind the last row."""

    def close(self) -> None:
        """Do nothing: nothing is held."""


class SheetWriter:
    """Writes rows into a workbook of one sheet.

    It grows in a temporary folder, which only the user can look into, until it is finished.

    Args:
        out: where the workbook goes.
        header: the rows before all others.
        title: the name of the sheet.
        name: the name of the workbook, for errors.
        xlsxwriter: the module.
    """

    def __init__(
        self,
        out: Writer,
        header: Iterable[Sequence[Any]],
        title: str,
        name: str,
        xlsxwriter: Any,
    ) -> None:
        self._out = out
        self._name = name
        with with_filename(TEMPORARY):
            folder = tempfile.mkdtemp()
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._path = Path(folder) / "workbook.xlsx"
        # Rows are written as they come. Text stays text, whatever it looks like.
        self._book = xlsxwriter.Workbook(self._path, {"constant_memory": True, "tmpdir": folder})
        try:
            self._sheet = self._book.add_worksheet(title)
        except xlsxwriter.exceptions.XlsxWriterException:
            self._sheet = self._book.add_worksheet()
        self._formats = {
            kind: self._book.add_format({"num_format": format_})
            for kind, format_ in _FORMATS.items()
        }
        self._failure = xlsxwriter.exceptions.FileCreateError
        self._row = 0
        self.writelines(header)

    def writelines(self, pieces: Iterable[Sequence[Any]], /) -> None:
        """Write rows.

        Raises:
            InputError: a workbook cannot have such a row.
        """
        with with_filename(TEMPORARY):
            for cells in pieces:
                for column, cell in enumerate(cells):
                    if cell != "" and self._write(column, cell):
                        raise InputError(
                            f"{self._name} cannot be a workbook: row {self._row + 1} does not fit, "
                            "or a text in it is too long. Write CSV."
                        )
                self._row += 1

    def finish(self) -> None:
        """Write the workbook."""
        with with_filename(TEMPORARY):
            self._end()
        with self._path.open("rb") as made:
            while piece := made.read(_PIECE):
                self._out.writelines([piece])
        self.close()

    def close(self) -> None:
        """Remove the temporary folder, and with it rows that were not finished."""
        if self._remove.alive:
            with contextlib.suppress(OSError):
                self._end()
            self._remove()

    def _end(self) -> None:
        """Write the end of the workbook, once."""
        if self._book.fileclosed:
            return
        try:
            self._book.close()
        except self._failure as error:
            # The library hides the error of the disk in one of its own.
            raise next(
                (each for each in error.args if isinstance(each, OSError)), OSError()
            ) from error

    def _write(self, column: int, cell: Any) -> int:
        """Write a cell; return anything but 0 where it cannot be written."""
        sheet, row = self._sheet, self._row
        if isinstance(cell, str):
            return int(sheet.write_string(row, column, cell))
        if isinstance(cell, bool):
            return int(sheet.write_boolean(row, column, cell))
        if (format_ := self._formats.get(type(cell))) is None:
            return int(sheet.write_number(row, column, cell))
        if isinstance(cell, date) and cell.year < _FIRST_YEAR:
            return int(sheet.write_string(row, column, text_of(cell)))
        return int(sheet.write_datetime(row, column, cell, format_))
