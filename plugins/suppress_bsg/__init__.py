"""The plugin for BSG: its stop list as a source, its key, a sandbox of its API, and a demo."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

NAME = "bsg"
PREFIX = "BSG"
VARIABLE = "BSG_API_KEY"
FILE_VARIABLE = "BSG_API_KEY_FILE"


def keys_set(settings: suppress.Settings) -> list[str]:
    """Return the names under which the settings have a key."""
    names = [name for name in (VARIABLE, FILE_VARIABLE) if name in settings.environ]
    table = settings.tables.get(NAME, {})
    return names + [name for name in ("api_key", "api_key_file") if name in table]


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> list[suppress.Source]:
    """Offer BSG's stop list for each API key: a setting, or kept by `suppress login`.

    The environment and the settings file may name the API's address; a key that was kept goes
    only to the address that it was checked at.
    """
    from suppress_bsg.kept_key import KeptKey  # noqa: PLC0415 - as below
    from suppress_bsg.settings import BsgSettings  # noqa: PLC0415 - as below

    kept = None if keys_set(settings) else KeptKey.read()
    if kept is not None:
        settings = dataclasses.replace(settings, environ={**settings.environ, VARIABLE: kept.key})
    elif NAME in (settings.sources or ()) and not _is_configured(settings):
        raise suppress.ConfigurationError(
            "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is missing. "
            "Set it, or run `suppress login`."
        )
    found = settings.sections(NAME, BsgSettings, environ_prefix=PREFIX)
    if not found:
        return []
    if kept is not None:
        kept.refuse_elsewhere(found[NAME].base_url)
    from suppress_bsg.source import BsgSource  # noqa: PLC0415 - loads requests

    return [
        BsgSource(own, name=name, load_timeout=settings.load_timeout) for name, own in found.items()
    ]


def _is_configured(settings: suppress.Settings) -> bool:
    """Tell whether there is a setting of BSG's, for this account or that."""
    return NAME in settings.tables or any(
        each.startswith(f"{PREFIX}_") for each in settings.environ
    )


@suppress.hookimpl
def suppress_commands() -> Sequence[click.Command]:
    """Offer `suppress login`, `suppress sandbox` and `suppress demo`."""
    from suppress_bsg.commands import demo, login, sandbox  # noqa: PLC0415 - for the command line

    return (login, sandbox, demo)
