"""A store in a folder that all processes of a user share.

A snapshot is three files. Its numbers and its origins never change, are named by their
digests, and are mapped into memory by every process. A small file, replaced as a whole, says
which of them are in force. So a reader sees the old snapshot or the new one, and never a
mixture, and a writer that is killed leaves the old one in force.

Nobody else may be able to put anything there: a folder that others can write is refused, and
a file of another user is not read. A folder that was made for a group is used by all of it: its
files belong to the group, and a file of anybody outside is not read.

A file is trusted when its digest is the one that the small file names. That is checked after
writing, and again on opening, unless it is the very file that was checked: the same inode,
size and time of its last change. Damaged files are renamed, and the list is read again.

The names carry the format: no other version of suppress reads these files, and this one reads
no others.
"""

import contextlib
import hashlib
import logging
import math
import mmap
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from suppress.atomic import atomic_write, make_shared
from suppress.ownership import group_of, in_other_hands, refuse_if_others_write
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.change_signal import ChangeSignal
from suppress.stores.contract import Failure, Held, Lease, LeaseLost, StoreError, check_lease
from suppress.stores.image import (
    FORMAT,
    Damaged,
    Header,
    Image,
    Part,
    check_digest,
    image_of,
    seal,
    snapshot_of,
    unseal,
)
from suppress.stores.limits import StoreLimits

logger = logging.getLogger("suppress")


class _Stamp(msgspec.Struct, frozen=True, array_like=True):
    """The state of a file, which differs between two versions of it."""

    inode: int
    changed: int
    size: int


class _InForce(msgspec.Struct, frozen=True):
    """The content of the small file: the header, and the large files as they were checked."""

    header: Header
    numbers: _Stamp
    origins: _Stamp


