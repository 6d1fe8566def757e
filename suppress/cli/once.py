"""The people who were seen already, at eight bytes each."""

import numpy as np
from numpy.typing import NDArray

_MOST_SMALLER = 8
"""A run is merged into the one before it when that is no more than this many times as long.

The larger, the less memory it takes while two are merged, and the more often they are.
"""


class Seen:
    """Numbers that were seen, as sorted runs of 64-bit integers, each much shorter than the last.

    A Python set of integers takes ten times as much.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def first_time(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell for each of the values whether it comes for the first time, and remember it."""
        distinct, places = np.unique(values, return_index=True)
        is_new = np.ones(len(distinct), np.bool_)
        for run in self._runs:
            found = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            is_new &= run[found] != distinct
        first = np.zeros(len(values), np.bool_)
        first[places[is_new]] = True
        self._add(distinct[is_new])
        return first

    def _add(self, values: NDArray[np.uint64]) -> None:
        if not len(values):
            return
        self._runs.append(values)
        while len(self._runs) > 1 and len(self._runs[-2]) <= len(self._runs[-1]) * _MOST_SMALLER:
            shorter = self._runs.pop()
            longer = self._runs[-1]
            end = len(longer)
            # It grows and is sorted where it is: there are never two copies of a long run.
            longer.resize(end + len(shorter), refcheck=False)
            longer[end:] = shorter
            longer.sort()
