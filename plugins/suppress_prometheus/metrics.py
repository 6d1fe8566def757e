"""The metrics of one registry: events, counted, and the state of lists when it is scraped."""

import threading
import weakref

import prometheus_client as prometheus

import suppress
from suppress_prometheus.state import StateCollector

OF_LOADS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
OF_SCREENINGS = (0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 60.0)
OF_DELIVERIES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper ends of the histograms' buckets, in seconds."""


class RegistryMetrics:
    """The metrics in a registry. No label is a phone number, or any other text of a person.

    Args:
        registry: where they are registered.
    """

    def __init__(self, registry: prometheus.CollectorRegistry) -> None:
        self._state = StateCollector()
        registry.register(self._state)
        self._loads = prometheus.Counter(
            "suppress_loads",
            "Readings of a stop list by this process.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._load_seconds = prometheus.Histogram(
            "suppress_load_seconds",
            "Seconds that a reading of a stop list took.",
            ["channel"],
            buckets=OF_LOADS,
            registry=registry,
        )
        self._recipients = prometheus.Counter(
            "suppress_recipients",
            "Recipients that were screened.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._screening_seconds = prometheus.Histogram(
            "suppress_screening_seconds",
            "Seconds that a screening took, with the wait for the stop list.",
            ["channel"],
            buckets=OF_SCREENINGS,
            registry=registry,
        )
        self._opt_outs = prometheus.Counter(
            "suppress_opt_outs",
            "Opt-outs that were made here (add) or taken back (remove).",
            ["channel", "action"],
            registry=registry,
        )
        self._deliveries = prometheus.Counter(
            "suppress_deliveries",
            "Changes of opt-outs that were handed to a source.",
            ["source", "channel", "action", "outcome"],
            registry=registry,
        )
        self._delivery_seconds = prometheus.Histogram(
            "suppress_delivery_seconds",
            "Seconds that a source took for a delivery.",
            ["source"],
            buckets=OF_DELIVERIES,
            registry=registry,
        )
        self._bypasses = prometheus.Counter(
            "suppress_bypasses",
            "Guarded sends that passed the stop list in a bypass.",
            ["channel"],
            registry=registry,
        )

    def watch(self, suppressor: suppress.Suppressor) -> suppress.Listener | None:
        """Show the state of a `Suppressor`, and return what counts its events.

        None if it is watched already.
        """
        return self._count if self._state.add(suppressor) else None

    def _count(self, event: suppress.Event) -> None:
        match event:
            case suppress.ListLoaded():
                self._loads.labels(event.channel, "loaded").inc()
                self._load_seconds.labels(event.channel).observe(event.seconds)
            case suppress.ListFailed():
                self._loads.labels(event.channel, "failed").inc()
                self._load_seconds.labels(event.channel).observe(event.seconds)
            case suppress.RecipientsScreened():
                for outcome in suppress.Outcome:
                    if count := getattr(event, outcome):
                        self._recipients.labels(event.channel, outcome.value).inc(count)
                self._screening_seconds.labels(event.channel).observe(event.seconds)
            case suppress.OptOutsChanged():
                self._opt_outs.labels(event.channel, event.action).inc(event.count)
            case suppress.OptOutsDelivered():
                labels = event.source, event.channel, event.action, event.outcome
                self._deliveries.labels(*labels).inc(event.count)
                self._delivery_seconds.labels(event.source).observe(event.seconds)
            case suppress.SendBypassed():
                self._bypasses.labels(event.channel).inc()


_lock = threading.Lock()
_made: weakref.WeakKeyDictionary[prometheus.CollectorRegistry, RegistryMetrics] = (
    weakref.WeakKeyDictionary()
)
"""A registry refuses the same metrics twice, however many watch in it."""


def metrics_in(registry: prometheus.CollectorRegistry | None) -> RegistryMetrics:
    """Return the metrics in a registry, made on the first call; None is the default registry."""
    chosen = prometheus.REGISTRY if registry is None else registry
    with _lock:
        found = _made.get(chosen)
        if found is None:
            found = _made[chosen] = RegistryMetrics(chosen)
        return found
