"""`suppress import`: the opt-outs of another system taken over from a file."""

import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

import click

from suppress.cli.evidence import evidence_options
from suppress.cli.input import check_unchanged, opened, rows_of, state
from suppress.cli.limits import current_limits
from suppress.cli.options import (
    channels_option,
    column_option,
    format_option,
    header_option,
    json_option,
    region_option,
    sheet_option,
)
from suppress.cli.pending import pending_rows, print_pending
from suppress.cli.printing import counted, print_json
from suppress.cli.summary import taken_from
from suppress.files.rows import Rows
from suppress.lists.imported import import_opt_outs
from suppress.lists.reading import FIELDS
from suppress.opt_outs.moving import Added
from suppress.suppressor import Suppressor


def _mapped(
    _ctx: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> Mapping[str, str]:
    """Return the columns that were named for fields."""
    found: dict[str, str] = {}
    for each in given:
        name, equals, column = each.partition("=")
        if not equals or name not in FIELDS or name in found:
            raise click.BadParameter(
                f"{each!r} is not FIELD=COLUMN. A field is {', '.join(FIELDS)}, each once."
            )
        found[name] = column
    return found


class _TableFile(NamedTuple):
    """The options that say how a file is to be read.

    Attributes:
        columns: the column of the number, if it was named.
        columns_of_fields: the columns that were named for fields.
        format_: the format of the file.
        has_header: whether a table begins with the names of its columns.
        sheet: the sheet of a workbook, if it was named.
    """

    columns: tuple[str, ...]
    columns_of_fields: Mapping[str, str]
    format_: str | None
    has_header: bool
    sheet: str | None

    def rows(self, stream: BinaryIO, source: str, default_region: str | None) -> Rows:
        """Return the rows of the file."""
        rows = rows_of(
            *(stream, source, self.columns, self.format_, default_region),
            has_header=self.has_header,
            sheet=self.sheet,
        )
        rows.check_whole()
        return rows


def _table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a `_TableFile`: the command gets it as `table`."""

    @functools.wraps(command)
    def with_table(
        *,
        columns: tuple[str, ...],
        columns_of_fields: Mapping[str, str],
        format_: str | None,
        has_header: bool,
        sheet: str | None,
        **others: Any,
    ) -> Any:
        if len(columns) > 1:
            raise click.UsageError("A row has one number here. Name one column.")
        table = _TableFile(columns, columns_of_fields, format_, has_header, sheet)
        return command(table=table, **others)

    options = (
        sheet_option,
        format_option,
        header_option,
        click.option(
            "--map",
            "columns_of_fields",
            metavar="FIELD=COLUMN",
            multiple=True,
            callback=_mapped,
            help=f"Column of a field ({', '.join(FIELDS)}), if it has another name; may be "
            "repeated. FIELD= ignores a column of that name.",
        ),
        column_option,
    )
    decorated: Callable[..., Any] = with_table
    for option in options:
        decorated = option(decorated)
    return decorated


@click.command("import", short_help="Take over the opt-outs of another system.")
@click.argument("source", metavar="FILE")
@channels_option("Channel of rows that name none; may be repeated.")
@click.option("--all-channels", is_flag=True, help="All channels, for rows that name none.")
@_table_options
@region_option
@evidence_options
@click.option("--here-only", is_flag=True, help="Tell no source; `suppress push` can do so later.")
@click.option("--dry-run", is_flag=True, help="Read and count, and opt nobody out.")
@json_option
def import_command(
    source: str,
    channels: tuple[str, ...],
    table: _TableFile,
    *,
    all_channels: bool,
    here_only: bool,
    dry_run: bool,
    as_json: bool,
    **details: Any,
) -> None:
    """Opt out everyone in FILE, with the dates and reasons that stand there; all or nobody.

    FILE was written by `suppress export`, or is a table of another system, or - for standard
    input. A column `since` has the time of an opt-out; `channel`, `reason`, `by`, `via` and
    `reference` are read as well. The options below are for rows that do not say it. Each row
    has to be exactly one phone number. Who is opted out already stays so: a file can be
    imported twice.

    \b
      suppress import opt-outs.csv
      suppress import unsubscribed.csv --column Phone --map since="Opted out" --channel sms
    """
    if all_channels and channels:
        raise click.UsageError("Name each channel with --channel, or say --all-channels.")
    suppressor = Suppressor(background=False)
    with contextlib.ExitStack() as stack:
        stream, _ = opened(source, stack)
        before = state(stream)
        rows = table.rows(stream, source, details["default_region"])
        added = import_opt_outs(
            rows,
            channels=suppressor.channels if all_channels else channels,
            columns=table.columns_of_fields,
            tell=not here_only,
            dry_run=dry_run,
            suppressor=suppressor,
            whole=lambda: check_unchanged(stream, rows, before, quiet=current_limits().quiet),
            **details,
        )
    if not dry_run:
        suppressor.pass_on(patience=current_limits().delivery)
    waiting = pending_rows(suppressor)
    if as_json:
        print_json(
            {
                "channels": {name: each._asdict() for name, each in added.items()},
                "dry_run": dry_run,
                "waiting": waiting,
            }
        )
        return
    for said in (taken_from(rows.columns), rows.remark):
        if said:
            click.echo(said, err=True)
    for channel, each in added.items():
        click.echo(f"{channel}: {_outcome(each, dry_run=dry_run)}")
    if not added:
        click.echo("The file has no rows.")
    print_pending(waiting)


def _outcome(added: Added, *, dry_run: bool) -> str:
    verb = "would opt out" if dry_run else "opted out"
    return f"{verb} {counted(added.new, 'number')} ({added.known:,} already there)"
