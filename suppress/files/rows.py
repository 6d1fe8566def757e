"""Files of numbers: text with a number on each line, CSV or TSV, JSON lines or an array.

Each row keeps the bytes that it was read from, so that it can be written just as it came. A
row that cannot be read is an error with its line number, never passed over. No file fills
the memory, whatever is in it: see `RowLimits`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Protocol

from suppress.errors import InputError
from suppress.files.batch import Batch, Writer
from suppress.files.blocks import Block
from suppress.files.delimited import Delimited
from suppress.files.encoded import RowsWriter, opened
from suppress.files.encodings import binary_kind
from suppress.files.formats import FORMATS, format_of
from suppress.files.json_array import JsonArray
from suppress.files.json_lines import JsonLines
from suppress.files.lines import DEFAULT_LIMITS, Lines, RowLimits
from suppress.files.slices import Row, Slices
from suppress.files.text import Text
from suppress.numbers.region import known_region


class _Format(Protocol):
    """A format of text: `Text`, `Delimited`, `JsonLines` or `JsonArray`."""

    @property
    def header(self) -> bytes: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    def rows(self) -> Iterator[Row]: ...
    def cells(self, row: Row) -> Mapping[str, Any]: ...


class _Lined(_Format, Protocol):
    """A format of lines: each but the last has whole rows."""

    def at_once(self, block: Block, /) -> Slices | None: ...


class Rows:
    """The rows of a file, read as they are asked for; iterates over them once.

    Blank lines are no rows, nor are those of a table with nothing but blanks in them. A row
    has several lines where a quoted field has.

    Args:
        stream: the file's bytes; UTF-8 with a byte-order mark or without, or UTF-16 with one,
            perhaps compressed. Rows and header are in UTF-8 and not compressed; `writer`
            writes them in the encoding of the file.
        name: the file's name, for errors and for telling the format by its ending.
        format: `text`, `csv`, `tsv`, `jsonl` or `json` (an array); None to tell by
            the first line and the name's ending.
        column: the column or the JSON key of the number. None for the only one, else for
            the one that holds numbers by its name and its first cells.
        columns: further ones; each row has a number in each of them.
        default_region: the region of numbers in national form, for telling the column.
        has_header: whether a table begins with the names of its columns. If not, a column
            is named by its place, from 1 on.
        limits: the bounds within which the file is read.

    Attributes:
        name: the file's name.
        format: the format in which it is read.
        header: the bytes of the header, empty where the format has none.
        compression: the ending of the names of files that are compressed like this one, such
            as `.gz`; empty if it is not.
        columns: the names of the columns or keys in use; none for text, and for lines of
            JSON that are the number.

    Raises:
        ValueError: there is no such format.
        InputError: the first line cannot be read, or the column cannot be told.
    """

    FORMATS: ClassVar = FORMATS

    def __init__(
        self,
        stream: BinaryIO,
        *,
        name: str = "-",
        format: str | None = None,  # noqa: A002 - what the command line calls it
        column: str | None = None,
        columns: Sequence[str] = (),
        default_region: str | None = None,
        has_header: bool = True,
        limits: RowLimits = DEFAULT_LIMITS,
    ) -> None:
        if format is not None and format not in FORMATS:
            raise ValueError(f"Unknown format {format!r}. Use one of {', '.join(FORMATS)}.")
        region = None if default_region is None else known_region(default_region)
        named = tuple(dict.fromkeys(columns if column is None else [column, *columns]))
        self.name = name
        source = opened(stream, name)
        self.compression, self._encoding = source.compression, source.encoding
        self._lines = Lines(source.stream, name, limits)
        first = self._lines.peek()
        if kind := binary_kind(first):
            raise self.error(f"it is {kind}. Save it as CSV in UTF-8 first.", 1)
        with_columns = bool(named) or not has_header
        self.format = format or format_of(name, first, with_columns=with_columns)
        self._format: _Lined | JsonArray
        if self.format == "text":
            self._format = Text(self._lines, named)
        elif self.format == "json":
            self._format = JsonArray(self._lines, named, region)
        elif self.format == "jsonl":
            self._format = JsonLines(self._lines, named, region)
        else:
            self._format = Delimited(self._lines, named, region, self.format, has_header=has_header)
        self.header = self._format.header
        self.columns = self._format.columns
        self._rows = self._format.rows()

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def batches(self) -> Iterator[Batch]:
        """Return all rows, many at a time: the fast way.

        Use this or iterate over the rows, not both. A pipe gives a batch of what has come.

        Raises:
            InputError: a row cannot be read. Earlier batches were given.
        """
        if isinstance(self._format, JsonArray):
            yield from self._format.batches()
            return
        lines = self._lines
        while raw := lines.block():
            block = Block.of(raw, lines.line + 1)
            batch = None if block is None else self._format.at_once(block)
            if block is None or batch is None:
                lines.put_back(raw)
                yield Slices.of_rows(list(self._of_block()))
                continue
            lines.line += block.count_lines(batch.size)
            lines.keep(raw[batch.size :])
            yield batch

    def _of_block(self) -> Iterator[Row]:
        """Return the rows of the block that was put back, read one by one."""
        for row in self._rows:
            yield row
            if not self._lines.is_ahead:
                break

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows, each with all of its cells by the names of their columns or keys.

        A line of text has none. Use this or iterate over the rows, not both.

        Raises:
            InputError: a row cannot be read. Earlier rows were given.
        """
        return ((row, self._format.cells(row)) for row in self._rows)

    def writer(self, out: Writer) -> RowsWriter:
        """Return a writer of rows that makes a file of the same form; its header is written.

        Args:
            out: where the rows go.
        """
        is_array = isinstance(self._format, JsonArray)
        return RowsWriter(out, self.header, self._encoding, separated=is_array)

    @property
    def is_plain(self) -> bool:
        """True for a file in UTF-8 without compression, whose rows have as many bytes as there."""
        return not self.compression and self._encoding == "utf-8"

    @property
    def footer(self) -> bytes:
        """The bytes behind all rows, which are known when all were read."""
        return self._format.footer if isinstance(self._format, JsonArray) else b""

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a line, by default the one just read."""
        return self._lines.error(problem, line)
