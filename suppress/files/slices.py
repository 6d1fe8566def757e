"""Batches of text formats: rows as slices of the bytes they were read from."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from suppress.files.batch import Pieces, Row


class Slices:
    """A batch of rows that are slices of one block of bytes.

    Args:
        numbers: the number of each row; a tuple where several columns are read.
        lines: the number of the first line of each row, from 1.
        block: the bytes.
        starts: for each row, the place in the block where it begins.
        ends: for each row, the place where it ends.
    """

    def __init__(
        self,
        numbers: Sequence[Any],
        lines: Sequence[int],
        block: bytes,
        starts: NDArray[np.intp],
        ends: NDArray[np.intp],
    ) -> None:
        self.numbers = numbers
        self.lines = lines
        self._block = block
        self._starts = starts
        self._ends = ends

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> Self:
        """Make a batch of rows that were read one by one."""
        bounds = np.zeros(len(rows) + 1, np.intp)
        np.cumsum([len(row.raw) for row in rows], out=bounds[1:])
        return cls(
            [row.number for row in rows],
            [row.line for row in rows],
            b"".join([row.raw for row in rows]),
            bounds[:-1],
            bounds[1:],
        )

    @property
    def size(self) -> int:
        """The number of bytes that the rows take, with blank lines between them."""
        return len(self._block)

    @property
    def is_cut(self) -> bool:
        """True if the last row may be half a row, because its line has no end."""
        return len(self._ends) > 0 and self._block[self._ends[-1] - 1] not in b"\r\n"

    def write(self, chosen: NDArray[np.bool_], out: Pieces) -> None:
        """Write the chosen rows as they came: rows side by side are one slice."""
        places = np.flatnonzero(chosen)
        if not len(places):
            return
        starts, ends = self._starts[places], self._ends[places]
        gaps = np.flatnonzero(starts[1:] != ends[:-1])
        first = starts[np.append(0, gaps + 1)].tolist()
        last = ends[np.append(gaps, len(ends) - 1)].tolist()
        block = self._block
        # One piece for all: buffers would write many small ones one by one.
        pieces = [block[start:end] for start, end in zip(first, last, strict=True)]
        out.writelines([b"".join(pieces)])
