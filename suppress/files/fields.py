"""The fields of a table, found in a block of bytes: commas, quotes and line ends by comparison.

Only what the `csv` module reads in the same way is read here. A block with anything else is
left to that module, row by row.
"""

import csv
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.files.blocks import NEWLINE, QUOTE, RETURN, Block, Bounds, starts_of
from suppress.numbers.column import Column

_SPACE, _FIRST_BEYOND_ASCII = 0x20, 0x80


class _Separators(NamedTuple):
    """Delimiters and line ends outside of quotes.

    Attributes:
        places: their places.
        doubled: the places of quotes that stand for one quote with the next.
    """

    places: Bounds
    doubled: Bounds


class Fields(NamedTuple):
    """The fields of the whole rows of a block.

    Attributes:
        block: the block.
        starts: for each row, the place where it begins.
        ends: for each field, a row of a table for each row, the place behind it.
        doubled: the places of quotes that stand for one quote with the next.
        size: the number of bytes that the rows take, with blank lines between them.
        delimiter: the delimiter.
    """

    block: Block
    starts: Bounds
    ends: NDArray[np.intp]
    doubled: Bounds
    size: int
    delimiter: str

    @classmethod
    def of(cls, block: Block, delimiter: str, width: int, longest: int) -> Self | None:
        """Return the fields of a block; None where a row needs a closer look.

        Args:
            block: the block.
            delimiter: the delimiter.
            width: the number of fields of each row.
            longest: the most bytes of a row.
        """
        separators = _separators(block, delimiter)
        if separators is None:
            return None
        places = separators.places
        last = np.flatnonzero(block.data.take(places, mode="clip") == NEWLINE)
        if len(places) and places[-1] == len(block.raw):
            last = np.append(last, len(places) - 1)
        if not len(last):
            return None
        places = places[: last[-1] + 1]
        row_ends = places[last]
        starts = starts_of(row_ends + 1)
        if (row_ends - starts).max() >= min(longest, csv.field_size_limit()):
            return None
        counts = np.diff(last, prepend=-1)
        if (ragged := np.flatnonzero(counts != width)).size:
            # A line with nothing in it is no row.
            spans = zip(starts[ragged].tolist(), row_ends[ragged].tolist(), strict=True)
            if any(block.raw[start:end].strip() for start, end in spans):
                return None
            whole = counts == width
            places, starts = places[np.repeat(whole, counts)], starts[whole]
        size = min(int(row_ends[-1]) + 1, len(block.raw))
        ends = places.reshape(-1, width)
        return cls(block, starts, ends, separators.doubled, size, delimiter)

    @property
    def row_ends(self) -> Bounds:
        """For each row, the place behind its line end."""
        return np.minimum(self.ends[:, -1] + 1, len(self.block.raw))

    def column(self, place: int) -> Column | None:
        """Return the fields of a column; None where quotes within them are doubled.

        Args:
            place: the position of the column.
        """
        data = self.block.data
        ends = self.ends[:, place].copy()
        starts = self.ends[:, place - 1] + 1 if place else self.starts.copy()
        if place == self.ends.shape[1] - 1:
            ends -= (ends > starts) & (data.take(ends - 1) == RETURN)
        if not len(starts):
            return Column(self.block.raw, starts, ends)
        if QUOTE in self.block.raw:
            quoted = (ends > starts) & (data.take(starts, mode="clip") == QUOTE)
            starts += quoted
            ends -= quoted
            rows = np.searchsorted(self.starts, self.doubled, side="right") - 1
            if ((starts[rows] <= self.doubled) & (self.doubled < ends[rows])).any():
                return None
        return Column(self.block.raw, starts, ends)

    def filled(self, columns: Sequence[Column]) -> NDArray[np.bool_]:
        """Return for each row whether it has anything but blanks.

        Args:
            columns: some of its columns: a row with something visible there needs no look.
        """
        data, raw = self.block.data, self.block.raw
        row_ends = self.row_ends
        filled = np.zeros(len(self.starts), np.bool_)
        for column in columns:
            first = data.take(column.starts, mode="clip")
            visible = (first > _SPACE) & (first < _FIRST_BEYOND_ASCII)
            filled |= visible & (column.ends > column.starts)
        for place in np.flatnonzero(~filled).tolist():
            text = raw[self.starts[place] : row_ends[place]].decode()
            bare = text.replace(self.delimiter, "").replace('"', "").strip()
            filled[place] = bool(bare) or any(
                any(map(str.strip, record))
                for record in csv.reader([text], delimiter=self.delimiter)
            )
        return filled

    def of_rows(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the fields of some of the rows."""
        return self._replace(starts=self.starts[chosen], ends=self.ends[chosen])

    def lines(self) -> Sequence[int]:
        """Return the number of the first line of each row."""
        first = self.block.first
        if self.block.count_lines(self.size) == len(self.starts):
            return range(first, first + len(self.starts))
        newlines = np.flatnonzero(self.block.data == NEWLINE)
        lines: list[int] = (np.searchsorted(newlines, self.starts) + first).tolist()
        return lines


def _separators(block: Block, delimiter: str) -> _Separators | None:
    """Return the separators of a block; None where a quote stands in an odd place."""
    data, comma = block.data, ord(delimiter)
    is_mark = (data == comma) | (data == NEWLINE)
    if QUOTE not in block.raw:
        return _Separators(_ended(block, np.flatnonzero(is_mark)), np.zeros(0, np.intp))
    is_mark |= data == QUOTE
    marks = np.flatnonzero(is_mark)
    is_quote = data.take(marks) == QUOTE
    quotes = marks[is_quote]
    # Quotes open and close in turn. A doubled one closes, and opens again at once.
    opening, closing = quotes[::2], quotes[1::2]
    before, after = data.take(opening - 1), data.take(closing + 1, mode="clip")
    opens = (before == comma) | (before == NEWLINE) | (before == QUOTE) | (opening == 0)
    is_doubled = after == QUOTE
    closes = is_doubled | (after == comma) | (after == NEWLINE) | (after == RETURN)
    closes |= closing == len(data) - 1
    if not (opens.all() and closes.all()):
        return None
    is_doubled &= closing < len(data) - 1
    outside = np.cumsum(is_quote, dtype=np.uint8) & 1 == 0
    places = marks[outside & ~is_quote]
    if len(opening) == len(closing):
        places = _ended(block, places)
    return _Separators(places, closing[is_doubled])


def _ended(block: Block, separators: Bounds) -> Bounds:
    """Return the separators, with the end of a last line that has none."""
    if block.raw.endswith(b"\n"):
        return separators
    return np.append(separators, np.intp(len(block.raw)))
