"""Blocks of a file's bytes: the bounds of their lines, without an object for each line."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.files.encodings import BOM

Bounds = NDArray[np.intp]

NEWLINE, RETURN, QUOTE = b'\n\r"'

_ROUNDS = 8
"""The blanks around a text that are looked for in all texts at once; more are few."""

_IS_BLANK = np.array([chr(each).isspace() for each in range(2**7)] + [False] * 2**7)
_IS_ODD = _IS_BLANK | (np.arange(2**8) >= 2**7)


class Block(NamedTuple):
    """A block of whole lines in plain UTF-8.

    Attributes:
        raw: its bytes.
        data: the same bytes as an array.
        first: the number of its first line, from 1.
    """

    raw: bytes
    data: NDArray[np.uint8]
    first: int

    @classmethod
    def of(cls, raw: bytes, first: int) -> "Block | None":
        """Return the block of some bytes; None where a line of them needs a closer look.

        Args:
            raw: the bytes.
            first: the number of the first line.
        """
        data = np.frombuffer(raw, np.uint8)
        if b"\0" in raw:
            return None
        if b"\r" in raw:
            behind = np.flatnonzero(data == RETURN) + 1
            if behind[-1] == len(data) or (data.take(behind) != NEWLINE).any():
                return None
        if not raw.isascii():
            try:
                raw.decode()
            except UnicodeDecodeError:
                return None
        return cls(raw, data, first)

    @property
    def mark(self) -> int:
        """The length of the byte-order mark at the beginning of a file; 0 elsewhere."""
        return len(BOM) if self.first == 1 and self.raw.startswith(BOM) else 0

    def count_lines(self, size: int) -> int:
        """Return how many lines begin in the first bytes.

        Args:
            size: how many bytes, up to the end of a line.
        """
        ends = int(np.count_nonzero(self.data[:size] == NEWLINE))
        return ends + (size > 0 and self.raw[size - 1] != NEWLINE)

    def lines(self, longest: int) -> tuple[Bounds, Bounds] | None:
        """Return the starts and ends of its lines, with line ends; None where one is too long.

        Args:
            longest: the most bytes of a line.
        """
        ends = np.flatnonzero(self.data == NEWLINE) + 1
        if not self.raw.endswith(b"\n"):
            ends = np.append(ends, len(self.raw))
        starts = starts_of(ends)
        return None if (ends - starts).max(initial=0) > longest else (starts, ends)

    def stripped_lines(self, longest: int) -> tuple[Bounds, Bounds, Bounds, Bounds] | None:
        """Return the bounds of its lines, and those of their texts without blanks and mark.

        Args:
            longest: as for `lines`; None likewise.
        """
        bounds = self.lines(longest)
        if bounds is None:
            return None
        starts = bounds[0].copy()
        starts[:1] += self.mark
        return *bounds, *self.stripped(starts, bounds[1])

    def stripped(self, starts: Bounds, ends: Bounds) -> tuple[Bounds, Bounds]:
        """Return the bounds of texts without the blanks around them, as `str.strip` does."""
        data, starts, odd = self.data, starts.copy(), []
        # Most lines have nothing around them but their end.
        ends = ends - (data.take(ends - 1) == NEWLINE)
        for edges, before, step in ((ends, -1, -1), (starts, 0, 1)):
            is_odd = _IS_ODD.take(data.take(edges + before, mode="clip"))
            places = np.flatnonzero(is_odd & (starts < ends))
            for _ in range(_ROUNDS):
                blank = _IS_BLANK.take(data.take(edges[places] + before))
                odd.append(places[~blank])
                places = places[blank]
                edges[places] += step
                places = places[starts[places] < ends[places]]
                places = places[_IS_ODD.take(data.take(edges[places] + before))]
                if not len(places):
                    break
            odd.append(places)
        for place in distinct(np.concatenate(odd)).tolist():
            text = self.raw[starts[place] : ends[place]].decode()
            starts[place] = ends[place] - len(text.lstrip().encode())
            ends[place] = starts[place] + len(text.strip().encode())
        return starts, ends


def starts_of(ends: Bounds) -> Bounds:
    """Return the starts of pieces that follow each other from 0 on."""
    starts = np.zeros_like(ends)
    starts[1:] = ends[:-1]
    return starts
