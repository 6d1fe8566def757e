"""`suppress export`: a list to a file, with all that is known of each number."""

import click

from suppress.cli.input import STANDARD
from suppress.cli.options import channels_option
from suppress.cli.outputs import outputs
from suppress.cli.printing import ago, counted
from suppress.files.compressed import compression_of
from suppress.files.formats import promised_by
from suppress.lists.export import Exported
from suppress.lists.export import export as export_list
from suppress.lists.writers import FORMATS
from suppress.stop_list.snapshot import OPTED_OUT
from suppress.suppressor import Suppressor


@click.command(short_help="Write a list to a file.")
@channels_option("Channel to write; may be repeated (default: all).")
@click.option(
    "--source", metavar="NAME", help="Write the list of one source (default: of all together)."
)
@click.option("--opt-outs", "own", is_flag=True, help="Write the opt-outs that were made here.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(FORMATS)),
    help="Output format (default: that of the output's name, or csv).",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    default=STANDARD,
    help="Output file, readable by you alone (default: standard output).",
)
def export(
    channels: tuple[str, ...],
    source: str | None,
    format_: str | None,
    output: str,
    *,
    own: bool,
) -> None:
    """Write a list to a file: of all sources together, of one, or of the opt-outs made here.

    There is a row for each entry, with its number, channel, source, id, time, reason, and what
    else is known of it. A list that may not be used for screening is not written (exit status
    3). People who were forgotten cannot be written, and are counted. `suppress import` reads
    the file.

    \b
      suppress export -o stop-list.csv
      suppress export --source bsg --channel sms --format jsonl | gzip > bsg.jsonl.gz
      suppress export --opt-outs -o opt-outs.parquet
    """
    if own and source is not None:
        raise click.UsageError("--source and --opt-outs exclude each other. Use one of them.")
    chosen = _format_of(output, format_)
    suppressor = Suppressor(background=False)
    compression = "" if output == STANDARD else compression_of(output)
    with outputs({"list": output}, {"list": compression}) as made:
        exported = export_list(
            made["list"],
            format=chosen,
            channels=channels,
            source=OPTED_OUT if own else source,
            suppressor=suppressor,
        )
    for channel, each in exported.items():
        click.echo(_summary(suppressor, channel, each), err=True)


def _format_of(output: str, named: str | None) -> str:
    """Return the format that was named, or that the name of the output promises.

    Raises:
        click.UsageError: the name promises another one.
    """
    promised = promised_by(output)
    chosen = named or (promised if promised in FORMATS else "csv")
    if promised not in (None, "text", chosen):
        raise click.UsageError(
            f"{output} would not be what its name says. A list is written as {', '.join(FORMATS)}."
        )
    return chosen


def _summary(suppressor: Suppressor, channel: str, exported: Exported) -> str:
    read = ""
    if exported.snapshot is not None:
        read = f", read {ago(suppressor.age(exported.snapshot))}"
    lines = [f"{channel}: {counted(exported.rows, 'row')}{read}."]
    if count := exported.without_reading:
        are = "is not a phone number" if count == 1 else "are not phone numbers"
        lines.append(f"  {count:,} of them {are}: the column `reading` says none.")
    if count := exported.forgotten:
        lines.append(
            f"  {counted(count, 'person is', 'people are')} not in the file: their numbers were "
            "forgotten. Their opt-outs hold here alone."
        )
    return "\n".join(lines)
