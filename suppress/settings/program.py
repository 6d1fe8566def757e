"""Settings that a program gives in the place of the settings file, as a web framework does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suppress.settings.folders import working_folder
from suppress.settings.layers import sealed


@dataclass(frozen=True)
class ProgramSettings:
    """The table `[suppress]`, as a program gives it.

    Attributes:
        content: the settings and the tables of plugins, by name; the values are sealed.
        folder: the folder where relative paths begin; None for the working directory.
    """

    content: dict[str, Any] = field(repr=False)
    folder: Path | None = None


_given: ProgramSettings | None = None


def give(content: Mapping[str, Any] | None, folder: Path | None) -> None:
    """Put settings in the place of the settings file, for the whole process; None takes them back.

    Args:
        content: what a settings file has in its table `[suppress]`.
        folder: the folder where relative paths begin; None for the working directory.
    """
    global _given  # noqa: PLW0603 - a process has one place of settings
    if folder is not None and (working := working_folder()) is not None:
        folder = working / folder
    _given = None if content is None else ProgramSettings(sealed(content), folder)


def given() -> ProgramSettings | None:
    """Return the settings that the program gave; None if they come from a file."""
    return _given
