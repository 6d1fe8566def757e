"""Measures screening beside its rivals, in one process: python tests/benchmarks --help."""

import argparse
import contextlib
import functools
import importlib
import json
import math
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import machines
import numpy as np
import phonenumbers
import polars as pl
import service
from campaigns import (
    Campaign,
    campaign,
    dirty,
    e164,
    international,
    national,
    without_plus,
    wrapped,
)
from frames import frames
from matplotlib import pyplot as plt
from rich.console import Console
from rich.table import Table

import files
import suppress
from suppress import Screening, Snapshot, Suppressor, sources
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.readings import read
from suppress.numbers.region import INTERNATIONAL
from suppress.screening.recipients import taken
from suppress.screening.screening import allowed
from suppress.screening.tally import OutcomeTally
from suppress.stop_list.number_set import NumberSet
from suppress.stores.folder import FolderStore
from suppress_bsg.answers import decode_listing
from suppress_bsg.limits import DEFAULT_LIMITS
from suppress_bsg.paging import Page, read_all
from suppress_bsg.settings import BsgSettings
from suppress_bsg.source import BsgSource

LOOP_SAMPLE = 50_000
"""Recipients given to the plain loop, whose time is the same for each."""
ONE_COUNTRY = ("US", "GB", "IN", "BR", "MX", "AR", "IT", "CI")
NATIONAL = ("US", "GB", "DE", "FR", "IN", "BR", "AR", "RU", "JP")
CHECKED = 500
"""Recipients whose answers are compared with the reference."""
NO_DIGIT = ("+", "p", "'", "=", "w", "t", "\u200e", "\u202a", "\ufeff")
LATENCY = 20
LIMIT = DEFAULT_LIMITS.page_size
"""Milliseconds before each answer of the sandbox."""
WAITING = 300_000
"""Opt-outs that wait for a source, at most."""

console = Console(width=130)
bsg_api: Any = importlib.import_module("bsg_api")


def seconds(work: Callable[[], object], *, runs: int) -> float:
    """Return the shortest time of some runs: other work on the machine only adds to it."""
    times = []
    for _ in range(runs):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def snapshot(numbers: NumberSet) -> Snapshot:
    return Snapshot(channel="sms", read_at=datetime.now(UTC), sources=("made-up",), numbers=numbers)


def plain_loop(
    numbers: Sequence[str | int],
    stop_list: frozenset[str],
    region: str | None,
    *,
    with_code: bool = False,
) -> list[str | int]:
    """Filter as the obvious code does: parse, format, look up. It reads each number in one way."""
    allowed = []
    for number in numbers:
        text = f"+{number}" if with_code else str(number)
        try:
            parsed = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
        if e164 not in stop_list:
            allowed.append(number)
    return allowed


def all_readings(stop_list: frozenset[str]) -> NumberSet:
    """Return the set of all readings of some entries."""
    reader, entries = Reader(Convention(INTERNATIONAL)), sorted(stop_list)
    values = []
    for start in range(0, len(entries), BATCH_SIZE):
        found = reader.read_all(entries[start : start + BATCH_SIZE])
        values += [found.values[found.values != 0], found.further[1]]
    return NumberSet.of_values(np.concatenate(values))


def check(made: Campaign, listed: Snapshot) -> None:
    """End the program if screening and the reference disagree."""
    sample = made.numbers[:CHECKED]
    screening = Screening(sample, listed, default_region=made.region)
    for number, decision in zip(sample, screening, strict=True):
        meaning = read(number, Convention(made.region))
        expected = "allowed" if meaning.problem is None else "invalid"
        if listed.lists(meaning, number):
            expected = "suppressed"
        if decision.outcome != expected:
            raise SystemExit(f"The answer for {number!r} differs from that of the reference.")


@dataclass
class Times:
    """Nanoseconds a recipient."""

    suppress: float
    loop: float
    bare: float
    polars: float
    duckdb: float


