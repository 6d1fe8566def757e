"""The people who were seen already, at eight bytes each."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_MOST_SMALLER = 8
"""A run is merged into the one before it when that is no more than this many times as long.

The larger, the less often is each number moved, and the more runs each is looked for in.
"""
_BLOCK = 2**17
"""A run is kept in blocks of no more numbers: there are never two copies of more than that."""

Block = NDArray[np.uint64]


class Seen:
    """Numbers that were seen, as sorted runs of 64-bit integers, each much shorter than the last.

    A Python set of integers takes ten times as much.
    """

    def __init__(self) -> None:
        self._runs: list[list[Block]] = []

    def __len__(self) -> int:
        return sum(map(_length, self._runs))

    def first_time(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell for each of the values whether it comes for the first time, and remember it."""
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
        self._runs.append(_blocks(values))
        while (
            len(self._runs) > 1
            and _length(self._runs[-2]) <= _length(self._runs[-1]) * _MOST_SMALLER
        ):
            shorter = self._runs.pop()
            while shorter:
                _merge(self._runs[-1], shorter.pop())


def _length(run: list[Block]) -> int:
    return sum(map(len, run))


def _parts(run: list[Block], values: Block) -> Iterator[tuple[int, slice]]:
    """The places of the blocks that sorted values belong to, each with the part of the values."""
    lasts = np.array([block[-1] for block in run[:-1]], np.uint64)
    ends = [*np.searchsorted(values, lasts, side="right").tolist(), len(values)]
    start = 0
    for place, end in enumerate(ends):
        if end > start:
            yield place, slice(start, end)
        start = end


def _merge(run: list[Block], values: Block) -> None:
    # From the last one on: where a block becomes several, those before it stay in their places.
    for place, part in reversed(list(_parts(run, values))):
        whole = np.concatenate([run[place], values[part]])
        whole.sort()
        run[place : place + 1] = _blocks(whole)


def _blocks(values: Block) -> list[Block]:
    count = -(-len(values) // _BLOCK)
    return [values] if count == 1 else [each.copy() for each in np.array_split(values, count)]
