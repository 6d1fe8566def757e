"""CSV and TSV: tables with a header, and a delimiter between the fields."""

import csv
import io
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from suppress.errors import InputError
from suppress.files.batch import Row
from suppress.files.blocks import Block
from suppress.files.contract import Asked
from suppress.files.encodings import BOM
from suppress.files.fields import Fields
from suppress.files.formats import DELIMITERS, NAMED_DELIMITER
from suppress.files.lines import CR_ALONE
from suppress.files.named_columns import places_of, refuse_numbers_for_names
from suppress.files.opened import OpenedFile
from suppress.files.sample import Sample
from suppress.files.slices import Slices
from suppress.files.text_format import LinedFormat
from suppress.numbers.column import Column

# How the messages of the csv module begin, and what they mean to whoever has the file.
_CSV_FAULTS = (
    ("unexpected end of data", "a quote is never closed."),
    ("field larger", "a field is too long. Is a quote never closed?"),
    ("new-line character", CR_ALONE),
    ("'", "text follows a closing quote. Within quotes, a quote is written twice."),
)


class Delimited(LinedFormat):
    """The rows of a table: `csv`, or `tsv` for a tab between fields and nothing else.

    A line before the header that names the delimiter belongs to the header.

    Args:
        file: the file.
        asked: the way in which it is to be read.

    Raises:
        InputError: the header cannot be read, or the column cannot be told.
    """

    def __init__(self, file: OpenedFile, asked: Asked) -> None:
        super().__init__(file.lines)
        lines, has_header = file.lines, asked.has_header
        self._kind = asked.format.upper()
        preface, self._delimiter = self._delimited(asked.format)
        if has_header:
            names = self._names()
            self.header = preface + lines.take()
        else:
            lines.mark()
            names = [str(place) for place in range(1, len(self._names()) + 1)]
            lines.rewind()
            self.header = preface
        line, self._width = lines.first, len(names)
        self._header = names
        self.columns = asked.columns
        if not self.columns:
            if has_header:
                try:
                    refuse_numbers_for_names(names)
                except ValueError as error:
                    raise lines.error(str(error)) from None
            self.columns = (names[self._column(names, asked.region, line)],)
        try:
            self._places = places_of(self.columns, names, has_header=has_header)
        except ValueError as error:
            raise lines.error(str(error), line) from None
        self._pick: Callable[[Sequence[str]], Any] = operator.itemgetter(*self._places)

    def _delimited(self, kind: str) -> tuple[bytes, str]:
        """Return the line that names the delimiter, if there is one, and the delimiter."""
        first = self._lines.peek()
        if found := NAMED_DELIMITER.fullmatch(first):
            next(iter(self._lines))
            return self._lines.take(), found[1].decode()
        unquoted = re.sub('"[^"]*"', "", first.decode("latin-1"))
        return b"", max("\t" if kind == "tsv" else f"{DELIMITERS}\t", key=unquoted.count)

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        return self._records(self._pick)

    def _cells(self, row: Row) -> Mapping[str, str]:
        text = io.StringIO(row.raw.removeprefix(BOM).decode(), newline="")
        fields = next(csv.reader(text, delimiter=self._delimiter))
        return dict(zip(self._header, fields, strict=True))

    def at_once(self, block: Block) -> Slices | None:
        """Return the rows of a block, but for the last one where its end is not in the block.

        Returns:
            None where a row needs a closer look.
        """
        longest = self._lines.limits.row_bytes
        fields = Fields.of(block, self._delimiter, self._width, longest)
        if fields is None:
            return None
        columns = self._columns(fields)
        if columns is None:
            return None
        filled = fields.filled(columns)
        if not filled.all():
            fields = fields.of_rows(filled)
            columns = self._columns(fields) or []
        numbers = columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))
        raw = block.raw if fields.size == len(block.raw) else block.raw[: fields.size]
        return Slices(numbers, fields.lines(), raw, fields.starts, fields.row_ends)

    def _columns(self, fields: Fields) -> list[Column] | None:
        columns = [fields.column(place) for place in self._places]
        found = [column for column in columns if column is not None]
        return found if len(found) == len(columns) else None

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
