"""Changes of opt-outs as a table, CSV or JSON, written page by page."""

import csv
import io
import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import click
import msgspec

from suppress.cli.printing import safe_json
from suppress.opt_outs.contract import Change
from suppress.printable import printable

PAGE = 1000
"""Changes that are written at once."""

_FIELDS = [field.name for field in fields(Change)]
_TITLES = ("made", "channel", "change", "number", "wished", "by", "via", "reason", "reference")


def print_table_of(changes: Iterable[Change]) -> int:
    """Print a table with a line for each change; return how many there were."""
    # Columns get wider with a later page, never narrower, so that no page has to be kept.
    widths = [len(title) for title in _TITLES]
    printed = 0
    for page in _pages(changes):
        rows = [_cells(each) for each in page]
        if not printed:
            rows.insert(0, _TITLES)
        widths = [
            max(width, *map(len, column))
            for width, column in zip(widths, zip(*rows, strict=True), strict=True)
        ]
        line = "  ".join(f"{{:{width}}}" for width in widths)
        _write("".join(f"{line.format(*row).rstrip()}\n" for row in rows))
        printed += len(page)
    return printed


def print_csv_of(changes: Iterable[Change]) -> None:
    """Print a header, and a row for each change."""
    _write(_csv([_FIELDS]))
    for page in _pages(changes):
        _write(_csv([_plain(getattr(each, name)) for name in _FIELDS] for each in page))


def print_json_of(changes: Iterable[Change], name: str) -> None:
    """Print one JSON document: an object with the changes, a line each, under a name."""
    _write(f'{{\n  "{name}": [')
    between = "\n    "
    for page in _pages(changes):
        lines = [safe_json(msgspec.json.encode(each).decode()) for each in page]
        _write(between + ",\n    ".join(lines))
        between = ",\n    "
    _write("\n  ]\n}\n")


def _pages(changes: Iterable[Change]) -> Iterator[list[Change]]:
    iterator = iter(changes)
    while page := list(itertools.islice(iterator, PAGE)):
        yield page


def _cells(change: Change) -> tuple[str, ...]:
    return (
        _seconds(change.made_at),
        change.channel,
        f"{change.action} (correction)" if change.correction else change.action,
        change.number,
        "" if change.wished_at is None else _seconds(change.wished_at),
        *("" if text is None else printable(text) for text in _texts(change)),
    )


_texts = operator.attrgetter("by", "via", "reason", "reference")


def _seconds(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')[:19]}Z"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else value


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _write(text: str) -> None:
    click.echo(text, nl=False)
