"""The plugin for Telnyx: the opt-outs of a Telnyx account as a source."""

from __future__ import annotations

import suppress

NAME = "telnyx"


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> list[suppress.Source]:
    """Offer the opt-outs at Telnyx for each API key."""
    from suppress_telnyx.settings import TelnyxSettings  # noqa: PLC0415 - when it is asked

    found = settings.sections(NAME, TelnyxSettings, environ_prefix="TELNYX")
    if not found:
        return []
    from suppress_telnyx.source import TelnyxSource  # noqa: PLC0415 - loads requests

    return [
        TelnyxSource(own, name=name, load_timeout=settings.load_timeout)
        for name, own in found.items()
    ]
