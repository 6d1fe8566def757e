"""Printing: tables, JSON documents, snapshots, and counts and ages in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import msgspec

from suppress.errors import SuppressError

if TYPE_CHECKING:
    from rich.table import Table

    from suppress.stop_list.snapshot import Snapshot


class OutputError(SuppressError):
    """An output cannot be written."""


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    click.echo(safe_json(text))


def safe_json(text: str) -> str:
    """Escape what a terminal could take for a command; it stays the same JSON."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text
    )


def print_table(table: Table) -> None:
    """Print a table; in a pipe it is as wide as it needs to be, and has no colours."""
    from rich.console import Console  # noqa: PLC0415 - most commands print no table

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    click.echo(captured.get(), nl=False)


def snapshot_fields(snapshot: Snapshot, age: float) -> dict[str, Any]:
    """Return the fields of a snapshot in plain values, for JSON."""
    return {
        "channel": snapshot.channel,
        "count": snapshot.count,
        "unparsed": len(snapshot.unread),
        "opted_out": snapshot.opted_out.count,
        "read_at": snapshot.read_at,
        "age": round(age, 3),
        "sources": snapshot.sources,
        "digest": snapshot.digest,
    }


def special_entries(snapshot: Snapshot) -> str:
    """Say in brackets how many entries are invalid, and how many were opted out here."""
    said = []
    if snapshot.unread:
        said.append(f"{len(snapshot.unread):,} invalid")
    if snapshot.opted_out.count:
        said.append(f"{snapshot.opted_out.count:,} opted out here")
    return f" ({', '.join(said)})" if said else ""


def ago(seconds: float) -> str:
    """Return an age in words, such as `3 min ago`."""
    if seconds < 0:
        return "in the future"
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def counted(count: int, one: str, several: str | None = None) -> str:
    """Return a count with its noun, such as `1,204 numbers`.

    Args:
        count: how many there are.
        one: the words for one of them.
        several: the words for several, if they are not `one` with an s.
    """
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
