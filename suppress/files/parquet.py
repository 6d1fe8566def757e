"""Parquet: columns in groups of rows, read and written through pyarrow (extra `parquet`)."""

import contextlib
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suppress.errors import InputError
from suppress.files.batch import Batch, Pieces, Row, RowsWriter, Writer
from suppress.files.contract import Asked
from suppress.files.libraries import library
from suppress.files.named_columns import places_of, shown
from suppress.files.opened import OpenedFile
from suppress.files.parquet_layout import Layout
from suppress.files.passing import Passing
from suppress.numbers.arrow import ArrowNumbers

_BATCH_BYTES = 2**24
"""Bytes of a batch, about: rows of many or long columns come in smaller batches."""

_GROUP_ROWS = 10**5
"""The fewest rows of a group that is written: many readers take a group at once."""

_GROUP_BATCHES = 2
"""Batches of such a group at most, where they are small for their rows are large."""

_READ_BYTES = 2**17
"""Bytes of a column that are read at once; its group of rows may have any size."""


class Parquet:
    """The rows of a Parquet file; a `Format`.

    Args:
        file: the file.
        asked: the way in which it is to be read.

    Raises:
        InputError: it cannot be read, the column cannot be told, or pyarrow is missing.
    """

    header = b"PAR1"
    writable_as = frozenset({"parquet"})
    loses = remark = ""

    def __init__(self, file: OpenedFile, asked: Asked) -> None:
        what = f"{file.name} is a Parquet file"
        self._pa = library("pyarrow", extra="parquet", what=what)
        self._parquet = library("pyarrow.parquet", extra="parquet", what=what)
        self._name = file.name
        # It may have copied the bytes to a file that ends with it.
        self._opened = file
        stream = file.seekable()
        with self._errors():
            footer = self._parquet.ParquetFile(stream)
            self._layout = Layout.of(footer.metadata)
            names = footer.schema_arrow.names
            self._places = self._columns_of(footer, names, asked)
            self._file = self._parquet.ParquetFile(
                stream,
                read_dictionary=self._layout.small - {names[place] for place in self._places},
                # Timestamps of Spark may lie beyond those that have nanoseconds.
                coerce_int96_timestamp_unit="us" if self._layout.has_int96 else None,
                pre_buffer=False,
                buffer_size=_READ_BYTES,
            )
        self.columns = tuple(names[place] for place in self._places)
        self._schema = self._writable_schema()
        self._batch_rows = self._layout.rows_of(_BATCH_BYTES, asked.limits.batch_rows)
        self._group_rows = min(_GROUP_ROWS, _GROUP_BATCHES * self._batch_rows)

    def batches(self) -> Iterator[Batch]:
        """Return the rows of one part of the file after the other."""
        line, size = 1, self._layout.bytes_of_a_row
        is_same = self._schema.equals(self._file.schema_arrow)
        for records in self._read(None):
            count = len(records)
            if not is_same:
                records = records.cast(self._schema)  # noqa: PLW2901 - the same rows
            yield Records(self._numbers(records), range(line, line + count), records, size)
            line += count

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one, with nothing but their numbers."""
        line = 1
        for records in self._read(self.columns):
            columns = [records.column(name).to_pylist() for name in self.columns]
            for number in _several(columns):
                yield Row(line, b"", number)
                line += 1

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows one by one, each with all of its cells by their columns."""
        line = 1
        for records in self._read(None):
            numbers = _several([records.column(at).to_pylist() for at in self._places])
            for number, cells in zip(numbers, self._cells(records), strict=True):
                yield Row(line, b"", number), cells
                line += 1

    def _cells(self, records: Any) -> Iterator[Mapping[str, Any]]:
        columns = []
        for field, column in zip(records.schema, records.columns, strict=True):
            if self._pa.types.is_timestamp(field.type):  # Python knows no times of nanoseconds
                column = column.cast(self._pa.timestamp("us", field.type.tz), safe=False)  # noqa: PLW2901
            columns.append(column.to_pylist())
        return (dict(zip(records.schema.names, cells, strict=True)) for cells in zip(*columns))  # noqa: B905

    def writer(self, out: Writer, name: str) -> RowsWriter:  # noqa: ARG002 - of the contract
        """Return a writer of rows into a file of the same schema, metadata and compression."""
        passing = Passing(out)
        with passing.let_through():
            writer = self._parquet.ParquetWriter(
                self._pa.PythonFile(passing, mode="w"), self._schema, **self._layout.options
            )
        # Arrow's own schema is among it, if the file had it.
        writer.add_key_value_metadata(self._file.metadata.metadata or {})
        return _GroupsWriter(passing, writer, self._together, self._group_rows)

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a row."""
        where = "" if line is None else f", row {line}"
        return InputError(f"{self._name}{where}: {problem}")

    def _writable_schema(self) -> Any:
        """Return the schema in which rows are chosen and written, which has no views of texts.

        Arrow cannot choose among these. The metadata of the file says that they are such.
        """
        pa, schema = self._pa, self._file.schema_arrow
        views = {"string_view": pa.large_string(), "binary_view": pa.large_binary()}
        for place, field in enumerate(schema):
            if (plain := views.get(str(field.type))) is not None:
                schema = schema.set(place, field.with_type(plain))
        try:
            # An empty table would import pandas.
            empty = [pa.nulls(0, field.type) for field in schema]
            pa.record_batch(empty, schema=schema).filter(_mask(np.zeros(0, np.bool_)))
        except pa.ArrowNotImplementedError as error:
            raise self.error(
                f"pyarrow {pa.__version__} cannot choose rows of a column here: {error}. "
                "Remove the column, or cast it to another type."
            ) from error
        return schema

    def _columns_of(self, file: Any, names: list[str], asked: Asked) -> list[int]:
        """Return the positions of the columns of the number."""
        try:
            if asked.columns:
                places = places_of(asked.columns, names, of="schema")
            else:
                from suppress.files.number_column import choose  # noqa: PLC0415 - most name it

                cells = self._first_cells(file, asked.limits.sample_rows)
                places = [choose(names, cells, asked.region)]
        except ValueError as error:
            raise self.error(str(error)) from None
        for place in places:
            kind = file.schema_arrow.field(place).type
            if not self._holds_numbers(kind):
                raise self.error(
                    f"the column {shown(names[place])} has the type {kind}. Numbers are text, "
                    "integers or decimals: cast it to text first, or name another column."
                )
        return places

    def _first_cells(self, file: Any, count: int) -> list[list[Any]]:
        """Return the cells of each column in the first rows."""
        first = next(file.iter_batches(count, use_threads=False), None)
        return [
            # A value of another type is no number.
            [False]
            if not self._holds_numbers(field.type)
            else (first.column(place).to_pylist() if first else [])
            for place, field in enumerate(file.schema_arrow)
        ]

    def _holds_numbers(self, kind: Any) -> bool:
        types = self._pa.types
        if types.is_dictionary(kind):
            kind = kind.value_type
        return any(
            each(kind)
            for each in (
                *(types.is_string, types.is_large_string, types.is_string_view),
                *(types.is_integer, types.is_floating, types.is_decimal, types.is_null),
            )
        )

    def _numbers(self, records: Any) -> Sequence[Any]:
        columns = [records.column(place) for place in self._places]
        if len(columns) > 1:
            return _several([each.to_pylist() for each in columns])
        numbers = ArrowNumbers.readable(columns[0])
        return columns[0].to_pylist() if numbers is None else numbers

    def _together(self, batches: Sequence[Any]) -> Any:
        """Return the rows of several batches as one table, in which a column has one dictionary."""
        return self._pa.Table.from_batches(batches, self._schema).unify_dictionaries()

    def _read(self, columns: Sequence[str] | None) -> Iterator[Any]:
        with self._errors():
            for records in self._file.iter_batches(
                self._batch_rows, columns=columns, use_threads=False
            ):
                if len(records):
                    yield records

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the errors of pyarrow into ours."""
        try:
            yield
        except (self._pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise InputError(f"{self._name} cannot be read: {error.strerror}.") from error
            raise InputError(
                f"{self._name} cannot be read as Parquet: it is damaged, not complete, or "
                "encrypted. Get it again."
            ) from error


class Records:
    """A batch of rows of Parquet.

    Args:
        numbers: the number of each row; a tuple where several columns are read.
        lines: the number of each row, from 1.
        records: the rows as Arrow has them.
        bytes_of_a_row: the bytes of the file that a row takes, about.
    """

    is_cut = False

    def __init__(
        self, numbers: Sequence[Any], lines: Sequence[int], records: Any, bytes_of_a_row: float
    ) -> None:
        self.numbers = numbers
        self.lines = lines
        self.size = max(round(len(lines) * bytes_of_a_row), 1)
        self._records = records

    def write(self, chosen: NDArray[np.bool_], out: Pieces) -> None:
        """Write the chosen rows."""
        count = int(np.count_nonzero(chosen))
        if count == len(chosen):
            out.writelines([self._records])
        elif count:
            out.writelines([self._records.filter(_mask(chosen))])


class _GroupsWriter:
    """Writes rows into a Parquet file, in groups of a size that others read well.

    Args:
        passing: the file to write to.
        writer: the writer of pyarrow, which writes to that file.
        together: makes one table of several batches.
        group_rows: the fewest rows of a group but the last.
    """

    def __init__(
        self,
        passing: Passing,
        writer: Any,
        together: Callable[[Sequence[Any]], Any],
        group_rows: int,
    ) -> None:
        self._passing = passing
        self._writer = writer
        self._together = together
        self._group_rows = group_rows
        self._waiting: list[Any] = []
        self._count = 0

    def writelines(self, pieces: Iterable[Any], /) -> None:
        """Write rows of Arrow."""
        for piece in pieces:
            self._waiting.append(piece)
            self._count += len(piece)
        if self._count >= self._group_rows:
            self._write_group()

    def finish(self) -> None:
        """Write the rows that are left, and the end of the file."""
        if self._waiting:
            self._write_group()
        with self._passing.let_through():
            self._writer.close()

    def close(self) -> None:
        """Give up rows that wait. Whatever pyarrow still writes, nobody gets."""
        self._waiting = []
        with contextlib.suppress(Exception):
            self._writer.close()

    def _write_group(self) -> None:
        table = self._together(self._waiting)
        self._waiting, self._count = [], 0
        with self._passing.let_through():
            self._writer.write_table(table)


def _several(columns: list[list[Any]]) -> list[Any]:
    """Return the number of each row, or the tuple of its numbers."""
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def _mask(chosen: NDArray[np.bool_]) -> Any:
    """Return booleans as an array of pyarrow, which would import pandas to take them from numpy."""
    pa = importlib.import_module("pyarrow")
    bits = pa.py_buffer(np.packbits(chosen, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(chosen), [None, bits])
