"""The numbers that were seen already, at eight bytes each."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_GROWTH = 8
"""A run is merged into the one before it if that is at most this many times as long.

A larger value moves numbers less often, and has them looked for in more runs.
"""

BLOCK_LENGTH = 2**17
"""The most numbers of a block. A run is made of blocks, so a merge copies no more at a time."""

Block = NDArray[np.uint64]


class Seen:
    """Numbers that were seen, as sorted runs of 64-bit integers, each much shorter than the last.

    A Python set of integers takes ten times the memory.

    Args:
        block_length: the most numbers of a block.
    """

    def __init__(self, block_length: int = BLOCK_LENGTH) -> None:
        self._block_length = block_length
        self._runs: list[list[Block]] = []

    def __len__(self) -> int:
        return sum(map(_length, self._runs))

    def first_time(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return for each of the values whether it is new, and remember it."""
        distinct, places = np.unique(values, return_index=True)
        is_new = np.ones(len(distinct), np.bool_)
        for run in self._runs:
            for place, part in _parts(run, distinct):
                block, wanted = run[place], distinct[part]
                found = np.minimum(np.searchsorted(block, wanted), len(block) - 1)
                is_new[part] &= block[found] != wanted
        first = np.zeros(len(values), np.bool_)
        first[places[is_new]] = True
        self._add(distinct[is_new])
        return first

    def _add(self, values: Block) -> None:
        if not len(values):
            return
        self._runs.append(_blocks(values, self._block_length))
        while len(self._runs) > 1 and _length(self._runs[-2]) <= _length(self._runs[-1]) * _GROWTH:
            shorter = self._runs.pop()
            while shorter:
                _merge(self._runs[-1], shorter.pop(), self._block_length)


def _length(run: list[Block]) -> int:
    return sum(map(len, run))


def _parts(run: list[Block], values: Block) -> Iterator[tuple[int, slice]]:
    """Yield the place of each block that sorted values belong to, with their part of the values."""
    lasts = np.array([block[-1] for block in run[:-1]], np.uint64)
    ends = [*np.searchsorted(values, lasts, side="right").tolist(), len(values)]
    start = 0
    for place, end in enumerate(ends):
        if end > start:
            yield place, slice(start, end)
        start = end


def _merge(run: list[Block], values: Block, block_length: int) -> None:
    # From the last one on: if a block becomes several, those before it keep their places.
    for place, part in reversed(list(_parts(run, values))):
        whole = np.concatenate([run[place], values[part]])
        whole.sort()
        run[place : place + 1] = _blocks(whole, block_length)


def _blocks(values: Block, length: int) -> list[Block]:
    count = -(-len(values) // length)
    return [values] if count == 1 else [each.copy() for each in np.array_split(values, count)]
