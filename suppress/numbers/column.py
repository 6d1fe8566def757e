"""The contract of a column: many texts as one buffer of bytes with starts and ends.

A column is the one input of bulk reading. Python texts, blocks of a text or CSV file, and
Arrow's arrays of strings each make one, and none of them has to make a Python object of
every text. What stands in the buffer between the texts does not matter.

The suite `suppress.testing.ColumnContract` holds every maker of columns to this.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self, cast, overload

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct

ROOM = 16
"""Bytes before the first line end and behind the last of a column that is `in_lines`."""

_ENCODING = "utf-8", "surrogatepass"
_NEWLINE = ord("\n")


@dataclass(frozen=True, slots=True, eq=False)
class Column(Sequence[str]):
    """Many texts, as the bytes from each start to its end. A sequence of these texts.

    A missing text (None, or a null of Arrow's) is an empty one.

    Attributes:
        data: the bytes, in UTF-8, in which a lone surrogate stands as if it were a character.
        starts: where each text starts.
        ends: where each text ends.
        in_lines: True where the texts are known to be lines in order, none with a line end of
            its own, each between two line ends, with `ROOM` bytes around all. They are read
            where they stand. Of other columns, only digits alone are; the rest is copied.
    """

    data: bytes | memoryview
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    in_lines: bool = False

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> Self:
        """Return the column of some Python texts.

        Raises:
            TypeError: there is something else among them.
        """
        try:
            lines = "\n".join(cast("Sequence[str]", texts))
        except TypeError:
            if not all(each is None or issubclass(type(each), str) for each in texts):
                raise
            return cls.of(["" if each is None else each for each in texts])
        room = "?" * ROOM
        data = f"{room}\n{lines}\n{room}".encode(*_ENCODING)
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
        if len(ends) == len(texts) + 1:
            return cls(data, ends[:-1] + 1, ends[1:], in_lines=True)
        # A text has a line end of its own, or there is no text.
        encoded = [each.encode(*_ENCODING) for each in map(str.__str__, texts)]
        ends = np.cumsum([len(each) for each in encoded], dtype=np.intp)
        starts = np.concatenate([np.zeros(1, np.intp), ends])[: len(ends)]
        return cls(b"".join(encoded), starts, ends)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> Self: ...

    def __getitem__(self, place: int | slice) -> str | Self:
        if isinstance(place, slice):
            return self.take(place)
        return str(self.data[self.starts[place] : self.ends[place]], *_ENCODING)

    def __iter__(self) -> Iterator[str]:
        data = bytes(self.data)
        bounds = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        if data.isascii():
            text = data.decode("ascii")
            return iter([text[start:end] for start, end in bounds])
        return iter([data[start:end].decode(*_ENCODING) for start, end in bounds])

    def take(self, places: NDArray[np.intp] | slice) -> Self:
        """Return the column of the texts at some places, on the same bytes."""
        return type(self)(self.data, self.starts[places], self.ends[places])

    def containing(self, mark: str) -> NDArray[np.intp]:
        """Return the places of the texts that contain a mark; the texts have to be in order."""
        data, sought = bytes(self.data), mark.encode(*_ENCODING)
        # One byte is searched for ten times as fast as several.
        if sought[:1] not in data or sought not in data:
            return np.zeros(0, np.intp)
        # Looking ahead finds a mark that overlaps another one, too.
        found = re.finditer(b"(?=%b)" % re.escape(sought), data)
        at = np.array([each.start() for each in found], np.intp)
        places = np.searchsorted(self.starts, at, side="right") - 1
        inside = (places >= 0) & (at + len(sought) <= self.ends[places])
        return distinct(places[inside])

    def __repr__(self) -> str:
        return f"<Column: {len(self)} text{'s' * (len(self) != 1)}>"
