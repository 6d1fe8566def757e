"""Marks outside the record of opt-outs: they say that there is one, and which.

There are two, since each tells what the other cannot. The one in the store's folder goes
where that goes, and every user sees it. The one in the user's own state folder, filed under
the store's path, is there when the folder is not: because its volume is not mounted, or a
link leads nowhere.
"""

import contextlib
import hashlib
import os
from pathlib import Path
from typing import Protocol

from suppress.atomic import atomic_write
from suppress.settings.folders import state_folder


class HasMarks(Protocol):
    """The marks of a record."""

    def found(self) -> frozenset[str]:
        """The names of the records that were made here, as far as marks tell."""

    def make(self, name: str) -> None:
        """Say that there is the record of that name."""

    def remove(self) -> None:
        """Say that there is none."""


class NoMarks:
    """The marks of a copy, which can be made again and need not be missed."""

    def found(self) -> frozenset[str]:
        """Return no name."""
        return frozenset()

    def make(self, name: str) -> None:
        """Do nothing."""

    def remove(self) -> None:
        """Do nothing."""


class Marks:
    """The marks of a store.

    Args:
        folder: the store's folder.
        of_user: whether there is one in the user's own folder. A store that ends with a test
            is not missed when its folder is gone.
    """

    def __init__(self, folder: Path, *, of_user: bool = True) -> None:
        self._store = os.path.abspath(folder)  # noqa: PTH100 - a link is not followed
        self._in_store = folder / "opt-outs.made"
        state = state_folder() if of_user else None
        name = hashlib.sha256(os.fsencode(self._store)).hexdigest()[:32]
        self._of_user = None if state is None else state / f"{name}.opt-outs"

    def found(self) -> frozenset[str]:
        """The names of the records that were made here, as far as marks tell.

        Raises:
            OSError: the store's mark cannot be read.
        """
        found = set()
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found.add(_name_in(self._in_store))
        if self._of_user is not None:
            with contextlib.suppress(OSError):
                found.add(_name_in(self._of_user))
        return frozenset(found)

    def make(self, name: str) -> None:
        """Say that there is the record of that name.

        Where the user's own folder cannot be written, the other mark has to do.

        Raises:
            OSError: the store's mark cannot be written.
        """
        self._write(self._in_store, name)
        if self._of_user is not None:
            with contextlib.suppress(OSError):
                self._of_user.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._write(self._of_user, name)

    def remove(self) -> None:
        """Say that there is none.

        Raises:
            OSError: a mark is there, and cannot be removed.
        """
        for path in (self._in_store, self._of_user):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if path is not None:
                    path.unlink()

    def _write(self, path: Path, name: str) -> None:
        with contextlib.suppress(OSError):
            if _name_in(path) == name:
                return
        why = f"The record of opt-outs that were made in {self._store!a}; do not remove this."
        with atomic_write(path, share=path is self._in_store) as stream:
            stream.write(f"{name}\n{why}\n".encode("ascii"))


def leads_nowhere(path: Path) -> bool:
    """Tell whether the path, or a folder that it is in, is a link to what is not there."""
    return any(each.is_symlink() and not each.exists() for each in (path, *path.parents))


def _name_in(path: Path) -> str:
    return path.read_text("ascii", "replace").partition("\n")[0]
