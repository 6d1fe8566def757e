"""Where snapshots stay between processes: a folder that all processes of a user share.

A snapshot is two files: its numbers, which every process maps into its memory, and a
small one, replaced as a whole, that tells where and when they were read and which file
holds them. The numbers are trusted when their digest is the one told there. To open a
snapshot of any size at once, that is not computed while the file is the very one that
was written: the same inode, size and time.
"""

import contextlib
import hashlib
import logging
import mmap
import os
import re
import time
from datetime import datetime
from pathlib import Path

import msgspec

from suppress.atomic import replacing
from suppress.snapshot import Snapshot

logger = logging.getLogger("suppress")

FORMAT = 2

Stamp = tuple[int, int, int]
"""Differs between two versions of a file: its inode, time (ns since the epoch) and size."""


OLD = 600
"""Seconds after which a file of numbers that no snapshot has any more is removed.

Before that, another process may just be about to publish it.
"""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the small file tells."""

    format: int
    channel: str
    read_at: datetime
    sources: tuple[str, ...]
    digest: str
    numbers: Stamp


class Store:
    """The snapshots of a folder, by key.

    Args:
        folder: made on first use, for its owner alone.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, key: str, snapshot: Snapshot) -> None:
        """Put the snapshot in place of what is there under the key.

        Raises:
            OSError: it cannot be written; what was there still is.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        numbers = self._numbers(key, snapshot.digest)
        with replacing(numbers) as stream:
            stream.writelines(snapshot.image())
        header = _Header(
            format=FORMAT,
            channel=snapshot.channel,
            read_at=snapshot.read_at,
            sources=snapshot.sources,
            digest=snapshot.digest,
            numbers=_stamp(numbers.stat()),
        )
        with replacing(self._path(key)) as stream:
            stream.write(msgspec.json.encode(header))
        for path in self.folder.glob(f"{key}-*.numbers"):
            # One that cannot be removed now is removed next time.
            with contextlib.suppress(OSError):
                if path != numbers and path.stat().st_mtime < time.time() - OLD:
                    path.unlink()

    def load(self, key: str) -> Snapshot | None:
        """The snapshot under the key; None where there is none that can be trusted."""
        try:
            header = _header(self._path(key).read_bytes())
            with self._numbers(key, header.digest).open("rb") as stream:
                numbers = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
                unchanged = _stamp(os.fstat(stream.fileno())) == header.numbers
            if not unchanged and hashlib.sha256(numbers).hexdigest() != header.digest:
                raise ValueError("its digest is not that of its content")  # noqa: TRY301
            return Snapshot.read(
                memoryview(numbers),
                channel=header.channel,
                read_at=header.read_at,
                sources=header.sources,
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("The stored snapshot %s cannot be read: %s", key, error.strerror)
            return None
        except (ValueError, msgspec.DecodeError) as error:
            logger.warning("The stored snapshot %s is damaged and not used: %s", key, error)
            return None

    def stamp(self, key: str) -> Stamp | None:
        """What changes when the snapshot under the key is replaced; None where there is none."""
        try:
            return _stamp(self._path(key).stat())
        except OSError:
            return None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.snapshot"

    def _numbers(self, key: str, digest: str) -> Path:
        return self.folder / f"{key}-{digest}.numbers"


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _header(content: bytes) -> _Header:
    header = msgspec.json.decode(content, type=_Header)
    if header.format != FORMAT:
        raise ValueError(f"it has the format {header.format}, not {FORMAT}")
    if header.read_at.tzinfo is None:
        raise ValueError("its time has no zone")
    if not re.fullmatch("[0-9a-f]{64}", header.digest):
        raise ValueError("its digest is none")
    return header
