"""The settings file: the one in force, and its tables.

No file in the working directory is read unless it is named: a folder must not decide who is
messaged, or where a key is sent.
"""

import logging
import os
from pathlib import Path
from typing import Any

from suppress.errors import ConfigurationError
from suppress.ownership import refuse_if_others_write
from suppress.settings.folders import config_folder, whole_path
from suppress.settings.layers import sealed

logger = logging.getLogger("suppress")

FILE_NAME = "suppress.toml"


def find_file(named: str | Path | None, here: Path | None) -> Path | None:
    """Return the settings file in force, if there is one.

    A warning tells of one in the working directory that is not used.

    Args:
        named: the file that was asked for; None for the one in the user's folder.
        here: the working directory.

    Raises:
        ConfigurationError: there is no whole path to the file that was asked for.
    """
    own = config_folder()
    found = None
    if named:
        try:
            found = whole_path(named, here)
        except ValueError as error:
            raise ConfigurationError(f"The settings file {named}: {error}.") from None
    elif own is not None and _is_there(own / FILE_NAME):
        found = own / FILE_NAME
    if here is not None and _is_there(local := here / FILE_NAME) and not _same(local, found):
        logger.warning(
            "%s is not used: settings come from %s. To use it, name it with its whole path in "
            "--config or SUPPRESS_CONFIG",
            local,
            found or "the environment alone",
            extra={"code": "settings_file_not_used", "path": str(local)},
        )
    return found


def read_file(path: Path) -> dict[str, Any]:
    """Return the table `[suppress]` of a file, with its values sealed.

    Raises:
        ConfigurationError: the file cannot be read, is not TOML, has no such table, belongs to
            another user, or can be written by others.
    """
    import tomllib  # noqa: PLC0415 - many have no settings file

    try:
        with path.open("rb") as stream:
            refuse_if_others_write(path, os.fstat(stream.fileno()), "settings file")
            document = sealed(tomllib.load(stream))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The error's text names the line and quotes nothing of it; its traceback might.
        raise ConfigurationError(f"The settings file {path} is not TOML: {error}.") from None
    table = document.get("suppress")
    if not isinstance(table, dict):
        raise ConfigurationError(f"The settings file {path} has no table [suppress].")
    return table


def _is_there(path: Path) -> bool:
    # A file in a folder that may not be entered is not there.
    return os.path.exists(path)  # noqa: PTH110


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and _is_there(other) and one.samefile(other)
