"""Files of numbers in memory, and their rows."""

import io
from collections.abc import Sequence
from typing import Any

import pytest

from suppress import Row, Rows
from suppress.files.lines import DEFAULT_LIMITS

BOM = b"\xef\xbb\xbf"


LIMITS = DEFAULT_LIMITS


A, B, C = "+14155552671", "+442079460958", "(415) 555-2672"


def rows_of(
    content: bytes,
    name: str = "-",
    *,
    format: str | None = None,  # noqa: A002
    column: str | None = None,
    columns: Sequence[str] = (),
    default_region: str | None = None,
) -> tuple[Rows, list[Row]]:
    rows = Rows(
        io.BytesIO(content),
        name=name,
        format=format,
        column=column,
        columns=columns,
        default_region=default_region,
    )
    return rows, list(rows)


def numbers(content: bytes, name: str = "-", column: str | None = None, **more: Any) -> list[Any]:
    return [row.number for row in rows_of(content, name, column=column, **more)[1]]


class Counted(io.RawIOBase):
    """A file without an end that repeats a piece; counts the bytes that are read of it."""

    def __init__(self, first: bytes, piece: bytes) -> None:
        self.taken = 0
        self._first, self._piece = first, piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._first = self._first or self._piece, b""
        buffer[: len(piece)] = piece
        self.taken += len(piece)
        if self.taken > 5 * LIMITS.row_bytes:
            pytest.fail("it reads on and on")
        return len(piece)
