"""`suppress diff`: the people on one list and not on another one, as counts or rows."""

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from suppress.cli.input import opened, rows_of
from suppress.cli.options import channels_option, json_option, region_option
from suppress.cli.printing import counted, print_json
from suppress.errors import ConfigurationError
from suppress.files.rows import Rows
from suppress.lists.difference import Difference, compare
from suppress.lists.export import served_by
from suppress.lists.membership import Missing
from suppress.stop_list.snapshot import OPTED_OUT
from suppress.suppressor import Suppressor


@click.command(short_help="Compare two lists.")
@click.argument("a")
@click.argument("b")
@channels_option("Channel to compare; may be repeated (default: all that both have).")
@region_option
@click.option("--rows", "as_rows", is_flag=True, help="Print the numbers, whole, as CSV.")
@json_option
def diff(
    a: str,
    b: str,
    channels: tuple[str, ...],
    default_region: str | None,
    *,
    as_rows: bool,
    as_json: bool,
) -> None:
    """Compare the lists A and B by what their numbers mean.

    A list is the name of a source, `opt-outs` for those who were opted out here, or a file,
    such as one that `suppress export` wrote. Everyone counts who is on one list and would not
    be suppressed by the other one alone: every form of a number is the same person.

    \b
      suppress diff bsg file
      suppress diff opt-outs bsg --channel sms --rows > missing.csv
    """
    suppressor = Suppressor(background=False)
    served = [_served_by(suppressor, name) for name in (a, b)]
    found = []
    for channel in dict.fromkeys(channels or sorted(served[0] & served[1])):
        with contextlib.ExitStack() as stack:
            list_a, list_b = (_list(suppressor, each, default_region, stack) for each in (a, b))
            found.append(
                compare(
                    list_a, list_b, channel, default_region=default_region, suppressor=suppressor
                )
            )
    if not found:
        raise ConfigurationError(f"{a} and {b} have no channel in common.")
    if as_json:
        print_json(
            {
                "a": a,
                "b": b,
                "channels": {each.channel: _document(each, as_rows=as_rows) for each in found},
            }
        )
    elif as_rows:
        click.echo(_csv(found, a, b), nl=False)
    else:
        for each in found:
            click.echo(
                f"{each.channel}: {len(each.only_a):,} of {counted(each.count_a, 'number')} only "
                f"on {a}, {len(each.only_b):,} of {each.count_b:,} only on {b}"
            )
    _print_forgotten(found)


def _served_by(suppressor: Suppressor, name: str) -> set[str]:
    """Return the channels of a list; a file may have any.

    Raises:
        ConfigurationError: it is neither a source nor a file.
    """
    try:
        return set(served_by(suppressor, name))
    except ConfigurationError as error:
        if Path(name).exists():
            return set(suppressor.channels)
        raise ConfigurationError(f"{error} Nor is there a file of that name.") from None


def _list(
    suppressor: Suppressor, name: str, default_region: str | None, stack: contextlib.ExitStack
) -> str | Rows:
    if name == OPTED_OUT or name in {each.name for each in suppressor.sources}:
        return name
    stream, _ = opened(name, stack)
    return rows_of(stream, name, (), None, default_region, has_header=True)


def _document(found: Difference, *, as_rows: bool) -> dict[str, Any]:
    document: dict[str, Any] = {
        "count_a": found.count_a,
        "count_b": found.count_b,
        "only_a": len(found.only_a),
        "only_b": len(found.only_b),
        "forgotten": found.forgotten,
    }
    if as_rows:
        document["rows_only_a"] = list(_shown(found.only_a))
        document["rows_only_b"] = list(_shown(found.only_b))
    return document


def _csv(found: list[Difference], a: str, b: str) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["number", "channel", "only_on"])
    for each in found:
        for name, only in ((a, each.only_a), (b, each.only_b)):
            table.writerows((number, each.channel, name) for number in _shown(only))
    return text.getvalue()


def _shown(only: Missing) -> Iterator[str]:
    yield from only.numbers
    yield from sorted(only.unread)


def _print_forgotten(found: list[Difference]) -> None:
    if count := sum(each.forgotten for each in found):
        click.echo(
            f"{counted(count, 'person who was', 'people who were')} forgotten here cannot be "
            "compared: only keyed hashes of their numbers are kept.",
            err=True,
        )
