"""`suppress verify`: whether an input is what a receipt says was screened."""

from pathlib import Path

import click

from suppress.cli.input import read_rows
from suppress.cli.options import column_option, format_option, json_option
from suppress.cli.output import counted, print_json
from suppress.errors import InputError
from suppress.printable import printable
from suppress.screening.receipt import Receipt, differences

DIFFERS = 1


@click.command(short_help="Check a receipt against the recipients.")
@click.argument("receipt")
@click.argument("source", metavar="INPUT")
@column_option
@format_option
@json_option
def verify(
    receipt: str, source: str, columns: tuple[str, ...], format_: str | None, *, as_json: bool
) -> None:
    """Check that RECEIPT is as it was made, and INPUT what it says was screened.

    INPUT is a file of recipients as for `suppress filter`, or - for standard input. Its
    numbers are in the columns that the receipt names, if no --column does. The exit status
    is 0 when all is as the receipt says, 1 when it is not, 4 when either cannot be read.

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
    rows = read_rows(source, columns or made.columns, format_, made.default_region)
    found = differences(made, (row.number for _, row in rows))
    if as_json:
        print_json({"verified": not found, "differences": found, "receipt": made})
    elif found:
        click.echo("\n".join(map(printable, found)))
    else:
        read = " and ".join(
            f"{name}, read at {moment.isoformat(timespec='seconds')}"
            for name, moment in made.snapshot.sources.items()
        )
        counts = ", ".join(f"{count:,} {outcome}" for outcome, count in made.counts.items())
        if made.repeated:
            counts += f"; {made.repeated:,} repeated"
        said = (
            f"These are the {made.recipients.count:,} recipients that were screened for "
            f"{made.channel} at {made.screened_at.isoformat(timespec='seconds')} by suppress "
            f"{made.suppress}, against {counted(made.snapshot.count, 'number')} of {read} (digest "
            f"{made.snapshot.digest[:16]}): {counts}."
        )
        click.echo(printable(said))
        for each in made.later:
            listed = (
                f"From recipient {each.after + 1:,} on, at "
                f"{each.at.isoformat(timespec='seconds')}, the stop list had "
                f"{counted(each.snapshot.count, 'number')} (digest {each.snapshot.digest[:16]})."
            )
            click.echo(printable(listed))
    click.get_current_context().exit(DIFFERS if found else 0)
