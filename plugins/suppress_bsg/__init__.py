"""The plugin for BSG: its stop list as a source, a sandbox of its API, and a demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

NAME = "bsg"


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> suppress.Source | None:
    """BSG's stop list, when there is an API key."""
    from suppress_bsg.source import BsgSettings, BsgSource  # noqa: PLC0415 - loads requests

    own = settings.section(NAME, BsgSettings, environ_prefix="BSG")
    if own is None:
        if NAME in (settings.sources or ()):
            raise suppress.ConfigurationError(
                "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is missing."
            )
        return None
    return BsgSource(own)


@suppress.hookimpl
def suppress_commands() -> Sequence[click.Command]:
    """`suppress sandbox` and `suppress demo`."""
    from suppress_bsg.commands import demo, sandbox  # noqa: PLC0415 - for the command line alone

    return (sandbox, demo)
