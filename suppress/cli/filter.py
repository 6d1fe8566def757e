"""`suppress filter`: a file of recipients in, the allowed rows out, byte for byte.

Rows are read, screened and written a piece at a time, against one snapshot. An output
file appears whole, when everything has been screened, or not at all.
"""

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from suppress.atomic import replacing
from suppress.cli.options import channel_option, region_option, summary
from suppress.errors import InputError, SuppressError
from suppress.rows import Row, Rows
from suppress.screening import Outcome, Screening
from suppress.suppressor import Suppressor

PIECE = 10_000
"""Rows that are screened at once."""

STANDARD = "-"


class OutputError(SuppressError):
    """An output cannot be written."""


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
        rows = Rows(stream, name=source, format=format_, column=column)
        region = suppressor.region(default_region)
        with Console(stderr=True).status(f"Reading the {channel} stop list"):
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
    files = [
        Path(place).resolve() for place in places.values() if place not in (STANDARD, "/dev/null")
    ]
    if len(set(files)) != len(files) or list(places.values()).count(STANDARD) > 1:
        raise click.UsageError("Two of --output, --suppressed and --invalid are the same file.")


def _opened(source: str, stack: contextlib.ExitStack) -> tuple[BinaryIO, int | None]:
    if source == STANDARD:
        return sys.stdin.buffer, None
    try:
        stream = stack.enter_context(Path(source).open("rb"))  # noqa: SIM115 - it is the stack's
        return stream, Path(source).stat().st_size
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.") from error


def _pieces(rows: Rows) -> Iterator[list[Row]]:
    iterator = iter(rows)
    try:
        while piece := list(itertools.islice(iterator, PIECE)):
            yield piece
    except OSError as error:
        raise InputError(f"{rows.name} cannot be read: {error.strerror}.") from error


@contextlib.contextmanager
def _outputs(places: Mapping[Outcome, str]) -> Iterator[dict[Outcome, BinaryIO]]:
    try:
        with contextlib.ExitStack() as stack:
            yield {
                outcome: sys.stdout.buffer
                if place == STANDARD
                else stack.enter_context(replacing(Path(place)))
                for outcome, place in places.items()
            }
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        where = error.filename or "the output"
        raise OutputError(f"{where} cannot be written: {error.strerror}.") from error


def _write(screening: Screening[Row], outputs: Mapping[Outcome, BinaryIO]) -> None:
    for outcome, stream in outputs.items():
        stream.writelines(row.raw for row in screening.of(outcome))


@contextlib.contextmanager
def _progress(size: int | None, places: Mapping[Outcome, str]) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal that shows nothing else."""
    console = Console(stderr=True)
    shown = console.is_terminal and not (STANDARD in places.values() and sys.stdout.isatty())
    with Progress(
        TextColumn("Screening"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not shown,
    ) as progress:
        task = progress.add_task("", total=size)
        yield lambda amount: progress.advance(task, amount)
