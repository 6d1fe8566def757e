"""`suppress push`: a source handed what the other lists have and it lacks."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from suppress.cli.options import channels_option, json_option
from suppress.cli.pending import pending_rows, print_pending
from suppress.cli.printing import counted, print_json
from suppress.lists.export import served_by
from suppress.lists.push import Lacking, lacking
from suppress.lists.push import push as push_to
from suppress.suppressor import Suppressor


@click.command(short_help="Hand a source what it lacks.")
@click.argument("source")
@channels_option("Channel to hand over; may be repeated (default: all that the source serves).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what the source lacks, and hand over nothing.")
@json_option
def push(
    source: str, channels: tuple[str, ...], *, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Hand SOURCE the numbers that the other lists and the opt-outs made here have and it lacks.

    Reads the stop lists first, shows how many there are, and asks. The numbers go to the
    source in its batches. What it does not accept now waits on disk, and is sent again, as
    for `suppress add`.

    \b
      suppress push bsg --dry-run
      suppress push bsg --channel sms
    """
    suppressor = Suppressor(background=False)
    chosen = tuple(dict.fromkeys(channels or served_by(suppressor, source)))
    for channel in chosen:
        # Before the lists are read: a wrong name costs no time.
        suppressor.untold(source, channel, ())
    suppressor.refresh(chosen)
    found = [lacking(source, channel, suppressor=suppressor) for channel in chosen]
    if not as_json:
        for each in found:
            click.echo(_described(each))
    count = sum(len(each.numbers) for each in found)
    handed = 0
    if count and not dry_run and (yes or _agreed(source, count)):
        for each in found:
            handed += push_to(source, each.channel, only=each.numbers, suppressor=suppressor)
        suppressor.pass_on(patience=suppressor.settings.load_timeout)
    waiting = pending_rows(suppressor)
    if as_json:
        print_json(_document(source, found, waiting, handed))
        return
    if handed:
        click.echo(f"Handed {counted(handed, 'number')} to {source}.")
    print_pending(waiting)


def _agreed(source: str, count: int) -> bool:
    """Ask whether to go on.

    Raises:
        click.UsageError: nobody can be asked.
    """
    if not can_ask():
        raise click.UsageError(
            f"Nothing was handed over. {source} would get {counted(count, 'number')}: add --yes."
        )
    agreed = click.confirm(f"Hand {counted(count, 'number')} to {source}?", err=True)
    if not agreed:
        click.echo("Nothing was handed over.", err=True)
    return agreed


def can_ask() -> bool:
    """Return whether somebody sits at the input."""
    return sys.stdin is not None and sys.stdin.isatty()


def _described(found: Lacking) -> str:
    lines = [f"{found.channel}: {found.source} lacks {counted(len(found.numbers), 'number')}"]
    if found.waiting:
        lines.append(f"  {found.waiting:,} more wait for it already, or were refused by it")
    if count := found.without_reading + found.forgotten:
        lines.append(
            f"  {count:,} more cannot be handed over: not phone numbers, or forgotten people"
        )
    return "\n".join(lines)


def _document(
    source: str, found: Sequence[Lacking], waiting: Sequence[dict[str, Any]], handed: int
) -> dict[str, Any]:
    return {
        "source": source,
        "channels": {
            each.channel: {
                "lacks": len(each.numbers),
                "waiting": each.waiting,
                "without_reading": each.without_reading,
                "forgotten": each.forgotten,
            }
            for each in found
        },
        "handed_over": handed,
        "waiting": list(waiting),
    }
