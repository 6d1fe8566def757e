"""The commands about stop lists: `check`, `refresh`, `status`, `plugins`."""

import contextlib
from pathlib import Path
from typing import Any

import click
import phonenumbers
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from suppress.cli.options import channel_option, channels_option, json_option, region_option
from suppress.cli.output import (
    ago,
    described,
    print_json,
    print_table,
    print_unread,
    print_waiting,
    waiting_of,
)
from suppress.errors import ConfigurationError, InvalidNumber
from suppress.numbers.mask import mask
from suppress.plugin_manager import Plugins
from suppress.screening.screening import Outcome
from suppress.serving.status import moment
from suppress.settings.settings import Settings
from suppress.suppressor import Suppressor

CHECKED = {Outcome.ALLOWED: 0, Outcome.SUPPRESSED: 1, Outcome.INVALID: 4}
STYLES = {"fresh": "green", "stale": "yellow", "expired": "red", "missing": "red"}


@click.command()
@click.argument("number")
@channel_option
@region_option
@json_option
def check(number: str, channel: str, default_region: str | None, *, as_json: bool) -> None:
    """Tell whether one NUMBER may be messaged, and why.

    The exit status is 0 for a number that may be messaged, 1 for one that is suppressed,
    and 4 for what is no phone number.

    \b
      suppress check "+1 415 555 2671" --channel sms
      suppress check "(415) 555-2671" --channel viber --default-region US
    """
    suppressor = Suppressor(background=False)
    screening = suppressor.screen([number], channel, default_region=default_region)
    (decision,) = screening
    if as_json:
        print_json(
            {
                "channel": channel,
                "outcome": decision.outcome,
                "e164": decision.e164,
                "reason": decision.reason,
                "origins": [each._asdict() for each in decision.origins],
                "snapshot": described(screening.snapshot, suppressor.age(screening.snapshot)),
            }
        )
    elif decision.outcome is Outcome.INVALID:
        raise InvalidNumber(f"{mask(number)}: {decision.reason}.")
    else:
        read = ago(suppressor.age(screening.snapshot))
        click.echo(f"{decision.e164}: {decision.outcome}; {decision.reason}, read {read} ago")
    click.get_current_context().exit(CHECKED[decision.outcome])


