"""JSON lines: objects with a key that holds the number, or the numbers themselves."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from suppress.files.lines import Lines
from suppress.files.number_column import shown
from suppress.files.sample import Sample
from suppress.files.slices import Row


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

    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""
        return self._decoded(self._at_keys if self.columns else self._alone)

    def at_once(self, lines: list[str]) -> tuple[list[Any], Sequence[int]] | None:
        """Return the numbers of many lines, and the place of each among the lines.

        Returns:
            None where a line needs a closer look: it is blank or broken, has a key twice, or
            writes characters with a backslash.
        """
        keys, decode = self.columns, msgspec.json.decode
        try:
            values = [decode(text) for text in lines]
            if not keys:
                numbers = None if any(isinstance(value, dict) for value in values) else values
            elif any("\\" in text or text.count(key) > 1 for text in lines for key in keys):
                numbers = None
            elif len(keys) == 1:
                numbers = [value[keys[0]] for value in values]
            else:
                numbers = [tuple(value[key] for key in keys) for value in values]
        except (msgspec.DecodeError, RecursionError, LookupError, TypeError):
            return None
        return None if numbers is None else (numbers, range(len(numbers)))

    def _decoded(self, pick: Callable[[Any, str], Any]) -> Iterator[Row]:
        lines = self._lines
        for text in lines:
            if not text.strip():
                lines.drop()
                continue
            try:
                number = pick(msgspec.json.decode(text), text)
            except msgspec.DecodeError as error:
                raise lines.error(f"it is not JSON: {error}.") from None
            except RecursionError:
                raise lines.error("it is nested too deeply.") from None
            yield Row(lines.first, lines.take(), number)

    def _at_keys(self, value: Any, text: str) -> Any:
        if not isinstance(value, dict):
            raise self._lines.error(
                f"it is not a JSON object with the key {shown(self.columns[0])}."
            )
        for key in self.columns:
            if key not in value:
                raise self._lines.error(f"it has no key {shown(key)}.")
            # A key that is there twice has the last value here, and maybe the first where the
            # messages are sent. A backslash may write it in another way.
            if text.count(key) > 1 or "\\" in text:
                pairs = json.loads(text, object_pairs_hook=list)
                if sum(each == key for each, _ in pairs) > 1:
                    raise self._lines.error(f"it has the key {shown(key)} twice.")
        if len(self.columns) == 1:
            return value[self.columns[0]]
        return tuple(value[key] for key in self.columns)

    def _alone(self, value: Any, _text: str) -> Any:
        if isinstance(value, dict):
            raise self._lines.error(
                "it is a JSON object, but the first lines are not. Name its key."
            )
        return value


def _whole(value: Any, _text: str) -> Any:
    return value
