"""What several commands share: options, and the way snapshots are shown."""

from collections.abc import Mapping
from typing import Any

import click
import msgspec
from rich.console import Console

from suppress.errors import SuppressError
from suppress.screening import Outcome
from suppress.snapshot import Snapshot
from suppress.suppressor import Suppressor


def _channels(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    try:
        served = Suppressor().channels
    except SuppressError:
        return []
    return [channel for channel in served if channel.startswith(incomplete)]


channel_option = click.option(
    "--channel",
    metavar="CH",
    required=True,
    shell_complete=_channels,
    help="How the messages travel: sms, viber, or another that a source serves.",
)

channels_option = click.option(
    "--channel",
    "channels",
    metavar="CH",
    multiple=True,
    shell_complete=_channels,
    help="A channel to read; may be repeated. All that are served otherwise.",
)

region_option = click.option(
    "--default-region",
    metavar="CC",
    help="Region (ISO 3166) of numbers in national form; SUPPRESS_DEFAULT_REGION otherwise.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output."
)


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2))


def console() -> Console:
    """Where tables are printed; in a pipe they are as wide as they need to be."""
    found = Console()
    return found if found.is_terminal else Console(width=200)


def described(snapshot: Snapshot, age: float) -> dict[str, Any]:
    """A snapshot in plain values, for JSON."""
    return {
        "channel": snapshot.channel,
        "count": snapshot.count,
        "unparsed": len(snapshot.unparsed),
        "read_at": snapshot.read_at,
        "age": round(age, 3),
        "sources": snapshot.sources,
        "digest": snapshot.digest,
    }


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
