"""`suppress verify`: an input compared with the receipt of its screening."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from suppress.cli.durations import duration_of
from suppress.cli.input import read_rows
from suppress.cli.options import (
    column_option,
    format_option,
    header_option,
    json_option,
    sheet_option,
)
from suppress.cli.printing import counted, print_json
from suppress.cli.receipts import read_receipt
from suppress.printable import printable
from suppress.screening.lengths import spoken
from suppress.screening.receipt import Against, Receipt, differences

DIFFERS = 1


@click.command(short_help="Check a receipt against the recipients.")
@click.argument("receipt")
@click.argument("source", metavar="[INPUT]", required=False)
@column_option
@header_option
@format_option
@sheet_option
@click.option(
    "--max-age",
    metavar="TIME",
    callback=duration_of,
    help="Answer 1 if a stop list of the screening was read longer ago than this, such as 45m, 8h "
    "or 1h30m. INPUT may be left out then.",
)
@json_option
def verify(
    receipt: str,
    source: str | None,
    columns: tuple[str, ...],
    format_: str | None,
    *,
    has_header: bool,
    sheet: str | None,
    max_age: timedelta | None,
    as_json: bool,
) -> None:
    """Check that RECEIPT was not changed, and that INPUT is what was screened.

    INPUT is a file of recipients as for `suppress filter`, or - for standard input. Numbers
    are taken from the columns that the receipt names, unless --column names others. With
    --max-age, check too that the rows it allowed may still be messaged. Exit status: 0 if
    everything is as the receipt says, 1 if something differs or is too old, 4 if either
    cannot be read.

    \b
      suppress filter campaign.csv --channel sms -o allowed.csv --receipt receipt.json
      suppress verify receipt.json campaign.csv
      suppress verify receipt.json --max-age 8h && send allowed.csv
    """
    if source is None and max_age is None:
        raise click.UsageError("Name INPUT, the file that was screened, or give --max-age.")
    made = read_receipt(receipt)
    found = []
    if source is not None:
        rows = read_rows(
            source,
            columns or made.columns,
            format_,
            made.default_region,
            has_header=has_header,
            sheet=sheet,
        )
        found += differences(made, (row.number for _, row in rows))
    age = made.age(datetime.now(UTC))
    if max_age is not None and (fault := _too_old(age, max_age)):
        found.append(fault)
    if as_json:
        shown = {"age": round(age.total_seconds(), 3), "receipt": made}
        print_json({"verified": not found, "differences": found, **shown})
    else:
        lines = [] if source is None else [*_described(made)]
        if max_age is not None:
            lines.append(f"Its stop list was read {_spoken(age)} ago: it may still be used.")
        for line in found or lines:
            click.echo(printable(line))
    click.get_current_context().exit(DIFFERS if found else 0)


def _too_old(age: timedelta, max_age: timedelta) -> str | None:
    """Return why a screening may not be used any more; None if it may."""
    if age < timedelta():
        return "The screening lies in the future. Correct the clock, or screen again."
    if age > max_age:
        return (
            f"The stop list of this screening was read {_spoken(age)} ago, and the limit is "
            f"{_spoken(max_age)}. Screen the recipients again before you send."
        )
    return None


def _spoken(length: timedelta) -> str:
    return spoken(length.total_seconds())


def _described(receipt: Receipt) -> Iterator[str]:
    """Yield a line for the screening, and one for each stop list that came later."""
    read = " and ".join(
        f"{source}, read at {_text(read_at)}"
        for source, read_at in receipt.snapshot.sources.items()
    )
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in receipt.counts.items())
    if receipt.repeated:
        counts += f"; {receipt.repeated:,} repeated"
    recipients = counted(
        receipt.recipients.count,
        "recipient matches the receipt. It was",
        "recipients match the receipt. They were",
    )
    yield (
        f"{recipients} screened for {receipt.channel} at {_text(receipt.screened_at)} by suppress "
        f"{receipt.suppress}, against {_list(receipt.snapshot)} of {read}: {counts}."
    )
    for later in receipt.later:
        yield (
            f"From recipient {later.after + 1:,} on, at {_text(later.at)}, the stop list had "
            f"{_list(later.snapshot)}."
        )


def _list(against: Against) -> str:
    return f"{counted(against.count, 'number')} (digest {against.digest[:16]})"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