def measured(made: Campaign, runs: int) -> Times:
    listed = snapshot(all_readings(made.stop_list))
    sample = made.numbers[:LOOP_SAMPLE]
    # Digits without a plus and without a region have their calling code.
    with_code = made.region in (None, INTERNATIONAL) and not str(sample[0]).startswith(NO_DIGIT)
    region = None if made.region == INTERNATIONAL else made.region

    # What `filter_recipients` does once it has the stop list.
    def filtered() -> list[str | int]:
        recipients, numbers = taken(made.numbers)
        reader = Reader(Convention(made.region))
        return allowed(recipients, numbers, listed, reader, OutcomeTally("sms", None))

    check(made, listed)

    def loop() -> list[str | int]:
        return plain_loop(sample, made.stop_list, region, with_code=with_code)

    frame = pl.DataFrame({"number": made.clean})
    stopped = pl.DataFrame({"number": sorted(made.stop_list)})
    with duckdb.connect() as database:
        database.execute("create table recipients as select * from frame")
        database.execute("create table stopped as select * from stopped")
        anti_join = "select * from recipients anti join stopped using (number)"
        count = len(made.numbers)
        return Times(
            suppress=seconds(filtered, runs=runs) / count * 1e9,
            loop=seconds(loop, runs=2) / len(sample) * 1e9,
            bare=seconds(lambda: [n for n in made.clean if n not in made.stop_list], runs=runs)
            / count
            * 1e9,
            polars=seconds(
                lambda: frame.join(stopped, on="number", how="anti", maintain_order="left"),
                runs=runs,
            )
            / count
            * 1e9,
            duckdb=seconds(lambda: database.sql(anti_join).to_arrow_table(), runs=runs)
            / count
            * 1e9,
        )


def inputs(made: Callable[..., Campaign]) -> Iterator[tuple[str, float, Campaign]]:
    """Yield the kinds of recipients, each with the factor that is required."""
    texts, formatted = made(e164), made(international)
    yield "E.164, all regions mixed", 120, texts
    for region in ONE_COUNTRY:
        yield f"E.164, {region}", 120, made(e164, regions=[region])
    yield "int", 100, texts._replace(numbers=[int(each) for each in texts.numbers])
    yield "international, formatted", 60, formatted
    for region in NATIONAL:
        yield f"national, {region}", 80, made(national, regions=[region], region=region)
    for each in ("US", "DE", "UA", INTERNATIONAL, None):
        yield f"digits without a plus, {each or 'no region'}", 90, without_plus(texts, each)
    yield "wrapped and spaced", 50, wrapped(texts)
    yield "dirty mix", 12, dirty(texts, formatted)


def bulk(recipients: int, entries: int, runs: int) -> None:
    table = Table(title=f"{recipients:,} recipients, {entries:,} entries")
    table.add_column("recipients")
    for name in ("suppress", "plain loop", "bare set test", "polars", "duckdb"):
        table.add_column(f"{name}\nns each", justify="right")
    table.add_column("against the\nplain loop", justify="right")
    table.add_column("asked\nfor", justify="right")
    table.add_column("against the\nset test", justify="right")
    made_up = functools.partial(campaign, recipients=recipients, entries=entries)
    for name, asked, made in inputs(made_up):
        times = measured(made, runs)
        table.add_row(
            name,
            f"{times.suppress:.0f}",
            f"{times.loop:,.0f}",
            f"{times.bare:.0f}",
            f"{times.polars:.0f}",
            f"{times.duckdb:.0f}",
            factor(times.loop / times.suppress, asked),
            f"{asked:.0f}x",
            f"{times.bare / times.suppress:.1f}x",
        )
    console.print(table)


def of_frames(rows: int, entries: int, runs: int) -> None:
    made = campaign(e164, recipients=rows, entries=entries)
    listed = all_readings(made.stop_list)
    console.print(frames(made, listed, runs))


def factor(value: float, asked: float) -> str:
    return f"{value:.{0 if value >= 10 else 1}f}x{'' if value >= asked else ' (!)'}"


class MadeUp:
    """A source of a few thousand numbers, for single checks."""

    name = "made-up"
    channels = frozenset({"sms"})

    @suppress.hookimpl
    def suppress_sources(self) -> list[suppress.Source]:
        return [self]

    def load(self, channels: frozenset[str], progress: suppress.Progress) -> list[suppress.Entry]:
        return [suppress.Entry(14155550000 + place, {"sms"}) for place in range(5_000)]


def single() -> None:
    arguments: dict[str, Any] = {"sources": ["made-up"], "store": "none", "ttl": 1e6}
    suppressor = Suppressor(plugins=[MadeUp()], **arguments)
    stop_list = frozenset(f"+{14155550000 + place}" for place in range(5_000))
    numbers = [f"+1415{place:07}" for place in range(0, 10**7, 999)]
    suppressor.is_suppressed(numbers[0], "sms")
    ours = seconds(lambda: [suppressor.is_suppressed(number, "sms") for number in numbers], runs=5)
    loop = seconds(lambda: plain_loop(numbers, stop_list, None), runs=3)
    count = len(numbers) / 1e6
    console.print(
        f"One plain number by is_suppressed: {ours / count:.1f} us; the plain loop "
        f"{loop / count:.1f} us: {factor(loop / ours, 4)}, asked for 4x."
    )


