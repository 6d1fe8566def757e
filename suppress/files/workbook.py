"""Workbooks: one sheet as a table, read through python-calamine (extra `workbook`)."""

import io
import itertools
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suppress.errors import InputError
from suppress.files.batch import Batch, Pieces, Row, RowsWriter, Writer, is_blank
from suppress.files.contract import Asked
from suppress.files.formats import promised_by
from suppress.files.libraries import library
from suppress.files.named_columns import places_of, refuse_numbers_for_names, shown
from suppress.files.number_column import choose, counts_as_number
from suppress.files.opened import OpenedFile
from suppress.files.sheet_writers import CsvWriter, SheetWriter, csv_of, text_of, whole

_BATCH_ROWS = 2**13

_MOST_NAMES = 20
_ZIP = b"PK"
_WORKBOOKS = ("xl/", "content.xml")
"""The beginning of a name in the archive of a workbook, of Excel's and of OpenDocument's."""

_OTHERS = {"word/": "a document of Word", "ppt/": "a presentation"}


class Workbook:
    """The rows of a sheet; a `Format`.

    The header is the first row that is filled like a table, or that has the columns that were
    named. Rows above it are titles. Blank rows are no rows.

    Args:
        file: the file.
        asked: the way in which it is to be read.

    Raises:
        InputError: it cannot be read, there is no such sheet, the header or the column cannot be
            told, or python-calamine is missing.
    """

    writable_as = frozenset({"csv", "text", "workbook"})
    loses = "its formats and formulas, and other sheets"

    def __init__(self, file: OpenedFile, asked: Asked) -> None:
        self._name = file.name
        # It may have copied the bytes to a file that ends with it.
        self._opened = file
        stream = file.seekable()
        self._size = stream.seek(0, io.SEEK_END)
        self._refuse_others(stream)
        what = f"{file.name} is a workbook"
        calamine = library("python_calamine", extra="workbook", what=what)
        self.remark = ""
        try:
            book = calamine.CalamineWorkbook.from_filelike(stream)
            self._sheet = book.get_sheet_by_name(self._sheet_of(calamine, book, asked.sheet))
        except calamine.PasswordError:
            raise self.error("it is protected with a password. Save it without one.") from None
        except calamine.CalamineError as error:
            raise self.error(
                "it cannot be read as a workbook: it is damaged, not complete, or another kind of "
                "document. Save it again as .xlsx."
            ) from error
        table = self._table(asked)
        self._above, self._names, self._line = table.above, table.names, table.line
        self.columns = tuple(self._names[place] for place in table.places)
        self._places = table.places
        self.header = csv_of([self._names]) if asked.has_header else b""
        self._has_header = asked.has_header
        self._batch_rows = min(asked.limits.batch_rows, _BATCH_ROWS)

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one, with nothing but their numbers."""
        for line, cells in self._filled():
            yield Row(line, b"", self._number(cells))

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows one by one, each with all of its cells by their columns."""
        for line, cells in self._filled():
            named = dict(zip(self._names, map(whole, cells), strict=True))
            yield Row(line, b"", self._number(cells)), named

    def batches(self) -> Iterator[Batch]:
        """Return all rows, many at a time."""
        size = self._size / max(self._sheet.height, 1)
        rows = self._filled()
        while some := list(itertools.islice(rows, self._batch_rows)):
            lines, cells = map(list, zip(*some, strict=True))
            yield SheetRows(list(map(self._number, cells)), lines, cells, size)

    def writer(self, out: Writer, name: str) -> RowsWriter:
        """Return a writer of rows as CSV, or into a workbook where the name says so."""
        header = [self._names] if self._has_header else []
        if promised_by(name) != "workbook":
            return CsvWriter(out, header)
        module = library("xlsxwriter", extra="workbook", what=f"{name} is to be a workbook")
        return SheetWriter(out, [*self._above, *header], self._sheet.name, name, module)

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a row."""
        where = "" if line is None else f", row {line}"
        return InputError(f"{self._name}{where}: {problem}")

    def _refuse_others(self, stream: BinaryIO) -> None:
        """Refuse an archive that is no workbook."""
        stream.seek(0)
        if stream.read(len(_ZIP)) == _ZIP:
            try:
                with zipfile.ZipFile(stream) as archive:
                    names = archive.namelist()
            except zipfile.BadZipFile as error:
                raise self.error("it is damaged, or not complete. Get it again.") from error
            if not any(name.startswith(_WORKBOOKS) for name in names):
                kinds = [
                    kind
                    for start, kind in _OTHERS.items()
                    for name in names
                    if name.startswith(start)
                ]
                kind = kinds[0] if kinds else "an archive"
                raise self.error(f"it is {kind}. Take the list out of it, as CSV or as .xlsx.")
        stream.seek(0)

    def _sheet_of(self, calamine: Any, book: Any, named: str | None) -> str:
        """Return the name of the sheet to read."""
        sheets = [
            each for each in book.sheets_metadata if each.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        names: list[str] = [each.name for each in sheets]
        if named is not None:
            if named not in names:
                listed = ", ".join(map(shown, names[:_MOST_NAMES]))
                raise self.error(f"there is no sheet {shown(named)}. Name one of: {listed}.")
            return named
        visible: list[str] = [
            each.name for each in sheets if each.visible == calamine.SheetVisibleEnum.Visible
        ] or names
        if not visible:
            raise self.error("it has no sheet with rows.")
        others = (book.get_sheet_by_name(name) for name in names if name != visible[0])
        if count := sum(sheet.height > 0 for sheet in others):
            self.remark = (
                f"Only the sheet {shown(visible[0])} was read, one of {count + 1} with rows. To "
                "read another, name it."
            )
        return visible[0]

    def _table(self, asked: Asked) -> "_Header":
        """Return the header of the sheet, and the columns of the number in it."""
        # Earlier versions of the library cannot iterate over nothing.
        filled = self._sheet.iter_rows() if self._sheet.height else iter(())
        rows = itertools.islice(filled, asked.limits.sample_rows)
        first = [(line, cells) for line, cells in enumerate(rows, 1) if not _is_blank(cells)]
        if not first:
            raise self.error(f"the sheet {shown(self._sheet.name)} is empty.")
        if asked.has_header:
            place = _place_of_header(first, asked.columns)
            line, cells = first[place]
            names = list(map(text_of, cells))
        else:
            place, line = 0, first[0][0]
            names = [str(each) for each in range(1, len(first[0][1]) + 1)]
        try:
            if asked.columns:
                places = places_of(asked.columns, names, has_header=asked.has_header)
            else:
                if asked.has_header:
                    refuse_numbers_for_names(names)
                    self._refuse_numbers_in(first[:place], asked.region)
                below = first[place + asked.has_header :]
                columns = list(zip(*(map(whole, cells) for _, cells in below), strict=True))
                places = [choose(names, columns or [()] * len(names), asked.region)]
        except ValueError as error:
            raise self.error(str(error), line) from None
        above = [cells for _, cells in first[:place]]
        return _Header(above, names, line - (not asked.has_header), places)

    def _refuse_numbers_in(
        self, titles: Sequence[tuple[int, list[Any]]], region: str | None
    ) -> None:
        for line, cells in titles:
            if any(counts_as_number(whole(cell), region) for cell in cells):
                raise self.error(
                    "a number stands above the row that looks like the header. Name the column of "
                    "the number, or remove what is above the header.",
                    line,
                )

    def _filled(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield the rows below the header that are not blank, each with its number."""
        rows = itertools.islice(self._sheet.iter_rows(), self._line, None)
        for line, cells in enumerate(rows, self._line + 1):
            if not _is_blank(cells):
                yield line, cells

    def _number(self, cells: list[Any]) -> Any:
        numbers = tuple(whole(cells[place]) for place in self._places)
        return numbers if len(numbers) > 1 else numbers[0]


