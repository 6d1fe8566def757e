"""`suppress history`: every change of one number, as a table or as the answer to its owner."""

import click

from suppress.cli.changes import print_table_of
from suppress.cli.options import json_option, region_option, single_channel_option
from suppress.cli.output import print_json
from suppress.suppressor import Suppressor


@click.command(short_help="Show every opt-out and removal of one number.")
@click.argument("number")
@single_channel_option("Channel to show (default: all).")
@region_option
@json_option
def history(number: str, channel: str | None, default_region: str | None, *, as_json: bool) -> None:
    """Show every change of NUMBER that was made here, oldest first.

    Shows when each was made and wished, by whom, how it came, and why. With --json the
    answer is complete: it is what to hand over when people ask what is kept about them. It
    also has the entries of the stop lists as they were last read.

    \b
      suppress history "+1 415 555 2671"
      suppress history "+1 415 555 2671" --json > answer.json
    """
    suppressor = Suppressor(background=False)
    changes = suppressor.history(number, channel, default_region=default_region)
    if as_json:
        print_json(
            {
                "number": number,
                "changes": changes,
                "listed": _listed(suppressor, number, channel, default_region),
            }
        )
    elif not print_table_of(changes):
        click.echo("No opt-out of this number was made here.", err=True)


def _listed(
    suppressor: Suppressor, number: str, channel: str | None, default_region: str | None
) -> dict[str, list[dict[str, object]]]:
    """Return the entries of the number on each channel's list, as it was last read."""
    meaning = suppressor.reader(default_region).read(number)
    listed = {}
    for each in suppressor.channels if channel is None else (channel,):
        snapshot = suppressor.stored(each)
        origins = () if snapshot is None else snapshot.why(meaning, number)
        listed[each] = [origin._asdict() for origin in origins]
    return listed
