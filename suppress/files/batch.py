"""The contract of a batch: rows of a file that are screened together and written as they came."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from suppress.numbers.column import Column


class Writer(Protocol):
    """Something that takes bytes: a binary file, for example."""

    def writelines(self, lines: Iterable[bytes], /) -> object:
        """Write the pieces one after the other."""


class Pieces(Protocol):
    """Something that takes rows in the pieces of their format.

    Text comes as bytes, so that a binary file will do. Other formats have a writer of their own.
    """

    def writelines(self, pieces: Iterable[Any], /) -> object:
        """Write the pieces one after the other."""


class RowsWriter(Pieces, Protocol):
    """Writes rows as they came, into a file of the same form. It begins with the header."""

    def finish(self) -> None:
        """Write what stands behind all rows. Without it, the file is not complete."""

    def close(self) -> None:
        """Release what is held; rows that were not finished are given up."""


class Row(NamedTuple):
    """One row of a file of numbers.

    Attributes:
        line: the number of its first line, from 1; of its row where the format has no lines.
        raw: its bytes, line end included; empty where the format has no bytes for a row.
        number: the cell of its column, of whatever type it is there. A tuple where several
            columns are read.
    """

    line: int
    raw: bytes
    number: Any

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The cells of its columns that are not blank; a blank one where all are."""
        return filled(self.number)


class Batch(Protocol):
    """Rows that are read together."""

    @property
    def numbers(self) -> Sequence[Any]:
        """The number of each row; a tuple where several columns are read.

        A `Column` is read without making a Python object of every text.
        """

    @property
    def lines(self) -> Sequence[int]:
        """The number of the first line of each row, from 1; of the row where there are no lines."""

    @property
    def size(self) -> int:
        """The number of bytes of the file that the rows take, with blank lines between them."""

    @property
    def is_cut(self) -> bool:
        """True if the last row may be half a row, because its line has no end."""

    def write(self, chosen: NDArray[np.bool_], out: Pieces) -> None:
        """Write rows as they came.

        Args:
            chosen: for each row, whether to write it.
            out: where they go: a writer that was made for the file (`Rows.writer`).
        """


class RowNumbers(NamedTuple):
    """The numbers of some rows, each on its own.

    Attributes:
        numbers: the numbers, as the rows have them.
        lines: for each, the number of the first line of its row.
    """

    numbers: Sequence[Any]
    lines: Sequence[int]

    @classmethod
    def of(cls, batch: Batch) -> Self:
        """Return the numbers of a batch; of a row with several, all that are not blank."""
        numbers, lines = batch.numbers, batch.lines
        is_column = isinstance(numbers, Column)
        if is_column or not any(issubclass(kind, tuple) for kind in set(map(type, numbers))):
            return cls(numbers, lines)
        several = list(map(filled, numbers))
        owners = itertools.chain.from_iterable(
            itertools.repeat(line, len(some)) for line, some in zip(lines, several, strict=True)
        )
        return cls(list(itertools.chain.from_iterable(several)), list(owners))


def filled(number: Any) -> tuple[Any, ...]:
    """Return the cells of a row that are not blank; a blank one where all are."""
    if not isinstance(number, tuple):
        return (number,)
    return tuple(each for each in number if not is_blank(each)) or number[:1]


def is_blank(cell: object) -> bool:
    """Return whether a cell is empty."""
    return cell is None or (isinstance(cell, str) and not cell.strip())
