"""Keyed hashes of forgotten numbers, which keep an opt-out in force without the number.

Whoever has the hashes and not the key learns nothing from them. Whoever has both can try all
numbers there are, since there are not many: the key is guarded like the record itself.
"""

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suppress.lazy import cached_property

_HASH_BYTES, _BUCKET_BYTES, _BUCKET_BITS = 16, 3, 20


class Trace(NamedTuple):
    """The trace of a forgotten number.

    Attributes:
        position: the position of the change that forgot the person.
        made_at: when that was made (seconds since the epoch).
        is_line: whether the number is a form of the person's own line, and not only another
            reading of what was handed in.
    """

    position: int
    made_at: float
    is_line: bool


@dataclass(frozen=True, eq=False)
class Forgotten:
    """The forgotten numbers of one channel.

    Attributes:
        key: the secret that the hashes are made with.
        traces: what is known of each number, by its hash, oldest first: a person may be
            forgotten again, and a number may be one person's line and another's further reading.
    """

    key: bytes = field(default=b"", repr=False)
    traces: Mapping[bytes, Sequence[Trace]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    @property
    def count(self) -> int:
        """The number of people who were forgotten."""
        return len({max(each, key=_rank).position for each in self.traces.values()})

    def __bool__(self) -> bool:
        return bool(self.traces)

    def traces_of(self, value: int) -> Sequence[Trace]:
        """Return what is known of a number; nothing if it is not a forgotten one.

        Args:
            value: the digits of the number as an integer below 2**64.
        """
        return self.traces.get(self.hashed(value), ()) if self._marks[self._bucket(value)] else ()

    def traces_of_line(self, values: Iterable[int]) -> list[Trace]:
        """Return what is known of the people whose line has one of these forms, oldest first."""
        traces = itertools.chain.from_iterable(map(self.traces_of, values))
        return sorted({each for each in traces if each.is_line})

    def have(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell for each of many numbers whether it is a forgotten one.

        Only those are hashed that share a bucket with a forgotten number, which is one in a
        million for each of these.
        """
        buckets = values * np.uint64(self._factor)
        buckets >>= np.uint64(64 - _BUCKET_BITS)
        found = self._marks.take(buckets.view(np.int64))
        for place in np.flatnonzero(found).tolist():
            found[place] = self.hashed(values.item(place)) in self.traces
        return found

    def hashed(self, value: int) -> bytes:
        """Return the keyed hash of a number, with its bucket behind it; argument as above."""
        digest = hashlib.blake2b(value.to_bytes(8), key=self.key, digest_size=_HASH_BYTES).digest()
        return digest + self._bucket(value).to_bytes(_BUCKET_BYTES)

    def _bucket(self, value: int) -> int:
        return (value * self._factor & 0xFFFFFFFFFFFFFFFF) >> (64 - _BUCKET_BITS)

    @cached_property
    def _factor(self) -> int:
        # Keyed, so that a bucket tells nobody else some bits of the number.
        return int.from_bytes(hashlib.blake2b(b"bucket", key=self.key, digest_size=8).digest()) | 1

    @cached_property
    def _marks(self) -> NDArray[np.bool_]:
        marks = np.zeros(1 << _BUCKET_BITS, np.bool_)
        marks[[int.from_bytes(each[_HASH_BYTES:]) for each in self.traces]] = True
        return marks


def _rank(trace: Trace) -> tuple[bool, int]:
    """Rank the traces of one number: the person whose line it is counts, and the last time."""
    return trace.is_line, trace.position


NOBODY_FORGOTTEN = Forgotten()
