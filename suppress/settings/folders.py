"""The user's own folders, and paths that begin with `~`: there may be no home to look in."""

import logging
from collections.abc import Callable
from pathlib import Path

import platformdirs

logger = logging.getLogger("suppress")

NAME = "suppress"


def config_folder() -> Path | None:
    """Return the user's folder for settings and keys; None where the user has no home.

    In a container that runs as a number alone, nobody knows where its home would be.
    """
    return _of_user(platformdirs.user_config_path)


def state_folder() -> Path | None:
    """Return the user's folder for what has to be remembered; None where there is no home."""
    return _of_user(platformdirs.user_state_path)


def default_store() -> Path | None:
    """Return the user's folder for snapshots; without a home None, with a warning."""
    folder = _of_user(platformdirs.user_data_path)
    if folder is None:
        logger.warning(
            "This user has no home folder, so no settings or key are looked for there, and stop "
            "lists are kept in memory alone: set SUPPRESS_STORE to a folder, or to none if that "
            "is as it should be"
        )
    return folder


def working_folder() -> Path | None:
    """Return the working directory; None where it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return None


def whole(text: str | Path, folder: Path | None) -> Path:
    """Return the whole path, with the user's home in place of `~`.

    Args:
        text: the path.
        folder: where it begins if it is relative; None where nobody knows.

    Raises:
        ValueError: there is no such home, or no such folder.
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
