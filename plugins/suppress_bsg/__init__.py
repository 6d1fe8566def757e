"""The plugin for BSG: its stop list as a source, its key, a sandbox of its API, and a demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import click

NAME = "bsg"


def key_file() -> Path | None:
    """Return the file in which `suppress login` keeps the key; None without a home folder."""
    folder = suppress.config_folder()
    return None if folder is None else folder / "bsg.key"


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> suppress.Source | None:
    """BSG's stop list, when there is an API key: a setting, or kept by `suppress login`."""
    from suppress_bsg.source import BsgSettings, BsgSource  # noqa: PLC0415 - loads requests

    path = key_file()
    kept = {} if path is None else {"api_key": path}
    own = settings.section(NAME, BsgSettings, environ_prefix="BSG", kept=kept)
    if own is None:
        if NAME in (settings.sources or ()):
            raise suppress.ConfigurationError(
                "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is missing. "
                "Set it, or run `suppress login`."
            )
        return None
    return BsgSource(own, load_timeout=settings.load_timeout)


@suppress.hookimpl
def suppress_commands() -> Sequence[click.Command]:
    """`suppress login`, `suppress sandbox` and `suppress demo`."""
    from suppress_bsg.commands import demo, login, sandbox  # noqa: PLC0415 - for the command line

    return (login, sandbox, demo)
