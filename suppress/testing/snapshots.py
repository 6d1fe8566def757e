"""Snapshots for suites: made so that every attribute says something, and compared."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from suppress.numbers.convention import Convention
from suppress.sources import Progress, load
from suppress.stop_list.entries import Entry
from suppress.stop_list.snapshot import Snapshot


def read(*numbers: str) -> Snapshot:
    """Return a snapshot in which every attribute says something."""
    entries = [Entry(number, {"sms"}, place) for place, number in enumerate(numbers)]
    moment = datetime(2022, 4, 18, 19, 22, 16, tzinfo=UTC)
    entries += [
        Entry("442079460123", {"sms"}, "by text", moment),
        Entry("020 7946 0124", {"sms"}),
        Entry("short 12", {"sms"}, "odd"),
    ]
    times = iter((1_700_000_000.25, 1_700_000_001.0))
    sources = _Listing("one", entries, "GB"), _Listing("two", entries[:1], "international")
    snapshot = load(sources, ["sms"], convention=Convention(), clock=lambda: next(times))["sms"]
    return dataclasses.replace(snapshot, further=1)


class _Listing:
    """A source of some entries."""

    channels = ("sms",)

    def __init__(self, name: str, entries: Sequence[Entry], region: str) -> None:
        self.name = name
        self.region = region
        self._entries = entries

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entry]:  # noqa: ARG002 - as sources have it
        return self._entries


def contents(snapshot: Snapshot) -> Mapping[str, Any]:
    """Return every attribute of a snapshot, and what follows from them, to be compared."""
    found = {each.name: getattr(snapshot, each.name) for each in dataclasses.fields(snapshot)}
    for name in ("sources_read_at", "tallies"):
        found[name] = dict(found[name])
    for name in ("numbers", "origins"):
        found[name] = b"".join(map(bytes, found[name].image()))
    return found | {
        "count": snapshot.count,
        "digest": snapshot.digest,
        "numbers_digest": snapshot.numbers_digest,
    }
