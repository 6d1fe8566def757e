"""`suppress status`: each channel's snapshot, what waits for the sources, and a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import phonenumbers

from suppress.cli.options import channels_option, json_option
from suppress.cli.pending import pending_rows, print_pending
from suppress.cli.printing import (
    ago,
    counted,
    print_json,
    print_table,
    snapshot_fields,
    special_entries,
)
from suppress.errors import StoreUnavailable
from suppress.numbers.mask import mask
from suppress.serving.freshness import State
from suppress.serving.status import ChannelStatus, CopyStatus, moment
from suppress.settings.server_url import ServerUrl
from suppress.suppressor import Suppressor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

STYLES = {
    State.FRESH: "green",
    State.STALE: "yellow",
    State.EXPIRED: "red",
    State.MISSING: "red",
}


@click.command(short_help="Show the state of each stop list.")
@click.option(
    "--check",
    "judge",
    is_flag=True,
    help="Answer by the exit status: 0 every list may serve, 1 one is stale, 3 one is missing, "
    "expired or failing, or none was ever read.",
)
@channels_option(
    "With --check: channel to judge; may be repeated (default: those that were read at least once)."
)
@json_option
def status(channels: tuple[str, ...], *, judge: bool, as_json: bool) -> None:
    """Show each channel's snapshot: count, age, sources, digest, and whether it may serve.

    Also shows opt-outs that are waiting for a source or have no possible number, reading
    errors, the version of phonenumbers, the settings file and the store. Asks no source.

    \b
    fresh: younger than SUPPRESS_TTL; used as it is.
    stale: read again before it is used; used while that fails.
    expired: older than SUPPRESS_MAX_STALE, or from the future; not used.
    missing: never read.
    """
    if channels and not judge:
        raise click.UsageError("--channel needs --check. Add --check, or leave --channel out.")
    suppressor = Suppressor(background=False)
    settings, found = suppressor.settings, suppressor.status()
    is_on_server = isinstance(settings.store, ServerUrl)
    local_copy = settings.folder_of(settings.store) if is_on_server else None
    health = found.health(channels) if judge else 0
    listed = list(found.channels.values())
    unread = suppressor.unread()
    waiting, unknown = _waiting(suppressor)
    if as_json:
        print_json(
            {
                "ttl": found.ttl,
                "max_stale": found.max_stale,
                "store": _text(settings.store),
                "local_copy": _text(local_copy),
                "settings_file": _text(settings.file),
                "phonenumbers": phonenumbers.__version__,
                "channels": [_row(each) for each in listed],
                "opt_outs": _copy_row(found.opt_outs),
                "waiting": waiting,
                "unread": [mask(number) for number in unread],
            }
        )
    else:
        print_table(_table(listed))
        click.echo(f"Numbers are read with phonenumbers {phonenumbers.__version__}.")
        click.echo(f"Settings file: {settings.file or 'none'}.")
        copy = "" if local_copy is None else f", with a copy in {local_copy}"
        click.echo(f"Store: {settings.store or 'memory'}{copy}.")
        _print_copy(found.opt_outs)
        _print_failures(listed)
        print_pending(waiting or ())
        if unknown is not None:
            click.echo(unknown)
        _print_unread(unread)
        if any(each.state is State.MISSING for each in listed):
            click.echo("Run `suppress refresh` to read the missing lists.", err=True)
    click.get_current_context().exit(health)


def _waiting(suppressor: Suppressor) -> tuple[list[dict[str, Any]] | None, str | None]:
    """Return what waits for the sources; None, and why, while its server cannot be reached."""
    try:
        return pending_rows(suppressor), None
    except StoreUnavailable as error:
        if not isinstance(suppressor.settings.record, ServerUrl):
            raise
        return None, f"It is unknown what waits for the sources. {error}"


def _copy_row(copy: CopyStatus | None) -> dict[str, Any] | None:
    if copy is None:
        return None
    return {"server": copy.where, "age": round(copy.age, 1), "failing": copy.failure}


def _print_copy(copy: CopyStatus | None) -> None:
    if copy is not None:
        why = f"; it has failed since: {copy.failure}" if copy.failure else ""
        click.echo(f"Opt-outs: {copy.where}, copied to this machine {ago(copy.age)}{why}.")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _row(each: ChannelStatus) -> dict[str, Any]:
    failing = each.failure and {
        "since": moment(each.failure.since),
        "tried_at": moment(each.failure.ended),
        "message": each.failure.message,
    }
    if each.snapshot is None or each.age is None:
        return {"channel": each.channel, "state": each.state, "failing": failing}
    return {
        **snapshot_fields(each.snapshot, each.age),
        "state": each.state,
        "failing": failing,
    }


def _table(channels: Iterable[ChannelStatus]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - other commands print none

    table = Table("channel", "state", "numbers", "read", "sources", "digest")
    for each in channels:
        row = [each.channel, f"[{STYLES[each.state]}]{each.state}"]
        if each.snapshot is not None and each.age is not None:
            row += [
                f"{each.count:,}{special_entries(each.snapshot)}",
                ago(each.age),
                " and ".join(each.sources),
                each.snapshot.digest[:16],
            ]
        table.add_row(*row)
    return table


def _print_failures(channels: Iterable[ChannelStatus]) -> None:
    for each in channels:
        if each.failure is not None:
            click.echo(
                f"{each.channel}: has failed to refresh since {moment(each.failure.since)}, last "
                f"tried at {moment(each.failure.ended)}: {each.failure.message}"
            )


def _print_unread(numbers: tuple[str, ...]) -> None:
    if not numbers:
        return
    click.echo(
        f"{counted(len(numbers), 'opt-out has', 'opt-outs have')} no possible number. Take each "
        "back with `suppress remove`, and add the right number. Until then recipients with the "
        "same digits are suppressed:"
    )
    for number in numbers:
        click.echo(f"  {mask(number)}")
