"""`suppress remove`: opt-outs taken back, and the sources that still list the numbers."""

from collections.abc import Mapping
from typing import Any

import click

from suppress.cli.evidence import evidence_options
from suppress.cli.given_numbers import GivenNumbers, numbers_options
from suppress.cli.limits import current_limits
from suppress.cli.options import all_channels_options, chosen_channels, json_option
from suppress.cli.pending import pending_rows, print_pending
from suppress.cli.printing import ago, counted, print_json
from suppress.stop_list.snapshot import OPTED_OUT
from suppress.suppressor import Suppressor


@click.command(short_help="Take opt-outs back.")
@numbers_options
@all_channels_options
@click.option(
    "--correction",
    is_flag=True,
    help="The opt-out was a mistake: nobody asked for it. Without this, the person has asked to "
    "be messaged again.",
)
@evidence_options
@json_option
def remove(
    given: GivenNumbers,
    channels: tuple[str, ...],
    default_region: str | None,
    *,
    all_channels: bool,
    as_json: bool,
    **evidence: Any,
) -> None:
    """Take opt-outs back, here and at the sources that take opt-outs.

    A number that a source still lists stays suppressed; the answer names those sources.
    Nothing is taken back while the stop list cannot be read.

    \b
      suppress remove "+1 415 555 2671" --channel sms
    """
    suppressor = Suppressor(background=False)
    channels = chosen_channels(suppressor.channels, channels, all_channels=all_channels)
    numbers = given.read(suppressor.reader(default_region), suppressor.unread())
    listed_by = {
        channel: suppressor.remove(numbers, channel, default_region=default_region, **evidence)
        for channel in channels
    }
    suppressor.pass_on(patience=current_limits().delivery)
    waiting = pending_rows(suppressor)
    if as_json:
        print_json({"numbers": len(numbers), "listed_by": listed_by, "waiting": waiting})
        return
    for channel, sources in listed_by.items():
        no_longer = counted(len(numbers), "number is", "numbers are")
        click.echo(f"{channel}: {no_longer} no longer opted out here")
        _print_still_listed(suppressor, channel, sources)
    print_pending(waiting)


def _print_still_listed(
    suppressor: Suppressor, channel: str, listed_by: Mapping[str, tuple[str, ...]]
) -> None:
    snapshot = suppressor.stored(channel)
    read = "" if snapshot is None else f" {ago(suppressor.age(snapshot))}"
    for number, names in listed_by.items():
        if OPTED_OUT in names:
            click.echo(
                f"{number} is still suppressed by another opt-out that may mean the same number. "
                "If that one is a mistake, remove it under its own number."
            )
        listing = [name for name in names if name != OPTED_OUT]
        if listing:
            they, remove_it = " and ".join(listing), "removes" if len(listing) == 1 else "remove"
            click.echo(
                f"{number} was still listed by {they}{read}. It stays suppressed until "
                f"{they} {remove_it} it and you run `suppress refresh`."
            )
