"""The note beside a copy of a record: up to which change the copy was seen to be whole, and when.

It is one write of some bytes with a digest, so there is the old note, the new one, or none that
is believed. A copy that lacks the change named by its note is not whole.

To wait for the disk with each change would cost more than all the rest of it. So the copy does
not: what a process has written is there when it is killed, but may be gone or torn after a power
cut. The note names the start of the system, and is not believed after another one.
"""

import contextlib
import hashlib
import os
import struct
from pathlib import Path
from typing import NamedTuple

from suppress.atomic import make_shared
from suppress.ownership import group_of, in_other_hands

_FORM = struct.Struct("<qd")
_DIGEST_SIZE = 8
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Noted(NamedTuple):
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
        self._boot = boot()

    def read(self) -> Noted | None:
        """Return what the note says; None where there is none that can be believed."""
        try:
            with self._path.open("rb") as stream:
                group = group_of(self._path.parent)
                if in_other_hands(os.fstat(stream.fileno()), group) is not None:
                    return None
                content = stream.read(_FORM.size + _DIGEST_SIZE)
        except OSError:
            return None
        said, digest = content[: _FORM.size], content[_FORM.size :]
        return Noted(*_FORM.unpack(said)) if digest == self._digest(said) else None

    def write(self, seen: Noted) -> None:
        """Replace the note.

        Raises:
            OSError: it cannot be written.
        """
        said = _FORM.pack(*seen)
        mode = make_shared(self._path)
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | _NOFOLLOW, mode)
        try:
            os.pwrite(file, said + self._digest(said), 0)
        finally:
            os.close(file)

    def remove(self) -> None:
        """Remove the note, so that the copy counts as never seen.

        Raises:
            OSError: it is there, and cannot be removed.
        """
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _digest(self, said: bytes) -> bytes:
        return hashlib.blake2b(said, key=self._boot, digest_size=_DIGEST_SIZE).digest()


def boot() -> bytes:
    """Return the name of this start of the system; nothing where it has none."""
    try:
        return _BOOT.read_bytes().strip()
    except OSError:
        return b""
