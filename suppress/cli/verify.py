"""`suppress verify`: an input compared with the receipt of its screening."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from suppress.cli.input import read_rows
from suppress.cli.options import (
    column_option,
    format_option,
    header_option,
    json_option,
    sheet_option,
)
from suppress.cli.printing import counted, print_json
from suppress.errors import InputError
from suppress.printable import printable
from suppress.screening.receipt import Against, Receipt, differences

DIFFERS = 1


@click.command(short_help="Check a receipt against the recipients.")
@click.argument("receipt")
@click.argument("source", metavar="INPUT")
@column_option
@header_option
@format_option
@sheet_option
@json_option
def verify(
    receipt: str,
    source: str,
    columns: tuple[str, ...],
    format_: str | None,
    *,
    has_header: bool,
    sheet: str | None,
    as_json: bool,
) -> None:
    """Check that RECEIPT was not changed, and that INPUT is what was screened.

    INPUT is a file of recipients as for `suppress filter`, or - for standard input. Numbers
    are taken from the columns that the receipt names, unless --column names others. Exit
    status: 0 if everything is as the receipt says, 1 if something differs, 4 if either
    cannot be read.

    \b
      suppress filter campaign.csv --channel sms -o allowed.csv --receipt receipt.json
      suppress verify receipt.json campaign.csv
    """
    try:
        made = Receipt.from_json(Path(receipt).read_bytes())
    except OSError as error:
        raise InputError(f"{receipt} cannot be read: {error.strerror}.") from error
    except InputError as error:
        raise InputError(f"{receipt}: {error}") from None
    rows = read_rows(
        source,
        columns or made.columns,
        format_,
        made.default_region,
        has_header=has_header,
        sheet=sheet,
    )
    found = differences(made, (row.number for _, row in rows))
    if as_json:
        print_json({"verified": not found, "differences": found, "receipt": made})
    else:
        for line in found or _described(made):
            click.echo(printable(line))
    click.get_current_context().exit(DIFFERS if found else 0)


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
