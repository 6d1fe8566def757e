"""Builders of suppressors, sources, clocks and settings for tests."""

import functools
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.commands import run
from suppress import Snapshot, Suppressor
from suppress.stop_list.number_set import NumberSet
from suppress_bsg.limits import BsgLimits
from suppress_bsg.sandbox import SandboxEntry
from suppress_bsg.source import BsgSource

CREATED_AT = "2022-04-18 19:22:16"
READ_AT = datetime(2026, 1, 2, tzinfo=UTC)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class ListSource:
    """A source of given entries that counts its loads, and fails when told to."""

    def __init__(
        self,
        entries: Iterable[suppress.Entry] = (),
        *,
        name: str = "list",
        channels: Collection[str] = ("sms", "viber"),
    ) -> None:
        self.name = name
        self.channels = channels
        self.entries = list(entries)
        self.loads: list[frozenset[str]] = []
        self.failure: BaseException | None = None
        self.instead: Callable[[], Any] | None = None

    def load(
        self, channels: frozenset[str], progress: suppress.Progress
    ) -> Iterable[suppress.Entry]:
        self.loads.append(channels)
        if self.failure is not None:
            raise self.failure
        if self.instead is not None:
            return self.instead()  # type: ignore[no-any-return]
        progress(len(self.entries), len(self.entries))
        return self.entries

    @suppress.hookimpl
    def suppress_sources(self, settings: suppress.Settings) -> suppress.Source:
        return self


class GatedSource(ListSource):
    """A source whose loads wait while it is shut; each gives the list of the moment after."""

    def __init__(self, *numbers: str) -> None:
        super().__init__(listed(*numbers))
        self.open = threading.Event()
        self.open.set()
        self.begun = threading.Event()

    def load(self, *arguments: Any) -> Any:
        self.begun.set()
        assert self.open.wait(10)
        return super().load(*arguments)

    def shut(self) -> None:
        self.begun.clear()
        self.open.clear()


def by_hand(*sources: ListSource, clock: Clock | None = None, **arguments: Any) -> Suppressor:
    """Return a `Suppressor` of these sources, with a clock to move and no background thread."""
    clock = clock or Clock()
    given = {"sources": [source.name for source in sources], **arguments}
    return Suppressor(plugins=sources, background=False, clock=clock, timer=clock, **given)


def stored_by_hand(
    source: ListSource, clock: Clock, store: Path, /, **arguments: Any
) -> Suppressor:
    """Return one of a source, with a store and the usual ages unless others are given."""
    given = {"store": store, "ttl": 300.0, "max_stale": 3600.0, **arguments}
    return by_hand(source, clock=clock, **given)


def listed(*numbers: str | int, channels: Collection[str] = ("sms",)) -> list[suppress.Entry]:
    return [suppress.Entry(number, set(channels), place) for place, number in enumerate(numbers)]


def snapshot(*numbers: str, unread: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(
        channel="sms",
        read_at=READ_AT,
        sources=("bsg", "file"),
        numbers=NumberSet.of(numbers),
        unread=frozenset(unread),
    )


def environ_of_list(home: Path, stopped: bytes) -> dict[str, str]:
    """Return the environment of commands with a stop list in a file, already in the store."""
    (home / "stopped.txt").write_bytes(stopped)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SUPPRESS_FILE_PATH": str(home / "stopped.txt"),
        "SUPPRESS_FILE_QUIET": "0",
        "SUPPRESS_STORE": str(home / "store"),
        "SUPPRESS_TTL": "3600",
    } | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    run(["refresh"], env=environ, check=True)
    return environ


def row(place: int, phone: int, *channels: str) -> SandboxEntry:
    return SandboxEntry(place, phone, CREATED_AT, set(channels))


def limit_bsg(monkeypatch: pytest.MonkeyPatch, limits: BsgLimits) -> None:
    """Give other limits to BSG's source where the settings configure it."""
    made = functools.partial(BsgSource, limits=limits)
    monkeypatch.setattr("suppress_bsg.source.BsgSource", made)


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, ten seconds at most."""
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)
