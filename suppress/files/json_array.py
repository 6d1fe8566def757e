"""A JSON array: its elements are the rows, read one after the other."""

import codecs
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from suppress.files.batch import Row, RowsWriter, Writer
from suppress.files.contract import Asked
from suppress.files.encodings import BOM, why_unreadable
from suppress.files.json_keys import Keys, cells_of, object_of
from suppress.files.number_column import choose
from suppress.files.opened import OpenedFile
from suppress.files.slices import Slices
from suppress.files.text_format import TextFormat

_BLANKS = re.compile(r"[ \t\r\n]*")
_BATCH = 2**13
_MARK = BOM.decode()


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_decode = json.JSONDecoder(parse_constant=_refuse).raw_decode


class _Elements(Slices):
    """A batch of elements, each of which is whole."""

    is_cut = False


class JsonArray(TextFormat):
    """The rows of a JSON array.

    Each row has the comma and the blanks before its element. The header is the bracket that
    opens the array, with the blanks behind it.

    Args:
        file: the file.
        asked: the way in which it is to be read; its columns are keys.

    Raises:
        InputError: an element cannot be read, or the key of the number cannot be told.
    """

    def __init__(self, file: OpenedFile, asked: Asked) -> None:
        super().__init__(file.lines)
        lines = file.lines
        self._footer = b""
        self._text = ""
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._elements = self._read()
        sample: list[Row] = []
        size, limits = 0, lines.limits
        while len(sample) < limits.sample_rows and size < limits.sample_bytes:
            row = next(self._elements, None)
            if row is None:
                break
            sample.append(row)
            size += len(row.raw)
        self._elements = itertools.chain(sample, self._elements)
        self.columns = asked.columns
        cells = None if self.columns else cells_of(row.number for row in sample)
        if cells is not None:
            names = list(cells)
            try:
                self.columns = (names[choose(names, list(cells.values()), asked.region)],)
            except ValueError as error:
                raise lines.error(str(error), sample[0].line) from None
        self._keys = Keys(self.columns) if self.columns else None

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        for row in self._elements:
            yield row._replace(number=self._number(row))

    def _cells(self, row: Row) -> Mapping[str, Any]:
        return object_of(row)

    def batches(self) -> Iterator[Slices]:
        """Return all rows, many at a time."""
        rows = self.rows()
        while some := list(itertools.islice(rows, _BATCH)):
            yield _Elements.of_rows(some)

    def writer(self, out: Writer, name: str) -> RowsWriter:  # noqa: ARG002 - of the contract
        """Return a writer of elements, which makes an array of them."""
        return _ArrayWriter(out, self.header, lambda: self._footer)

    def _number(self, row: Row) -> Any:
        if self._keys is None:
            if isinstance(row.number, dict):
                raise self._lines.error(
                    "it is a JSON object, but the first elements are not. Name its key.", row.line
                )
            return row.number
        try:
            return self._keys.number(row.raw.decode().lstrip(", \t\r\n"))
        except LookupError as error:
            raise self._lines.error(str(error.args[0]), row.line) from None
        except ValueError as error:
            raise self._lines.error(f"it is not JSON: {error}.", row.line) from None

    def _read(self) -> Iterator[Row]:
        """Yield the elements, each with its value in place of the number."""
        line = self._lines.line + 1
        self._blanks(0)
        opening = self._blanks(len(_MARK) if self._text.startswith(_MARK) else 0)
        if (bracket := self._text[opening : opening + 1]) != "[":
            what = "it is a JSON object, not" if bracket == "{" else "it is not"
            raise self._lines.error(f"{what} a JSON array.", line)
        start = self._blanks(opening + 1)
        self.header = self._text[:start].encode()
        line += self._text.count("\n", 0, start)
        is_first = True
        while True:
            # Behind an element comes a comma or the end.
            place = self._blanks(start)
            if self._text[place : place + 1] == "]":
                self._end(start, place, line)
                return
            if not is_first:
                if self._text[place : place + 1] != ",":
                    raise self._not_json(line + self._text.count("\n", start, place))
                place = self._blanks(place + 1)
            is_first = False
            at = line + self._text.count("\n", start, place)
            value, end = self._value(place, at)
            raw = self._text[start:end].encode()
            yield Row(at, raw, value)
            line = at + self._text.count("\n", place, end)
            start = end
            if start > self._lines.limits.block_bytes // 2:
                self._text, start = self._text[start:], 0

    def _end(self, start: int, place: int, line: int) -> None:
        if self._blanks(place + 1) < len(self._text):
            raise self._lines.error("text follows the end of the array.", line)
        self._footer = self._text[start:].encode()

    def _blanks(self, place: int) -> int:
        """Return the place behind blanks; there is text, unless the file ends."""
        while True:
            end = _BLANKS.match(self._text, place).end()  # type: ignore[union-attr]
            if end - place > (longest := self._lines.limits.row_bytes):
                raise self._lines.error(f"an element is longer than {longest:,} bytes.")
            if end < len(self._text) or not self._more():
                return end

    def _value(self, place: int, line: int) -> tuple[Any, int]:
        longest = self._lines.limits.row_bytes
        while True:
            try:
                value, end = _decode(self._text, place)
            except RecursionError:
                raise self._lines.error("it is nested too deeply.", line) from None
            except ValueError:
                if len(self._text) - place > longest:
                    raise self._lines.error(
                        f"it is longer than {longest:,} bytes, or not JSON.", line
                    ) from None
                if not self._more():
                    raise self._not_json(line) from None
            else:
                # The digits of a number may go on.
                if end < len(self._text) or not self._more():
                    return value, end

    def _more(self) -> bool:
        block = self._lines.block()
        try:
            self._text += self._utf8.decode(block, final=not block)
        except UnicodeDecodeError:
            raise self._lines.error(why_unreadable(block, "it is not UTF-8")) from None
        return bool(block)

    def _not_json(self, line: int) -> Exception:
        return self._lines.error("it is not a JSON array: an element or a comma is broken.", line)


class _ArrayWriter:
    """Writes elements of an array.

    Args:
        out: where they go.
        header: the beginning of the array.
        footer: returns its end, which is known when all elements were read.
    """

    def __init__(self, out: Writer, header: bytes, footer: Callable[[], bytes]) -> None:
        self._out = out
        self._footer = footer
        self._is_empty = True
        out.writelines([header])

    def writelines(self, pieces: Iterable[bytes], /) -> None:
        if self._is_empty:
            # No comma stands before the first element.
            joined = b"".join(pieces)
            self._is_empty = not joined
            pieces = [joined.lstrip(b", \t\r\n")]
        self._out.writelines(pieces)

    def finish(self) -> None:
        self._out.writelines([self._footer()])

    def close(self) -> None:
        pass
