"""Keys of JSON objects: their values, in one object or in many lines of them at once."""

import contextlib
import json
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from suppress.files.batch import Row
from suppress.files.blocks import Block, Bounds
from suppress.files.encodings import BOM
from suppress.files.named_columns import shown

_OPEN, _CLOSE = b"{}"


def cells_of(values: Iterable[Any]) -> dict[str, list[Any]] | None:
    """Return the values of each key in the objects among values of JSON; None if none is one."""
    objects = [value for value in values if isinstance(value, dict)]
    cells: dict[str, list[Any]] = {}
    for each in objects:
        for key, cell in each.items():
            cells.setdefault(key, []).append(cell)
    return cells if objects else None


def object_of(row: Row) -> Mapping[str, Any]:
    """Return the JSON object that a row is; an empty one where it is something else."""
    value = msgspec.json.decode(row.raw.removeprefix(BOM).lstrip(b", \t\r\n"))
    return value if isinstance(value, dict) else {}


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
        value = msgspec.json.decode(text)
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
