"""Files of numbers, row by row: text with a number a line, CSV or TSV, JSON lines.

Each row keeps the bytes that it was read from, so that it can be written out just as it
came. A row that cannot be read is an error with its line number, never passed over. No
file fills the memory, whatever is in it: a row has at most `LONGEST_ROW` bytes.
"""

import csv
import functools
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any, BinaryIO, ClassVar, NamedTuple

import msgspec

from suppress.errors import InputError

LONGEST_ROW = 2**20
"""Bytes that a row or a header may have, line ends included; a longer one is an error."""

_LONGEST_NAME = 40
"""Characters of a name that an error shows."""

_SHORTEST_WIDE = 8
"""Bytes in a line from which one NUL character does not make it look like another encoding."""

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_DELIMITERS = ",;|"
_BOM = b"\xef\xbb\xbf"
_MARKS = (
    # Those of UTF-32 first: one of UTF-16's begins like one of them.
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_ZIP = b"PK\3\4"
_CR_ALONE = (
    "a carriage return stands in it where no line ends. If that is how the file's lines "
    "end, convert it first: tr '\\r' '\\n'."
)
# How the messages of the csv module begin, and what they mean to whoever has the file.
_CSV_FAULTS = (
    ("unexpected end of data", "a quote is never closed."),
    ("field larger", "a field is too long. Is a quote never closed?"),
    ("new-line character", _CR_ALONE),
    ("'", "text follows a closing quote. Within quotes, a quote is written twice."),
)
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

    Blank lines are no rows. A row has several lines where a quoted field has.

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
            self._rows = self._json()
        elif column is not None:
            raise InputError(
                f"{name}: text with a number a line has no column {_shown(column)}. "
                "If the file is of another kind, name its format."
            )
        else:
            self._rows = self._text()

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def error(self, what: str, line: int | None = None) -> InputError:
        """The error that says what is wrong with a line, by default the one just read."""
        return InputError(f"{self.name}, line {line or self._first}: {what}")

    def _read(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            yield from iter(functools.partial(stream.readline, LONGEST_ROW + 1), b"")
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror}.") from error

    def _first_line(self, lines: Iterator[bytes]) -> bytes:
        """The first line that is not blank; those before it are counted."""
        for raw in lines:
            if raw.removeprefix(_BOM).strip() or len(raw) > LONGEST_ROW:
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
        size = 0
        for raw in lines:
            self._line += 1
            if self._taken:
                size += len(raw)
            else:
                self._first = self._line
                size = len(raw)
            if size > LONGEST_ROW:
                hint = f"; {_CR_ALONE}" if b"\r" in raw.rstrip(b"\r\n") else "."
                raise self.error(f"it is longer than {LONGEST_ROW:,} bytes{hint}")
            self._taken.append(raw)
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                raise self._undecodable(raw, "it is not UTF-8") from None
            if "\0" in text:
                raise self._undecodable(raw, "it has a NUL character")
            yield text.removeprefix("\ufeff") if self._line == 1 else text

    def _undecodable(self, raw: bytes, what: str) -> InputError:
        if raw.startswith(_ZIP):
            return self.error("it is a workbook or an archive. Save it as CSV in UTF-8 first.")
        encoding = _wide_encoding(raw)
        if encoding is not None:
            what = f"it looks like {encoding}"
        convert = f"iconv -f {encoding or 'WINDOWS-1252'} -t UTF-8"
        return self.error(
            f"{what}. Convert the file to UTF-8 first, for example: {convert}", self._line
        )

    def _take(self) -> bytes:
        raw = b"".join(self._taken)
        self._taken.clear()
        return raw

    def _text(self) -> Iterator[Row]:
        for text in self._lines:
            number = text.strip()
            if not number:
                self._taken.clear()
                continue
            if "\r" in number:
                raise self.error(_CR_ALONE)
            yield Row(self._first, self._take(), number)

    def _json(self) -> Iterator[Row]:
        for text in self._lines:
            if not text.strip():
                self._taken.clear()
                continue
            try:
                value = self._value(text)
            except msgspec.DecodeError as error:
                raise self.error(f"it is not JSON: {error}.") from None
            except RecursionError:
                raise self.error("it is nested too deeply.") from None
            yield Row(self._first, self._take(), value)

    def _value(self, text: str) -> Any:
        value = msgspec.json.decode(text)
        if not isinstance(value, dict):
            if self._column is not None:
                raise self.error(f"it is no JSON object with the key {_shown(self._column)}.")
            return value
        if self._column is None:
            self._column = self._likely(list(value))
        if self._column not in value:
            raise self.error(f"it has no key {_shown(self._column)}.")
        # A key that is there twice has the last value here, and maybe the first where the
        # messages are sent. A backslash may write it in another way.
        if text.count(self._column) > 1 or "\\" in text:
            pairs = json.loads(text, object_pairs_hook=list)
            if sum(key == self._column for key, _ in pairs) > 1:
                raise self.error(f"it has the key {_shown(self._column)} twice.")
        return value[self._column]

    def _csv(self, first: bytes) -> Iterator[Row]:
        delimiters = "\t" if self.format == "tsv" else _DELIMITERS
        unquoted = re.sub('"[^"]*"', "", first.decode("latin-1"))
        delimiter = max(delimiters, key=unquoted.count)
        reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        try:
            header = next(reader, None)
        except csv.Error as error:
            raise self._malformed(error) from None
        if header is None:
            raise InputError(f"{self.name} is empty: a {self.format.upper()} file has a header.")
        column = self._column if self._column is not None else self._likely(header)
        if header.count(column) != 1:
            often = "twice" if column in header else "not"
            raise self.error(f"the column {_shown(column)} is {often} in the header.")
        self._column = column
        position = header.index(column)
        self.header = self._take()
        return self._records(reader, len(header), position)

    def _records(self, reader: Iterator[list[str]], width: int, position: int) -> Iterator[Row]:
        try:
            for record in reader:
                if not record:
                    self._taken.clear()
                    continue
                if len(record) != width:
                    raise self.error(f"it has {len(record)} fields where the header has {width}.")
                yield Row(self._first, self._take(), record[position])
        except csv.Error as error:
            raise self._malformed(error) from None

    def _malformed(self, error: csv.Error) -> InputError:
        faults = (ours for theirs, ours in _CSV_FAULTS if str(error).startswith(theirs))
        fault = next(faults, f"{error}.")
        return self.error(f"it cannot be read as {self.format.upper()}: {fault}")

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
            f"which column holds the number? Name one of: {', '.join(map(_shown, names[:20]))}."
        )


def _wide_encoding(raw: bytes) -> str | None:
    """The encoding that a line looks like, of those with two or four bytes a character."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    # In text that is written for the most part in ASCII, all but one byte of each are NUL.
    even, odd = (raw[start:400:2].count(0) * 4 for start in (0, 1))
    length = min(len(raw), 400)
    if length < _SHORTEST_WIDE:
        return None
    if 2.4 * length < even + odd < 3.6 * length:
        return "UTF-32LE" if raw[0] else "UTF-32BE"
    if abs(even - odd) > length:
        return "UTF-16LE" if odd > even else "UTF-16BE"
    return None


def _shown(name: str) -> str:
    """A name as errors show it: in one line, and no more than the beginning of a long one."""
    return repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}...")
