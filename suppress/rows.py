"""Files of numbers, row by row: text with a number a line, CSV or TSV, JSON lines.

Each row keeps the bytes that it was read from, so that it can be written out just as it
came. A row that cannot be read is an error with its line number, never passed over.
"""

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from typing import Any, BinaryIO, ClassVar, NamedTuple

import msgspec

from suppress.errors import InputError

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_DELIMITERS = ",;|"
_BOM = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"(?<!\w)\d(\W{0,3}\d){5,}")
_LIKELY_COLUMNS = frozenset(
    [
        "phone",
        "phone_number",
        "phonenumber",
        "mobile",
        "mobile_number",
        "mobile_phone",
        "cell",
        "cell_phone",
        "msisdn",
        "number",
        "tel",
        "telephone",
        "recipient",
    ]
)


class Row(NamedTuple):
    """One row of a file of numbers.

    Attributes:
        line: the number of its first line, from 1.
        raw: its bytes, line end included.
        number: what stands in its column; for JSON of whatever type it is there.
    """

    line: int
    raw: bytes
    number: Any


class Rows:
    """The rows of a file, read as they are asked for; iterates over them once.

    Blank lines are no rows.

    Args:
        stream: the file's bytes; UTF-8, with a byte-order mark or without.
        name: the file's name, for errors and for telling the format by its ending.
        format: `text`, `csv`, `tsv` or `jsonl`; None to tell by the name's ending, else
            by the first line.
        column: the column or the JSON key of the number; None for the only one, else for
            one that is named like a phone number.

    Attributes:
        format: the format in which it is read.
        header: the bytes of the header, empty where the format has none.

    Raises:
        ValueError: there is no such format.
        InputError: the first line cannot be read, or the column cannot be told.
    """

    FORMATS: ClassVar = ("text", "csv", "tsv", "jsonl")

    def __init__(
        self,
        stream: BinaryIO,
        *,
        name: str = "-",
        format: str | None = None,  # noqa: A002 - what the command line calls it
        column: str | None = None,
    ) -> None:
        self.name = name
        self.header = b""
        self._line = 0
        self._first = 1
        self._taken: list[bytes] = []
        self._column = column
        if format is not None and format not in self.FORMATS:
            raise ValueError(f"the format is {format!r}; known are {', '.join(self.FORMATS)}")
        lines = self._read(stream)
        first = self._first_line(lines)
        self.format = format or _SUFFIXES.get(PurePath(name).suffix.lower()) or self._guess(first)
        self._lines = self._texts(itertools.chain([first] if first else [], lines))
        if self.format in ("csv", "tsv"):
            self._rows = self._csv(first)
        elif self.format == "jsonl":
            self._rows = self._each(self._json)
        elif column is not None:
            raise InputError(
                f"{name}: text with a number a line has no column {column!r}. "
                "If the file is of another kind, name its format."
            )
        else:
            self._rows = self._each(str.strip)

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def error(self, what: str, line: int | None = None) -> InputError:
        """The error that says what is wrong with a line, by default the one just read."""
        return InputError(f"{self.name}, line {line or self._first}: {what}")

    def _read(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            yield from stream
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror}.") from error

    def _first_line(self, lines: Iterator[bytes]) -> bytes:
        """The first line that is not blank; those before it are counted."""
        for raw in lines:
            if raw.removeprefix(_BOM).strip():
                return raw
            self._line += 1
        return b""

    def _guess(self, first: bytes) -> str:
        text = first.removeprefix(_BOM).lstrip()
        if text.startswith((b"{", b'"')) and not self._looks_quoted(text):
            return "jsonl"
        if b"\t" in text:
            return "tsv"
        if self._column is not None or any(ord(each) in text for each in _DELIMITERS):
            return "csv"
        return "text"

    @staticmethod
    def _looks_quoted(text: bytes) -> bool:
        return text.startswith(b'"') and any(ord(each) in text for each in _DELIMITERS + "\t")

    def _texts(self, lines: Iterable[bytes]) -> Iterator[str]:
        """The lines as text; their bytes are kept until the row that they belong to ends."""
        for raw in lines:
            self._line += 1
            if not self._taken:
                self._first = self._line
            self._taken.append(raw)
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                raise self.error("it is not UTF-8. Convert the file first.", self._line) from None
            if "\0" in text:
                raise self.error("it has a NUL character.", self._line)
            yield text.removeprefix("\ufeff") if self._line == 1 else text

    def _take(self) -> bytes:
        raw = b"".join(self._taken)
        self._taken.clear()
        return raw

    def _each(self, number: Callable[[str], Any]) -> Iterator[Row]:
        for text in self._lines:
            if not text.strip():
                self._taken.clear()
                continue
            value = number(text)
            yield Row(self._first, self._take(), value)

    def _json(self, text: str) -> Any:
        try:
            value = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            raise self.error(f"it is not JSON: {error}.") from None
        if not isinstance(value, dict):
            if self._column is not None:
                raise self.error(f"it is no JSON object with the key {self._column!r}.")
            return value
        if self._column is None:
            self._column = self._likely(list(value))
        if self._column not in value:
            raise self.error(f"it has no key {self._column!r}.")
        return value[self._column]

    def _csv(self, first: bytes) -> Iterator[Row]:
        delimiters = "\t" if self.format == "tsv" else _DELIMITERS
        unquoted = re.sub('"[^"]*"', "", first.decode("latin-1"))
        delimiter = max(delimiters, key=unquoted.count)
        reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        header = self._next(reader)
        if header is None:
            raise InputError(f"{self.name} is empty: a {self.format.upper()} file has a header.")
        column = self._column if self._column is not None else self._likely(header)
        if header.count(column) != 1:
            often = "twice" if column in header else "not"
            raise self.error(f"the column {column!r} is {often} in the header.")
        self._column = column
        position = header.index(column)
        self.header = self._take()
        return self._records(reader, len(header), position)

    def _records(self, reader: Iterator[list[str]], width: int, position: int) -> Iterator[Row]:
        while (record := self._next(reader)) is not None:
            if not record:
                self._taken.clear()
                continue
            if len(record) != width:
                raise self.error(f"it has {len(record)} fields where the header has {width}.")
            yield Row(self._first, self._take(), record[position])

    def _next(self, reader: Iterator[list[str]]) -> list[str] | None:
        try:
            return next(reader, None)
        except csv.Error as error:
            raise self.error(f"it cannot be read as {self.format.upper()}: {error}.") from None

    def _likely(self, names: list[str]) -> str:
        """The column that holds the number, where that can be told from the names."""
        if any(_NUMBER.search(name) for name in names):
            raise self.error("a number stands where the names of the columns belong.")
        likely = [
            name
            for name in names
            if name.strip().lower().replace(" ", "_").replace("-", "_") in _LIKELY_COLUMNS
        ]
        if len(names) == 1:
            return names[0]
        if len(likely) == 1:
            return likely[0]
        raise self.error(
            "which column holds the number? Name one of: " + ", ".join(names[:20]) + "."
        )
