"""The plugin for Prometheus: metrics of lists, screenings, opt-outs and bypasses.

Nothing is made, and prometheus_client is not imported, before a `Suppressor` is to be watched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import suppress

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

NAME = "prometheus"


@dataclass(frozen=True)
class PrometheusSettings:
    """The plugin's settings.

    Attributes:
        enabled: whether every `Suppressor` is watched, in the default registry.
    """

    enabled: bool = False


class Metrics:
    """A plugin that keeps metrics in a registry: hand it to a `Suppressor`, among its `plugins`.

    Several may share a registry, and one `Suppressor` is counted once in each.

    Args:
        registry: the registry; None for the default one of prometheus_client.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._registry = registry

    @suppress.hookimpl
    def suppress_listener(self, suppressor: suppress.Suppressor) -> suppress.Listener | None:
        """Return what counts the events; None if they are counted in the registry already.

        Raises:
            ConfigurationError: prometheus_client is not installed.
        """
        try:
            from suppress_prometheus.metrics import metrics_in  # noqa: PLC0415 - see above
        except ModuleNotFoundError as error:
            raise suppress.ConfigurationError(
                f"Metrics for Prometheus need an extra ({error.name} is not installed). Run "
                "`pip install 'suppress-filter[prometheus]'`."
            ) from error
        return metrics_in(self._registry).watch(suppressor)


@suppress.hookimpl
def suppress_listener(suppressor: suppress.Suppressor) -> suppress.Listener | None:
    """Watch a `Suppressor` in the default registry, if the settings say so."""
    own = suppressor.settings.section(NAME, PrometheusSettings)
    if own is None or not own.enabled:
        return None
    return Metrics().suppress_listener(suppressor)
