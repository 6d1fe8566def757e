"""What commands print: tables, JSON, snapshots and summaries."""

from collections.abc import Iterable, Mapping
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from suppress.errors import SuppressError
from suppress.screening import Outcome
from suppress.snapshots import moment
from suppress.stop_list.snapshot import Snapshot
from suppress.suppressor import Suppressor


class OutputError(SuppressError):
    """An output cannot be written."""


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def print_table(table: Table) -> None:
    """Print a table; in a pipe it is as wide as it needs to be, and has no colours."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    click.echo(captured.get(), nl=False)


def described(snapshot: Snapshot, age: float) -> dict[str, Any]:
    """A snapshot in plain values, for JSON."""
    return {
        "channel": snapshot.channel,
        "count": snapshot.count,
        "unparsed": len(snapshot.unparsed),
        "opted_out": len(snapshot.opted_out.numbers),
        "read_at": snapshot.read_at,
        "age": round(age, 3),
        "sources": snapshot.sources,
        "digest": snapshot.digest,
    }


def waiting_of(suppressor: Suppressor) -> list[dict[str, Any]]:
    """What waits to be passed on, counted by source, action and channel, in plain values."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for source, waiting in suppressor.waiting().items():
        for each in waiting:
            row = rows.setdefault(
                (source, each.action, each.channel),
                {
                    "source": source.rstrip("?"),
                    "configured": not source.endswith("?"),
                    "action": each.action,
                    "channel": each.channel,
                    "count": 0,
                    "since": moment(each.since),
                    "tries": 0,
                    "error": None,
                },
            )
            row["count"] += 1
            row["tries"] = max(row["tries"], each.tries)
            row["error"] = each.error or row["error"]
    return list(rows.values())


def print_waiting(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print what waits, a line for each source, action and channel."""
    for row in rows:
        what = "opt-outs" if row["action"] == "add" else "removals"
        other = "" if row["configured"] else " of another account or address"
        why = f", last because: {row['error']}" if row["error"] else ""
        click.echo(
            f"{row['count']:,} {what} of {row['channel']} wait for {row['source']}{other} since "
            f"{row['since']}, tried {row['tries']} times{why}"
        )


def ago(seconds: float) -> str:
    """A span of time in words, for example `3 min`."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def summary(counts: Mapping[str, int], snapshot: Snapshot, age: float) -> str:
    """What a screening came to, in a line or two."""
    return (
        f"{sum(counts.values()):,} recipients: "
        + ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome)
        + f".\nThe {snapshot.channel} stop list of {' and '.join(snapshot.sources)} "
        f"has {snapshot.count:,} numbers and was read {ago(age)} ago."
    )
