"""Files that appear whole or not at all, readable by their owner alone or by one group.

A file is written under a hidden name beside the path, and takes its place in one step. Until
then nobody sees any of it, and nothing is left behind if it is never finished.
"""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from suppress.ownership import followed, group_of, refuse_fifo

PRIVATE, SHARED = 0o600, 0o660
"""The modes of a file for its owner alone, and of one for a group."""

TEMPORARY = "A temporary file"
"""The name for errors of a file that has none, or that nobody has named."""

_unfinished: set[Path] = set()


@contextlib.contextmanager
def atomic_write(
    path: Path, *, like: os.stat_result | None = None, share: bool = False
) -> Iterator[BinaryIO]:
    """Write a file that takes the path's place when the block ends without an exception.

    A link is followed, unless another user made it. Anything but a regular file (a terminal,
    a pipe, `/dev/null`) cannot be replaced, and is written to directly; a named pipe of another
    user is refused.

    Args:
        path: where the file goes.
        like: the file whose permissions the new one gets at the end; None for a private one.
        share: whether the group may read and write it, in a folder that was made for a group.

    Raises:
        OSError: the file cannot be written; the old one is still there.
    """
    with with_filename(path):
        target = followed(path)
        refuse_fifo(target)
    if path.exists() and not path.is_file():
        with _closing(path.open("wb"), path) as stream:
            yield stream
        return
    # A longer name could be too long for the file system.
    hidden = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}")
    # Noted before the file exists, so that it is removed whenever a signal comes.
    _unfinished.add(hidden)
    try:
        with with_filename(path):
            new = open(hidden, "xb", opener=_private)  # noqa: SIM115 - with an opener
        with _closing(new, path) as stream:
            yield stream
            with with_filename(path):
                stream.flush()
                if like is not None:
                    _take_permissions(stream.fileno(), like)
                elif share and (group := group_of(target.parent)) is not None:
                    _share(stream.fileno(), group)
                os.fsync(stream.fileno())
        with with_filename(path):
            hidden.replace(target)
    except BaseException:
        _remove(hidden)
        raise
    finally:
        _unfinished.discard(hidden)


def make_shared(path: Path) -> int:
    """Make an empty file in a folder that was made for a group, unless one is there.

    The group may read and write it from its first moment. In any other folder, nothing is made.

    Returns:
        The mode for a file that is made in the folder.
    """
    group = group_of(path.parent)
    if group is None:
        return PRIVATE
    if not os.path.lexists(path):
        hidden = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}")
        _unfinished.add(hidden)
        # Where there are no hard links, whoever needs the file makes it.
        with contextlib.suppress(OSError):
            try:
                with open(hidden, "xb", opener=_private) as new:
                    _share(new.fileno(), group)
                os.link(hidden, path)
            finally:
                _remove(hidden)
                _unfinished.discard(hidden)
    return SHARED


def remove_unfinished() -> None:
    """Remove unfinished files, in a process that is about to end."""
    for hidden in tuple(_unfinished):
        _remove(hidden)


@contextlib.contextmanager
def with_filename(path: Path | str) -> Iterator[None]:
    """Give an `OSError` of the block this file name, whichever file it was about."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, PRIVATE)


def _share(descriptor: int, group: int) -> None:
    """Let the group read and write a file, whatever the umask is."""
    if os.fstat(descriptor).st_gid != group:
        os.fchown(descriptor, -1, group)
    os.fchmod(descriptor, SHARED)


def _take_permissions(descriptor: int, like: os.stat_result) -> None:
    """Give a file the mode, owner and group of another one, as far as the system allows."""
    if not hasattr(os, "fchmod"):
        return
    mode = stat.S_IMODE(like.st_mode) & 0o777
    made = os.fstat(descriptor)
    if made.st_uid != like.st_uid:
        with contextlib.suppress(OSError):
            os.fchown(descriptor, like.st_uid, -1)
    if made.st_gid != like.st_gid:
        try:
            os.fchown(descriptor, -1, like.st_gid)
        except OSError:
            # Without its group, the group's rights would go to another one.
            mode &= ~stat.S_IRWXG
    os.fchmod(descriptor, mode)


def _remove(hidden: Path) -> None:
    with contextlib.suppress(OSError):
        hidden.unlink()


@contextlib.contextmanager
def _closing(stream: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Close the stream at the end, without hiding an error of the block."""
    try:
        yield stream
        with with_filename(path):
            stream.close()
    except BaseException:
        with contextlib.suppress(OSError):
            stream.close()
        raise
