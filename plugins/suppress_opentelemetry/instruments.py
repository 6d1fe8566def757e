"""The tracer and the instruments of some providers, and what each event is for them."""

import threading
import time
from collections.abc import Iterable

from opentelemetry.metrics import (
    CallbackOptions,
    MeterProvider,
    Observation,
    get_meter,
)
from opentelemetry.trace import (
    Status,
    StatusCode,
    TracerProvider,
    get_current_span,
    get_tracer,
)

import suppress

OF_LOADS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
OF_SCREENINGS = (0.00001, 0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 60.0)
OF_DELIVERIES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper ends of the histograms' buckets, in seconds."""

Attributes = dict[str, str | int | tuple[str, ...]]


class Instruments:
    """The tracer and the instruments. No attribute has a phone number in it.

    Args:
        tracer_provider: where traces go; None for the global provider.
        meter_provider: where metrics go; None for the global provider.
    """

    def __init__(
        self, tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None
    ) -> None:
        self._watched = suppress.Watched()
        version = suppress.__version__
        self._tracer = get_tracer("suppress", version, tracer_provider=tracer_provider)
        meter = get_meter("suppress", version, meter_provider=meter_provider)
        self._loads = meter.create_counter(
            "suppress.loads", "{reading}", "Readings of a stop list by this process."
        )
        self._load_duration = meter.create_histogram(
            "suppress.load.duration",
            "s",
            "Duration of the reading of a stop list.",
            explicit_bucket_boundaries_advisory=OF_LOADS,
        )
        self._recipients = meter.create_counter(
            "suppress.recipients", "{recipient}", "Recipients that were screened."
        )
        self._screening_duration = meter.create_histogram(
            "suppress.screening.duration",
            "s",
            "Duration of a screening, with the wait for the stop list.",
            explicit_bucket_boundaries_advisory=OF_SCREENINGS,
        )
        self._opt_outs = meter.create_counter(
            "suppress.opt_outs", "{opt_out}", "Opt-outs that were made here or taken back."
        )
        self._deliveries = meter.create_counter(
            "suppress.deliveries", "{change}", "Changes of opt-outs that were handed to a source."
        )
        self._delivery_duration = meter.create_histogram(
            "suppress.delivery.duration",
            "s",
            "Duration of a delivery to a source.",
            explicit_bucket_boundaries_advisory=OF_DELIVERIES,
        )
        self._bypasses = meter.create_counter(
            "suppress.bypasses", "{send}", "Guarded sends that passed the stop list in a bypass."
        )
        for name, callback, unit, description in (
            ("snapshot.age", self._ages, "s", "Time since the reading of the stop list began."),
            ("snapshot.max_stale", self._max_stale, "s", "The age up to which it may answer."),
            ("entries", self._entries, "{number}", "Different numbers on the stop list."),
            ("list.state", self._states, "1", "1 for the state that the stop list is in."),
            ("list.failing", self._failing, "1", "1 if it has failed to be read since."),
            ("waiting", self._waiting, "{change}", "Changes that a source has not taken yet."),
            ("waiting.age", self._waiting_ages, "s", "Age of the oldest change that waits."),
            ("opt_outs.readable", self._readable, "1", "0 if nothing is sent for want of them."),
        ):
            meter.create_observable_gauge(f"suppress.{name}", [callback], unit, description)

    def watch(self, suppressor: suppress.Suppressor) -> suppress.Listener | None:
        """Show the state of a `Suppressor`, and return what traces and counts its events.

        None if it is watched already.
        """
        return self._note if self._watched.add(suppressor) else None

    def _note(self, event: suppress.Event) -> None:
        match event:
            case suppress.ListLoaded() | suppress.ListFailed():
                self._note_load(event)
            case suppress.RecipientsScreened():
                self._note_screening(event)
            case suppress.OptOutsDelivered():
                self._note_delivery(event)
            case suppress.OptOutsChanged():
                attributes = _attributes(channel=event.channel, action=event.action)
                self._opt_outs.add(event.count, attributes)
                attributes = {**attributes, "suppress.count": event.count}
                get_current_span().add_event("suppress.opt_outs", attributes)
            case suppress.SendBypassed():
                attributes = _attributes(channel=event.channel)
                self._bypasses.add(1, attributes)
                attributes = _attributes(channel=event.channel, reason=event.reason)
                get_current_span().add_event("suppress.bypass", attributes)

    def _note_load(self, event: suppress.ListLoaded | suppress.ListFailed) -> None:
        attributes = _attributes(channel=event.channel)
        self._load_duration.record(event.seconds, attributes)
        loaded = isinstance(event, suppress.ListLoaded)
        outcome = _attributes(outcome="loaded" if loaded else "failed")
        self._loads.add(1, {**attributes, **outcome})
        attributes |= _attributes(sources=event.sources)
        if isinstance(event, suppress.ListLoaded):
            self._span("suppress.load", event.seconds, attributes | _attributes(count=event.count))
        else:
            self._span("suppress.load", event.seconds, attributes, event.error)

    def _note_screening(self, event: suppress.RecipientsScreened) -> None:
        attributes = _attributes(channel=event.channel)
        self._screening_duration.record(event.seconds, attributes)
        counts = {each.value: getattr(event, each) for each in suppress.Outcome}
        for outcome, count in counts.items():
            if count:
                self._recipients.add(count, {**attributes, **_attributes(outcome=outcome)})
        # On its own, a span for each single check would say less than the metrics, and cost more.
        if get_current_span().is_recording():
            self._span("suppress.screen", event.seconds, attributes | _attributes(**counts))

    def _note_delivery(self, event: suppress.OptOutsDelivered) -> None:
        source = _attributes(source=event.source)
        self._delivery_duration.record(event.seconds, source)
        kind = source | _attributes(
            channel=event.channel, action=event.action, outcome=event.outcome
        )
        self._deliveries.add(event.count, kind)
        attributes = kind | _attributes(count=event.count)
        self._span("suppress.deliver", event.seconds, attributes, event.error)

    def _span(
        self, name: str, seconds: float, attributes: Attributes, error: str | None = None
    ) -> None:
        """Add a span that has just ended, below the current one if there is any."""
        end = time.time_ns()
        start = end - int(seconds * 1e9)
        span = self._tracer.start_span(name, attributes=attributes, start_time=start)
        if error is not None:
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(end)

    def _ages(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().channels:
            if each.age is not None:
                yield Observation(each.age, _attributes(channel=each.channel))

    def _max_stale(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().channels:
            yield Observation(each.max_stale, _attributes(channel=each.channel))

    def _entries(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().channels:
            if each.age is not None:
                yield Observation(each.count, _attributes(channel=each.channel))

    def _states(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().channels:
            for state in suppress.State:
                attributes = _attributes(channel=each.channel, state=state.value)
                yield Observation(int(state is each.state), attributes)

    def _failing(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().channels:
            yield Observation(int(each.failure is not None), _attributes(channel=each.channel))

    def _waiting(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().waiting:
            for state, count in (("waiting", each.waiting), ("refused", each.refused)):
                yield Observation(count, _kind_of(each) | _attributes(state=state))

    def _waiting_ages(self, _options: CallbackOptions) -> Iterable[Observation]:
        for each in self._watched.overview().waiting:
            yield Observation(max(time.time() - each.since, 0.0), _kind_of(each))

    def _readable(self, _options: CallbackOptions) -> Iterable[Observation]:
        is_readable = self._watched.overview().is_readable
        if is_readable is not None:
            yield Observation(int(is_readable))


def _kind_of(waiting: suppress.Waiting) -> Attributes:
    return _attributes(source=waiting.source, channel=waiting.channel, action=waiting.action)


def _attributes(**values: str | int | tuple[str, ...]) -> Attributes:
    return {f"suppress.{name}": value for name, value in values.items()}


_lock = threading.Lock()
_made: dict[tuple[TracerProvider | None, MeterProvider | None], Instruments] = {}
"""A meter must not have the same instruments twice, however many watch with it."""


def instruments_of(
    tracer_provider: TracerProvider | None, meter_provider: MeterProvider | None
) -> Instruments:
    """Return the instruments of some providers, made on the first call."""
    with _lock:
        key = tracer_provider, meter_provider
        if key not in _made:
            _made[key] = Instruments(*key)
        return _made[key]
