"""The user's own folders, and whole paths. A user may have no home folder."""

import logging
from collections.abc import Callable
from pathlib import Path

import platformdirs

logger = logging.getLogger("suppress")

NAME = "suppress"


def config_folder() -> Path | None:
    """Return the user's folder for settings and keys; None if the user has no home folder.

    A container that runs under a bare user id has none.
    """
    return _of_user(platformdirs.user_config_path)


def state_folder() -> Path | None:
    """Return the user's folder for state that must last; None without a home folder."""
    return _of_user(platformdirs.user_state_path)


def data_folder() -> Path | None:
    """Return the user's folder for data that lasts; None without a home folder."""
    return _of_user(platformdirs.user_data_path)


def default_store() -> Path | None:
    """Return the user's folder for snapshots; None, with a warning, without a home folder."""
    folder = data_folder()
    if folder is None:
        logger.warning(
            "This user has no home folder, so there are no settings and no key in it, and stop "
            "lists are kept in memory only. Set SUPPRESS_STORE to a folder, or to none to keep it "
            "that way",
            extra={"code": "no_home_folder"},
        )
    return folder


def copies_folder() -> Path | None:
    """Return the user's folder for copies of what a server keeps; None without a home folder."""
    folder = data_folder()
    return None if folder is None else folder / "copies"


def working_folder() -> Path | None:
    """Return the working directory; None if it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def whole_path(text: str | Path, folder: Path | None) -> Path:
    """Return a path from the root on, with the user's home in place of `~`.

    Args:
        text: the path.
        folder: the folder where a relative path begins; None if it is gone.

    Raises:
        ValueError: there is no home folder, or no folder to begin in.
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        path = Path(text)
    if not path.is_absolute() and str(text).startswith("~"):
        raise ValueError("There is no home folder for `~` in it. Give the whole path")
    if folder is not None:
        path = folder / path
    if not path.is_absolute():
        raise ValueError("The working directory is gone. Give the whole path")
    return path


def _of_user(find: Callable[[str], Path]) -> Path | None:
    try:
        folder = find(NAME)
    except RuntimeError:
        return None
    # Older versions of platformdirs give `~/...` as it is, a folder of that name.
    return folder if folder.is_absolute() else None
