"""The signal by which the processes of a machine learn at once of a change in the store.

Every process maps a file of eight bytes. Whoever has changed something in the store puts
random bytes there, *after* the change is in force: whoever reads the same bytes as before has
missed nothing. To look costs no more than reading memory.
"""

import contextlib
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

from suppress.atomic import make_shared

_SIZE = 8

# In a folder that a group shares, a link would lead the bytes to a file elsewhere.
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)


class ChangeSignal:
    """The signal of a store's folder.

    Args:
        path: the file; made where it is not there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: int | None = None
        self._view = memoryview(bytes(_SIZE)).cast("Q")

    def version(self) -> int:
        """Return a number, from memory, that is another one after each change."""
        return self._view[0]

    def notify(self) -> None:
        """Tell every process of a change. One that cannot be told has to look by itself."""
        with contextlib.suppress(OSError), self._opened() as file:
            # Not through the map: where the disk has no room, that would kill the process.
            os.pwrite(file, os.urandom(_SIZE), 0)

    def attach(self) -> None:
        """Map the file that is there now, unless it is mapped already."""
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
        mode = make_shared(self._path)
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | _NOFOLLOW, mode)
        except OSError:
            # A process that may only read the store can still be told.
            file = os.open(self._path, os.O_RDONLY | _NOFOLLOW)
        try:
            yield file
        finally:
            os.close(file)