class _Header(NamedTuple):
    """The header of a sheet.

    Attributes:
        above: the cells of the rows above it, without blank ones.
        names: the names of its columns.
        line: the number of the row above the first of the table, from 1.
        places: the positions of the columns of the number.
    """

    above: list[list[Any]]
    names: list[str]
    line: int
    places: list[int]


def _place_of_header(rows: Sequence[tuple[int, list[Any]]], columns: Sequence[str]) -> int:
    """Return the place of the header among the first rows that are not blank.

    It has the columns that were named, or more than half as many cells as the widest row.

    Args:
        rows: the rows.
        columns: the columns that were named, if any.
    """
    filled = [sum(not is_blank(cell) for cell in cells) for _, cells in rows]
    for place, (_, cells) in enumerate(rows if columns else ()):
        if set(columns) <= set(map(text_of, cells)):
            return place
    return next(place for place, count in enumerate(filled) if 2 * count > max(filled))


def _is_blank(cells: Sequence[Any]) -> bool:
    return all(map(is_blank, cells))


class SheetRows:
    """A batch of rows of a sheet.

    Args:
        numbers: the number of each row; a tuple where several columns are read.
        lines: the number of each row in the sheet, from 1.
        cells: the cells of each row.
        bytes_of_a_row: the bytes of the file that a row takes, about.
    """

    is_cut = False

    def __init__(
        self,
        numbers: Sequence[Any],
        lines: Sequence[int],
        cells: Sequence[Sequence[Any]],
        bytes_of_a_row: float,
    ) -> None:
        self.numbers = numbers
        self.lines = lines
        self.size = max(round(len(lines) * bytes_of_a_row), 1)
        self._cells = cells

    def write(self, chosen: NDArray[np.bool_], out: Pieces) -> None:
        """Write the chosen rows: each piece is the cells of one."""
        out.writelines(itertools.compress(self._cells, chosen.tolist()))
