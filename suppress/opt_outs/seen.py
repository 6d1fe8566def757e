"""The note beside a copy of a record: up to which change the copy was seen to be whole, and when.

Both are one write of some bytes with a digest. After a power cut there is the old note, the new
one, or none that is believed. A copy that lacks the change named by its note is not whole.
"""

import contextlib
import hashlib
import os
import struct
from pathlib import Path
from typing import NamedTuple

from suppress.ownership import in_other_hands

_FORM = struct.Struct("<qd")
_DIGEST_SIZE = 8


class Seen(NamedTuple):
    """The moment at which a copy had everything that the record had.

    Attributes:
        position: the position of the last change then; 0 where there was none.
        at: when it was (seconds since the epoch, by the clock of this machine).
    """

    position: int
    at: float


class SeenNote:
    """The note in a folder, for all processes of a machine.

    Args:
        folder: where the copy is.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "opt-outs.seen"

    def read(self) -> Seen | None:
        """Return what the note says; None where there is none that can be believed."""
        try:
            with self._path.open("rb") as stream:
                if in_other_hands(os.fstat(stream.fileno())) is not None:
                    return None
                content = stream.read(_FORM.size + _DIGEST_SIZE)
        except OSError:
            return None
        said, digest = content[: _FORM.size], content[_FORM.size :]
        return Seen(*_FORM.unpack(said)) if digest == _digest(said) else None

    def write(self, seen: Seen) -> None:
        """Replace the note.

        Raises:
            OSError: it cannot be written.
        """
        said = _FORM.pack(*seen)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(file, said + _digest(said), 0)
        finally:
            os.close(file)

    def remove(self) -> None:
        """Remove the note, so that the copy counts as never seen.

        Raises:
            OSError: it is there, and cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


def _digest(said: bytes) -> bytes:
    return hashlib.blake2b(said, digest_size=_DIGEST_SIZE).digest()
