"""The formats of an exported list: CSV, JSON lines and Parquet, written some rows at a time."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec

from suppress.errors import ConfigurationError
from suppress.files.batch import Writer
from suppress.files.passing import Passing
from suppress.lists.listing import ListRows


class ListWriter(Protocol):
    """Writes a list in one format."""

    def write(self, rows: ListRows) -> None:
        """Write some rows."""

    def finish(self) -> None:
        """Write what stands behind all rows."""


class CsvList:
    """A table with a header.

    Args:
        out: where it goes.
    """

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._write([ListRows._fields])

    def write(self, rows: ListRows) -> None:
        """Write some rows."""
        self._write(zip(*rows, strict=True))

    def finish(self) -> None:
        """Do nothing: the last row is the end."""

    def _write(self, rows: Iterable[Iterable[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._out.writelines([text.getvalue().encode()])


class JsonLinesList:
    """An object for each row, with all keys.

    Args:
        out: where it goes.
    """

    def __init__(self, out: Writer) -> None:
        self._out = out
        fields = [(name, str | None) for name in ListRows._fields]
        self._row: Callable[..., Any] = msgspec.defstruct("ListRow", fields, gc=False)
        self._encode = msgspec.json.Encoder().encode_lines

    def write(self, rows: ListRows) -> None:
        """Write some rows."""
        self._out.writelines([self._encode(list(map(self._row, *rows)))])

    def finish(self) -> None:
        """Do nothing: the last row is the end."""


class ParquetList:
    """A table of texts with a time, in Parquet.

    Args:
        out: where it goes.

    Raises:
        ConfigurationError: pyarrow is not installed.
    """

    def __init__(self, out: Writer) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - one format needs it
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError(
                "Parquet needs pyarrow. Install it with: pip install 'suppress-filter[parquet]'"
            ) from error
        moment = pa.timestamp("us", tz="UTC")
        self._schema = pa.schema(
            [(name, moment if name == "since" else pa.string()) for name in ListRows._fields]
        )
        self._table = pa.Table
        self._array = pa.array
        self._text = pa.string()
        self._passing = Passing(out)
        with self._passing.let_through():
            self._writer = parquet.ParquetWriter(
                pa.PythonFile(self._passing, mode="w"), self._schema, compression="zstd"
            )

    def write(self, rows: ListRows) -> None:
        """Write some rows."""
        columns = [
            self._array(column, self._text).cast(field.type)
            for column, field in zip(rows, self._schema, strict=True)
        ]
        with self._passing.let_through():
            self._writer.write_table(self._table.from_arrays(columns, schema=self._schema))

    def finish(self) -> None:
        """Write what a reader looks for at the end."""
        with self._passing.let_through():
            self._writer.close()


FORMATS: dict[str, Callable[[Writer], ListWriter]] = {
    "csv": CsvList,
    "jsonl": JsonLinesList,
    "parquet": ParquetList,
}
"""The formats by name, which is also the ending of a file's name."""
