"""Files of numbers, in any format: the one door to all of them.

Each row can be written just as it came. A row that cannot be read is an error with its line
number, never passed over. No file of text fills the memory, whatever is in it: see `RowLimits`.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Protocol

from suppress.errors import InputError
from suppress.files.batch import Batch, Row, RowsWriter, Writer
from suppress.files.contract import Asked, Format
from suppress.files.encoded import Encoding
from suppress.files.encodings import binary_kind
from suppress.files.formats import MAGIC, format_of, promised_by
from suppress.files.lines import DEFAULT_LIMITS, RowLimits
from suppress.files.named_columns import shown
from suppress.files.opened import OpenedFile
from suppress.numbers.region import known_region


class _Opening(Protocol):
    """A class of a format."""

    def __call__(self, file: OpenedFile, asked: Asked, /) -> Format: ...


_FORMATS = {
    "text": ("text", "Text"),
    "csv": ("delimited", "Delimited"),
    "tsv": ("delimited", "Delimited"),
    "jsonl": ("json_lines", "JsonLines"),
    "json": ("json_array", "JsonArray"),
    "parquet": ("parquet", "Parquet"),
    "workbook": ("workbook", "Workbook"),
}
"""The module of each format in this package, and its class there; one is imported when needed."""


class Rows:
    """The rows of a file, read as they are asked for; iterates over them once.

    Blank lines are no rows, nor are those of a table with nothing but blanks in them. A row
    has several lines where a quoted field has.

    Args:
        stream: the file's bytes, perhaps compressed. Text is in UTF-8 with a byte-order mark or
            without, or in UTF-16 with one. Rows and header are in UTF-8 and not compressed;
            `writer` writes them in the encoding of the file.
        name: the file's name, for errors and for telling the format by its ending.
        format: `text`, `csv`, `tsv`, `jsonl`, `json` (an array), `parquet` or `workbook`; None to
            tell by the first bytes, the first line and the name's ending.
        column: the column or the JSON key of the number. None for the only one, else for
            the one that holds numbers by its name and its first cells.
        columns: further ones; each row has a number in each of them.
        default_region: the region of numbers in national form, for telling the column.
        has_header: whether a table begins with the names of its columns. If not, a column
            is named by its place, from 1 on.
        sheet: the name of the sheet of a workbook; None for the first that is not hidden.
        limits: the bounds within which the file is read.

    Attributes:
        name: the file's name.
        format: the format in which it is read.
        compression: the ending of the names of files that are compressed like this one, such
            as `.gz`; empty if it is not.

    Raises:
        ValueError: there is no such format.
        InputError: the beginning cannot be read, the column cannot be told, or the extra of
            the format is not installed.
    """

    FORMATS: ClassVar = tuple(_FORMATS)

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
        sheet: str | None = None,
        limits: RowLimits = DEFAULT_LIMITS,
    ) -> None:
        if format is not None and format not in _FORMATS:
            raise ValueError(f"Unknown format {format!r}. Use one of {', '.join(_FORMATS)}.")
        region = None if default_region is None else known_region(default_region)
        named = tuple(dict.fromkeys(columns if column is None else [column, *columns]))
        self.name = name
        file = OpenedFile(stream, name, limits)
        self.compression, self._encoding = file.compression, file.encoding
        self.format = _format_of(file, format, with_columns=bool(named) or not has_header)
        if sheet is not None and self.format != "workbook":
            raise InputError(
                f"{name} is no workbook, so it has no sheet {shown(sheet)}. Name no sheet."
            )
        asked = Asked(self.format, named, region, has_header, sheet, limits)
        module, name_of_class = _FORMATS[self.format]
        opening: _Opening = getattr(
            importlib.import_module(f"suppress.files.{module}"), name_of_class
        )
        self._format = opening(file, asked)
        self._rows = self._format.rows()

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def batches(self) -> Iterator[Batch]:
        """Return all rows, many at a time: the fast way.

        Use this or iterate over the rows, not both. A pipe gives a batch of what has come.

        Raises:
            InputError: a row cannot be read. Earlier batches were given.
        """
        return self._format.batches()

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows, each with all of its cells by the names of their columns or keys.

        A line of text has none. Use this or iterate over the rows, not both.

        Raises:
            InputError: a row cannot be read. Earlier rows were given.
        """
        return self._format.with_cells()

    def writer(self, out: Writer, name: str | None = None) -> RowsWriter:
        """Return a writer of rows that makes a file of the same form; its header is written.

        Rows of a workbook are written as CSV, or as a workbook where the name ends in `.xlsx`.

        Args:
            out: where they go.
            name: the name of the file; None for that of `out`, if it has one.

        Raises:
            InputError: the name promises another form.
        """
        if name is None:
            given = getattr(out, "name", None)
            name = given if isinstance(given, str) else ""
        self.check_name(name)
        encoded = out if self._encoding == "utf-8" else Encoding(out, self._encoding)
        return self._format.writer(encoded, name)

    def check_name(self, name: str) -> None:
        """Check that a file of the rows may have a name.

        Raises:
            InputError: the name promises another form.
        """
        promised = promised_by(name)
        if promised is not None and promised not in self._format.writable_as:
            *most, last = sorted(self._format.writable_as)
            forms = f"{', '.join(most)} or {last}" if most else last
            raise InputError(
                f"{name} would not be what its name says: rows of {self.name} are written as "
                f"{forms}. Use another name."
            )

    def check_whole(self) -> None:
        """Check that no part of the file is left out, for those who need all of a list.

        Raises:
            InputError: there are other sheets, and none was named.
        """
        if self.remark:
            raise self.error(f"{self.remark} Or save the list as a file of its own.")

    @property
    def header(self) -> bytes:
        """The bytes of the header, empty where the format has none."""
        return self._format.header

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns or keys in use; none where a row is the number."""
        return self._format.columns

    @property
    def loses(self) -> str:
        """The things in the file that no file of its rows has, in words; empty for none."""
        return self._format.loses

    @property
    def remark(self) -> str:
        """A sentence about what in the file was not read; empty where all of it is."""
        return self._format.remark

    @property
    def is_plain(self) -> bool:
        """True for a file in UTF-8 or of no text, and without compression.

        The sizes of its batches add up to the size of the file.
        """
        return not self.compression and self._encoding == "utf-8"

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a line, by default the one just read."""
        return self._format.error(problem, line)


def _format_of(file: OpenedFile, named: str | None, *, with_columns: bool) -> str:
    """Return the format of a file, the one that was named if it can be.

    Raises:
        InputError: its content is something else.
    """
    for found, magics in MAGIC.items():
        if any(map(file.begins_with, magics)):
            if named not in (None, found):
                raise InputError(f"{file.name} is no {named}, but a {found}. Name no format.")
            return found
    if named is not None and named in MAGIC:
        raise InputError(f"{file.name} is no {named}, by its first bytes. Name no format.")
    first = file.lines.peek()
    if kind := binary_kind(first):
        raise file.lines.error(f"it is {kind}. Save it as CSV in UTF-8 first.", 1)
    return named or format_of(file.name, first, with_columns=with_columns)
