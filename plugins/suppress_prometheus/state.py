"""The state of stop lists and of what waits for the sources, found when Prometheus asks for it."""

import time
from collections.abc import Iterable, Iterator

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

import suppress


class StateCollector(Collector):
    """Gauges of the state of some suppressors, for a registry.

    Each channel is shown once: the one in the worst state, where several suppressors serve it.
    Channels that were never read here, and never failed to be, are left out, unless they are kept
    recent.

    Args:
        suppressors: those to show; they are not kept alive by this.
    """

    def __init__(self, *suppressors: suppress.Suppressor) -> None:
        self._watched = suppress.Watched(*suppressors)

    def add(self, suppressor: suppress.Suppressor) -> bool:
        """Show another one; return False if it was shown already."""
        return self._watched.add(suppressor)

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without any values: nothing is asked to register them."""
        return _Families().all()

    def collect(self) -> Iterator[Metric]:
        """Give the metrics as they are now, without asking a source."""
        families, found = _Families(), self._watched.overview()
        families.info.add_metric([], {"version": suppress.__version__})
        if found.is_readable is not None:
            families.readable.add_metric([], float(found.is_readable))
        for channel in found.channels:
            families.add_channel(channel)
        for each in found.waiting:
            families.add_waiting(each)
        yield from families.all()


class _Families:
    """The metrics of one answer."""

    def __init__(self) -> None:
        of_channel = ["channel"]
        kind = ["source", "channel", "action"]
        self.info = InfoMetricFamily("suppress", "The version of suppress.")
        self.age = GaugeMetricFamily(
            "suppress_snapshot_age_seconds",
            "Seconds since the reading of the stop list began; below 0 if the clock was set back.",
            labels=of_channel,
        )
        self.max_stale = GaugeMetricFamily(
            "suppress_snapshot_max_stale_seconds",
            "The age up to which the snapshot may answer while its source fails.",
            labels=of_channel,
        )
        self.entries = GaugeMetricFamily(
            "suppress_entries", "Different numbers on the stop list.", labels=of_channel
        )
        self.state = GaugeMetricFamily(
            "suppress_list_state",
            "1 for the state that the stop list is in, 0 for the others.",
            labels=["channel", "state"],
        )
        self.failing = GaugeMetricFamily(
            "suppress_list_failing",
            "1 if the stop list has failed to be read since its snapshot.",
            labels=of_channel,
        )
        self.waiting = GaugeMetricFamily(
            "suppress_waiting",
            "Changes of opt-outs that a source has not taken yet; refused ones need a person.",
            labels=[*kind, "state"],
        )
        self.waiting_age = GaugeMetricFamily(
            "suppress_waiting_age_seconds",
            "Seconds since the oldest change that waits was made.",
            labels=kind,
        )
        self.readable = GaugeMetricFamily(
            "suppress_opt_outs_readable",
            "0 if the opt-outs that were made here cannot be read: nothing is sent then.",
        )

    def all(self) -> list[Metric]:
        """Return all of them."""
        return list(vars(self).values())

    def add_channel(self, status: suppress.ChannelStatus) -> None:
        """Add the state of a channel's stop list."""
        channel = status.channel
        if status.age is not None:
            self.age.add_metric([channel], status.age)
            self.entries.add_metric([channel], float(status.count))
        self.max_stale.add_metric([channel], status.max_stale)
        for state in suppress.State:
            self.state.add_metric([channel, state.value], float(state is status.state))
        self.failing.add_metric([channel], float(status.failure is not None))

    def add_waiting(self, found: suppress.Waiting) -> None:
        """Add the changes of one kind that wait for a source."""
        kind = [found.source, found.channel, found.action]
        self.waiting.add_metric([*kind, "waiting"], float(found.waiting))
        self.waiting.add_metric([*kind, "refused"], float(found.refused))
        self.waiting_age.add_metric(kind, max(time.time() - found.since, 0.0))
