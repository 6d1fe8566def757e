"""What commands print: tables, JSON, snapshots and summaries."""

import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from suppress.cli.reasons import by_reason
from suppress.errors import SuppressError
from suppress.files.columns import shown
from suppress.numbers.mask import mask
from suppress.numbers.problem import Problem
from suppress.screening.screening import Outcome
from suppress.serving.status import moment
from suppress.stop_list.snapshot import Snapshot
from suppress.suppressor import Suppressor


class OutputError(SuppressError):
    """An output cannot be written."""


def print_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    # What a terminal may take for an order is as good JSON when it is escaped.
    click.echo(
        "".join(each if each.isprintable() or each == "\n" else _escaped(each) for each in text)
    )


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1]


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
        "opted_out": snapshot.opted_out.count,
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


def print_unread(numbers: Sequence[str]) -> None:
    """Print the opt-outs that have no reading, and what to do about them."""
    if numbers:
        some = "1 opt-out has" if len(numbers) == 1 else f"{len(numbers):,} opt-outs have"
        click.echo(
            f"{some} no possible number. Take each back with `suppress remove`, and add the right "
            "number; until then the same digits are suppressed:"
        )
    for number in numbers:
        click.echo(f"  {mask(number)}")


def ago(seconds: float) -> str:
    """A span of time in words, for example `3 min`."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def taken_from(columns: Sequence[str]) -> str:
    """The sentence that says which columns the numbers were taken from; none for text."""
    if not columns:
        return ""
    plural = "s" if len(columns) > 1 else ""
    return f"Numbers were taken from the column{plural} {' and '.join(map(shown, columns))}."


def summary(
    counts: Mapping[str, int],
    snapshot: Snapshot,
    age: float,
    columns: Sequence[str] = (),
    *,
    problems: Mapping[Problem, int] = MappingProxyType({}),
    repeated: int | None = None,
) -> str:
    """What a screening came to, in a few lines.

    Args:
        counts: how many recipients had each outcome.
        snapshot: what they were screened against.
        age: how old it is, in seconds.
        columns: the columns that their numbers were taken from.
        problems: how many are invalid for each reason.
        repeated: how many of the allowed were left out; None where none were looked for.
    """
    lines = [
        f"{counted(sum(counts.values()), 'recipient')}: "
        + ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome)
        + "."
    ]
    if repeated is not None:
        have = (
            "an earlier row has its number" if repeated == 1 else "earlier rows have their numbers"
        )
        lines.append(
            f"  {repeated:,} repeated" + (f": left out, since {have}." if repeated else ".")
        )
    lines += [f"  {line}" for line in by_reason(problems)]
    lines.append(
        f"The {snapshot.channel} stop list of {' and '.join(snapshot.sources)} "
        f"has {counted(snapshot.count, 'number')} and was read {ago(age)} ago."
    )
    if columns:
        lines.append(taken_from(columns))
    return "\n".join(lines)


def counted(count: int, what: str) -> str:
    """Say how many things there are, such as `1,204 numbers`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
