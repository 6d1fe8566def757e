"""`suppress filter`: a file of recipients in, the allowed rows out, byte for byte.

Rows are read, screened and written a piece at a time, against one snapshot. An output
file appears whole, when everything has been screened, or not at all. It does not appear
when the input was written to in that time: the last row that was read may be half a row.
"""

import contextlib
import itertools
import operator
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from suppress.atomic import naming, replacing
from suppress.cli.input import STANDARD, check_unchanged, opened, rows_of, state
from suppress.cli.options import channel_option, column_option, format_option, region_option
from suppress.cli.output import OutputError, summary
from suppress.numbers.e164 import NO_REGION, why_invalid
from suppress.receipt import ReceiptBuilder
from suppress.rows import Row, Rows
from suppress.screening import Outcome, Screening
from suppress.suppressor import Suppressor

PIECE = 10_000
"""Rows that are screened at once, as long as they have no more than `PIECE_BYTES`."""

PIECE_BYTES = 2**22

FEW = 32
"""Rows from one counting of the bytes to the next."""

RECEIPT = "receipt"
"""Among the places of outputs, where the receipt goes."""

_NUMBER, _RAW = map(operator.attrgetter, ("number", "raw"))


@click.command("filter")
@click.argument("source", metavar="[INPUT]", default=STANDARD)
@channel_option
@column_option
@format_option
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
@click.option(
    "--receipt", metavar="FILE", help="Where a receipt goes: what was checked against what."
)
def filter_command(
    source: str,
    channel: str,
    column: str | None,
    format_: str | None,
    default_region: str | None,
    output: str,
    suppressed: str | None,
    invalid: str | None,
    receipt: str | None,
) -> None:
    """Screen a file of recipients, and write those who may be messaged.

    INPUT is text with a number a line, CSV or TSV with a header, or JSON lines, in UTF-8;
    standard input for - or none. The allowed rows come out in the input's own form, byte
    for byte and in order. The summary goes to standard error. `suppress verify` checks a
    receipt.

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
            (RECEIPT, receipt),
        )
        if place is not None
    }
    _refuse_same(places)
    _refuse_endless(source, places)
    suppressor = Suppressor(background=False)
    with contextlib.ExitStack() as stack:
        stream, size = opened(source, stack)
        began = state(stream)
        rows = rows_of(stream, source, column, format_)
        region = suppressor.region(default_region)
        display = Console(stderr=True)
        waiting = f"Reading the {channel} stop list"
        with display.status(waiting) if display.is_terminal else contextlib.nullcontext():
            snapshot = suppressor.snapshot(channel)
        counts: dict[str, int] = dict.fromkeys(Outcome, 0)
        national = False
        tally = ReceiptBuilder(snapshot, region, suppressor.now())
        with _outputs(places) as outputs, _progress(size, places) as advance:
            filed = outputs.pop(RECEIPT, None)
            for outcome, each in outputs.items():
                with naming(places[outcome]):
                    each.write(rows.header)
            advance(len(rows.header))
            for piece, length in _pieces(rows):
                screening = Screening(piece, snapshot, default_region=region, key=_NUMBER)
                for outcome, each in outputs.items():
                    with naming(places[outcome]):
                        each.writelines(map(_RAW, screening.of(Outcome(outcome))))
                for word, count in screening.counts.items():
                    counts[word] += count
                if filed is not None:
                    tally.add(screening.numbers, screening.counts)
                national = national or (region is None and _any_national(screening))
                advance(length)
            check_unchanged(stream, rows, began)
            if filed is not None:
                with naming(places[RECEIPT]):
                    filed.write(tally.receipt().to_json())
                    filed.flush()
    click.echo(summary(counts, snapshot, suppressor.age(snapshot)), err=True)
    if national:
        click.echo(
            "Among the invalid ones are numbers in national form: name their region with "
            "--default-region.",
            err=True,
        )


def _any_national(screening: Screening[Row]) -> bool:
    """Whether one of the first that are invalid would be valid with a region."""
    some = screening.invalid[:FEW]
    return any(why_invalid(row.number).endswith(NO_REGION) for row in some)


def _refuse_same(places: Mapping[str, str]) -> None:
    files = [_identity(place) for place in places.values()]
    if any(files.count(each) > 1 for each in files if each is not None):
        raise click.UsageError(
            "Two of --output, --suppressed, --invalid and --receipt are the same file."
        )


def _refuse_endless(source: str, places: Mapping[str, str]) -> None:
    """Refuse what appends to its own input: it would read what it writes, and never end."""
    if STANDARD not in places.values() or (source == STANDARD and sys.stdin is None):
        return
    try:
        read = os.fstat(sys.stdin.fileno()) if source == STANDARD else Path(source).stat()
        written = os.fstat(sys.stdout.fileno())
    except OSError:
        return
    if stat.S_ISREG(read.st_mode) and os.path.samestat(read, written):
        raise click.UsageError("Standard output is the input. Name another file, or use --output.")


def _identity(place: str) -> object:
    """What is the same for two names of one file; None for a device such as a terminal."""
    try:
        found = os.fstat(sys.stdout.fileno()) if place == STANDARD else Path(place).stat()
    except OSError:
        return Path(place).resolve()
    return None if stat.S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)


def _pieces(rows: Rows) -> Iterator[tuple[list[Row], int]]:
    """The rows to screen at once, and how many bytes they have."""
    iterator = iter(rows)
    piece: list[Row] = []
    length = 0
    while few := list(itertools.islice(iterator, FEW)):
        piece += few
        length += sum(map(len, map(_RAW, few)))
        if len(piece) >= PIECE or length >= PIECE_BYTES:
            yield piece, length
            piece, length = [], 0
    if piece:
        yield piece, length


@contextlib.contextmanager
def _outputs(places: Mapping[str, str]) -> Iterator[dict[str, BinaryIO]]:
    try:
        with contextlib.ExitStack() as stack:
            outputs: dict[str, BinaryIO] = {
                outcome: sys.stdout.buffer
                if place == STANDARD
                else stack.enter_context(replacing(Path(place)))
                for outcome, place in places.items()
            }
            yield outputs
            # No file appears before all that was written is known to have found room.
            for outcome, each in outputs.items():
                with naming(places[outcome]):
                    each.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "Standard output" if error.filename == STANDARD else error.filename
        raise OutputError(f"{where} cannot be written: {error.strerror}.") from error


@contextlib.contextmanager
def _progress(size: int | None, places: Mapping[str, str]) -> Iterator[Callable[[int], None]]:
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
