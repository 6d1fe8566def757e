"""Metrics for Prometheus: their values, labels without numbers, and several processes."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import suppress
import suppress_prometheus
from support.builders import Clock, GatedSource, ListSource, listed, wait_for
from support.takers import Taker
from suppress import ConfigurationError, Settings, StopListUnavailable, Suppressor

pytest.importorskip("prometheus_client")

import prometheus_client as prometheus

from suppress_prometheus.metrics import metrics_in
from suppress_prometheus.state import StateCollector

ROOT = Path(__file__).parents[2]

LISTED, OTHER = "+14155552671", "+14155552672"


def watched(
    registry: prometheus.CollectorRegistry, source: ListSource, clock: Clock, store: Path | None
) -> Suppressor:
    return Suppressor(
        plugins=[source, suppress_prometheus.Metrics(registry)],
        background=False,
        clock=clock,
        timer=clock,
        sources=[source.name],
        store=store or "none",
    )


@pytest.fixture
def registry() -> prometheus.CollectorRegistry:
    return prometheus.CollectorRegistry()


def value(registry: prometheus.CollectorRegistry, name: str, **labels: str) -> float | None:
    found: float | None = registry.get_sample_value(f"suppress_{name}", labels)
    return found


class TestEvents:
    def test_loads_and_screenings(
        self, registry: prometheus.CollectorRegistry, clock: Clock
    ) -> None:
        source = ListSource(listed(LISTED))
        suppressor = watched(registry, source, clock, None)
        suppressor.filter_recipients([LISTED, OTHER, OTHER, "+1"], "sms")
        assert value(registry, "loads_total", channel="sms", outcome="loaded") == 1
        assert value(registry, "load_seconds_count", channel="sms") == 1
        for outcome, count in (("allowed", 2), ("suppressed", 1), ("invalid", 1)):
            assert value(registry, "recipients_total", channel="sms", outcome=outcome) == count
        assert value(registry, "screening_seconds_count", channel="sms") == 1
        source.failure = OSError("no route to host")
        clock.now += 1
        with pytest.raises(StopListUnavailable):
            suppressor.refresh("sms")
        assert value(registry, "loads_total", channel="sms", outcome="failed") == 1
        assert value(registry, "list_failing", channel="sms") == 1

    def test_opt_outs_deliveries_and_bypasses(
        self, registry: prometheus.CollectorRegistry, clock: Clock, tmp_path: Path
    ) -> None:
        taker = Taker()
        suppressor = watched(registry, taker, clock, tmp_path)
        suppressor.add([LISTED, OTHER], "sms")
        kind = {"source": "list", "channel": "sms", "action": "add"}
        assert value(registry, "opt_outs_total", channel="sms", action="add") == 2
        assert value(registry, "waiting", state="waiting", **kind) == 2
        taker.poison = {LISTED}
        suppressor.pass_on()
        assert value(registry, "waiting", state="waiting", **kind) == 0
        assert value(registry, "waiting", state="refused", **kind) == 1
        assert value(registry, "deliveries_total", outcome="taken", **kind) == 1
        assert value(registry, "deliveries_total", outcome="refused", **kind) == 1

        @suppress.guard(channel="sms", to="phone", suppressor=suppressor)
        def send(phone: str) -> None:
            return None

        with suppress.bypass(reason=f"for {LISTED}"):
            send(LISTED)
        assert value(registry, "bypasses_total", channel="sms") == 1
        assert LISTED[1:] not in prometheus.generate_latest(registry).decode()


class TestState:
    def test_a_list_ages(
        self, registry: prometheus.CollectorRegistry, clock: Clock, tmp_path: Path
    ) -> None:
        suppressor = watched(registry, ListSource(listed(LISTED, OTHER)), clock, tmp_path)
        suppressor.refresh("sms")
        clock.now += 400
        assert value(registry, "snapshot_age_seconds", channel="sms") == 400
        assert value(registry, "snapshot_max_stale_seconds", channel="sms") == 3600
        assert value(registry, "entries", channel="sms") == 2
        states = {
            state: value(registry, "list_state", channel="sms", state=state)
            for state in suppress.State
        }
        assert states == {"fresh": 0, "stale": 1, "expired": 0, "missing": 0}
        # Nobody asked for it, so nobody has to look after it.
        assert value(registry, "list_failing", channel="viber") is None

    def test_a_list_that_is_kept_recent_is_missing_until_it_has_been_read(
        self, registry: prometheus.CollectorRegistry
    ) -> None:
        source = GatedSource(LISTED)
        source.shut()
        metrics = suppress_prometheus.Metrics(registry)
        suppressor = Suppressor(plugins=[source, metrics], sources=["list"], store=None)
        suppressor.keep_recent("sms")
        assert value(registry, "list_state", channel="sms", state="missing") == 1
        assert value(registry, "list_failing", channel="sms") == 0
        assert value(registry, "snapshot_age_seconds", channel="sms") is None
        assert value(registry, "list_failing", channel="viber") is None
        source.open.set()
        wait_for(lambda: value(registry, "list_state", channel="sms", state="fresh") == 1)
        assert value(registry, "list_state", channel="sms", state="missing") == 0

    def test_one_that_is_gone_is_not_shown(
        self, registry: prometheus.CollectorRegistry, clock: Clock
    ) -> None:
        suppressor = watched(registry, ListSource(listed(LISTED)), clock, None)
        suppressor.refresh("sms")
        del suppressor
        assert value(registry, "entries", channel="sms") is None


class TestSettings:
    def listeners(self, **table: object) -> bool:
        source = ListSource(listed(LISTED))
        settings = Settings(sources=("list",), store=None, tables={"prometheus": table})
        return Suppressor(settings, plugins=[source], background=False).listeners.present

    def test_it_is_on_where_it_is_asked_for(self) -> None:
        assert self.listeners(enabled=True)
        assert not self.listeners(enabled=False)
        source = ListSource(listed(LISTED))
        quiet = Suppressor(plugins=[source], background=False, sources=["list"], store="none")
        assert not quiet.listeners.present

    def test_a_suppressor_is_counted_once_in_a_registry(self) -> None:
        source = ListSource(listed(LISTED))
        settings = Settings(sources=("list",), store=None, tables={"prometheus": {"enabled": True}})
        plugins = [source, suppress_prometheus.Metrics()]
        suppressor = Suppressor(settings, plugins=plugins, background=False)
        before = value(prometheus.REGISTRY, "recipients_total", channel="sms", outcome="allowed")
        suppressor.filter_recipients([OTHER], "sms")
        after = value(prometheus.REGISTRY, "recipients_total", channel="sms", outcome="allowed")
        assert after == (before or 0) + 1

    def test_without_its_library_it_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "suppress_prometheus.metrics", raising=False)
        monkeypatch.setitem(sys.modules, "prometheus_client", None)
        with pytest.raises(ConfigurationError, match=r"suppress-filter\[prometheus\]"):
            self.listeners(enabled=True)


PROCESS = """
import suppress, suppress.testing, suppress_prometheus
from prometheus_client import CollectorRegistry
with suppress.testing.stop_list(sms=["+14155552671"]) as given:
    listener = suppress_prometheus.Metrics().suppress_listener(given)
    given.listeners.add([listener])
    suppress.filter_recipients(["+14155552671", "+14155552672"], "sms")
