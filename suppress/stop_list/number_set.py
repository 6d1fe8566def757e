"""A set of E.164 numbers on an array of 64-bit integers, in memory or in a mapped file.

The digits of a number are an integer below 2**64. A multiplication, which can be undone,
makes a hash of it, so sorted hashes stand for the numbers. In front of them lies a filter
with eight bits for each hash, in which the bit at the hash's place (in proportion) is set.
An unset bit says for certain that a number is not in the set. Where the bit is set, the hash
is searched for in the range of the 64 bits around it, some eight hashes.
"""

import itertools
import re
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.e164 import value_of
from suppress.numbers.handed_in import own_text

# Mixes all bits of a value into the upper ones: Knuth, The Art of Computer Programming,
# volume 3, section 6.4; 2**64 divided by the golden ratio, odd.
_FACTOR = 0x9E3779B97F4A7C15
_INVERSE = pow(_FACTOR, -1, 2**64)

_RANGE = 64
"""Bits of the filter that share a range of the hashes."""
_BITS = 8
"""Bits of the filter for each hash, at least."""
_MOST_RANGES = 2**32 // _RANGE

_E164 = re.compile(r"\+[1-9][0-9]{1,18}")

_MAGIC = b"numbers2"
_HEAD = struct.Struct("<8sQ")


class NumberSet(AbstractSet[str]):
    """An immutable set of E.164 texts, some ten bytes for each.

    Make one with `of`, `of_values` or `read`.
    """

    __slots__ = ("_bits", "_filter", "_hashes", "_starts", "_steps", "_views")

    def __init__(
        self,
        hashes: NDArray[np.uint64],
        filter: NDArray[np.uint8],  # noqa: A002 - the word for it
        starts: NDArray[np.uint32],
    ) -> None:
        self._hashes = hashes
        self._filter = filter
        self._starts = starts
        self._bits = 8 * len(filter)
        self._steps = [
            1 << step for step in reversed(range(int(np.diff(starts).max()).bit_length()))
        ]
        # Single numbers are looked up faster in these.
        self._views = filter.data, starts.data, hashes.data

    @classmethod
    def of_values(cls, values: NDArray[np.uint64]) -> Self:
        """Return the set of the numbers with these digits, as integers; repeats count once."""
        hashes = distinct(values * np.uint64(_FACTOR))
        ranges = _ranges(len(hashes))
        bits = _bits(hashes, ranges * _RANGE)
        marks = np.zeros(ranges * _RANGE, np.bool_)
        marks[bits] = True
        starts = np.searchsorted(bits, np.arange(ranges + 1) * _RANGE).astype(np.uint32)
        return cls(hashes, np.packbits(marks, bitorder="little"), starts)

    @classmethod
    def of(cls, numbers: Iterable[str]) -> Self:
        """Return the set of some E.164 texts."""
        return cls.of_values(np.fromiter(map(value_of, numbers), np.uint64))

    @classmethod
    def read(cls, image: bytes | memoryview) -> tuple[Self, memoryview]:
        """Return the set whose `image()` the bytes begin with, and the bytes behind it.

        It lies on these bytes: nothing is copied, and only the starts of the ranges are read,
        half a byte for each number.

        Raises:
            ValueError: the bytes do not begin with such an image.
        """
        rest = memoryview(image)
        if len(rest) < _HEAD.size:
            raise ValueError("it is too short")
        magic, count = _HEAD.unpack_from(rest)
        if magic != _MAGIC:
            raise ValueError("it holds no numbers")
        ranges = _ranges(count)
        sizes = _HEAD.size, 8 * count, ranges * _RANGE // 8, 4 * (ranges + 1)
        ends = list(itertools.accumulate(sizes))
        if len(rest) < ends[-1]:
            raise ValueError("it is too short")
        hashes, filter_, starts = (rest[start:end] for start, end in itertools.pairwise(ends))
        numbers = cls(
            np.frombuffer(hashes, "<u8"),
            np.frombuffer(filter_, np.uint8),
            np.frombuffer(starts, "<u4"),
        )
        return numbers, rest[ends[-1] :]

    def image(self) -> list[bytes | memoryview]:
        """Return the bytes that `read` takes, in pieces. Equal sets have equal images."""
        return [
            _HEAD.pack(_MAGIC, len(self._hashes)),
            self._hashes.astype("<u8", copy=False).data,
            self._filter.data,
            self._starts.astype("<u4", copy=False).data,
        ]

    @property
    def nbytes(self) -> int:
        """The bytes that the numbers take."""
        return self._hashes.nbytes + self._filter.nbytes + self._starts.nbytes

    def has(self, value: int) -> bool:
        """Tell whether a number is a member, by its digits as an integer below 2**64."""
        hashed = value * _FACTOR & 0xFFFFFFFFFFFFFFFF
        bit = (hashed >> 32) * self._bits >> 32
        bits, starts, hashes = self._views
        if not bits[bit >> 3] >> (bit & 7) & 1:
            return False
        end = starts[bit // _RANGE + 1]
        place = bisect_left(hashes, hashed, starts[bit // _RANGE], end)
        return place < end and hashes[place] == hashed

    def have(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell of each of many values whether it is a member, as `has` does."""
        hashes = values * np.uint64(_FACTOR)
        bits = _bits(hashes, self._bits)
        found = self._filter.take(bits >> 3)
        found >>= bits.astype(np.uint8) & 7
        found &= 1
        passed = np.flatnonzero(found.view(np.bool_))
        sought, places = hashes[passed], self._starts.take(bits[passed] // _RANGE)
        # A binary search in all ranges at once: every hash behind a range is greater.
        for step in self._steps:
            before = self._hashes.take(places + (step - 1), mode="clip") < sought
            places += np.uint32(step) * before
        found[passed] = self._hashes.take(places, mode="clip") == sought
        return found.view(np.bool_)

    def count_missing_in(self, other: "NumberSet") -> int:
        """Count the members that the other set does not have."""
        return len(self) - int(np.count_nonzero(other.have(self._hashes * np.uint64(_INVERSE))))

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, str):
            return False
        text = own_text(number)
        return _E164.fullmatch(text) is not None and self.has(value_of(text))

    def __iter__(self) -> Iterator[str]:
        for hashed in self._hashes:
            yield f"+{int(hashed) * _INVERSE & 0xFFFFFFFFFFFFFFFF}"

    def __len__(self) -> int:
        return len(self._hashes)

    def __hash__(self) -> int:
        return self._hash()

    def __repr__(self) -> str:
        return f"<NumberSet: {len(self)} number{'s' * (len(self) != 1)}>"

    @classmethod
    def _from_iterable(cls, numbers: Iterable[Any]) -> AbstractSet[Any]:
        return frozenset(numbers)


def _ranges(count: int) -> int:
    return min(-(-count * _BITS // _RANGE) or 1, _MOST_RANGES)


def _bits(hashes: NDArray[np.uint64], size: int) -> NDArray[np.int64]:
    """Return the places of hashes in a filter with so many bits, in proportion."""
    bits = hashes >> np.uint64(32)
    bits *= np.uint64(size)
    bits >>= np.uint64(32)
    return bits.view(np.int64)