@click.command()
@channels_option
@click.option(
    "--force",
    is_flag=True,
    help="Take a list that lost more than SUPPRESS_MAX_SHRINK allows, or whose format seems to "
    "have changed.",
)
@json_option
def refresh(channels: tuple[str, ...], *, force: bool, as_json: bool) -> None:
    """Read the stop lists now.

    Running processes that share the store use the new snapshots within a second. What was
    opted out here and could not be passed on to a source is tried again.
    """
    suppressor = Suppressor(background=False)
    display = Console(stderr=True)
    bars = Progress(
        TextColumn("Reading {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=display,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if name not in tasks:
            tasks[name] = bars.add_task(name)
        bars.update(tasks[name], completed=done, total=total)

    with bars if display.is_terminal else contextlib.nullcontext():
        snapshots = suppressor.refresh(channels or None, force=force, progress=show)
    suppressor.pass_on(patience=suppressor.settings.load_timeout)
    if as_json:
        print_json(
            {
                channel: described(snapshot, suppressor.age(snapshot))
                for channel, snapshot in sorted(snapshots.items())
            }
        )
        return
    for channel, snapshot in sorted(snapshots.items()):
        odd = f", {len(snapshot.unparsed):,} of them no phone numbers" if snapshot.unparsed else ""
        here = snapshot.opted_out.count
        also = f", {here:,} of them opted out here" if here else ""
        click.echo(
            f"{channel}: {snapshot.count:,} numbers from "
            f"{' and '.join(snapshot.sources)}{odd}{also}"
        )
    if suppressor.settings.store is None:
        click.echo("Nothing was stored: SUPPRESS_STORE names no folder.", err=True)


@click.command(short_help="Show what is known of each stop list.")
@json_option
def status(*, as_json: bool) -> None:
    """Show each channel's snapshot: count, age, sources, digest, and whether it may serve.

    Shows as well what was opted out here, what of it waits to be passed on to a source or has
    no possible number any more, since when a list cannot be read, the version of phonenumbers
    that numbers are read with, and the settings file in force.

    fresh: younger than SUPPRESS_TTL, used as it is. stale: read anew when it is needed,
    and used while that fails. expired: older than SUPPRESS_MAX_STALE, never used. missing:
    not read yet, or not stored. No source is asked.
    """
    suppressor = Suppressor(background=False)
    found = [_status(suppressor, channel) for channel in suppressor.channels]
    waiting, unread = waiting_of(suppressor), suppressor.unread()
    if as_json:
        print_json(
            {
                "ttl": suppressor.settings.ttl,
                "max_stale": suppressor.settings.max_stale,
                "store": _text(suppressor.settings.store),
                "settings_file": _text(suppressor.settings.file),
                "phonenumbers": phonenumbers.__version__,
                "channels": found,
                "waiting": waiting,
                "unread": [mask(number) for number in unread],
            }
        )
        return
    table = Table("channel", "state", "numbers", "read", "sources", "digest")
    for each in found:
        state = each["state"]
        if state == "missing":
            table.add_row(each["channel"], f"[{STYLES[state]}]{state}")
            continue
        odd = [f"{each['unparsed']:,} no phone numbers"] if each["unparsed"] else []
        odd += [f"{each['opted_out']:,} opted out here"] if each["opted_out"] else []
        table.add_row(
            each["channel"],
            f"[{STYLES[state]}]{state}",
            f"{each['count']:,}" + (f" ({', '.join(odd)})" if odd else ""),
            f"{ago(each['age'])} ago",
            " and ".join(each["sources"]),
            each["digest"][:16],
        )
    print_table(table)
    click.echo(f"Numbers are read with phonenumbers {phonenumbers.__version__}.")
    click.echo(f"Settings file: {suppressor.settings.file or 'none'}.")
    for each in found:
        if each["failing"] is not None:
            click.echo(
                f"{each['channel']}: reading fails since {each['failing']['since']}, last at "
                f"{each['failing']['tried_at']}: {each['failing']['message']}"
            )
    print_waiting(waiting)
    print_unread(unread)
    if any(each["state"] == "missing" for each in found):
        click.echo("Read what is missing with: suppress refresh", err=True)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _status(suppressor: Suppressor, channel: str) -> dict[str, Any]:
    snapshot, failure = suppressor.stored(channel), suppressor.failure(channel)
    failing = failure and {
        "since": moment(failure.since),
        "tried_at": moment(failure.ended),
        "message": failure.message,
    }
    if snapshot is None:
        return {"channel": channel, "state": "missing", "failing": failing}
    age = suppressor.age(snapshot)
    state = "expired"
    if 0 <= age < suppressor.settings.ttl:
        state = "fresh"
    elif age <= suppressor.settings.max_stale:
        state = "stale"
    return {**described(snapshot, age), "state": state, "failing": failing}


@click.command(short_help="Show the plugins and what each offers.")
@json_option
def plugins(*, as_json: bool) -> None:
    """Show the plugins found, with their versions and what each offers."""
    settings = Settings.load()
    found = Plugins()
    rows = []
    for plugin in found.found.values():
        row: dict[str, Any] = {
            "name": plugin.name,
            "version": plugin.version,
            "sources": [],
            "commands": [],
            "error": plugin.error,
        }
        if plugin.error is None:
            try:
                row["commands"] = [command.name for command in found.commands_of(plugin.name)]
                row["sources"] = [
                    {"name": source.name, "channels": sorted(source.channels)}
                    for source in found.sources_of(plugin.name, settings)
                ]
            except ConfigurationError as error:
                row["error"] = str(error)
        rows.append(row)
    if as_json:
        print_json({"plugins": rows})
        return
    table = Table("plugin", "version", "offers")
    for row in rows:
        table.add_row(row["name"], row["version"] or "", _offers(row))
    print_table(table)


def _offers(row: dict[str, Any]) -> str:
    parts = [
        f"source {source['name']} for {', '.join(source['channels'])}" for source in row["sources"]
    ]
    parts += [f"command {name}" for name in row["commands"]]
    if row["error"]:
        parts.append(f"[red]{escape(row['error'])}")
    return "\n".join(parts) or "nothing under the settings as they are"
