"""The plugin for BSG: its stop list as a source, its key, a sandbox of its API, and a demo."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

NAME = "bsg"
VARIABLE = "BSG_API_KEY"
FILE_VARIABLE = "BSG_API_KEY_FILE"


def keys_set(settings: suppress.Settings) -> list[str]:
    """Return the names under which the settings have a key."""
    names = [name for name in (VARIABLE, FILE_VARIABLE) if name in settings.environ]
    table = settings.tables.get(NAME, {})
    return names + [name for name in ("api_key", "api_key_file") if name in table]


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> suppress.Source | None:
    """Offer BSG's stop list, if there is an API key: a setting, or kept by `suppress login`.

    The environment and the settings file may name the API's address; a key that was kept goes
    only to the address that it was checked at.
    """
    from suppress_bsg.kept_key import KeptKey  # noqa: PLC0415 - as below
    from suppress_bsg.settings import BsgSettings  # noqa: PLC0415 - as below

    kept = None if keys_set(settings) else KeptKey.read()
    if kept is not None:
        settings = dataclasses.replace(settings, environ={**settings.environ, VARIABLE: kept.key})
    own = settings.section(NAME, BsgSettings, environ_prefix="BSG")
    if own is None:
        if NAME in (settings.sources or ()):
            raise suppress.ConfigurationError(
                "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is missing. "
                "Set it, or run `suppress login`."
            )
        return None
    if kept is not None:
        kept.refuse_elsewhere(own.base_url)
    from suppress_bsg.source import BsgSource  # noqa: PLC0415 - loads requests

    return BsgSource(own, load_timeout=settings.load_timeout)


@suppress.hookimpl
def suppress_commands() -> Sequence[click.Command]:
    """Offer `suppress login`, `suppress sandbox` and `suppress demo`."""
    from suppress_bsg.commands import demo, login, sandbox  # noqa: PLC0415 - for the command line

    return (login, sandbox, demo)
