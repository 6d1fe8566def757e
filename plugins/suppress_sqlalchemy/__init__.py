"""The plugin for a database: people who must not be contacted, in a table of the team's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import suppress
from suppress_sqlalchemy.settings import SqlSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "sqlalchemy"


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> Sequence[suppress.Source]:
    """Offer the list of each database whose URL is set."""
    found = settings.sections(NAME, SqlSettings)
    if not found:
        return ()
    from suppress_sqlalchemy.source import source_of  # noqa: PLC0415 - loads SQLAlchemy

    return [source_of(own, settings, name=name) for name, own in found.items()]
