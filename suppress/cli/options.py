"""Options that several commands share, and the rule that no option is given twice."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import click

from suppress.errors import SuppressError
from suppress.files.rows import Rows
from suppress.settings.settings import CONFIG, Settings
from suppress.suppressor import Suppressor

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


@contextlib.contextmanager
def named_settings(file: str) -> Iterator[None]:
    """Make every command, also those of plugins, take its settings from a file.

    Raises:
        click.UsageError: the name is empty, as when a variable of a script is not set.
    """
    if not file:
        raise click.UsageError("--config is empty. Name a settings file, or leave --config out.")
    before = os.environ.get(CONFIG)
    os.environ[CONFIG] = file
    try:
        yield
    finally:
        if before is None:
            del os.environ[CONFIG]
        else:
            os.environ[CONFIG] = before


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

region_option = click.option(
    "--default-region",
    metavar="CC",
    help="Region of numbers in national form, such as US; or international, if digits without a "
    "plus begin with a calling code (default: SUPPRESS_DEFAULT_REGION).",
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document on standard output."
)


def refuse_repeated(
    command: click.Command,
    name: str | None,
    arguments: Sequence[str],
    parent: click.Context | None,
    *,
    inner: bool = True,
) -> None:
    """Refuse an option that is given twice, unless it can be repeated.

    click would silently use the last value. The arguments are looked at before the command
    sees them, so the rule holds for the commands of plugins, too.

    Args:
        command: the command that is called.
        name: its name, as typed.
        arguments: the arguments behind the name.
        parent: the context of the group that the command belongs to.
        inner: whether to look into the command of a group as well.

    Raises:
        click.UsageError: an option is given twice.
    """
    # Resilient parsing leaves every other mistake for the command to find.
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        **{**command.context_settings, "resilient_parsing": True},
    )
    _, rest, given = command.make_parser(context).parse_args(list(arguments))
    # Counted by name: two options that set the same value are one.
    counts = Counter(each.name for each in given if _takes_one(each))
    for option in given:
        if counts[option.name] > 1:
            shown = "/".join(sorted(option.opts, key=len))
            raise click.UsageError(
                f"{shown} is given {counts[option.name]} times, but only one value can be used. "
                "Give it once.",
                context,
            )
    if inner and isinstance(command, click.Group) and rest:
        called = command.get_command(context, rest[0])
        if called is not None:
            refuse_repeated(called, rest[0], rest[1:], context)


def _takes_one(parameter: click.Parameter) -> bool:
    if not isinstance(parameter, click.Option) or parameter.multiple or parameter.count:
        return False
    # `--help --help` is a request for help.
    return not (parameter.is_flag and parameter.is_eager)
