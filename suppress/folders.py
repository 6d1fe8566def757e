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


def expanded(text: str | Path) -> Path:
    """Return the path, with the user's home in place of `~`.

    Raises:
        ValueError: there is no such home.
    """
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("There is no home folder for `~` in it. Give the whole path") from None


def _of_user(find: Callable[[str], Path]) -> Path | None:
    try:
        folder = find(NAME)
    except RuntimeError:
        return None
    # Older versions of platformdirs give `~/...` as it is, a folder of that name.
    return folder if folder.is_absolute() else None
