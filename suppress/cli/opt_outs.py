"""The commands about opt-outs that are made here: `add`, `remove`."""

from collections.abc import Callable
from typing import TypeVar

import click

from suppress.cli.input import read_rows
from suppress.cli.options import (
    column_option,
    format_option,
    json_option,
    opt_out_channels_option,
    region_option,
)
from suppress.cli.output import ago, print_json, print_waiting, waiting_of
from suppress.errors import InvalidNumber
from suppress.numbers.e164 import normalize
from suppress.suppressor import Suppressor

F = TypeVar("F", bound=Callable[..., None])


def _of_numbers(command: F) -> F:
    """What both commands take: numbers, or a file of them, and channels."""
    for takes in (
        json_option,
        region_option,
        format_option,
        column_option,
        opt_out_channels_option,
        click.option(
            "--file",
            "path",
            metavar="FILE",
            help="Take the numbers from a file (or - for standard input) that "
            "`suppress filter` reads.",
        ),
        click.argument("numbers", metavar="[NUMBER]...", nargs=-1),
    ):
        command = takes(command)
    return command


@click.command(short_help="Opt people out of a channel, for good.")
@_of_numbers
def add(
    numbers: tuple[str, ...],
    path: str | None,
    channels: tuple[str, ...],
    column: str | None,
    format_: str | None,
    default_region: str | None,
    *,
    as_json: bool,
) -> None:
    """Opt people out of a channel, for good, whatever a provider's list says.

    It holds at once in every process of this machine. Then the sources that take opt-outs
    are told, BSG among them; what cannot be passed on now waits, and is tried again.

    \b
      suppress add "+1 415 555 2671" --channel sms --channel viber
      suppress add --file stop-replies.csv --column sender --channel sms
    """
    suppressor = Suppressor(background=False)
    region = suppressor.region(default_region)
    taken = _taken(numbers, path, column, format_, region)
    new = {channel: suppressor.add(taken, channel, default_region=region) for channel in channels}
    suppressor.pass_on()
    waiting = waiting_of(suppressor)
    if as_json:
        print_json({"numbers": len(taken), "new": new, "waiting": waiting})
        return
    for channel, count in new.items():
        click.echo(f"{channel}: {len(taken):,} opted out here, {count:,} of them new")
    print_waiting(waiting)


@click.command(short_help="Take opt-outs back.")
@_of_numbers
def remove(
    numbers: tuple[str, ...],
    path: str | None,
    channels: tuple[str, ...],
    column: str | None,
    format_: str | None,
    default_region: str | None,
    *,
    as_json: bool,
) -> None:
    """Take opt-outs back, here and at the sources that take opt-outs.

    Whoever is still listed by a source stays suppressed; which sources those are is shown. So
    nothing is taken back while the stop list cannot be read.

    \b
      suppress remove "+1 415 555 2671" --channel sms
    """
    suppressor = Suppressor(background=False)
    region = suppressor.region(default_region)
    taken = _taken(numbers, path, column, format_, region)
    listed = {
        channel: suppressor.remove(taken, channel, default_region=region) for channel in channels
    }
    suppressor.pass_on()
    waiting = waiting_of(suppressor)
    if as_json:
        print_json({"numbers": len(taken), "listed_by": listed, "waiting": waiting})
        return
    for channel, sources in listed.items():
        click.echo(f"{channel}: {len(taken):,} not opted out here any more")
        snapshot = suppressor.stored(channel)
        read = "" if snapshot is None else f" {ago(suppressor.age(snapshot))} ago"
        for number, names in sources.items():
            if names:
                click.echo(
                    f"{number} was still listed by {' and '.join(names)}{read}: it stays "
                    "suppressed until that is over, and `suppress refresh` has read so"
                )
    print_waiting(waiting)


def _taken(
    numbers: tuple[str, ...],
    path: str | None,
    column: str | None,
    format_: str | None,
    region: str | None,
) -> list[str]:
    """The numbers that were named, and those of the file, in E.164 form."""
    if not numbers and path is None:
        raise click.UsageError("Name a number, or a file with --file.")
    taken = [normalize(number, region) for number in numbers]
    if path is not None:
        for rows, row in read_rows(path, column, format_):
            try:
                taken.append(normalize(row.number, region))
            except InvalidNumber as error:
                raise rows.error(str(error), row.line) from None
    return taken
