"""The commands about opt-outs that are made here: `add`, `remove`, `reset-opt-outs`."""

import itertools
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import click

from suppress.cli.input import QUIET, read_rows
from suppress.cli.options import (
    column_option,
    format_option,
    json_option,
    opt_out_channels_option,
    region_option,
)
from suppress.cli.output import ago, print_json, print_waiting, taken_from, waiting_of
from suppress.errors import InvalidNumber
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.opt_outs.record import kept_as
from suppress.stop_list.snapshot import OPTED_OUT
from suppress.suppressor import Suppressor

F = TypeVar("F", bound=Callable[..., None])

PATIENCE = 5.0
"""Seconds that a source has to take what is passed on; else it waits, and the command ends."""


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
    columns: tuple[str, ...],
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
    taken = _taken(numbers, path, columns, format_, suppressor.reader(default_region))
    new = {
        channel: suppressor.add(taken, channel, default_region=default_region)
        for channel in channels
    }
    suppressor.pass_on(patience=PATIENCE)
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
    columns: tuple[str, ...],
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
    taken = _taken(
        *(numbers, path, columns, format_, suppressor.reader(default_region)),
        unread=suppressor.unread(),
    )
    listed = {
        channel: suppressor.remove(taken, channel, default_region=default_region)
        for channel in channels
    }
    suppressor.pass_on(patience=PATIENCE)
    waiting = waiting_of(suppressor)
    if as_json:
        print_json({"numbers": len(taken), "listed_by": listed, "waiting": waiting})
        return
    for channel, sources in listed.items():
        click.echo(f"{channel}: {len(taken):,} not opted out here any more")
        snapshot = suppressor.stored(channel)
        read = "" if snapshot is None else f" {ago(suppressor.age(snapshot))} ago"
        for number, all_names in sources.items():
            if OPTED_OUT in all_names:
                click.echo(
                    f"{number} may be meant by another opt-out, which stays in force: take that "
                    "back under its own number, if that is right"
                )
            names = [name for name in all_names if name != OPTED_OUT]
            if names:
                click.echo(
                    f"{number} was still listed by {' and '.join(names)}{read}: it stays "
                    "suppressed until that is over, and `suppress refresh` has read so"
                )
    print_waiting(waiting)


@click.command("reset-opt-outs", short_help="Say that the record of opt-outs is gone for good.")
@click.option("--yes", is_flag=True, help="Do so.")
def reset_opt_outs(*, yes: bool) -> None:
    """Say that the record of the opt-outs made here is gone for good.

    Once people were opted out here, nothing is screened without the record of them: its
    volume may just not be mounted. This says that you can do without. It removes no record,
    and does nothing where the record is there. Restart what runs afterwards.
    """
    if not yes:
        raise click.UsageError(
            "Nothing was done. Whoever was opted out here, and nowhere else, may be messaged "
            "again. Mount the volume or restore the backup, if there is one; else say --yes."
        )
    suppressor = Suppressor(background=False)
    if suppressor.reset_opt_outs():
        click.echo(f"Opt-outs begin anew in {suppressor.settings.store}. Restart what runs.")
    else:
        click.echo(f"Nothing was done: no record is missing in {suppressor.settings.store}.")


def _taken(
    numbers: tuple[str, ...],
    path: str | None,
    columns: tuple[str, ...],
    format_: str | None,
    reader: Reader,
    unread: Collection[str] = (),
) -> list[Any]:
    """The numbers that were named, and those of the file, as they were handed in.

    Args:
        numbers: those that were named.
        path: the file.
        columns: which of its columns to take.
        format_: its format.
        reader: what reads numbers.
        unread: the numbers of opt-outs without a reading that may be among them.

    Raises:
        InvalidNumber: one that was named is not exactly one number.
        InputError: one in the file is not; the message names its line.
    """
    if not numbers and path is None:
        raise click.UsageError("Name a number, or a file with --file.")
    for place, why in reader.faults(reader.read_all(numbers)):
        if kept_as(numbers[place], unread) is None:
            raise InvalidNumber(why)
    taken: list[Any] = list(numbers)
    if path is None:
        return taken
    used: tuple[str, ...] = ()
    region = reader.convention.region
    # Whoever is in a part that is still to be written would not be opted out.
    rows_of_file = read_rows(path, columns, format_, region, quiet=QUIET)
    while some := list(itertools.islice(rows_of_file, BATCH_SIZE)):
        given = [(rows, row.line, number) for rows, row in some for number in row.numbers]
        used = some[0][0].columns
        some_numbers = [number for *_, number in given]
        for place, why in reader.faults(reader.read_all(some_numbers)):
            rows, line, number = given[place]
            if kept_as(number, unread) is None:
                raise rows.error(why, line)
        taken += some_numbers
    if used:
        click.echo(taken_from(used), err=True)
    return taken