class FolderStore:
    """Snapshots in a folder.

    Args:
        folder: made on first use, for its owner alone.
        limits: when files go that nobody needs any more.

    Raises:
        ConfigurationError: others can put something into the folder.
    """

    def __init__(self, folder: Path, limits: StoreLimits | None = None) -> None:
        self._folder = folder
        self._limits = limits or StoreLimits()
        self._signal = ChangeSignal(folder / "changes")
        # What was opened last under each key, and the stamp of its small file.
        self._opened: dict[str, tuple[_Stamp | None, Snapshot | None]] = {}
        self._refuse_if_others_write()

    def latest(self, key: str) -> Snapshot | None:
        """Return the snapshot under the key."""
        with contextlib.suppress(OSError):
            self._make()
        self._refuse_if_others_write()
        self._signal.attach()
        stamp = self._stamp(key)
        if key in self._opened and self._opened[key][0] == stamp:
            return self._opened[key][1]
        try:
            snapshot = self._read(key)
        except OSError as error:  # it may pass, so the next call tries again
            raise _failed(error) from error
        except Damaged as error:
            logger.warning(
                "The stored snapshot %s is damaged and not used: %s. The list is read again.",
                key,
                error,
                extra={"code": "snapshot_damaged", "key": key, "error": str(error)},
            )
            snapshot = None
        self._opened[key] = stamp, snapshot
        return snapshot

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        """Replace the snapshot under the key."""
        check_lease(lease, key)
        try:
            in_force = self._written(key, image_of(snapshot))
            with self._swapping(key):
                self._put_in_force(key, in_force)
            stamp = self._stamp(key)
            kept = self._open(key, in_force)
        except (OSError, Damaged) as error:
            raise _failed(error) from error
        self._opened[key] = stamp, kept
        return kept

    def header(self, key: str) -> Header | None:
        """Return what describes the snapshot under the key; None where there is none to trust."""
        try:
            return self._in_force(key).header
        except (OSError, Damaged):
            return None

    def adopt(self, key: str, image: Image, *, instead_of: Header | None) -> bool:
        """Replace a snapshot by one that another store has. This needs no lease.

        Args:
            key: the key.
            image: the snapshot as bytes. The pieces of a part that is here already are not
                asked for.
            instead_of: the header of the snapshot to replace; None where there is none.

        Returns:
            False, and nothing is changed, if another one is in force by now.

        Raises:
            Damaged: a part does not match its digest.
            StoreError: it cannot be written.
        """
        try:
            in_force = self._written(key, image)
            with self._swapping(key):
                if self.header(key) != instead_of:
                    return False
                self._put_in_force(key, in_force)
        except OSError as error:
            raise _failed(error) from error
        return True

    def repair(self, key: str, lease: Lease) -> None:
        """Rename the files of the snapshot if it is damaged, so that they are not read again."""
        check_lease(lease, key)
        try:
            self._read(key)
        except Damaged:
            self._quarantine(key)
        except OSError as error:
            raise _failed(error) from error

    def failure(self, key: str) -> Failure | None:
        """Return the failure under the key."""
        try:
            return msgspec.json.decode(self._failure_path(key).read_bytes(), type=Failure)
        except (OSError, ValueError, msgspec.DecodeError):
            return None

    def fail(self, key: str, failure: Failure) -> None:
        """Keep the failure under the key."""
        try:
            self._make()
            with atomic_write(self._failure_path(key), share=True) as stream:
                stream.write(msgspec.json.encode(failure))
        except OSError as error:
            raise _failed(error) from error
        self._signal.notify()

    def version(self) -> int:
        """Return the bytes of the signal as a number."""
        return self._signal.version()

    def notify(self) -> None:
        """Announce a change to all processes."""
        self._signal.notify()

    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:  # noqa: ARG002 - it ends with its process
        """Be the only holder of the name while the block runs."""
        import filelock  # noqa: PLC0415 - whoever finds a fresh list needs no lock

        path = self._folder / f"{name}.lock"
        # A soft lock would outlive a holder that is killed.
        lock = filelock.FileLock(
            path,
            -1 if wait == math.inf else wait,
            mode=make_shared(path),
            thread_local=False,
            fallback_to_soft=False,
        )
        try:
            self._make()
            lock.acquire()
        except filelock.Timeout as error:
            raise Held(f"another process holds {name}") from error
        except OSError as error:
            raise _failed(error) from error
        try:
            yield _FolderLease(name, lambda: lock.is_locked)
        finally:
            lock.release()

    def describe(self) -> str:
        """Return the folder."""
        return str(self._folder)

    def after_fork_in_child(self) -> None:
        """Do nothing: files and locks are safe on both sides of a fork."""

    def _make(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_if_others_write()

    def _refuse_if_others_write(self) -> None:
        # Any other fault of the folder is met, and reported, when it is used.
        with contextlib.suppress(OSError):
            status = self._folder.stat()
            refuse_if_others_write(self._folder, status, "store", group=group_of(self._folder))

    def _read(self, key: str) -> Snapshot | None:
        """Return the snapshot that is there now.

        Raises:
            OSError: it cannot be read.
            Damaged: it is not what was written.
        """
        try:
            return self._open(key, self._in_force(key))
        except FileNotFoundError:
            return None

    def _in_force(self, key: str) -> _InForce:
        with self._path(key).open("rb") as stream:
            _refuse_foreign(stream)
            return unseal(stream.read(), _InForce)

    def _open(self, key: str, in_force: _InForce) -> Snapshot:
        header = in_force.header
        return snapshot_of(
            header,
            self._map(key, "numbers", header.numbers, in_force.numbers),
            self._map(key, "origins", header.origins, in_force.origins),
        )

    def _map(self, key: str, kind: str, digest: str, checked: _Stamp) -> memoryview:
        with self._part_path(key, kind, digest).open("rb") as stream:
            _refuse_foreign(stream)
            try:
                content = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            except ValueError as error:
                raise Damaged("it is empty") from error
            unchanged = _stamp(os.fstat(stream.fileno())) == checked
        if not unchanged:
            check_digest(kind, content, digest)
        return content

    def _written(self, key: str, image: Image) -> _InForce:
        """Have the large files of a snapshot."""
        self._make()
        return _InForce(
            header=image.header,
            numbers=self._write(key, "numbers", image.numbers),
            origins=self._write(key, "origins", image.origins),
        )

    def _put_in_force(self, key: str, in_force: _InForce) -> None:
        with atomic_write(self._path(key), share=True) as stream:
            stream.write(seal(in_force))
        with contextlib.suppress(OSError):
            self._failure_path(key).unlink(missing_ok=True)
        self._signal.notify()
        self._sweep(key, in_force.header)

    def _swapping(self, key: str) -> AbstractContextManager[Lease]:
        # A snapshot that is published must not be replaced by an older copy meanwhile.
        return self.exclusive(f"{key}.swap", math.inf, wait=self._limits.swap)

    def _write(self, key: str, kind: str, part: Part) -> _Stamp:
        """Have a file with this content, and check that it has it."""
        path = self._part_path(key, kind, part.digest)
        if _holds(path, part.digest):
            # The same list as last time: its file is not an orphan any more.
            os.utime(path)
        else:
            with atomic_write(path, share=True) as stream:
                stream.writelines(part.pieces)
            if not _holds(path, part.digest):
                raise OSError(None, "the disk does not hold what was written to it")
        return _stamp(path.stat())

    def _quarantine(self, key: str) -> None:
        kept = []
        for path in (self._path(key), *self._folder.glob(f"{key}-*[!d]")):
            with contextlib.suppress(OSError):
                kept.append(path.replace(f"{path}.damaged"))
        if kept:
            logger.warning(
                "The damaged snapshot was kept as %s.",
                kept[0],
                extra={"code": "snapshot_damaged_kept", "path": str(kept[0])},
            )

    def _sweep(self, key: str, header: Header) -> None:
        """Remove the files that nobody needs any more."""
        now = time.time()
        in_force = tuple(f"{key}-{digest}." for digest in (header.numbers, header.origins))
        for path in self._folder.iterdir():
            if not _OWN.fullmatch(path.name) or path.name.startswith(in_force):
                continue
            orphan = path.name.startswith((".", f"{key}-"))
            longest = self._limits.orphan_age if orphan else self._limits.unused_age
            # A file that cannot be removed now is removed next time.
            with contextlib.suppress(OSError):
                if now - path.stat().st_mtime > longest:
                    path.unlink()

    def _stamp(self, key: str) -> _Stamp | None:
        try:
            return _stamp(self._path(key).stat())
        except OSError:
            return None

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.{FORMAT}.snapshot"

    def _failure_path(self, key: str) -> Path:
        return self._folder / f"{key}.{FORMAT}.failure"

    def _part_path(self, key: str, kind: str, digest: str) -> Path:
        return self._folder / f"{key}-{digest}.{FORMAT}.{kind}"


class _FolderLease:
    """A lease that is held as long as its lock is."""

    def __init__(self, name: str, is_held: Callable[[], bool]) -> None:
        self.name = name
        self._is_held = is_held

    def check(self) -> None:
        if not self._is_held():
            raise LeaseLost(f"the lease for {self.name} has ended")


# Others may keep files in the folder. Hidden ones are those of writers that were killed.
_OWN = re.compile(
    r"[a-z0-9_-]+-[0-9a-f]{16}(-[0-9a-f]{64})?(\.\d+)?"
    r"\.(snapshot|numbers|origins|failure|wanted)(\.damaged)?"
    r"|\.([a-z0-9_-]+-[0-9a-f]{16}.*|opt-outs\..*)\.[0-9a-f]{16}"
)


def _failed(error: Exception) -> StoreError:
    return StoreError(getattr(error, "strerror", None) or str(error))


def _refuse_foreign(stream: BinaryIO) -> None:
    if (how := _in_other_hands(stream)) is not None:
        raise Damaged(f"its file {how}")


def _in_other_hands(stream: BinaryIO) -> str | None:
    return in_other_hands(os.fstat(stream.fileno()), group_of(Path(stream.name).parent))


def _holds(path: Path, digest: str) -> bool:
    """Tell whether the file is there, is safe from others, and has the digest."""
    try:
        with path.open("rb") as stream:
            if _in_other_hands(stream) is not None:
                return False
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except FileNotFoundError:
        return False


def _stamp(stat: os.stat_result) -> _Stamp:
    # Nobody can set this time back: that of the last change of the file, its mode or its name.
    return _Stamp(stat.st_ino, stat.st_ctime_ns, stat.st_size)
