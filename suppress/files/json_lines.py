"""JSON lines: objects with a key that holds the number, or the numbers themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

import msgspec

from suppress.files.batch import Row
from suppress.files.blocks import Block, Bounds
from suppress.files.contract import Asked
from suppress.files.json_keys import Keys, cells_of, object_of
from suppress.files.opened import OpenedFile
from suppress.files.sample import Sample
from suppress.files.slices import Slices
from suppress.files.text_format import LinedFormat


class JsonLines(LinedFormat):
    """The rows of JSON lines.

    Args:
        file: the file.
        asked: the way in which it is to be read; its columns are keys.

    Raises:
        InputError: the key of the number cannot be told.
    """

    def __init__(self, file: OpenedFile, asked: Asked) -> None:
        super().__init__(file.lines)
        self.columns, lines = asked.columns, file.lines
        if not self.columns:
            sample = Sample(lines, lambda: self._decoded(_whole))
            cells = cells_of(row.number for row in sample.rows)
            if cells is not None:
                names = list(cells)
                line = next(row.line for row in sample.rows if isinstance(row.number, dict))
                place = sample.column(names, list(cells.values()), asked.region, line)
                self.columns = (names[place],)

        self._keys = Keys(self.columns) if self.columns else None

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        return self._decoded(self._alone if self._keys is None else self._at_keys)

    def _cells(self, row: Row) -> Mapping[str, Any]:
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
