"""Traces and metrics for OpenTelemetry, as its SDK exports them."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import suppress
import suppress_opentelemetry
from support.builders import Clock, GatedSource, ListSource, listed, wait_for
from support.takers import Taker
from suppress import ConfigurationError, Settings, StopListUnavailable, Suppressor

pytest.importorskip("opentelemetry.sdk")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from opentelemetry.trace import StatusCode

LISTED, OTHER = "+14155552671", "+14155552672"


class Exported:
    """Providers of an application, and what they export."""

    def __init__(self) -> None:
        self.tracer_provider = TracerProvider()
        self._exporter = InMemorySpanExporter()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self._reader])
        self.plugin = suppress_opentelemetry.Telemetry(self.tracer_provider, self.meter_provider)

    def suppressor(self, source: ListSource, clock: Clock, store: Path | None = None) -> Suppressor:
        return Suppressor(
            plugins=[source, self.plugin],
            background=False,
            clock=clock,
            timer=clock,
            sources=[source.name],
            store=store or "none",
        )

    def spans(self) -> list[ReadableSpan]:
        """Return the spans since the last time."""
        found = list(self._exporter.get_finished_spans())
        self._exporter.clear()
        return found

    def metrics(self) -> Mapping[str, list[Any]]:
        """Return the points of each metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        return {
            metric.name.removeprefix("suppress."): list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def value(self, name: str, **attributes: str) -> Any:
        wanted = {f"suppress.{key}": value for key, value in attributes.items()}
        (point,) = (each for each in self.metrics()[name] if each.attributes == wanted)
        return point.value


@pytest.fixture
def exported() -> Iterator[Exported]:
    found = Exported()
    yield found
    found.tracer_provider.shutdown()
    found.meter_provider.shutdown()


class TestTraces:
    def test_a_reading_is_a_span_of_its_length(self, exported: Exported, clock: Clock) -> None:
        source = ListSource(listed(LISTED))

        def read() -> Any:
            clock.now += 2
            return source.entries

        source.instead = read
        exported.suppressor(source, clock).refresh("sms")
        (span,) = exported.spans()
        assert span.name == "suppress.load"
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.end_time - span.start_time == 2_000_000_000
        assert dict(span.attributes or {}) == {
            "suppress.channel": "sms",
            "suppress.sources": ("list",),
            "suppress.count": 1,
        }

    def test_a_reading_that_failed_says_why(self, exported: Exported, clock: Clock) -> None:
        source = ListSource()
        source.failure = suppress.SourceError("It does not answer.")
        with pytest.raises(StopListUnavailable):
            exported.suppressor(source, clock).refresh("sms")
        (span,) = exported.spans()
        assert span.status.status_code is StatusCode.ERROR
        assert "It does not answer." in (span.status.description or "")

    def test_a_screening_belongs_to_the_trace_of_its_caller(
        self, exported: Exported, clock: Clock
    ) -> None:
        suppressor = exported.suppressor(ListSource(listed(LISTED)), clock)
        suppressor.refresh("sms")
        exported.spans()
        suppressor.is_suppressed(OTHER, "sms")
        assert exported.spans() == []  # not a trace of its own
        with exported.tracer_provider.get_tracer("app").start_as_current_span("request"):
            suppressor.filter_recipients([LISTED, OTHER], "sms")
        screening, request = exported.spans()
        assert screening.name == "suppress.screen"
        assert screening.parent is not None
        assert request.context is not None
        assert screening.parent.span_id == request.context.span_id
        assert dict(screening.attributes or {}) == {
            "suppress.channel": "sms",
            "suppress.allowed": 1,
            "suppress.suppressed": 1,
            "suppress.invalid": 0,
        }

    def test_a_bypass_and_an_opt_out_are_noted_in_the_span(
        self, exported: Exported, clock: Clock, tmp_path: Path
    ) -> None:
        suppressor = exported.suppressor(Taker(), clock, tmp_path)

        @suppress.guard(channel="sms", to="phone", suppressor=suppressor)
        def send(phone: str) -> None:
            return None

        with exported.tracer_provider.get_tracer("app").start_as_current_span("request"):
            suppressor.add([LISTED], "sms")
            with suppress.bypass(reason=f"tells {LISTED}"):
                send(LISTED)
        suppressor.pass_on()
        request, delivery = exported.spans()
        assert [each.name for each in request.events] == ["suppress.opt_outs", "suppress.bypass"]
        reason = (request.events[1].attributes or {})["suppress.reason"]
        assert reason == "tells +141******71"
        assert delivery.name == "suppress.deliver"
        assert (delivery.attributes or {})["suppress.outcome"] == "taken"


class TestMetrics:
    def test_what_happened_is_counted(
        self, exported: Exported, clock: Clock, tmp_path: Path
    ) -> None:
        suppressor = exported.suppressor(Taker(LISTED), clock, tmp_path)
        suppressor.filter_recipients([LISTED, OTHER, OTHER], "sms")
        suppressor.add([OTHER], "sms")
        suppressor.pass_on()
        assert exported.value("loads", channel="sms", outcome="loaded") == 1
        assert exported.value("recipients", channel="sms", outcome="allowed") == 2
        assert exported.value("recipients", channel="sms", outcome="suppressed") == 1
        assert exported.value("opt_outs", channel="sms", action="add") == 1
        kind = {"source": "list", "channel": "sms", "action": "add"}
        assert exported.value("deliveries", outcome="taken", **kind) == 1
        (duration,) = exported.metrics()["screening.duration"]
        assert (duration.count, duration.explicit_bounds[0]) == (1, 0.00001)

    def test_the_state_is_asked_for(self, exported: Exported, clock: Clock, tmp_path: Path) -> None:
        suppressor = exported.suppressor(Taker(LISTED), clock, tmp_path)
        suppressor.refresh("sms")
        suppressor.add([OTHER], "sms")
        clock.now += 400
        assert exported.value("snapshot.age", channel="sms") == 400
        assert exported.value("snapshot.max_stale", channel="sms") == 3600
        assert exported.value("entries", channel="sms") == 2
        assert exported.value("list.state", channel="sms", state="stale") == 1
        assert exported.value("list.state", channel="sms", state="fresh") == 0
        assert exported.value("list.failing", channel="sms") == 0
        kind = {"source": "list", "channel": "sms", "action": "add"}
        assert exported.value("waiting", state="waiting", **kind) == 1
        assert exported.value("opt_outs.readable") == 1

    def test_a_list_that_is_kept_recent_is_missing_until_it_has_been_read(
        self, exported: Exported
    ) -> None:
        source = GatedSource(LISTED)
        source.shut()
        suppressor = Suppressor(plugins=[source, exported.plugin], sources=["list"], store=None)
        suppressor.keep_recent("sms")
        assert exported.value("list.state", channel="sms", state="missing") == 1
        assert exported.value("list.failing", channel="sms") == 0
        source.open.set()
        wait_for(lambda: exported.value("list.state", channel="sms", state="fresh") == 1)


class TestSettings:
    def listeners(self, **table: object) -> bool:
        source = ListSource(listed(LISTED))
        settings = Settings(sources=("list",), store=None, tables={"opentelemetry": table})
        return Suppressor(settings, plugins=[source], background=False).listeners.present

    def test_it_is_on_where_it_is_asked_for(self) -> None:
        assert self.listeners(enabled=True)
        assert not self.listeners(enabled=False)

    def test_without_its_library_it_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "suppress_opentelemetry.instruments", raising=False)
        monkeypatch.setitem(sys.modules, "opentelemetry.metrics", None)
        with pytest.raises(ConfigurationError, match=r"suppress-filter\[opentelemetry\]"):
            self.listeners(enabled=True)