"""


@pytest.mark.slow
def test_processes_are_counted_together(tmp_path: Path, clock: Clock) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", PROCESS], env=environ, check=True)
    registry = prometheus.CollectorRegistry()
    multiprocess = importlib.import_module("prometheus_client.multiprocess")
    multiprocess.MultiProcessCollector(registry, path=str(tmp_path))
    source = ListSource(listed(LISTED))
    suppressor = Suppressor(
        plugins=[source], background=False, clock=clock, timer=clock, sources=["list"], store="none"
    )
    suppressor.refresh("sms")
    registry.register(StateCollector(suppressor))
    for outcome in ("allowed", "suppressed"):
        assert value(registry, "recipients_total", channel="sms", outcome=outcome) == 2
    assert value(registry, "entries", channel="sms") == 1


@pytest.mark.servers
def test_the_alerts_are_raised_when_they_should_be(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    rules = ROOT / "docs/examples/prometheus-alerts.yml"
    for path in (rules, ROOT / "tests/data/prometheus-alerts-test.yml"):
        shutil.copy(path, tmp_path)
    checks = ["check", "rules", rules.name], ["test", "rules", "prometheus-alerts-test.yml"]
    for check in checks:
        done = subprocess.run(
            [promtool, *check], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_ask_for_metrics_that_there_are(registry: prometheus.CollectorRegistry) -> None:
    metrics_in(registry)
    there = {family.name for family in registry.collect()}
    rules = (ROOT / "docs/examples/prometheus-alerts.yml").read_text()
    page = (ROOT / "docs/how-to/monitoring.md").read_text()
    asked = {re.sub("_(total|info)$", "", each) for each in re.findall(r"\bsuppress_\w+", rules)}
    assert asked - there == set()
    shown = re.findall(r"^\| `(suppress_\w+)` \|", page, re.MULTILINE)
    assert {re.sub("_(total|info)$", "", each) for each in shown} == there
