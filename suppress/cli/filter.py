"""`suppress filter`: a file of recipients in, the allowed rows out, byte for byte.

Rows are read, screened and written a piece at a time, against one snapshot. An output
file appears whole, when everything has been screened, or not at all.
"""

import contextlib
import itertools
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from suppress.atomic import replacing
from suppress.cli.options import channel_option, region_option
from suppress.cli.output import OutputError, summary
from suppress.errors import InputError
from suppress.rows import Row, Rows
from suppress.screening import Outcome, Screening
from suppress.suppressor import Suppressor

PIECE = 10_000
"""Rows that are screened at once."""

STANDARD = "-"


@click.command("filter")
@click.argument("source", metavar="[INPUT]", default=STANDARD)
@channel_option
@click.option("--column", metavar="NAME", help="Column or JSON key of the number.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(Rows.FORMATS),
    help="Form of the input; told by the file's name or its first line otherwise.",
)
@region_option
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    default=STANDARD,
    help="Where the allowed rows go; standard output otherwise.",
)
@click.option("--suppressed", metavar="FILE", help="Where the suppressed rows go.")
@click.option("--invalid", metavar="FILE", help="Where the rows go that hold no phone number.")
def filter_command(
    source: str,
    channel: str,
    column: str | None,
    format_: str | None,
    default_region: str | None,
    output: str,
    suppressed: str | None,
    invalid: str | None,
) -> None:
    """Screen a file of recipients, and write those who may be messaged.

    INPUT is text with a number a line, CSV or TSV with a header, or JSON lines, in UTF-8;
    standard input for - or none. The allowed rows come out in the input's own form, byte
    for byte and in order. The summary goes to standard error.

    \b
      suppress filter campaign.csv --channel sms -o allowed.csv
      suppress filter campaign.csv --channel viber --column mobile --default-region US \\
          -o allowed.csv --suppressed suppressed.csv --invalid invalid.csv
      export-numbers | suppress filter --channel sms > allowed.txt
    """
    places = {
        outcome: place
        for outcome, place in (
            (Outcome.ALLOWED, output),
            (Outcome.SUPPRESSED, suppressed),
            (Outcome.INVALID, invalid),
        )
        if place is not None
    }
    _refuse_same(places)
    suppressor = Suppressor()
    with contextlib.ExitStack() as stack:
        stream, size = _opened(source, stack)
        name = "standard input" if source == STANDARD else source
        rows = Rows(stream, name=name, format=format_, column=column)
        region = suppressor.region(default_region)
        display = Console(stderr=True)
        waiting = f"Reading the {channel} stop list"
        with display.status(waiting) if display.is_terminal else contextlib.nullcontext():
            snapshot = suppressor.snapshot(channel)
        counts: dict[str, int] = dict.fromkeys(Outcome, 0)
        with _outputs(places) as outputs, _progress(size, places) as advance:
            for each in outputs.values():
                each.write(rows.header)
            advance(len(rows.header))
            for piece in _pieces(rows):
                screening = Screening(
                    piece, snapshot, default_region=region, key=lambda row: row.number
                )
                _write(screening, outputs)
                for outcome, count in screening.counts.items():
                    counts[outcome] += count
                advance(sum(len(row.raw) for row in piece))
    click.echo(summary(counts, snapshot, suppressor.age(snapshot)), err=True)


def _refuse_same(places: Mapping[Outcome, str]) -> None:
    files = [_identity(place) for place in places.values()]
    if any(files.count(each) > 1 for each in files if each is not None):
        raise click.UsageError("Two of --output, --suppressed and --invalid are the same file.")


def _identity(place: str) -> object:
    """What is the same for two names of one file; None for a device such as a terminal."""
    try:
        found = os.fstat(sys.stdout.fileno()) if place == STANDARD else Path(place).stat()
    except OSError:
        return Path(place).resolve()
    return None if stat.S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)


def _opened(source: str, stack: contextlib.ExitStack) -> tuple[BinaryIO, int | None]:
    if source == STANDARD:
        if sys.stdin is None:
            raise InputError("Standard input is closed.")
        return sys.stdin.buffer, None
    try:
        stream = stack.enter_context(Path(source).open("rb"))  # noqa: SIM115 - it is the stack's
        return stream, Path(source).stat().st_size
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.") from error


def _pieces(rows: Rows) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while piece := list(itertools.islice(iterator, PIECE)):
        yield piece


@contextlib.contextmanager
def _outputs(places: Mapping[Outcome, str]) -> Iterator[dict[Outcome, BinaryIO]]:
    try:
        with contextlib.ExitStack() as stack:
            outputs: dict[Outcome, BinaryIO] = {
                outcome: sys.stdout.buffer
                if place == STANDARD
                else stack.enter_context(replacing(Path(place)))
                for outcome, place in places.items()
            }
            yield outputs
            # No file appears before all that was written is known to have found room.
            for each in outputs.values():
                each.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or "An output"
        raise OutputError(f"{where} cannot be written: {error.strerror}.") from error


def _write(screening: Screening[Row], outputs: Mapping[Outcome, BinaryIO]) -> None:
    for outcome, stream in outputs.items():
        stream.writelines(row.raw for row in screening.of(outcome))


@contextlib.contextmanager
def _progress(size: int | None, places: Mapping[Outcome, str]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal that shows nothing else."""
    console = Console(stderr=True)
    shown = console.is_terminal and not (STANDARD in places.values() and sys.stdout.isatty())
    progress = Progress(
        TextColumn("Screening"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    task = progress.add_task("", total=size)
    with progress if shown else contextlib.nullcontext():
        yield lambda amount: progress.advance(task, amount)
