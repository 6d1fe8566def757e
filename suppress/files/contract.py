"""The contract of a file format: its rows, many at a time or one by one, and a writer of them."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from suppress.errors import InputError
from suppress.files.batch import Batch, Row, RowsWriter, Writer
from suppress.files.lines import DEFAULT_LIMITS, RowLimits


class Asked(NamedTuple):
    """The way in which a file is to be read.

    Attributes:
        format: the name of its format.
        columns: the columns or keys of the number; none to find the one that holds it.
        region: the region of numbers in national form, for that.
        has_header: whether a table begins with the names of its columns. Without them, the
            columns are named by their places, from 1 on.
        sheet: the sheet of a workbook; None for the first.
        limits: the bounds within which the file is read.
    """

    format: str
    columns: tuple[str, ...] = ()
    region: str | None = None
    has_header: bool = True
    sheet: str | None = None
    limits: RowLimits = DEFAULT_LIMITS


class Format(Protocol):
    """The rows of a file in one format. Made of the opened file and an `Asked`.

    Whatever cannot be read is an `InputError`, when it is made or when rows are asked for.
    """

    @property
    def header(self) -> bytes:
        """The bytes of the header; empty where the format has none."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns or keys in use; none where a row is the number."""

    @property
    def writable_as(self) -> frozenset[str]:
        """The formats that the name of an output may stand for."""

    @property
    def loses(self) -> str:
        """The things in the file that no output has, in words; empty for none."""

    @property
    def remark(self) -> str:
        """A sentence about what in the file was not read; empty where all of it is."""

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows one by one, each with all of its cells by their columns or keys."""

    def batches(self) -> Iterator[Batch]:
        """Return all rows, many at a time."""

    def writer(self, out: Writer, name: str) -> RowsWriter:
        """Return a writer of rows that makes a file of the same form.

        Args:
            out: takes the bytes of the file.
            name: the name of the file, if it has one.
        """

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a line, by default the one just read."""
