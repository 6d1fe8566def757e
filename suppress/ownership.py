"""Files, folders and links that somebody else can change, and so who gets messages.

The exception is a folder that an administrator made for a group, to share what is in it: one
that root or this user owns, that its group can write and others cannot, and that gives its group
to every file in it (setgid). Whoever is of the group may change what is in it.
"""

import errno
import logging
import os
import shlex
import stat
import sys
from pathlib import Path

from suppress.errors import ConfigurationError

logger = logging.getLogger("suppress")

MAX_LINKS = 40
"""The number of links that a path may lead through, as for the system itself."""


def group_of(folder: Path) -> int | None:
    """Return the group that a folder was made for; None if this process is not of it.

    Args:
        folder: the folder; one that is missing or out of reach was made for no group.
    """
    if sys.platform == "win32":
        return None
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_gid if _is_shared(status) and _is_member(status.st_gid) else None


def in_other_hands(status: os.stat_result, group: int | None = None) -> str | None:
    """Return how somebody else can change a file or folder; None where nobody else can.

    Args:
        status: its state.
        group: the group that may change it all the same: the one that its folder was made for.
    """
    # A terminal and /dev/null are nobody's.
    if sys.platform == "win32" or stat.S_ISCHR(status.st_mode):
        return None
    if group is not None and status.st_gid == group:
        # Only its members can have made it: a file gets another group outside of the folder.
        return "can be written by others" if status.st_mode & stat.S_IWOTH else None
    if not _is_own(status):
        return "belongs to another user"
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "can be written by others"
    return None


def warn_if_others_write(path: Path, what: str) -> None:
    """Log a warning about a file that somebody else can change, and so who gets messages.

    Args:
        path: the file; a missing one is ignored.
        what: what to call it, for example `list`.
    """
    try:
        found = _complaint(path, path.stat(), what)
    except OSError:
        return
    if found is not None:
        extra = {"code": "writable_by_others", "path": str(path)}
        logger.warning("%s", found, extra=extra)


def refuse_if_others_write(
    path: Path, status: os.stat_result, what: str, *, group: int | None = None
) -> None:
    """Refuse a file or folder that somebody else can change, and so who gets messages.

    Args:
        path: where it is.
        status: its state.
        what: what to call it.
        group: the group that may change it all the same.

    Raises:
        ConfigurationError: somebody else can change it; the message says what to do.
    """
    if (found := _complaint(path, status, what, group)) is not None:
        raise ConfigurationError(found)


def followed(path: Path) -> Path:
    """Return where a path leads, through no link that another user made.

    Raises:
        PermissionError: there is such a link, at the path or on the way to it.
        OSError: the links go round in a circle, or the working directory is gone.
    """
    if sys.platform == "win32":
        return path.resolve()
    whole = path.absolute()
    current, ahead, links = Path(whole.anchor), list(reversed(whole.parts[1:])), 0
    while ahead:
        part = ahead.pop()
        current = current.parent if part == ".." else current / part
        try:
            status = current.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISLNK(status.st_mode):
            continue
        if not _is_own(status):
            raise PermissionError(
                errno.EPERM,
                f"the link {current} belongs to another user. Give the path that it leads to",
            )
        links += 1
        if links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = current.readlink()
        current = Path(target.anchor) if target.is_absolute() else current.parent
        ahead += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    return current


def refuse_fifo(target: Path) -> None:
    """Refuse a named pipe of another user, who would read what is written to it.

    Args:
        target: where a path leads.

    Raises:
        PermissionError: it is such a pipe.
    """
    try:
        status = target.lstat()
    except OSError:
        return
    if sys.platform != "win32" and stat.S_ISFIFO(status.st_mode) and not _is_own(status):
        raise PermissionError(errno.EPERM, "it is a pipe of another user. Use another file")


def _complaint(
    path: Path, status: os.stat_result, what: str, group: int | None = None
) -> str | None:
    """Return the message about a file that somebody else can change; None where nobody can."""
    try:
        followed(path)
    except PermissionError as error:
        return f"The {what} {path} cannot be trusted: {error.strerror}."
    how = in_other_hands(status, group)
    if how is None:
        return None
    if _is_shared(status) and not _is_member(status.st_gid):
        return (
            f"The {what} {path} is shared by a group (gid {status.st_gid}) that this user is not "
            f"in. Have the user added to the group, or use another folder."
        )
    next_step = f"Run `chmod go-w {shlex.quote(str(path))}`"
    if not _is_own(status):
        next_step = "Use one of your own"
    elif stat.S_ISDIR(status.st_mode):
        # It may be the root of a volume, or the folder of temporary files.
        next_step += f", or use a folder inside it, such as {path / 'suppress'}"
    return f"The {what} {path} {how}, who could change who gets messages. {next_step}."


def _is_shared(status: os.stat_result) -> bool:
    """Tell whether a folder was made for a group, be it by root or by this user."""
    mode = status.st_mode
    needed, forbidden = stat.S_ISGID | stat.S_IRWXG, stat.S_IWOTH | stat.S_ISVTX
    # With the sticky bit, nobody can replace what another member made.
    is_for_group = mode & needed == needed and not mode & forbidden
    return stat.S_ISDIR(mode) and is_for_group and _is_own(status)


def _is_member(group: int) -> bool:
    return os.geteuid() == 0 or group in (os.getegid(), *os.getgroups())


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid in (os.geteuid(), 0)
