"""Options that several commands share: channels, columns, formats and the default region."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from suppress.errors import SuppressError
from suppress.files.rows import Rows
from suppress.settings.settings import Settings
from suppress.suppressor import Suppressor

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _channels(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    try:
        served = Suppressor(Settings.load(ctx.find_root().params.get("config"))).channels
    except SuppressError:
        return []
    return [channel for channel in served if channel.startswith(incomplete)]


channel_option = click.option(
    "--channel",
    metavar="CH",
    required=True,
    shell_complete=_channels,
    help="Channel of the messages: sms, viber, or another that a source serves.",
)


def single_channel_option(help_: str) -> Callable[[Decorated], Decorated]:
    """Return the option `--channel` of a command that can do without one."""
    return click.option("--channel", metavar="CH", shell_complete=_channels, help=help_)


def channels_option(help_: str) -> Callable[[Decorated], Decorated]:
    """Return the option `--channel` of a command that takes several, or none."""
    return click.option(
        "--channel",
        "channels",
        metavar="CH",
        multiple=True,
        shell_complete=_channels,
        help=help_,
    )


def all_channels_options(command: Decorated) -> Decorated:
    """Add the options `--channel` and `--all-channels`, for `chosen_channels`."""
    every = click.option(
        "--all-channels", is_flag=True, help="All channels that the sources serve."
    )
    return channels_option("Channel of the opt-out; may be repeated.")(every(command))


def chosen_channels(
    served: Sequence[str], channels: Sequence[str], *, all_channels: bool
) -> tuple[str, ...]:
    """Return the channels that were named, each once, or all that are served.

    Raises:
        click.UsageError: both options were given, or none.
    """
    if all_channels == bool(channels):
        raise click.UsageError("Name each channel with --channel, or say --all-channels.")
    return tuple(dict.fromkeys(served if all_channels else channels))


column_option = click.option(
    "--column",
    "columns",
    metavar="NAME",
    multiple=True,
    help="Column or JSON key of the number; repeat it if a row has several numbers "
    "(default: detected from the names and the first rows).",
)

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(Rows.FORMATS),
    help="Input format (default: detected from the name or the first line).",
)

header_option = click.option(
    "--no-header",
    "has_header",
    flag_value=False,
    default=True,
    help="A table begins with its first row; --column 2 is its second column.",
)

sheet_option = click.option(
    "--sheet",
    metavar="NAME",
    help="Sheet of a workbook (default: the first that is not hidden).",
)

region_option = click.option(
    "--default-region",
    metavar="CC",
    help="Region of numbers in national form, such as US; or international, if digits without a "
    "plus begin with a calling code (default: SUPPRESS_DEFAULT_REGION).",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output."
)