class Down(MadeUp):
    """A source that is down, so opt-outs wait for it."""

    add_at_once = remove_at_once = 1000

    def add(self, numbers: Sequence[str], channel: str) -> None:
        raise suppress.SourceError("It is down.")

    remove = add


def opting_out(waiting: int) -> None:
    """Measure additions while many wait, and look-ups meanwhile."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_STATE_HOME"] = str(Path(folder, "state"))
        arguments: dict[str, Any] = {"sources": ["made-up"], "store": folder, "ttl": 1e6}
        adding, looking = (
            Suppressor(plugins=[Down()], background=False, **arguments) for _ in range(2)
        )
        adding.add((f"+4479{place:08d}" for place in range(waiting)), "sms")
        looking.is_suppressed("+14155550000", "sms")
        longest, done = [0.0], threading.Event()

        def look() -> None:
            while not done.is_set():
                begin = time.perf_counter()
                looking.is_suppressed("+14155550000", "sms")
                longest.append(time.perf_counter() - begin)
                time.sleep(0.001)

        thread = threading.Thread(target=look)
        numbers = iter(range(10**6))

        def add(count: int) -> None:
            adding.add([f"+4478{next(numbers):08d}" for _ in range(count)], "sms")

        one, many = seconds(lambda: add(1), runs=20), seconds(lambda: add(1000), runs=3)
        thread.start()
        try:
            for _ in range(20):
                add(1)
            add(1000)
        finally:
            done.set()
            thread.join()
        console.print(
            f"With {waiting:,} opt-outs waiting: adding one {one * 1e3:.1f} ms, asked for 10 ms; "
            f"adding 1,000 {many * 1e3:.0f} ms; the longest look-up of another thread meanwhile "
            f"{max(longest) * 1e3:.0f} ms."
        )


def opening() -> None:
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        for count in (10, 1_000_000, 10_000_000):
            numbers = NumberSet.of_values(rng.integers(10**10, 10**13, count, np.uint64))
            with store.exclusive(f"sms-{count}", lease=60) as lease:
                store.publish(f"sms-{count}", snapshot(numbers), lease)
            each = numbers.nbytes / len(numbers)
            number = next(iter(numbers))
            del numbers

            def first_answer(key: str = f"sms-{count}", number: str = number) -> None:
                opened = FolderStore(Path(folder)).latest(key)
                assert opened is not None
                assert number in opened.numbers

            console.print(
                f"Opening a stored snapshot of {count:,} entries, first answer included: "
                f"{seconds(first_answer, runs=5) * 1e3:.1f} ms; {each:.1f} bytes an entry."
            )


@contextlib.contextmanager
def sandbox(size: int, latency: float) -> Iterator[str]:
    command = [sys.executable, "-c", "from suppress.cli import main; main()", "sandbox"]
    options = ["--port", "0", "--size", str(size), "--latency", str(latency)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        try:
            yield found[0]
        finally:
            process.terminate()


def read_by_suppress(url: str) -> Snapshot:
    settings = suppress.Settings(
        store=None, sources=("bsg",), tables={"bsg": {"api_key": "test_key", "base_url": url}}
    )
    return Suppressor(settings).snapshot("sms")


def read_by_sdk(url: str) -> set[int]:
    """Read the SMS list page by page with the vendor's client."""
    configuration = bsg_api.Configuration(host=url)
    phones: set[int] = set()
    with bsg_api.ApiClient(configuration) as sdk:
        token = bsg_api.AuthApi(sdk).login(bsg_api.LoginRequest(api_key="test_key"))
        configuration.access_token = token.bearer
        api = bsg_api.StopListApi(sdk)
        offset = 0
        while True:
            page = api.stoplist_items(type="sms", page_limit=LIMIT, page_offset=offset)
            phones.update(entry.phone for entry in page.data)
            offset += len(page.data)
            if len(page.data) < LIMIT:
                return phones


