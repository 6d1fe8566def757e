"""`suppress history`: every change of one number, as a table or as the answer to its owner."""

from collections.abc import Sequence
from typing import Any

import click

from suppress.cli.changes import print_table_of
from suppress.cli.options import json_option, region_option, single_channel_option
from suppress.cli.printing import print_json
from suppress.numbers.readings import Meaning
from suppress.serving.status import moment
from suppress.suppressor import Suppressor


@click.command(short_help="Show every opt-out and removal of one number.")
@click.argument("number")
@single_channel_option("Channel to show (default: all).")
@region_option
@json_option
def history(number: str, channel: str | None, default_region: str | None, *, as_json: bool) -> None:
    """Show every change of NUMBER that was made here, oldest first.

    Shows when each change was made and when the person asked for it, by whom it was made,
    how it came, and why. With --json the answer is complete, for people who ask what is kept
    about them: it also has the entries of the stop lists as they were last read, and what
    sources are still to be told.

    \b
      suppress history "+1 415 555 2671"
      suppress history "+1 415 555 2671" --json > answer.json
    """
    suppressor = Suppressor(background=False)
    changes = suppressor.history(number, channel, default_region=default_region)
    if as_json:
        meaning = suppressor.reader(default_region).read(number)
        channels = suppressor.channels if channel is None else (channel,)
        print_json(
            {
                "number": meaning.first,
                "changes": changes,
                "listed": {each: _listed(suppressor, number, meaning, each) for each in channels},
                "waiting": _waiting(suppressor, meaning, channels),
            }
        )
    elif not print_table_of(changes):
        click.echo("No opt-out of this number was made here.", err=True)


def _listed(
    suppressor: Suppressor, number: str, meaning: Meaning, channel: str
) -> list[dict[str, Any]]:
    """Return the entries of the number on a channel's list, as it was last read."""
    snapshot = suppressor.stored(channel)
    origins = () if snapshot is None else snapshot.why(meaning, number)
    return [each._asdict() for each in origins]


def _waiting(
    suppressor: Suppressor, meaning: Meaning, channels: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the changes of the number that the sources have not accepted yet."""
    numbers = {reading.e164 for reading in meaning.readings}
    return [
        {
            "source": each.source,
            "action": each.action,
            "channel": each.channel,
            "number": each.number,
            "since": moment(each.made_at),
        }
        for each in suppressor.waiting()
        if each.number in numbers and each.channel in channels
    ]
