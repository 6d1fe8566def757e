"""`suppress opt-outs`: the opt-outs that are in force here, as a table, CSV or JSON."""

import itertools
from datetime import datetime

import click

from suppress.cli.changes import print_csv_of, print_json_of, print_table_of
from suppress.cli.moments import end_of, moment_of
from suppress.cli.options import channels_option, json_option
from suppress.suppressor import Suppressor


@click.command("opt-outs", short_help="List the opt-outs that are in force here.")
@channels_option("Channel to list; may be repeated (default: all).")
@click.option(
    "--since",
    metavar="TIME",
    callback=moment_of,
    help="List those that people asked for (or that were made, if that is not known) from this "
    "date or time on, such as 2026-03-01 or 2026-03-01T09:30:00Z.",
)
@click.option(
    "--until",
    metavar="TIME",
    callback=end_of,
    help="List those up to this time, or up to the end of this date.",
)
@click.option("--via", metavar="WORD", help="List those that came this way, such as reply or form.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV on standard output.")
@json_option
def opt_outs(
    channels: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    via: str | None,
    *,
    as_csv: bool,
    as_json: bool,
) -> None:
    """List the opt-outs that were made here and are in force, oldest first.

    Shows the newest opt-out of each person and channel; people whose history was forgotten
    are left out. Numbers are shown whole. --csv and --json have every detail. Times without
    an offset are in your time zone.

    \b
      suppress opt-outs --channel sms --since 2026-03-01
      suppress opt-outs --via reply --csv > replies.csv
    """
    if as_csv and as_json:
        raise click.UsageError("--csv and --json exclude each other. Use one of them.")
    suppressor = Suppressor(background=False)
    found = itertools.chain.from_iterable(
        suppressor.opt_outs(channel, since=since, until=until, via=via)
        for channel in dict.fromkeys(channels) or (None,)
    )
    if as_csv:
        print_csv_of(found)
    elif as_json:
        print_json_of(found, "opt_outs")
    elif not print_table_of(found):
        click.echo("No opt-out matches.", err=True)
