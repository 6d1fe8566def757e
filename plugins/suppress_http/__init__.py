"""The plugin for programs in other languages: `suppress serve` answers over HTTP.

It needs the extra `serve`; no library of it is imported before the command runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

NAME = "serve"
"""The name of the plugin and of its extra: its table is `[suppress.serve]`."""


@suppress.hookimpl
def suppress_commands() -> Sequence[click.Command]:
    """Offer `suppress serve`."""
    from suppress_http.command import serve  # noqa: PLC0415 - for the command line

    return (serve,)
