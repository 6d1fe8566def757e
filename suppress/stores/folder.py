"""Where snapshots stay between processes: a folder that all processes of a user share.

A snapshot is three files: its numbers and their origins, which never change, are named by
their digests and mapped into memory by every process; and a small one, replaced as a
whole, that tells which of them are in force. So a reader sees the old snapshot or the new
one, and never a mixture; whoever is killed while writing leaves the old one in force.

Nobody else may be able to put anything there: a folder that others can write is refused, and a
file of another user is not read.

A file is trusted when its digest is the one told there. That is checked when it has been
written, and again on opening it, unless it is the very file that was checked: the same
inode, size and time of its last change. What is damaged is put aside and read anew.

The names tell the format: another version of suppress, older or newer, never reads these
files, nor this one its.
"""

import contextlib
import hashlib
import logging
import mmap
import os
import re
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import filelock
import msgspec

from suppress.atomic import atomic_write
from suppress.ownership import in_other_hands, refuse_if_others_write
from suppress.stop_list.origins import Origins
from suppress.stop_list.snapshot import Snapshot, Tally, digest_of
from suppress.stores.change_signal import Changes

logger = logging.getLogger("suppress")

FORMAT = 5

Stamp = tuple[int, int, int]
"""Differs between two versions of a file: its inode, time (ns since the epoch) and size."""

OLD = 600
"""Seconds after which a file that no snapshot has any more is removed.

Before that, another process may just be about to publish or to open it.
"""

FORGOTTEN = 30 * 86400
"""Seconds after which a snapshot that nobody has renewed is removed."""


class Failure(msgspec.Struct, frozen=True):
    """Why a channel's stop list cannot be read: the latest of several attempts in a row.

    Attributes:
        since: when the first of them began (seconds since the epoch).
        began: when the latest began.
        ended: when it ended.
        message: what it said.
    """

    since: float
    began: float
    ended: float
    message: str


