"""JSON lines: objects with a key that holds the number, or the numbers themselves."""

import contextlib
import json
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import msgspec

from suppress.files.blocks import Block, Bounds
from suppress.files.columns import shown
from suppress.files.lines import Lines
from suppress.files.sample import Sample
from suppress.files.slices import Row, Slices

_OPEN, _CLOSE = b"{}"


class JsonLines:
    """The rows of JSON lines.

    Args:
        lines: the lines of the file.
        columns: the keys that were named; none to find the one of the number.
        region: the region of numbers in national form, for that.

    Attributes:
        header: empty, since JSON lines have none.
        columns: the keys in use; none where the lines are the numbers themselves.

    Raises:
        InputError: the key of the number cannot be told.
    """

    header = b""

    def __init__(self, lines: Lines, columns: Sequence[str], region: str | None) -> None:
        self.columns = tuple(columns)
        self._lines = lines
        if not columns:
            sample = Sample(lines, lambda: self._decoded(_whole))
            objects = [row for row in sample.rows if isinstance(row.number, dict)]
            if objects:
                cells: dict[str, list[Any]] = {}
                for row in objects:
                    for key, cell in row.number.items():
                        cells.setdefault(key, []).append(cell)
                names = list(cells)
                place = sample.column(names, list(cells.values()), region, objects[0].line)
                self.columns = (names[place],)

        self._keys = Keys(self.columns) if self.columns else None

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        return self._decoded(self._alone if self._keys is None else self._at_keys)

    def at_once(self, block: Block) -> Slices | None:
        """Return the rows of a block; None where a line needs a closer look."""
        bounds = block.lines(self._lines.limits.row_bytes)
        if bounds is None:
            return None
        row_starts, row_ends = bounds
        starts = row_starts.copy()
        starts[:1] += block.mark
        starts, ends = block.stripped(starts, row_ends)
        if not (starts < ends).all():
            return None
        numbers: Sequence[Any] | None
        if self._keys is None:
            numbers = _values(block, starts, ends)
        else:
            numbers = self._keys.numbers(block, starts, ends)
        lines = range(block.first, block.first + len(starts))
        if numbers is None:
            return None
        return Slices(numbers, lines, block.raw, row_starts, row_ends)

    def _decoded(self, pick: Callable[[str], Any]) -> Iterator[Row]:
        lines = self._lines
        for text in lines:
            if not text.strip():
                lines.drop()
                continue
            try:
                number = pick(text)
            except msgspec.DecodeError as error:
                raise lines.error(f"it is not JSON: {error}.") from None
            except RecursionError:
                raise lines.error("it is nested too deeply.") from None
            yield Row(lines.first, lines.take(), number)

    def _at_keys(self, text: str) -> Any:
        try:
            return cast("Keys", self._keys).number(text)
        except LookupError as error:
            raise self._lines.error(str(error.args[0])) from None

    def _alone(self, text: str) -> Any:
        value = _whole(text)
        if isinstance(value, dict):
            raise self._lines.error(
                "it is a JSON object, but the first lines are not. Name its key."
            )
        return value


class Keys:
    """Reads the values of keys from JSON objects.

    Args:
        keys: the keys.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)
        names = [f"value_{place}" for place in range(len(keys))]
        self._get = operator.attrgetter(*names)
        self._decoder: msgspec.json.Decoder[Any] | None = None
        # Other values are looked at, but make no objects.
        with contextlib.suppress(ValueError):  # a key with a quote, a backslash or the like
            fields = [(name, Any) for name in names]
            renamed = dict(zip(names, keys, strict=True))
            wanted = msgspec.defstruct("Wanted", fields, rename=renamed, gc=False)
            self._decoder = msgspec.json.Decoder(wanted)
        units = "".join(keys).encode("utf-16-be", "surrogatepass").hex(" ", 2).split()
        self._escaped = re.compile(rb"\\u(?:%b)" % "|".join(set(units)).encode(), re.IGNORECASE)
        self._quoted = [f'"{key}"'.encode("utf-8", "surrogatepass") for key in keys]

    def number(self, text: str) -> Any:
        """Return the value of the key in an object; a tuple of the values of several.

        Raises:
            LookupError: it is no object, or a key is not in it or twice.
            msgspec.DecodeError: it is not JSON.
        """
        number = self._found(text)
        for key in self._keys:
            # A key that is there twice has the last value here, and maybe the first where the
            # messages are sent. A backslash may write it in another way.
            if text.count(key) > 1 or "\\" in text:
                pairs = json.loads(text, object_pairs_hook=list)
                if sum(each == key for each, _ in pairs) > 1:
                    raise LookupError(f"it has the key {shown(key)} twice.")
        return number

    def _found(self, text: str) -> Any:
        if self._decoder is not None:
            with contextlib.suppress(msgspec.ValidationError):
                return self._get(self._decoder.decode(text))
        value = _whole(text)
        if not isinstance(value, dict):
            raise LookupError(  # noqa: TRY004 - the caller has one error for all
                f"it is not a JSON object with the key {shown(self._keys[0])}."
            )
        for key in self._keys:
            if key not in value:
                raise LookupError(f"it has no key {shown(key)}.")
        return operator.itemgetter(*self._keys)(value)

    def numbers(self, block: Block, starts: Bounds, ends: Bounds) -> list[Any] | None:
        """Return the values in many objects, each a line; None where one needs a closer look.

        Args:
            block: the lines.
            starts: where each object starts.
            ends: where each ends.
        """
        raw, data, count = block.raw, block.data, len(starts)
        # A line that begins with one bracket and ends with the other has whole objects.
        whole = (data.take(starts) == _OPEN) & (data.take(ends - 1) == _CLOSE)
        if self._decoder is None or not whole.all():
            return None
        if b"\\" in raw and self._escaped.search(raw):
            return None
        for key in self._quoted:
            if raw.count(key) != count and len(re.findall(re.escape(key) + rb"\s*:", raw)) != count:
                return None
        try:
            found = self._decoder.decode_lines(raw[block.mark :])
        except (msgspec.DecodeError, RecursionError):
            return None
        return list(map(self._get, found)) if len(found) == count else None


def _values(block: Block, starts: Bounds, ends: Bounds) -> list[Any] | None:
    """Return the values of many lines; None where one is an object, or broken."""
    raw = block.raw
    bounds = zip(starts.tolist(), ends.tolist(), strict=True)
    try:
        values = [_whole(raw[start:end]) for start, end in bounds]
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if any(isinstance(value, dict) for value in values) else values


_whole = msgspec.json.decode
