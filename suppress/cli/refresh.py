"""`suppress refresh`: the stop lists read now, with a progress bar."""

import contextlib
from collections.abc import Iterator

import click

from suppress.cli.options import channels_option, json_option
from suppress.cli.printing import counted, print_json, snapshot_fields, special_entries
from suppress.serving.load import Report
from suppress.suppressor import Suppressor


@click.command(short_help="Read the stop lists now.")
@channels_option("Channel to read; may be repeated (default: all that are served).")
@click.option(
    "--force",
    is_flag=True,
    help="Accept a list that lost more than SUPPRESS_MAX_SHRINK allows, or whose format seems to "
    "have changed.",
)
@json_option
def refresh(channels: tuple[str, ...], *, force: bool, as_json: bool) -> None:
    """Read the stop lists now.

    Running processes that share the store use the new snapshots within a second. Opt-outs
    that could not be passed on to a source are sent again.
    """
    suppressor = Suppressor(background=False)
    with _progress() as show:
        snapshots = suppressor.refresh(channels or None, force=force, progress=show)
    suppressor.pass_on(patience=suppressor.settings.load_timeout)
    if as_json:
        print_json(
            {
                channel: snapshot_fields(snapshot, suppressor.age(snapshot))
                for channel, snapshot in sorted(snapshots.items())
            }
        )
        return
    for channel, snapshot in sorted(snapshots.items()):
        click.echo(
            f"{channel}: {counted(snapshot.count, 'number')} from "
            f"{' and '.join(snapshot.sources)}{special_entries(snapshot)}"
        )
    if suppressor.settings.store is None:
        lists = counted(len(snapshots), "list was", "lists were")
        click.echo(
            f"{lists} read, but not stored: SUPPRESS_STORE is none. Set it to a folder to keep "
            "snapshots.",
            err=True,
        )


@contextlib.contextmanager
def _progress() -> Iterator[Report]:
    """Show a bar for each source on a terminal, and nothing elsewhere."""
    from rich.console import Console  # noqa: PLC0415 - other commands show none
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
    )

    display = Console(stderr=True)
    bars = Progress(
        TextColumn("Reading {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=display,
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def show(source: str, done: int, total: int | None) -> None:
        if source not in tasks:
            tasks[source] = bars.add_task(source)
        bars.update(tasks[source], completed=done, total=total)

    with bars if display.is_terminal else contextlib.nullcontext():
        yield show
