"""Numbers in an Arrow array, read from its own buffers."""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray

from suppress.numbers.column import ROOM, Column

_OFFSETS = {"string": np.int32, "large_string": np.int64}
"""The integers between the texts, by the name of Arrow's type."""


class ArrowNumbers(Sequence[object]):
    """The numbers of an Arrow array: a sequence of Python values, None for a null.

    Args:
        array: an `Array` or a `ChunkedArray` of pyarrow, of a type that `readable` returns.
    """

    def __init__(self, array: Any) -> None:
        self._array = array

    @classmethod
    def readable(cls, array: Any) -> Self | None:
        """Return the numbers of any pyarrow array; None where it has no text and no numbers.

        Dictionaries are decoded, and views of strings copied.
        """
        pa = importlib.import_module("pyarrow")
        types = pa.types
        try:
            if types.is_dictionary(array.type):
                array = array.cast(array.type.value_type)
            if str(array.type) == "string_view":
                array = array.cast(pa.large_string())
        except pa.ArrowNotImplementedError:
            return None
        kind = array.type
        if str(kind) in _OFFSETS or types.is_integer(kind) or types.is_floating(kind):
            return cls(array)
        return None

    def in_bulk(self) -> Column | NDArray[Any]:
        """Return the texts as a column, or the numbers as an array with 0 for a null.

        The texts stay where they are, unless they lie in several chunks.
        """
        array = self._array
        if hasattr(array, "chunks"):
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
        if str(array.type) in _OFFSETS:
            return _column(array)
        filled = array.fill_null(0) if array.null_count else array
        numbers: NDArray[Any] = filled.to_numpy(zero_copy_only=False)
        return numbers

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[object]:
        return iter(self._array.to_pylist())

    @overload
    def __getitem__(self, place: int) -> object: ...

    @overload
    def __getitem__(self, place: slice) -> Self: ...

    def __getitem__(self, place: int | slice) -> object:
        if isinstance(place, slice):
            return type(self)(self._array[place])
        return self._array[place].as_py()


def _column(array: Any) -> Column:
    """Return the texts of one chunk as a column on its bytes."""
    if not len(array):
        return Column.of([])
    _, offsets, data = array.buffers()
    of_all = np.frombuffer(offsets, _OFFSETS[str(array.type)])
    places = of_all[array.offset : array.offset + len(array) + 1].astype(np.intp)
    # With some bytes before the first text, it can be read like the others.
    first, last = max(0, places.item(0) - ROOM), places.item(-1)
    places -= first
    starts, ends = places[:-1], places[1:]
    if array.null_count:
        # There may be bytes in the place of a null.
        present = array.is_valid().to_numpy(zero_copy_only=False)
        ends = np.where(present, ends, starts)
    return Column(memoryview(data or b"")[first:last], starts, ends)
