"""The plugin for Telnyx: the opt-outs of a Telnyx account as a source."""

from __future__ import annotations

import suppress

NAME = "telnyx"


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> suppress.Source | None:
    """Offer the opt-outs at Telnyx, if there is an API key."""
    from suppress_telnyx.settings import TelnyxSettings  # noqa: PLC0415 - when it is asked

    own = settings.section(NAME, TelnyxSettings, environ_prefix="TELNYX")
    if own is None:
        if NAME in (settings.sources or ()):
            raise suppress.ConfigurationError(
                "TELNYX_API_KEY (`api_key` in the table [suppress.telnyx]) is missing."
            )
        return None
    from suppress_telnyx.source import TelnyxSource  # noqa: PLC0415 - loads requests

    return TelnyxSource(own, load_timeout=settings.load_timeout)
