"""Campaigns in files: `suppress filter` beside duckdb's anti-join, each a process on one core.

python tests/benchmarks/files.py [ROWS]
"""

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ENTRIES = 100_000
FORMS = {"in.csv": 1.2, "quoted.csv": 0.5, "in.txt": 2.0, "in.jsonl": 0.7}
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
}.get(form, "read_csv('{}', all_varchar=true)").format(path)
write = {
    "in.txt": "format csv, header false",
    "in.jsonl": "format json",
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


class Used(NamedTuple):
    """Seconds of the processor, and megabytes at most."""

    seconds: float
    megabytes: float


def used(arguments: Sequence[str], environ: dict[str, str]) -> Used:
    process = subprocess.Popen(
        arguments, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments[0]} failed with status {process.returncode}.")
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


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


def measure(count: int, *, runs: int = 3) -> None:
    """Print how long both take for each form, in seconds of one core."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            _measure(count, runs)
        finally:
            os.chdir(before)


def _measure(count: int, runs: int) -> None:
    make_files(count)
    environ = {
        **os.environ,
        "HOME": str(Path.cwd()),
        "SUPPRESS_FILE_PATH": "stopped.txt",
        "SUPPRESS_FILE_QUIET": "0",
        "SUPPRESS_STORE": "store",
        # The libraries that numpy may use for matrices start threads that nobody needs here.
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [str(Path(sys.executable).with_name("suppress"))]
    used([*command, "refresh"], environ)
    print(f"{count:,} rows, {ENTRIES:,} entries; seconds of one core, whole process")
    for form, asked in FORMS.items():
        words = ["filter", form, "--channel", "sms", "-o", "ours"]
        words += [] if form == "in.txt" else ["--column", "phone"]
        ours = [used([*command, *words], environ) for _ in range(runs)]
        theirs = [used([sys.executable, "-c", ANTI_JOIN, form, form], environ) for _ in range(runs)]
        mine, other = min(ours), min(theirs)
        factor = other.seconds / mine.seconds
        print(
            f"{form:11} {mine.seconds:6.2f} s {mine.megabytes:5.0f} MB | duckdb "
            f"{other.seconds:6.2f} s {other.megabytes:5.0f} MB | {factor:.2f}x as fast, asked for "
            f"{asked}x{'' if factor >= asked else ' (!)'}"
        )


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000)
