"""A binary file for libraries that write to one: it passes on what it is given."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

from suppress.files.batch import Writer


class Passing(io.RawIOBase):
    """A file that passes bytes on, while somebody lets it.

    At other times it swallows them: a library may finish a file that was given up, which would
    make half of the rows look like all.

    Args:
        out: takes the bytes.
    """

    def __init__(self, out: Writer) -> None:
        self._out = out
        self._passes = False

    @contextlib.contextmanager
    def let_through(self) -> Iterator[None]:
        """Pass on what is written in the block."""
        self._passes = True
        try:
            yield
        finally:
            self._passes = False

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any, /) -> int:
        """Pass the bytes on."""
        piece = bytes(data)
        if self._passes:
            self._out.writelines([piece])
        return len(piece)
