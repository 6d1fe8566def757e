"""Options that several commands share."""

import click

from suppress.errors import SuppressError
from suppress.rows import Rows
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

opt_out_channels_option = click.option(
    "--channel",
    "channels",
    metavar="CH",
    multiple=True,
    required=True,
    shell_complete=_channels,
    help="A channel of the opt-out; may be repeated.",
)

column_option = click.option("--column", metavar="NAME", help="Column or JSON key of the number.")

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(Rows.FORMATS),
    help="Form of the input; told by the file's name or its first line otherwise.",
)

region_option = click.option(
    "--default-region",
    metavar="CC",
    help="Region (ISO 3166) of numbers in national form; SUPPRESS_DEFAULT_REGION otherwise.",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output."
)
