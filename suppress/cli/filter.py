"""`suppress filter`: a file of recipients in, the allowed rows out, byte for byte.

An output file appears whole, when everything has been screened, or not at all. It does not
appear if the input was written to in that time: the last row that was read may be half a row.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import click

from suppress.cli.input import STANDARD, check_unchanged, opened, rows_of, state
from suppress.cli.limits import current_limits
from suppress.cli.options import (
    channel_option,
    column_option,
    format_option,
    header_option,
    region_option,
    sheet_option,
)
from suppress.cli.outputs import Output, check_replaceable, outputs, refuse_conflicts
from suppress.cli.summary import summary
from suppress.errors import InputError
from suppress.files.compressed import compression_of
from suppress.files.rows import Rows
from suppress.followed import FollowedList
from suppress.screening.campaign import Campaign, screen_rows
from suppress.screening.max_invalid import MaxInvalid, TooManyInvalid
from suppress.screening.outcome import Outcome
from suppress.suppressor import Suppressor

DECISIONS, RECEIPT, REPORT = "decisions", "receipt", "report"
"""The outputs beside those of rows."""

TOLD = RECEIPT, REPORT
"""The outputs that are written at the end, as they are."""


class Options(NamedTuple):
    """The options and the argument, as typed."""

    source: str
    channel: str
    columns: tuple[str, ...]
    format_: str | None
    has_header: bool
    sheet: str | None
    default_region: str | None
    output: str | None
    suppressed: str | None
    invalid: str | None
    decisions: str | None
    receipt: str | None
    report: str | None
    max_invalid: MaxInvalid | None
    once: bool
    in_place: bool

    def places(self) -> dict[str, str]:
        """Return the place of each output.

        Raises:
            click.UsageError: two of them are in one place, or one is the input.
        """
        if self.in_place and self.output is not None:
            raise click.UsageError("--in-place and --output exclude each other. Use one of them.")
        if self.in_place and self.source == STANDARD:
            raise click.UsageError("--in-place needs a file as INPUT, not standard input.")
        allowed = STANDARD if self.output is None else self.output
        named: list[tuple[str, str | None]] = [
            (Outcome.ALLOWED, None if self.in_place else allowed),
            (Outcome.SUPPRESSED, self.suppressed),
            (Outcome.INVALID, self.invalid),
            (DECISIONS, self.decisions),
            (RECEIPT, self.receipt),
            (REPORT, self.report),
        ]
        places = {what: place for what, place in named if place is not None}
        refuse_conflicts(self.source, places)
        return {Outcome.ALLOWED: self.source, **places} if self.in_place else places

    def check_form(self, places: Mapping[str, str], rows: Rows) -> None:
        """Check that each output can have the form of the input.

        Args:
            places: the place of each output.
            rows: the rows of the input.

        Raises:
            click.UsageError: one cannot.
        """
        if self.in_place and rows.loses:
            raise click.UsageError(
                f"--in-place would remove something else from {self.source}: {rows.loses}. Use "
                "--output."
            )
        for what in Outcome:
            try:
                rows.check_name(places.get(what, ""))
            except InputError as error:
                raise click.UsageError(str(error)) from None

    def compressions(self, places: Mapping[str, str], rows: Rows) -> dict[str, str]:
        """Return how each output is compressed: as its name says, or as the input it replaces.

        Args:
            places: the place of each output.
            rows: the rows of the input.
        """
        found = {what: compression_of(place) for what, place in places.items() if what not in TOLD}
        return {**found, Outcome.ALLOWED: rows.compression} if self.in_place else found


def _max_invalid(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> MaxInvalid | None:
    try:
        return None if value is None else MaxInvalid(value.strip())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("filter", short_help="Screen a file, and write the allowed rows.")
@click.argument("source", metavar="[INPUT]", default=STANDARD)
@channel_option
@column_option
@header_option
@format_option
@sheet_option
@region_option
@click.option(
    "-o", "--output", metavar="OUT", help="File for the allowed rows (default: standard output)."
)
@click.option(
    "--in-place",
    is_flag=True,
    help="Replace INPUT with its allowed rows, in one step; its permissions stay.",
)
@click.option("--suppressed", metavar="FILE", help="File for the suppressed rows.")
@click.option("--invalid", metavar="FILE", help="File for the rows without a usable number.")
@click.option(
    "--decisions",
    metavar="FILE",
    help="CSV file for the outcome of each row, and the reason.",
)
@click.option(
    "--receipt", metavar="FILE", help="File for a receipt, which `suppress verify` can check."
)
@click.option(
    "--report",
    metavar="FILE",
    help="HTML file for a report of the campaign (needs the extra `report`).",
)
@click.option(
    "--max-invalid",
    metavar="N or N%",
    callback=_max_invalid,
    help="Write nothing and exit with status 6 if more rows than this are invalid.",
)
@click.option(
    "--once",
    is_flag=True,
    help="If several allowed rows have the same number, keep only the first.",
)
def filter_command(**given: Any) -> None:
    """Screen a file of recipients, and write the rows that may be messaged.

    INPUT is text with a number a line, CSV or TSV, JSON lines or an array, in UTF-8 or
    UTF-16, a Parquet file or a workbook, perhaps compressed; without it, or with -, standard
    input is read. The allowed rows are written in the form of the input and in order, those of
    text byte for byte; those of a workbook as CSV, unless the output's name ends in .xlsx. An
    output whose name ends in .gz, .bz2, .xz or .zst is compressed. The summary goes to
    standard error.

    \b
      suppress filter campaign.csv --channel sms -o allowed.csv
      suppress filter campaign.csv --channel viber --column mobile --default-region US \\
          -o allowed.csv --suppressed suppressed.csv --invalid invalid.csv
      export-numbers | suppress filter --channel sms > allowed.txt
    """
    options = Options(**given)
    places = options.places()
    if REPORT in places:
        from suppress.screening.page import check_can_render  # noqa: PLC0415 - few ask for it

        check_can_render()
    suppressor = Suppressor(background=False)
    with contextlib.ExitStack() as stack:
        stream, size = opened(options.source, stack)
        replaced = check_replaceable(options.source, stream) if options.in_place else None
        before = state(stream)
        region = suppressor.reader(options.default_region).convention.region
        rows = rows_of(
            stream,
            options.source,
            options.columns,
            options.format_,
            region,
            has_header=options.has_header,
            sheet=options.sheet,
        )
        options.check_form(places, rows)
        stop_list = _followed(suppressor, options.channel, region)
        with (
            outputs(
                places,
                options.compressions(places, rows),
                like=replaced,
                hold=options.max_invalid is not None,
            ) as written,
            _progress(size if rows.is_plain else None, places) as progress,
        ):
            campaign = screen_rows(
                rows,
                stop_list,
                once=options.once,
                with_receipt=RECEIPT in places,
                with_report=REPORT in places,
                progress=progress,
                **{what: each for what, each in written.items() if what not in TOLD},
            )
            quiet = current_limits().quiet if campaign.is_cut else 0.0
            check_unchanged(stream, rows, before, quiet=quiet)
            if options.max_invalid is not None:
                _check(options.max_invalid, campaign, suppressor)
            _tell(campaign, written)
            if options.in_place:
                check_replaceable(options.source, stream)
                stream.close()
    _print_summary(campaign, suppressor)
    if rows.remark:
        click.echo(rows.remark, err=True)


def _tell(campaign: Campaign, written: Mapping[str, Output]) -> None:
    """Write the receipt and the report, where they were asked for."""
    if campaign.receipt is not None and RECEIPT in written:
        written[RECEIPT].writelines([campaign.receipt.to_json()])
    if campaign.report is not None:
        written[REPORT].writelines([campaign.report.to_html().encode()])


def _followed(suppressor: Suppressor, channel: str, region: str | None) -> FollowedList:
    if not _is_terminal():
        return FollowedList(suppressor, channel, default_region=region)
    from rich.console import Console  # noqa: PLC0415 - takes as long as many files

    with Console(stderr=True).status(f"Reading the {channel} stop list"):
        return FollowedList(suppressor, channel, default_region=region)


def _check(max_invalid: MaxInvalid, campaign: Campaign, suppressor: Suppressor) -> None:
    counts = campaign.counts
    try:
        max_invalid.check(counts[Outcome.INVALID], sum(counts.values()))
    except TooManyInvalid as error:
        # The summary has the reasons, so it says what to correct.
        _print_summary(campaign, suppressor)
        raise TooManyInvalid(
            f"{error} Nothing was written. Correct them, or raise --max-invalid."
        ) from None


def _print_summary(campaign: Campaign, suppressor: Suppressor) -> None:
    text = summary(
        campaign.counts,
        campaign.snapshot,
        suppressor.age(campaign.snapshot),
        campaign.columns,
        problems=campaign.problems,
        repeated=campaign.repeated,
    )
    click.echo(text, err=True)


@contextlib.contextmanager
def _progress(size: int | None, places: Mapping[str, str]) -> Iterator[Callable[[int], None]]:
    """Show a bar, if the terminal shows nothing else."""
    if not _is_terminal() or (STANDARD in places.values() and sys.stdout.isatty()):
        yield lambda _amount: None
        return
    from rich import progress  # noqa: PLC0415 - as above
    from rich.console import Console  # noqa: PLC0415 - as above

    bar = progress.Progress(
        progress.TextColumn("Screening"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("", total=size)
    with bar:
        yield lambda amount: bar.advance(task, amount)


def _is_terminal() -> bool:
    """Return whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()
