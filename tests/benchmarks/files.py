"""Campaigns in files: `suppress filter` beside duckdb's anti-join, each a process on one core.

python tests/benchmarks/files.py [ROWS]
python tests/benchmarks/files.py --memory [ROWS]     also for ten times as many rows
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ENTRIES = 100_000
FORMS = {"in.csv": 1.2, "quoted.csv": 0.5, "in.txt": 2.0, "in.jsonl": 0.7, "in.parquet": 0.8}
"""The files, each with how many times as fast as duckdb is required."""

FIRST_NAMES, TOWNS = ("Ann", "Bob", "Carla", "Dmitri", "Eve"), ("Oslo", "Rome", "Bonn", "Lima")
NAMES = "id", "name", "phone", "town", "spent"

# It normalizes nothing, and takes the numbers as they are.
ANTI_JOIN = """
import sys
import duckdb
path, form = sys.argv[1:]
read = {
    "in.txt": "read_csv('{}', header=false, columns={{'phone': 'VARCHAR'}})",
    "in.jsonl": "read_json('{}', format='newline_delimited')",
    "in.parquet": "read_parquet('{}')",
}.get(form, "read_csv('{}', all_varchar=true)").format(path)
write = {
    "in.txt": "format csv, header false",
    "in.jsonl": "format json",
    "in.parquet": "format parquet",
    "quoted.csv": "format csv, force_quote *",
}.get(form, "format csv")
connection = duckdb.connect()
connection.execute("set threads=1")
connection.execute(
    f"copy (select * from {read} recipients anti join "
    "read_csv('stopped.txt', header=false, columns={'phone': 'VARCHAR'}) stopped using (phone)) "
    f"to 'theirs' ({write})"
)
"""


AS_PARQUET = """
import duckdb
duckdb.execute(
    "copy (select * from read_csv('in.csv', all_varchar=true)) to 'in.parquet' (format parquet)"
)
"""

MOST_MEGABYTES, MOST_GROWTH = 160, 1.1
"""The memory that is allowed, and how much more of it ten times as many rows may need."""

# A process begins with the memory of the one that starts it, so this one is small.
LAUNCHER = """
import os, subprocess, sys
started = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(started.pid, 0)
started.returncode = os.waitstatus_to_exitcode(status)
print(started.returncode, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


class Used(NamedTuple):
    """Seconds of the processor, and megabytes at most."""

    seconds: float
    megabytes: float


def used(arguments: Sequence[str], environ: dict[str, str]) -> Used:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *arguments],
        env=environ,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    status, seconds, kilobytes = map(float, done.stdout.split())
    if status:
        raise SystemExit(f"{arguments[0]} failed with status {status:.0f}.")
    return Used(seconds, kilobytes / 1000)


def rows(count: int) -> Iterator[tuple[str, ...]]:
    draw = random.Random(1)
    for place in range(count):
        area, middle, last = (draw.randrange(*each) for each in ((201, 990), (200, 999), (10**4,)))
        yield (
            str(place + 10**6),
            f"{draw.choice(FIRST_NAMES)} Example",
            f"+1{area}{middle}{last:04}",
            draw.choice(TOWNS),
            f"{draw.randrange(10**5) / 100:.2f}",
        )


def make_files(count: int) -> None:
    with (
        Path("in.csv").open("w") as plain,
        Path("quoted.csv").open("w") as quoted,
        Path("in.txt").open("w") as text,
        Path("in.jsonl").open("w") as lines,
        Path("stopped.txt").open("w") as stopped,
    ):
        plain.write(f"{','.join(NAMES)}\n")
        quoted.write('"{}"\n'.format('","'.join(NAMES)))
        for place, row in enumerate(rows(count)):
            plain.write(f"{','.join(row)}\n")
            quoted.write('"{}"\n'.format('","'.join(row)))
            text.write(f"{row[2]}\n")
            pairs = (f'"{name}": "{cell}"' for name, cell in zip(NAMES, row, strict=True))
            lines.write(f"{{{', '.join(pairs)}}}\n")
            if place % max(count // ENTRIES, 1) == 0:
                stopped.write(f"{row[2]}\n")
    subprocess.run([sys.executable, "-c", AS_PARQUET], check=True)


def measure(count: int, *, runs: int = 3, memory: bool = False) -> None:
    """Print how long both take for each form, in seconds of one core.

    Args:
        count: the number of rows.
        runs: how often each is measured; the fastest counts.
        memory: whether to print how much memory that and ten times as many rows need, instead.
    """
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            make_files(count)
            environ, command = set_up()
            if memory:
                _measure_memory(count, environ, command)
            else:
                _measure(count, runs, environ, command)
        finally:
            os.chdir(before)


def set_up() -> tuple[dict[str, str], list[str]]:
    """Read the stop list; return the environment and the beginning of each command."""
    environ = {
        **os.environ,
        "HOME": str(Path.cwd()),
        "SUPPRESS_FILE_PATH": "stopped.txt",
        "SUPPRESS_FILE_QUIET": "0",
        "SUPPRESS_STORE": "store",
        # The libraries that numpy may use for matrices start threads that nobody needs here.
        "OPENBLAS_NUM_THREADS": "1",
    }
    # Compiling the libraries is done once by whoever uses them.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [str(Path(sys.executable).with_name("suppress"))]
    used([*command, "refresh"], environ)
    return environ, command


def words_for(form: str) -> list[str]:
    words = ["filter", form, "--channel", "sms", "-o", "ours"]
    return words if form == "in.txt" else [*words, "--column", "phone"]


def _measure(count: int, runs: int, environ: dict[str, str], command: list[str]) -> None:
    print(f"{count:,} rows, {ENTRIES:,} entries; seconds of one core, whole process")
    for form, asked in FORMS.items():
        words = words_for(form)
        mine = other = Used(float("inf"), 0)
        for _ in range(runs):
            mine = min(mine, used([*command, *words], environ))
            other = min(other, used([sys.executable, "-c", ANTI_JOIN, form, form], environ))
        factor = other.seconds / mine.seconds
        print(
            f"{form:11} {mine.seconds:6.2f} s {mine.megabytes:5.0f} MB | duckdb "
            f"{other.seconds:6.2f} s {other.megabytes:5.0f} MB | {factor:.2f}x as fast, asked for "
            f"{asked}x{'' if factor >= asked else ' (!)'}"
        )


def _measure_memory(count: int, environ: dict[str, str], command: list[str]) -> None:
    found = [used([*command, *words_for("in.csv")], environ).megabytes]
    header, _, body = Path("in.csv").read_bytes().partition(b"\n")
    with Path("in.csv").open("wb") as longer:
        longer.write(header + b"\n")
        for _ in range(10):
            longer.write(body)
    found.append(used([*command, *words_for("in.csv")], environ).megabytes)
    for rows_, megabytes in zip((count, 10 * count), found, strict=True):
        note = "" if megabytes <= MOST_MEGABYTES else " (!)"
        print(f"{rows_:,} rows of CSV: {megabytes:.0f} MB, at most {MOST_MEGABYTES} MB asked{note}")
    growth = found[1] / found[0]
    note = "" if growth <= MOST_GROWTH else " (!)"
    print(f"{growth:.2f}x as much for ten times as many, at most {MOST_GROWTH}x asked{note}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=2_000_000)
    parser.add_argument("--memory", action="store_true")
    given = parser.parse_args()
    measure(given.rows, memory=given.memory)
