"""Opt-outs that wait until a source accepts them: a row for each source, action and channel."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from suppress.cli.printing import counted
from suppress.serving.status import moment
from suppress.suppressor import Suppressor


def pending_rows(suppressor: Suppressor) -> list[dict[str, Any]]:
    """Return what waits for the sources, counted, in plain values."""
    return [
        {
            "source": each.source,
            "configured": each.configured,
            "action": each.action,
            "channel": each.channel,
            "count": each.count,
            "since": moment(each.since),
            "tries": each.tries,
            "error": each.error,
        }
        for each in suppressor.backlog()
    ]


def print_pending(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print a line for each row of `pending_rows`."""
    for row in rows:
        added = row["action"] == "add"
        changes = counted(
            row["count"],
            "opt-out is" if added else "removal is",
            "opt-outs are" if added else "removals are",
        )
        other = "" if row["configured"] else ", under another account or address than it has now,"
        why = f" Last error: {row['error']}" if row["error"] else ""
        click.echo(
            f"{row['channel']}: {changes} waiting for {row['source']}{other} since {row['since']} "
            f"({counted(row['tries'], 'try', 'tries')}).{why}"
        )
