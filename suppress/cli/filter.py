"""`suppress filter`: a file of recipients in, the allowed rows out, byte for byte.

Rows are read, screened and written a piece at a time. For each piece, when it has been
read, the stop list is looked at: at who was opted out meanwhile, and at its age. An output
file appears whole, when everything has been screened, or not at all. It does not appear
when the input was written to in that time: the last row that was read may be half a row.
"""

import contextlib
import itertools
import operator
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from suppress.cli import decisions
from suppress.cli.input import QUIET, STANDARD, check_unchanged, is_cut, opened, rows_of, state
from suppress.cli.max_invalid import MaxInvalid, TooManyInvalid, bound
from suppress.cli.once import Seen
from suppress.cli.options import channel_option, column_option, format_option, region_option
from suppress.cli.output import summary
from suppress.cli.places import Output, check_replaceable, outputs, refuse_conflicts
from suppress.files.rows import Row, Rows
from suppress.numbers.problem import Problem  # noqa: TC001 - it annotates an attribute
from suppress.screening.receipt import ReceiptBuilder
from suppress.screening.screening import Outcome, Screening
from suppress.stop_list.snapshot import Snapshot
from suppress.suppressor import Suppressor

PIECE = 10_000
"""Rows that are screened at once, as long as they have no more than `PIECE_BYTES`."""

PIECE_BYTES = 2**22

PAUSE = 10.0
"""Seconds in which the sources are not asked again for the same file, if they need not be."""

FEW = 32
"""Rows from one counting of the bytes to the next."""

DECISIONS, RECEIPT = "decisions", "receipt"
"""What is written beside rows."""

_NUMBER, _RAW = map(operator.attrgetter, ("number", "raw"))


@dataclass(frozen=True)
class Options:
    """What was typed; each has its words below."""

    source: str
    channel: str
    columns: tuple[str, ...]
    format_: str | None
    default_region: str | None
    output: str | None
    suppressed: str | None
    invalid: str | None
    decisions: str | None
    receipt: str | None
    max_invalid: MaxInvalid | None
    once: bool
    in_place: bool

    def places(self) -> dict[str, str]:
        """Where the outputs go, by what they are.

        Raises:
            click.UsageError: two of them are in one place, or one is the input.
        """
        if self.in_place and self.output is not None:
            raise click.UsageError("--in-place and --output exclude each other. Use one of them.")
        if self.in_place and self.source == STANDARD:
            raise click.UsageError("--in-place needs a file as INPUT, and not standard input.")
        allowed = STANDARD if self.output is None else self.output
        named: list[tuple[str, str | None]] = [
            (Outcome.ALLOWED, None if self.in_place else allowed),
            (Outcome.SUPPRESSED, self.suppressed),
            (Outcome.INVALID, self.invalid),
            (DECISIONS, self.decisions),
            (RECEIPT, self.receipt),
        ]
        places = {what: place for what, place in named if place is not None}
        refuse_conflicts(self.source, places)
        return {Outcome.ALLOWED: self.source, **places} if self.in_place else places


@click.command("filter")
@click.argument("source", metavar="[INPUT]", default=STANDARD)
@channel_option
@column_option
@format_option
@region_option
@click.option(
    "-o", "--output", metavar="OUT", help="Where the allowed rows go; standard output otherwise."
)
@click.option(
    "--in-place",
    is_flag=True,
    help="Replace INPUT by its allowed rows, in one step and with the permissions that it has.",
)
@click.option("--suppressed", metavar="FILE", help="Where the suppressed rows go.")
@click.option("--invalid", metavar="FILE", help="Where the rows go that hold no phone number.")
@click.option(
    "--decisions",
    metavar="FILE",
    help="Where a CSV file goes that says of each recipient what became of it, and why.",
)
@click.option(
    "--receipt", metavar="FILE", help="Where a receipt goes: what was checked against what."
)
@click.option(
    "--max-invalid",
    metavar="N or N%",
    callback=bound,
    help="Write nothing, and end with the exit status 6, if more rows are invalid.",
)
@click.option(
    "--once", is_flag=True, help="Of several allowed rows with the same number keep the first."
)
def filter_command(**given: Any) -> None:
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
    options = Options(**given)
    places = options.places()
    suppressor = Suppressor(background=False)
    with contextlib.ExitStack() as stack:
        stream, size = opened(options.source, stack)
        replaced = check_replaceable(options.source, stream) if options.in_place else None
        began = state(stream)
        region = suppressor.reader(options.default_region).convention.region
        rows = rows_of(stream, options.source, options.columns, options.format_, region)
        stop_list = StopList(suppressor, options.channel, _snapshot(suppressor, options.channel))
        campaign = Campaign(stop_list, region, once=options.once)
        if RECEIPT in places:
            campaign.begin_receipt(rows.columns)
        try:
            with (
                outputs(places, like=replaced, hold=options.max_invalid is not None) as written,
                _progress(size, places) as advance,
            ):
                campaign.run(rows, written, advance)
                check_unchanged(stream, rows, began, quiet=QUIET if campaign.is_cut else 0.0)
                if options.max_invalid is not None:
                    options.max_invalid.check(campaign.counts["invalid"], campaign.counts.total())
                if campaign.receipt is not None:
                    written[RECEIPT].write([campaign.receipt.receipt().to_json()])
                if options.in_place:
                    check_replaceable(options.source, stream)
                    stream.close()
        except TooManyInvalid:
            # The reasons say what there is to mend.
            click.echo(campaign.summary(rows.columns), err=True)
            raise
    click.echo(campaign.summary(rows.columns), err=True)


