"""How the processes of a machine tell each other, at once, that the store has changed.

A file of eight bytes is mapped by every process. Whoever has changed something in the
store puts random bytes there, *after* the change is in force: whoever reads the same
bytes as before has missed nothing. Looking costs no more than reading memory.
"""

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

_SIZE = 8


class Changes:
    """The mark of a store's folder.

    Args:
        path: the file; made where it is not there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: int | None = None
        self._view = memoryview(bytes(_SIZE)).cast("Q")

    def mark(self) -> int:
        """A number that is another one after each change."""
        return self._view[0]

    def tell(self) -> None:
        """Let every process know of a change; one that cannot be told looks by itself."""
        with contextlib.suppress(OSError), self._opened() as file:
            # Not by the map: where there is no room for a page, that would end the process.
            os.pwrite(file, os.urandom(_SIZE), 0)

    def attach(self) -> None:
        """Map the file that is there now, if it is another one than before."""
        with contextlib.suppress(OSError), self._opened() as file:
            found = os.fstat(file)
            if found.st_size < _SIZE:
                os.pwrite(file, bytes(_SIZE), 0)
            if found.st_ino != self._inode:
                # The view keeps the map alive.
                mapped = mmap.mmap(file, _SIZE, access=mmap.ACCESS_READ)
                self._inode, self._view = found.st_ino, memoryview(mapped).cast("Q")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            # Who may only read the store is told all the same.
            file = os.open(self._path, os.O_RDONLY)
        try:
            yield file
        finally:
            os.close(file)
