"""Files of numbers, row by row: text with a number a line, CSV or TSV, JSON lines.

Each row keeps the bytes that it was read from, so that it can be written out just as it
came. A row that cannot be read is an error with its line number, never passed over. No
file fills the memory, whatever is in it: a row has at most `LONGEST_ROW` bytes.
"""

import csv
import functools
import itertools
import json
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO, ClassVar, NamedTuple

import msgspec

from suppress.errors import InputError
from suppress.files.blocks import (
    AtOnce,
    Lines,
    RowNumbers,
    batch_of,
    filled,
    none_at_once,
    of_table,
    of_text,
    plain_lines,
)
from suppress.files.columns import choose, is_number_for_name, shown
from suppress.files.encodings import why_unreadable
from suppress.files.formats import BOM, DELIMITERS, format_of
from suppress.numbers.region import known_region

LONGEST_ROW = 2**20
"""Bytes that a row or a header may have, line ends included; a longer one is an error."""

SAMPLE_ROWS = 200
"""Rows from which it is told which column holds the number."""

SAMPLE_BYTES = 2**20
"""Bytes after which no more rows are taken for that."""

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


class Row(NamedTuple):
    """One row of a file of numbers.

    Attributes:
        line: the number of its first line, from 1.
        raw: its bytes, line end included.
        number: what stands in its column; for JSON of whatever type it is there. A tuple
            where several columns were named.
    """

    line: int
    raw: bytes
    number: Any

    @property
    def numbers(self) -> tuple[Any, ...]:
        """What stands in its columns; blank ones aside where one of several is not."""
        return filled(self.number)


