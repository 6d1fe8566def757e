"""Measures a machine with a shared store beside one with a folder, in one run.

python tests/benchmarks/machines.py [RECIPIENTS [ENTRIES]]
"""

import dataclasses
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from support.postgres_server import PostgresServer, missing_for_postgres
from suppress import Entry, Progress, ServerUrl, Settings, Source, Suppressor, hookimpl

ANSWERS = 20_000
"""Questions about one number in each run."""

LEAST = 100_000
"""Entries of the list that is published; the promise is about this many."""


class Listing:
    """A source that lists some numbers."""

    name = "list"
    channels = ("sms",)

    def __init__(self, entries: int) -> None:
        self.entries = entries

    @hookimpl
    def suppress_sources(self, settings: Settings) -> Source:
        """Provide itself."""
        return self

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entry]:
        """Return every other number."""
        return (Entry(f"+4479{2 * place:08d}", {"sms"}, place) for place in range(self.entries))


def measure(recipients: int, entries: int, runs: int = 5) -> None:
    """Measure, and print a line for each figure."""
    if (missing := missing_for_postgres()) is not None:
        print(f"A shared store is not measured: {missing}.")
        return
    logging.getLogger("suppress").setLevel(logging.ERROR)  # the server is stopped, and ends
    with (
        tempfile.TemporaryDirectory() as name,
        PostgresServer() as server,
        server.database() as database,
    ):
        folder, url = Path(name), ServerUrl(server.url(database))
        settings = Settings(sources=("list",), ttl=1e6, max_stale=1e6, store=folder / "store")
        shared = dataclasses.replace(settings, store=url, local_copy=folder / "one")
        plugins = [Listing(max(entries, LEAST))]
        alone, machine = (Suppressor(each, plugins=plugins) for each in (settings, shared))
        compare(alone, machine, server, recipients, runs)
        other = Suppressor(dataclasses.replace(shared, local_copy=folder / "two"), plugins=plugins)
        publish(machine, other)


def compare(
    alone: Suppressor, machine: Suppressor, server: PostgresServer, recipients: int, runs: int
) -> None:
    """Screen and look up with both, one after the other in each run."""
    numbers = [f"+4479{place:08d}" for place in range(recipients)]

    def screen(one: Suppressor) -> None:
        assert len(one.filter_recipients(numbers, "sms")) <= len(numbers)

    def look_up(one: Suppressor) -> None:
        for number in (numbers * (ANSWERS // len(numbers) + 1))[:ANSWERS]:
            one.is_suppressed(number, "sms")

    for one in (alone, machine):
        screen(one)
    for what, work, unit in (
        (f"Screening {recipients:,} recipients", screen, 1e3 / 1),
        ("Asking for one number", look_up, 1e6 / ANSWERS),
    ):
        here, there = best(work, (alone, machine), runs)
        server.pause()
        try:
            (silent,) = best(work, (machine,), runs)
        finally:
            server.resume()
        name = "ms" if unit == 1e3 else "\N{MICRO SIGN}s"
        print(
            f"{what}: {here * unit:.2f} {name} with a folder, {there * unit:.2f} {name} with "
            f"PostgreSQL ({there / here:.2f} times as long), {silent * unit:.2f} {name} while "
            "PostgreSQL is stopped, so none of it is asked."
        )


def best(
    work: Callable[[Suppressor], None], machines: Iterable[Suppressor], runs: int
) -> list[float]:
    """Return the shortest time for each, in seconds."""
    found: dict[Suppressor, list[float]] = {each: [] for each in machines}
    for _ in range(runs):
        for each, times in found.items():
            began = time.perf_counter()
            work(each)
            times.append(time.perf_counter() - began)
    return [min(times) for times in found.values()]


def publish(machine: Suppressor, other: Suppressor) -> None:
    """Publish a list that another machine waits for."""
    store, waiting = machine._store, other._store
    other.is_suppressed("+447900000000", "sms")
    key = next(iter(machine._serving._flight._keys.values()))
    snapshot = machine.snapshot("sms")
    for part in ("all of its parts", "the same numbers again"):
        read_at = datetime.now(UTC)
        made = dataclasses.replace(snapshot, read_at=read_at)
        if part == "all of its parts":
            fewer = tuple(snapshot.numbers)[1:]
            made = dataclasses.replace(made, numbers=type(snapshot.numbers).of(fewer))
        began = time.perf_counter()
        with store.exclusive(key, 60.0) as lease:
            store.publish(key, made, lease)
        published = time.perf_counter() - began
        while (found := waiting.latest(key)) is None or found.read_at != read_at:
            time.sleep(0.001)
        print(
            f"Publishing {snapshot.count:,} entries to PostgreSQL, {part}: {published:.2f} s, "
            f"asked for 1 s; another machine has it after {time.perf_counter() - began:.2f} s."
        )


def main() -> None:
    """Measure with the sizes that are given."""
    recipients, entries = [int(each) for each in sys.argv[1:]] + [200_000, LEAST][
        len(sys.argv) - 1 :
    ]
    measure(recipients, entries)


if __name__ == "__main__":
    main()