def reading(size: int) -> None:
    # Some eight in ten of the made-up entries are on the SMS list.
    with sandbox(size * 100 // 80, LATENCY) as url:
        read: list[int] = []
        ours = seconds(lambda: read.append(read_by_suppress(url).count), runs=2)
        theirs = seconds(lambda: read.append(len(read_by_sdk(url))), runs=1)
    (count,) = set(read)
    in_flight = BsgSettings(api_key=suppress.Secret("test_key")).pages_in_flight
    limit = math.ceil(count / (LIMIT - 1) / in_flight) * LATENCY / 1e3
    console.print(
        f"Reading {count:,} entries from a sandbox with {LATENCY} ms latency: {ours:.2f} s "
        f"(latency alone, with {in_flight} pages in flight, {limit:.2f} s); "
        f"bsg-sdk in a loop {theirs:.2f} s: {factor(theirs / ours, 4)}, asked for 4x."
    )


def decoding(size: int) -> None:
    rows = [
        {
            "id": 9_000_000 + place,
            "phone": 14150000000 + 7 * place,
            "created_at": "2022-04-18 19:22:16",
            "sms_stoplist": True,
            "viber_stoplist": place % 3 == 0,
        }
        for place in range(size)
    ]
    pages = {
        start: json.dumps({"data": rows[start : start + LIMIT], "total": size}).encode()
        for start in range(0, size, LIMIT - 1)
    }

    class InMemory(BsgSource):
        """Reads the pages from memory instead of the network."""

        def _read(self, client: Any, channel: str | None, progress: Any) -> list[Any]:
            def fetch(offset: int) -> Page[Any]:
                listing = decode_listing(pages[offset])
                return Page(offset, listing.data, size)

            return read_all(fetch, in_flight=4, progress=progress)

    source = InMemory(BsgSettings(api_key=suppress.Secret("test_key")))

    def load() -> None:
        read = sources.load([source], ["sms"], convention=Convention(), clock=time.time)
        assert read["sms"].count == size

    taken = seconds(load, runs=5)
    console.print(
        f"From JSON bytes to a snapshot, without a network: {size / taken:,.0f} entries a second."
    )


def growth(largest: int, runs: int) -> dict[str, list[tuple[int, float]]]:
    """Return the seconds for several numbers of recipients and of entries."""
    sizes = [largest * part // 10 for part in (1, 2, 4, 6, 8, 10)]
    found: dict[str, list[tuple[int, float]]] = {"recipients": [], "entries": []}
    for varied, line in found.items():
        for size in sizes:
            recipients = size if varied == "recipients" else largest
            entries = size if varied == "entries" else largest
            made = campaign(e164, recipients=recipients, entries=entries)
            listed = snapshot(NumberSet.of(made.stop_list))
            filtered = functools.partial(
                lambda *given: Screening(*given).allowed, made.numbers, listed
            )
            line.append((size, seconds(filtered, runs=runs)))
            console.print(f"{recipients:,} recipients, {entries:,} entries: {line[-1][1]:.3f} s")
    return found


def plot(found: dict[str, list[tuple[int, float]]], path: Path) -> None:
    plt.rcParams["svg.hashsalt"] = "suppress"
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    for axis, (varied, line) in zip(axes, found.items(), strict=True):
        counts, times = zip(*line, strict=True)
        axis.plot([count / 1e6 for count in counts], times, marker="o")
        axis.set(xlabel=f"million {varied}", ylim=(0, None), xlim=(0, None))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds")
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--listing", type=int, default=200_000, help="entries that are read")
    parser.add_argument("--seconds", type=int, default=5, help="for which the service is asked")
    parser.add_argument("--runs", type=int, default=5, help="of which the fastest counts")
    parser.add_argument("--plot", type=Path, metavar="SVG", help="draw how the time grows")
    arguments = parser.parse_args()
    versions = ", ".join(
        f"{module.__name__} {module.__version__}" for module in (np, phonenumbers, pl, duckdb)
    )
    console.print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} processors")
    if arguments.plot:
        plot(growth(arguments.recipients, arguments.runs), arguments.plot)
        return
    bulk(arguments.recipients, arguments.entries, arguments.runs)
    of_frames(5 * arguments.recipients, arguments.entries, arguments.runs)
    single()
    opting_out(min(WAITING, arguments.entries))
    opening()
    decoding(arguments.listing)
    reading(arguments.listing)
    files.measure(2 * arguments.recipients)
    console.print(service.measure(arguments.seconds))
    machines.measure(arguments.recipients // 5, arguments.listing, arguments.runs)


if __name__ == "__main__":
    main()