class _Piece(NamedTuple):
    """Some rows that were screened.

    Attributes:
        rows: the rows.
        screening: the outcome for each.
        repeated: which of them are left out; None where none are looked for.
    """

    rows: list[Row]
    screening: Screening[Row]
    repeated: NDArray[np.bool_] | None

    def raw(self, outcome: str) -> Iterator[bytes]:
        """The bytes of the rows with an outcome that are to be written."""
        chosen = self.screening.where(Outcome(outcome))
        if self.repeated is not None:
            chosen &= ~self.repeated
        return map(_RAW, itertools.compress(self.rows, chosen.tobytes()))


class StopList:
    """The stop list of a channel, looked at again and again.

    Args:
        suppressor: what gives it.
        channel: the channel.
        snapshot: the list as it was looked at first.
    """

    def __init__(self, suppressor: Suppressor, channel: str, snapshot: Snapshot) -> None:
        self.suppressor = suppressor
        self.channel = channel
        self.snapshot = snapshot
        self._asked = time.monotonic()

    def look(self) -> Snapshot:
        """Look at it again: it is read anew where it is too old.

        However small `ttl` is, the sources are asked no more often than each `PAUSE` seconds,
        as long as the list is not older than `max_stale`.

        Raises:
            StopListUnavailable: it is too old, and cannot be read; or who was opted out cannot.
        """
        settings, age = self.suppressor.settings, self.age
        is_due = age >= settings.ttl and time.monotonic() - self._asked >= PAUSE
        found = None
        if age >= settings.ttl and not is_due and 0 <= age <= settings.max_stale:
            found = self.suppressor.stored(self.channel)
        if found is None:
            found = self.suppressor.snapshot(self.channel)
            if is_due:
                self._asked = time.monotonic()
        before = self.snapshot
        # The same list keeps what is known of it, such as its digest.
        if found.numbers is not before.numbers or found.opted_out is not before.opted_out:
            self.snapshot = found
        return self.snapshot

    @property
    def age(self) -> float:
        """How old it is, in seconds."""
        return self.suppressor.age(self.snapshot)


class Campaign:
    """The rows of a file, screened piece by piece, and counted.

    Args:
        stop_list: what they are screened against.
        region: the region of numbers in national form.
        once: whether of several allowed rows with the same number the first alone is kept.
    """

    def __init__(self, stop_list: StopList, region: str | None, *, once: bool) -> None:
        self.counts: Counter[str] = Counter(dict.fromkeys(Outcome, 0))
        self.problems: Counter[Problem] = Counter()
        self.repeated = 0
        self.receipt: ReceiptBuilder | None = None
        self.is_cut = False
        self._stop_list = stop_list
        self._region = region
        self._seen = Seen() if once else None

    def begin_receipt(self, columns: Sequence[str]) -> None:
        """Make a receipt of what is screened from now on.

        Args:
            columns: the columns of the file that hold the numbers.
        """
        suppressor, snapshot = self._stop_list.suppressor, self._stop_list.snapshot
        convention = suppressor.reader(self._region).convention
        self.receipt = ReceiptBuilder(snapshot, convention, suppressor.now(), columns)

    def run(
        self, rows: Rows, written: Mapping[str, Output], advance: Callable[[int], None]
    ) -> None:
        """Screen all of the rows, and write them where they belong.

        Args:
            rows: the rows.
            written: the outputs, by what they are.
            advance: is told how many bytes of the input were dealt with.
        """
        of_rows = {what: each for what, each in written.items() if what in self.counts}
        for each in of_rows.values():
            each.write([rows.header])
        if DECISIONS in written:
            written[DECISIONS].write([decisions.header()])
        advance(len(rows.header))
        for chosen, length in _pieces(rows):
            self.is_cut = is_cut(chosen[-1].raw)
            piece = self._screened(chosen)
            for what, each in of_rows.items():
                each.write(piece.raw(what))
            if DECISIONS in written:
                written[DECISIONS].write([decisions.decisions(*piece)])
            advance(length)

    def summary(self, columns: tuple[str, ...]) -> str:
        """What it came to, in words; arguments as for `output.summary`."""
        return summary(
            self.counts,
            self._stop_list.snapshot,
            self._stop_list.age,
            columns,
            problems=self.problems,
            repeated=None if self._seen is None else self.repeated,
        )

    def _screened(self, rows: list[Row]) -> _Piece:
        snapshot, suppressor = self._stop_list.look(), self._stop_list.suppressor
        reader = suppressor.reader(self._region)
        screening = Screening(rows, snapshot, key=_NUMBER, reader=reader, check_types=False)
        self.counts.update(screening.counts)
        self.problems.update(screening.problems)
        repeated, dropped = None, 0
        if self._seen is not None:
            repeated = screening.where(Outcome.ALLOWED)
            repeated[repeated] = ~self._seen.first_time(screening.lines()[repeated])
            dropped = int(np.count_nonzero(repeated))
            self.repeated += dropped
        if self.receipt is not None:
            self.receipt.look(snapshot, reader.convention, suppressor.now())
            self.receipt.add(screening.numbers, screening.counts, dropped)
        return _Piece(rows, screening, repeated)


def _snapshot(suppressor: Suppressor, channel: str) -> Snapshot:
    display = Console(stderr=True)
    waiting = f"Reading the {channel} stop list"
    with display.status(waiting) if display.is_terminal else contextlib.nullcontext():
        return suppressor.snapshot(channel)


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
