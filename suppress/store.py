"""Where snapshots stay between processes: a folder that all processes of a user share.

A snapshot is one file, replaced as a whole: a line of JSON that tells where and when it
was read, then the numbers. A reader trusts it only when the digest in the first line is
that of the rest.
"""

import hashlib
import logging
from datetime import datetime
from pathlib import Path

import msgspec

from suppress.atomic import replacing
from suppress.snapshot import Snapshot

logger = logging.getLogger("suppress")

FORMAT = 1

Stamp = tuple[int, int, int]
"""Differs between two versions of a stored snapshot: inode, time and size of its file."""


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    format: int
    channel: str
    read_at: datetime
    sources: tuple[str, ...]
    digest: str


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
        header = _Header(
            format=FORMAT,
            channel=snapshot.channel,
            read_at=snapshot.read_at,
            sources=snapshot.sources,
            digest=snapshot.digest,
        )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with replacing(self._path(key)) as stream:
            stream.write(msgspec.json.encode(header) + b"\n")
            stream.write(snapshot.lines())

    def load(self, key: str) -> Snapshot | None:
        """The snapshot under the key; None where there is none that can be trusted."""
        try:
            content = self._path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("The stored snapshot %s cannot be read: %s", key, error.strerror)
            return None
        first, _, lines = content.partition(b"\n")
        try:
            header = _header(first)
            if hashlib.sha256(lines).hexdigest() != header.digest:
                raise ValueError("its digest is not that of its content")  # noqa: TRY301
            return Snapshot.from_lines(
                lines, channel=header.channel, read_at=header.read_at, sources=header.sources
            )
        except (ValueError, msgspec.DecodeError) as error:
            logger.warning("The stored snapshot %s is damaged and not used: %s", key, error)
            return None

    def stamp(self, key: str) -> Stamp | None:
        """What changes when the snapshot under the key is replaced; None where there is none."""
        try:
            stat = self._path(key).stat()
        except OSError:
            return None
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.snapshot"


def _header(line: bytes) -> _Header:
    header = msgspec.json.decode(line, type=_Header)
    if header.format != FORMAT:
        raise ValueError(f"it has the format {header.format}, not {FORMAT}")
    if header.read_at.tzinfo is None:
        raise ValueError("its time has no zone")
    return header