class _File(msgspec.Struct, frozen=True):
    """A file that never changes: its digest, and the stamp under which that was checked."""

    digest: str
    stamp: Stamp


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the small file tells."""

    channel: str
    read_at: datetime
    sources: dict[str, datetime]
    further: int
    tallies: dict[str, Tally]
    numbers: _File
    origins: _File


class Store:
    """The snapshots of a folder, by key.

    Args:
        folder: made on first use, for its owner alone.

    Attributes:
        changes: tells all processes that something in the folder has changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.changes = Changes(folder / "changes")

    def check(self) -> None:
        """Make sure that nobody else can put anything into the folder, if there is one yet.

        Raises:
            ConfigurationError: somebody can.
        """
        # Whatever else is the matter with it is met, and told, when it is used.
        with contextlib.suppress(OSError):
            refuse_if_others_write(self.folder, self.folder.stat(), "store")

    def make(self) -> None:
        """Make the folder, where it is not there yet.

        Raises:
            OSError: it cannot be made.
            ConfigurationError: others can put something into it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.check()

    def lock(self, name: str, *, timeout: float = -1) -> filelock.BaseFileLock:
        """A lock that one process can hold, and that ends with it.

        Args:
            name: what is locked.
            timeout: seconds after which entering it raises `filelock.Timeout`; never if -1.

        Raises:
            OSError: here or on entering it: the folder cannot be written.
        """
        self.make()
        path = self.folder / f"{name}.lock"
        # A soft lock would outlive a holder that is killed.
        return filelock.FileLock(
            path, timeout, mode=0o600, thread_local=False, fallback_to_soft=False
        )

    def save(self, key: str, snapshot: Snapshot) -> Snapshot:
        """Put the snapshot in place of what is there under the key.

        Returns:
            The same snapshot, mapped into memory.

        Raises:
            OSError: it cannot be written; what was there still is.
        """
        self.make()
        origins = snapshot.origins.image()
        header = _Header(
            channel=snapshot.channel,
            read_at=snapshot.read_at,
            sources={
                name: snapshot.sources_read_at.get(name, snapshot.read_at)
                for name in snapshot.sources
            },
            further=snapshot.further,
            tallies=dict(snapshot.tallies),
            numbers=self._write(key, "numbers", snapshot.numbers_digest, snapshot.image()),
            origins=self._write(key, "origins", digest_of(origins), origins),
        )
        content = msgspec.json.encode(header)
        with atomic_write(self._path(key)) as stream:
            stream.write(content + f"\n{digest_of([content])}\n".encode("ascii"))
        self.changes.tell()
        self._sweep(key, {header.numbers.digest, header.origins.digest})
        return self._open(key, header)

    def load(self, key: str, *, mend: bool = False) -> Snapshot | None:
        """The snapshot under the key; None where there is none that can be trusted.

        Args:
            key: what it was saved under.
            mend: put aside what is damaged; for the one who holds the key's lock.

        Raises:
            OSError: it cannot be read.
            ConfigurationError: others can put something into the folder.
        """
        self.check()
        try:
            with self._path(key).open("rb") as stream:
                _refuse_foreign(stream)
                header = _header(stream.read())
            return self._open(key, header)
        except FileNotFoundError:
            return None
        except (ValueError, msgspec.DecodeError) as error:
            logger.warning("The stored snapshot %s is damaged and not used: %s", key, error)
            if mend:
                self._put_aside(key)
            return None

    def stamp(self, key: str) -> Stamp | None:
        """What changes when the snapshot under the key is replaced; None where there is none."""
        try:
            return _stamp(self._path(key).stat())
        except OSError:
            return None

    def failure(self, key: str) -> Failure | None:
        """Why the snapshot under the key could not be read anew last time, if it could not."""
        try:
            return msgspec.json.decode(self._failure(key).read_bytes(), type=Failure)
        except (OSError, ValueError, msgspec.DecodeError):
            return None

    def fail(self, key: str, failure: Failure | None) -> None:
        """Keep why the snapshot under the key could not be read anew; None that it could.

        Raises:
            OSError: it cannot be written.
        """
        if failure is None:
            self._failure(key).unlink(missing_ok=True)
        else:
            self.make()
            with atomic_write(self._failure(key)) as stream:
                stream.write(msgspec.json.encode(failure))

    def _open(self, key: str, header: _Header) -> Snapshot:
        numbers, unparsed = Snapshot.read_image(self._map(key, "numbers", header.numbers))
        snapshot = Snapshot(
            channel=header.channel,
            read_at=header.read_at,
            sources=tuple(header.sources),
            numbers=numbers,
            unparsed=unparsed,
            further=header.further,
            tallies=MappingProxyType(header.tallies),
            sources_read_at=MappingProxyType(header.sources),
            origins=Origins.read(self._map(key, "origins", header.origins)),
        )
        snapshot.__dict__["numbers_digest"] = header.numbers.digest
        return snapshot

    def _map(self, key: str, kind: str, file: _File) -> memoryview:
        with self._file(key, file.digest, kind).open("rb") as stream:
            _refuse_foreign(stream)
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            unchanged = _stamp(os.fstat(stream.fileno())) == file.stamp
        if not unchanged and hashlib.sha256(content).hexdigest() != file.digest:
            raise ValueError(f"the digest of its {kind} is not that of their content")
        return memoryview(content)

    def _write(
        self, key: str, kind: str, digest: str, pieces: Iterable[bytes | memoryview]
    ) -> _File:
        """Have a file with this content, checked."""
        path = self._file(key, digest, kind)
        if _holds(path, digest):
            # The same list as last time: it is as good as new, and as young.
            os.utime(path)
        else:
            with atomic_write(path) as stream:
                stream.writelines(pieces)
            if not _holds(path, digest):
                raise OSError(None, "what was written is not what is there")
        return _File(digest, _stamp(path.stat()))

    def _put_aside(self, key: str) -> None:
        """Rename the files of the snapshot, so that they are not read again."""
        kept = []
        for path in (self._path(key), *self.folder.glob(f"{key}-*[!d]")):
            with contextlib.suppress(OSError):
                kept.append(path.replace(f"{path}.damaged"))
        if kept:
            logger.warning("It was put aside, to be looked at: %s", kept[0])

    def _sweep(self, key: str, used: Iterable[str]) -> None:
        """Remove what nobody needs any more."""
        now = time.time()
        used_names = tuple(f"{key}-{digest}." for digest in used)
        for path in self.folder.iterdir():
            if not _OWN.fullmatch(path.name) or path.name.startswith(used_names):
                continue
            orphan = path.name.startswith((".", f"{key}-"))
            # One that cannot be removed now is removed next time.
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime > (OLD if orphan else FORGOTTEN):
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.{FORMAT}.snapshot"

    def _failure(self, key: str) -> Path:
        return self.folder / f"{key}.{FORMAT}.failure"

    def _file(self, key: str, digest: str, kind: str) -> Path:
        return self.folder / f"{key}-{digest}.{FORMAT}.{kind}"


# The folder may be one where others keep files of theirs. The hidden ones are those of
# writers that were killed.
_OWN = re.compile(
    r"[a-z0-9_-]+-[0-9a-f]{16}(-[0-9a-f]{64})?(\.\d+)?"
    r"\.(snapshot|numbers|origins|failure)(\.damaged)?"
    r"|\.([a-z0-9_-]+-[0-9a-f]{16}.*|opt-outs\.(sqlite3|made))\.[0-9a-f]{16}"
)


def _refuse_foreign(stream: BinaryIO) -> None:
    if (how := in_other_hands(os.fstat(stream.fileno()))) is not None:
        raise ValueError(f"its file {how}")


def _holds(path: Path, digest: str) -> bool:
    """Whether the file is there, nobody else can change it, and its content has the digest."""
    try:
        with path.open("rb") as stream:
            if in_other_hands(os.fstat(stream.fileno())) is not None:
                return False
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


def _stamp(stat: os.stat_result) -> Stamp:
    # The time of the last change of the file, its mode and name: nobody can set it back.
    return stat.st_ino, stat.st_ctime_ns, stat.st_size


def _header(content: bytes) -> _Header:
    document, _, digest = content.partition(b"\n")
    if digest != f"{digest_of([document])}\n".encode("ascii"):
        raise ValueError("the digest of its header is not that of its content")
    header = msgspec.json.decode(document, type=_Header)
    moments = [header.read_at, *header.sources.values()]
    if any(moment.tzinfo is None for moment in moments):
        raise ValueError("its time has no zone")
    for file in (header.numbers, header.origins):
        if not re.fullmatch("[0-9a-f]{64}", file.digest):
            raise ValueError("its digest is none")
    return header