class Rows:
    """The rows of a file, read as they are asked for; iterates over them once.

    Blank lines are no rows, nor are those of a table with nothing but blanks in them. A row
    has several lines where a quoted field has.

    Args:
        stream: the file's bytes; UTF-8, with a byte-order mark or without.
        name: the file's name, for errors and for telling the format by its ending.
        format: `text`, `csv`, `tsv` or `jsonl`; None to tell by the name's ending, else
            by the first line.
        column: the column or the JSON key of the number. None for the only one, else for
            the one that holds numbers by its name and its first cells.
        columns: further ones; each row has a number in each of them.
        default_region: the region of numbers in national form, for telling the column.

    Attributes:
        format: the format in which it is read.
        header: the bytes of the header, empty where the format has none.
        columns: the names of the columns or keys in use; none for text, and for lines of
            JSON that are the number.

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
        columns: Sequence[str] = (),
        default_region: str | None = None,
    ) -> None:
        self.name = name
        self.header = b""
        self._line = 0
        self._first = 1
        self._taken: list[bytes] = []
        self._region = None if default_region is None else known_region(default_region)
        self.columns = tuple(dict.fromkeys(columns if column is None else [column, *columns]))
        if format is not None and format not in self.FORMATS:
            raise ValueError(f"the format is {format!r}; known are {', '.join(self.FORMATS)}")
        self._source = Lines(stream, name, LONGEST_ROW + 1)
        # What reads many lines at once, and the rows that are known before it begins.
        self._at_once: AtOnce = none_at_once
        self._known = 0
        lines = iter(self._source)
        first = self._first_line(lines)
        self.format = format or format_of(name, first, with_columns=bool(self.columns))
        self._lines = self._texts(itertools.chain([first] if first else [], lines))
        if self.format in ("csv", "tsv"):
            self._rows = self._csv(first)
        elif self.format == "jsonl":
            self._rows = self._json()
        elif self.columns:
            raise InputError(
                f"{name}: text with a number a line has no column {shown(self.columns[0])}. "
                "If the file is of another kind, name its format."
            )
        else:
            self._rows = self._text()
            self._at_once, self._known = of_text, bool(first)

    def __iter__(self) -> Iterator[Row]:
        return self._rows

    def batches(self) -> Iterator[RowNumbers]:
        """The numbers of all rows, many at a time: the fast way where these are all you need.

        Use this or iterate over the rows, not both. Rows before one that cannot be read are
        given before the error is raised.
        """
        if self._known:
            yield from self._one_by_one(lambda count: count == self._known)
        while block := self._source.block():
            lines = plain_lines(block)
            found = None if lines is None else self._at_once(lines, self._line + 1)
            if lines is not None and found is not None:
                self._line += len(lines)
                yield found
            else:
                self._source.put_back(block)
                yield from self._one_by_one(lambda _count: not self._source.is_ahead)

    def _one_by_one(self, is_enough: Callable[[int], bool]) -> Iterator[RowNumbers]:
        """The next rows as one batch, and behind it the error of the row that cannot be read."""
        numbers: list[Any] = []
        lines: list[int] = []
        fault = None
        try:
            for row in self._rows:
                numbers.append(row.number)
                lines.append(row.line)
                if is_enough(len(lines)):
                    break
        except InputError as error:
            fault = error
        yield batch_of(numbers, lines, 0)
        if fault is not None:
            raise fault

    def error(self, what: str, line: int | None = None) -> InputError:
        """The error that says what is wrong with a line, by default the one just read."""
        return InputError(f"{self.name}, line {line or self._first}: {what}")

    def _first_line(self, lines: Iterator[bytes]) -> bytes:
        """The first line that is not blank; those before it are counted."""
        for raw in lines:
            if raw.removeprefix(BOM).strip() or len(raw) > LONGEST_ROW:
                return raw
            self._line += 1
        return b""

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
                raise self.error(why_unreadable(raw, "it is not UTF-8"), self._line) from None
            if "\0" in text:
                raise self.error(why_unreadable(raw, "it has a NUL character"), self._line)
            yield text.removeprefix("\ufeff") if self._line == 1 else text

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
        if self.columns:
            return self._decoded(self._at_keys)
        sample, fault = _sampled(self._decoded(lambda value, _: value))
        cells: dict[str, list[Any]] = {}
        objects = [row for row in sample if isinstance(row.number, dict)]
        for row in objects:
            for key, cell in row.number.items():
                cells.setdefault(key, []).append(cell)
        if objects:
            names = list(cells)
            place = self._chosen(names, list(cells.values()), objects[0].line, fault)
            self.columns = (names[place],)
        pick = self._at_keys if objects else self._alone
        self._known = len(sample) + (fault is not None)
        known = self._again(sample, fault, lambda row: pick(row.number, _text_of(row)))
        return itertools.chain(known, self._decoded(pick))

    def _decoded(self, pick: Callable[[Any, str], Any]) -> Iterator[Row]:
        for text in self._lines:
            if not text.strip():
                self._taken.clear()
                continue
            try:
                number = pick(msgspec.json.decode(text), text)
            except msgspec.DecodeError as error:
                raise self.error(f"it is not JSON: {error}.") from None
            except RecursionError:
                raise self.error("it is nested too deeply.") from None
            yield Row(self._first, self._take(), number)

    def _at_keys(self, value: Any, text: str) -> Any:
        if not isinstance(value, dict):
            raise self.error(f"it is no JSON object with the key {shown(self.columns[0])}.")
        for key in self.columns:
            if key not in value:
                raise self.error(f"it has no key {shown(key)}.")
            # A key that is there twice has the last value here, and maybe the first where the
            # messages are sent. A backslash may write it in another way.
            if text.count(key) > 1 or "\\" in text:
                pairs = json.loads(text, object_pairs_hook=list)
                if sum(each == key for each, _ in pairs) > 1:
                    raise self.error(f"it has the key {shown(key)} twice.")
        if len(self.columns) == 1:
            return value[self.columns[0]]
        return tuple(value[key] for key in self.columns)

    def _alone(self, value: Any, _text: str) -> Any:
        if isinstance(value, dict):
            raise self.error("it is a JSON object, where the first lines are not. Name its key.")
        return value

    def _csv(self, first: bytes) -> Iterator[Row]:
        delimiters = "\t" if self.format == "tsv" else DELIMITERS
        unquoted = re.sub('"[^"]*"', "", first.decode("latin-1"))
        delimiter = max(delimiters, key=unquoted.count)
        reader = csv.reader(self._lines, delimiter=delimiter, strict=True)
        try:
            header = next(reader, None)
        except csv.Error as error:
            raise self._malformed(error) from None
        if header is None:
            raise InputError(f"{self.name} is empty: a {self.format.upper()} file has a header.")
        self.header = self._take()
        line, width = self._first, len(header)
        sample: list[Row] = []
        fault = None
        if not self.columns:
            if any(map(is_number_for_name, header)):
                raise self.error(
                    "a number stands where the names of the columns belong. Add a line with "
                    "them; or name the column, if this is its name."
                )
            if width > 1:
                sample, fault = _sampled(self._records(reader, width, tuple))
            cells = list(zip(*(row.number for row in sample), strict=True)) or [()] * width
            self.columns = (header[self._chosen(header, cells, line, fault)],)
        for column in self.columns:
            if header.count(column) != 1:
                often = "twice" if column in header else "not"
                raise self.error(f"the column {shown(column)} is {often} in the header.", line)
        pick = operator.itemgetter(*map(header.index, self.columns))
        known = self._again(sample, fault, lambda row: pick(row.number))
        self._known = len(sample) + (fault is not None)
        self._at_once = functools.partial(of_table, delimiter=delimiter, width=width, pick=pick)
        return itertools.chain(known, self._records(reader, width, pick))

    def _records(
        self, reader: Iterator[list[str]], width: int, pick: Callable[[list[str]], Any]
    ) -> Iterator[Row]:
        taken = self._taken
        try:
            for record in reader:
                first = record[0] if record else ""
                if (not first or first.isspace()) and not any(map(str.strip, record)):
                    taken.clear()
                    continue
                if len(record) != width:
                    raise self.error(f"it has {len(record)} fields where the header has {width}.")
                raw = b"".join(taken)
                taken.clear()
                yield Row(self._first, raw, pick(record))
        except csv.Error as error:
            raise self._malformed(error) from None

    def _chosen(
        self,
        names: Sequence[str],
        cells: Sequence[Sequence[Any]],
        line: int,
        fault: InputError | None,
    ) -> int:
        try:
            return choose(names, cells, self._region)
        except ValueError as error:
            # Without the rows behind the one that cannot be read, this says too little.
            raise fault or self.error(str(error), line) from None

    def _again(
        self, sample: Iterable[Row], fault: InputError | None, pick: Callable[[Row], Any]
    ) -> Iterator[Row]:
        """The rows that were read for telling the column, with their numbers."""
        for row in sample:
            self._first = row.line
            try:
                number = pick(row)
            except RecursionError:
                raise self.error("it is nested too deeply.") from None
            yield row._replace(number=number)
        if fault is not None:
            raise fault

    def _malformed(self, error: csv.Error) -> InputError:
        faults = (ours for theirs, ours in _CSV_FAULTS if str(error).startswith(theirs))
        fault = next(faults, f"{error}.")
        return self.error(f"it cannot be read as {self.format.upper()}: {fault}")


def _sampled(rows: Iterator[Row]) -> tuple[list[Row], InputError | None]:
    """The first rows, and what is wrong with the one behind them, if anything is."""
    sample: list[Row] = []
    size = 0
    try:
        while len(sample) < SAMPLE_ROWS and size < SAMPLE_BYTES:
            row = next(rows, None)
            if row is None:
                break
            sample.append(row)
            size += len(row.raw)
    except InputError as fault:
        return sample, fault
    return sample, None


def _text_of(row: Row) -> str:
    return row.raw.decode().removeprefix("\ufeff")
