"""A set of E.164 numbers on an array of 64-bit integers, in memory or in a mapped file.

The values are sorted. In front of them is a filter with 16 bits for each: the bit that
a value's hash leads to is set for every value of the set, so an unset bit says for
certain that a value is not in it. Where it is set, the value is looked up.
"""

import itertools
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_BITS = 16
# Multiplying by it mixes all bits of a value into the upper ones: Knuth, The Art of
# Computer Programming, volume 3, section 6.4; 2**64 divided by the golden ratio.
_FACTOR = 0x9E3779B97F4A7C15
_HASH = 2**32

_MAGIC = b"suppress"
_HEAD = struct.Struct("<8sQQ")


class NumberSet(AbstractSet[str]):
    """An immutable set of E.164 texts, ten bytes for each.

    Args:
        values: the digits of the numbers as integers below 2**64, sorted, none repeated.
        texts: the texts of those members that have no such value.
        filter: that of the values, if it is at hand.
    """

    __slots__ = ("_bits", "_filter", "_filter_bytes", "_texts", "_values", "_values_view")

    def __init__(
        self,
        values: NDArray[np.uint64],
        texts: frozenset[str] = frozenset(),
        filter: NDArray[np.uint8] | None = None,  # noqa: A002 - what it is
    ) -> None:
        self._values = values
        self._texts = texts
        # No more bits than there are hashes, and whole bytes.
        self._bits = min(_BITS * len(values), _HASH)
        self._filter = self._filtered() if filter is None else filter
        # One value is looked up faster in these.
        self._values_view = values.data
        self._filter_bytes = self._filter.data

    @classmethod
    def of(cls, numbers: Iterable[str]) -> Self:
        """The set of some E.164 texts."""
        values: list[int] = []
        texts: list[str] = []
        for number in numbers:
            value = _value(number)
            if value is None:
                texts.append(number)
            else:
                values.append(value)
        return cls(np.unique(np.array(values, np.uint64)), frozenset(texts))

    @classmethod
    def read(cls, image: bytes | memoryview) -> tuple[Self, memoryview]:
        """The set whose `image()` the bytes begin with, and the bytes behind it.

        It lies on these bytes: nothing is copied, and the time does not depend on its size.

        Raises:
            ValueError: the bytes begin with no such image.
        """
        rest = memoryview(image)
        if len(rest) < _HEAD.size:
            raise ValueError("it is too short")
        magic, count, size = _HEAD.unpack_from(rest)
        if magic != _MAGIC:
            raise ValueError("it holds no numbers")
        ends = np.cumsum([_HEAD.size, 8 * count, -(-min(_BITS * count, _HASH) // 8), size]).tolist()
        if len(rest) < ends[-1]:
            raise ValueError("it is too short")
        parts = [rest[start:end] for start, end in itertools.pairwise(ends)]
        texts = bytes(parts[2]).decode("ascii").split()
        numbers = cls(
            np.frombuffer(parts[0], "<u8"), frozenset(texts), np.frombuffer(parts[1], np.uint8)
        )
        return numbers, rest[ends[-1] :]

    def image(self) -> list[bytes | memoryview]:
        """What `read` takes, in pieces. Equal sets have equal images."""
        texts = "".join(f"{text}\n" for text in sorted(self._texts)).encode("ascii")
        head = _HEAD.pack(_MAGIC, len(self._values), len(texts))
        return [head, self._values.astype("<u8", copy=False).data, self._filter.data, texts]

    @property
    def nbytes(self) -> int:
        """Bytes that the values and the filter take."""
        return self._values.nbytes + self._filter.nbytes

    def has(self, value: int) -> bool:
        """Whether the number whose digits make the value, below 2**64, is a member."""
        bit = (value * _FACTOR >> 32 & 0xFFFFFFFF) * self._bits >> 32
        if not (self._bits and self._filter_bytes[bit >> 3] >> (bit & 7) & 1):
            return False
        place = bisect_left(self._values_view, value)
        return place < len(self._values_view) and self._values_view[place] == value

    def have(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """`has` for each of the values."""
        found = np.zeros(len(values), np.bool_)
        if not self._bits:
            return found
        bits = self._bits_of(values)
        passed = self._filter.take(bits >> 3)
        passed >>= bits.astype(np.uint8) & 7
        passed &= 1
        places = np.flatnonzero(passed)
        candidates = values[places]
        # Sorted, they walk through the values once, instead of jumping about in them.
        order = np.argsort(candidates)
        candidates, places = candidates[order], places[order]
        nearest = np.searchsorted(self._values, candidates)
        nearest[nearest == len(self._values)] = 0
        found[places] = self._values.take(nearest) == candidates
        return found

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, str):
            return False
        value = _value(number)
        return number in self._texts if value is None else self.has(value)

    def __iter__(self) -> Iterator[str]:
        for value in self._values_view:
            yield f"+{value}"
        yield from self._texts

    def __len__(self) -> int:
        return len(self._values) + len(self._texts)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return f"<NumberSet: {len(self)} numbers>"

    @classmethod
    def _from_iterable(cls, numbers: Iterable[Any]) -> AbstractSet[Any]:
        return frozenset(numbers)

    def _bits_of(self, values: NDArray[np.uint64]) -> NDArray[np.int64]:
        hashes = values * np.uint64(_FACTOR)
        hashes >>= np.uint64(32)
        hashes *= np.uint64(self._bits)
        hashes >>= np.uint64(32)
        return hashes.view(np.int64)

    def _filtered(self) -> NDArray[np.uint8]:
        marks = np.zeros(self._bits, np.bool_)
        for start in range(0, len(self._values), 2**16):
            marks[self._bits_of(self._values[start : start + 2**16])] = True
        return np.packbits(marks, bitorder="little")


def _value(number: str) -> int | None:
    """The digits of an E.164 text as an integer, where the text can be told from it."""
    try:
        value = int(number)
    except ValueError:
        return None
    return value if 0 < value < 2**64 and f"+{value}" == number else None
