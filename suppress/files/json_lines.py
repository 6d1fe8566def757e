"""JSON lines: objects with a key that holds the number, or the numbers themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from suppress.files.blocks import Block, Bounds
from suppress.files.json_keys import Keys, cells_of, object_of
from suppress.files.lines import Lines
from suppress.files.sample import Sample
from suppress.files.slices import Row, Slices


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
            cells = cells_of(row.number for row in sample.rows)
            if cells is not None:
                names = list(cells)
                line = next(row.line for row in sample.rows if isinstance(row.number, dict))
                place = sample.column(names, list(cells.values()), region, line)
                self.columns = (names[place],)

        self._keys = Keys(self.columns) if self.columns else None

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        return self._decoded(self._alone if self._keys is None else self._at_keys)

    def cells(self, row: Row) -> Mapping[str, Any]:
        """Return all values of a row by their keys; none where it is no object."""
        return object_of(row)

    def at_once(self, block: Block) -> Slices | None:
        """Return the rows of a block; None where a line needs a closer look."""
        bounds = block.stripped_lines(self._lines.limits.row_bytes)
        if bounds is None:
            return None
        row_starts, row_ends, starts, ends = bounds
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
