"""The plugin for OpenTelemetry: traces and metrics of lists, screenings, opt-outs and bypasses.

It uses the API of OpenTelemetry alone: the application chooses the SDK and where all of it goes.
Nothing is made, and the API is not imported, before a `Suppressor` is to be watched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

NAME = "opentelemetry"


@dataclass(frozen=True)
class OpenTelemetrySettings:
    """The plugin's settings.

    Attributes:
        enabled: whether every `Suppressor` is watched, with the global providers.
    """

    enabled: bool = False


class Telemetry:
    """A plugin that traces and measures: hand it to a `Suppressor`, among its `plugins`.

    Several may share providers, and one `Suppressor` is counted once with each.

    Args:
        tracer_provider: where traces go; None for the global provider, even one that is set later.
        meter_provider: where metrics go; None likewise.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        self._providers = tracer_provider, meter_provider

    @suppress.hookimpl
    def suppress_listener(self, suppressor: suppress.Suppressor) -> suppress.Listener | None:
        """Return what traces and counts the events; None if that is done already.

        Raises:
            ConfigurationError: the API of OpenTelemetry is not installed.
        """
        try:
            from suppress_opentelemetry.instruments import (  # noqa: PLC0415 - see above
                instruments_of,
            )
        except ModuleNotFoundError as error:
            raise suppress.ConfigurationError(
                f"OpenTelemetry needs an extra ({error.name} is not installed). Run "
                "`pip install 'suppress-filter[opentelemetry]'`."
            ) from error
        return instruments_of(*self._providers).watch(suppressor)


@suppress.hookimpl
def suppress_listener(suppressor: suppress.Suppressor) -> suppress.Listener | None:
    """Watch a `Suppressor` with the global providers, if the settings say so."""
    own = suppressor.settings.section(NAME, OpenTelemetrySettings)
    if own is None or not own.enabled:
        return None
    return Telemetry().suppress_listener(suppressor)
