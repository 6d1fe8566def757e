"""A million opt-outs made here: added at once, opened again, and one more of another process.

python tests/benchmarks/opt_outs.py [COUNT]
"""

import multiprocessing
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from suppress import Entry, Progress, Settings, Source, Suppressor, hookimpl

CAMPAIGN = 1000
"""Recipients of each screening that goes on meanwhile."""


class Taker:
    """A source that lists nobody, and takes opt-outs."""

    name = "list"
    channels = ("sms",)
    add_at_once = remove_at_once = 1000

    @hookimpl
    def suppress_sources(self, settings: Settings) -> Source:
        """Provide itself."""
        return self

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entry]:
        """Return nobody."""
        return ()

    def add(self, numbers: Sequence[str], channel: str) -> None:
        """Take opt-outs."""

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        """Take removals."""


def opened(store: Path) -> Suppressor:
    return Suppressor(plugins=[Taker()], sources=["list"], store=store, background=False)


def screen_until_told(pipe: Connection, store: Path) -> None:
    """Screen a campaign again and again; tell how long the slowest took, and the last outcome."""
    one = opened(store)
    recipients = [number_of(place) for place in range(CAMPAIGN)]
    one.filter_recipients(recipients, "sms")
    pipe.send("ready")
    slowest, left = 0.0, recipients
    while not (pipe.poll() and not left):
        began = time.perf_counter()
        left = one.filter_recipients(recipients, "sms")
        slowest = max(slowest, time.perf_counter() - began)
    pipe.send(slowest)


def screen_after_each(pipe: Connection, store: Path) -> None:
    """Tell, for each number received, how long the next screening takes, which must obey."""
    one = opened(store)
    recipients = [number_of(-1 - place) for place in range(CAMPAIGN)]
    one.filter_recipients(recipients, "sms")
    pipe.send("ready")
    while number := pipe.recv():
        began = time.perf_counter()
        allowed = one.filter_recipients([*recipients, number], "sms")
        took = time.perf_counter() - began
        assert number not in allowed
        pipe.send(took)


def open_and_ask(pipe: Connection, store: Path) -> None:
    """Tell how long the first look at the opt-outs takes."""
    one = opened(store)
    began = time.perf_counter()
    assert one._opt_outs is not None
    one._opt_outs.of("sms")
    pipe.send(time.perf_counter() - began)


def number_of(place: int) -> str:
    return f"+4479{place % 10**8:08d}"


def main() -> None:
    """Measure, and print a line for each figure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    places = [
        *range(CAMPAIGN),
        *random.Random(1).sample(range(CAMPAIGN, 9 * 10**7), count - CAMPAIGN),
    ]
    numbers = [number_of(place) for place in places]
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        opened(store).add([number_of(99_999_999)], "sms")

        def begun(target: object) -> Connection:
            here, there = context.Pipe()
            context.Process(target=target, args=(there, store), daemon=True).start()  # type: ignore[arg-type]
            return here

        screening = begun(screen_until_told)
        screening.recv()
        began = time.perf_counter()
        opened(store).add(numbers, "sms")
        print(f"adding {count:,} at once: {time.perf_counter() - began:.2f} s")
        screening.send("end")
        print(f"slowest screening in another process meanwhile: {screening.recv():.2f} s")
        times = [begun(open_and_ask).recv() for _ in range(3)]
        print(f"opening: {min(times) * 1000:.0f} ms")
        obeying = begun(screen_after_each)
        obeying.recv()
        adding, took, slowest = opened(store), [], []
        for place in range(20):
            number = number_of(98_000_000 + place)
            began = time.perf_counter()
            adding.add([number], "sms")
            took.append(time.perf_counter() - began)
            obeying.send(number)
            slowest.append(obeying.recv())
        obeying.send(None)
        print(f"one more, added: {sorted(took)[10] * 1000:.1f} ms (first {took[0] * 1000:.0f} ms)")
        print(
            f"obeyed by the next screening of 1,000: {sorted(slowest)[10] * 1000:.1f} ms, at most "
            f"{max(slowest) * 1000:.1f} ms"
        )


if __name__ == "__main__":
    main()
