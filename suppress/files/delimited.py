"""CSV and TSV: tables with a header, and a delimiter between the fields."""

import csv
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from suppress.errors import InputError
from suppress.files.formats import DELIMITERS
from suppress.files.lines import CR_ALONE, Lines
from suppress.files.number_column import is_number_for_name, shown
from suppress.files.sample import Sample
from suppress.files.slices import Row

# How the messages of the csv module begin, and what they mean to whoever has the file.
_CSV_FAULTS = (
    ("unexpected end of data", "a quote is never closed."),
    ("field larger", "a field is too long. Is a quote never closed?"),
    ("new-line character", CR_ALONE),
    ("'", "text follows a closing quote. Within quotes, a quote is written twice."),
)
_FIRST = operator.itemgetter(0)
_QUOTE = '"'


class Delimited:
    """The rows of a table.

    Args:
        lines: the lines of the file.
        columns: the columns that were named; none to find the one of the number.
        region: the region of numbers in national form, for that.
        kind: `csv`, or `tsv` for a tab between fields and nothing else.

    Attributes:
        header: the bytes of the header.
        columns: the columns in use.

    Raises:
        InputError: the header cannot be read, or the column cannot be told.
    """

    def __init__(self, lines: Lines, columns: Sequence[str], region: str | None, kind: str) -> None:
        self._lines = lines
        self._kind = kind.upper()
        unquoted = re.sub('"[^"]*"', "", lines.peek().decode("latin-1"))
        self._delimiter = max("\t" if kind == "tsv" else DELIMITERS, key=unquoted.count)
        names = self._names()
        self.header = lines.take()
        line, self._width = lines.first, len(names)
        if not columns:
            if any(map(is_number_for_name, names)):
                raise lines.error(
                    "a number stands where the names of the columns belong. Add a line with "
                    "the names. If it is the name of a column, name that column."
                )
            columns = (names[self._column(names, region, line)],)
        self.columns = tuple(columns)
        for column in self.columns:
            if names.count(column) != 1:
                often = "twice" if column in names else "not"
                raise lines.error(f"the column {shown(column)} is {often} in the header.", line)
        self._pick: Callable[[Sequence[str]], Any]
        self._pick = operator.itemgetter(*map(names.index, self.columns))

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        return self._records(self._pick)

    def at_once(self, lines: list[str]) -> tuple[list[Any], Sequence[int]] | None:
        """Return the numbers of many lines, and the place of each among the lines.

        Returns:
            None where a line is not exactly a row: a quoted field has a line end, or a row is
            broken.
        """
        pick, width = self._pick, self._width
        # Most fields with a line end have an odd number of quotes on the line they begin on.
        if any(line.count(_QUOTE) % 2 for line in lines if _QUOTE in line):
            return None
        try:
            picked = [
                pick(record) if len(record) == width else None for record in self._split(lines)
            ]
            # A row of several lines leaves fewer rows than lines.
            if len(picked) != len(lines):
                return None
            if None not in picked and _are_filled(picked):
                return picked, range(len(picked))
            rows = enumerate(self._split(lines))
            filled_rows = [(place, row) for place, row in rows if any(map(str.strip, row))]
        except csv.Error:
            return None
        if any(len(row) != width for _, row in filled_rows):
            return None
        return [pick(row) for _, row in filled_rows], [place for place, _ in filled_rows]

    def _split(self, lines: list[str]) -> Iterable[list[str]]:
        longest = max(map(len, lines), default=0)
        if longest <= csv.field_size_limit() and not any(_QUOTE in line for line in lines):
            return (line.split(self._delimiter) for line in lines)
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _names(self) -> list[str]:
        try:
            header = next(self._parsed(), None)
        except csv.Error as error:
            raise self._malformed(error) from None
        if header is None:
            raise InputError(
                f"{self._lines.name} is empty: a {self._kind} file begins with a header."
            )
        return header

    def _column(self, names: list[str], region: str | None, line: int) -> int:
        if len(names) == 1:
            return 0
        sample = Sample(self._lines, lambda: self._records(tuple))
        cells = list(zip(*(row.number for row in sample.rows), strict=True))
        return sample.column(names, cells or [()] * len(names), region, line)

    def _parsed(self) -> Iterator[list[str]]:
        return csv.reader(self._lines, delimiter=self._delimiter, strict=True)

    def _records(self, pick: Callable[[list[str]], Any]) -> Iterator[Row]:
        lines, width = self._lines, self._width
        try:
            for record in self._parsed():
                first = record[0] if record else ""
                if (not first or first.isspace()) and not any(map(str.strip, record)):
                    lines.drop()
                    continue
                if len(record) != width:
                    raise lines.error(
                        f"it has {len(record)} field{'s' * (len(record) != 1)}, "
                        f"but the header has {width}."
                    )
                yield Row(lines.first, lines.take(), pick(record))
        except csv.Error as error:
            raise self._malformed(error) from None

    def _malformed(self, error: csv.Error) -> InputError:
        faults = (ours for theirs, ours in _CSV_FAULTS if str(error).startswith(theirs))
        fault = next(faults, f"{error}.")
        return self._lines.error(f"it cannot be read as {self._kind}: {fault}")


def _are_filled(picked: list[Any]) -> bool:
    """Return whether the first number of each row is not blank."""
    firsts = map(_FIRST, picked) if picked and isinstance(picked[0], tuple) else picked
    return all(map(str.strip, firsts))
