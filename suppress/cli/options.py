"""Options that several commands share, and the rule that none is given twice for nothing."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from suppress.errors import SuppressError
from suppress.files.rows import Rows
from suppress.settings.settings import CONFIG, Settings
from suppress.suppressor import Suppressor


@contextlib.contextmanager
def named_settings(file: str) -> Iterator[None]:
    """Let every command, those of plugins too, take its settings from a file.

    Raises:
        click.UsageError: the file has no name, as when a variable of a script is empty.
    """
    if not file:
        raise click.UsageError("--config names no file.")
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

column_option = click.option(
    "--column",
    "columns",
    metavar="NAME",
    multiple=True,
    help="Column or JSON key of the number; repeat it where a row has several numbers "
    "(default: told by the names and the first rows).",
)

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(Rows.FORMATS),
    help="Form of the input; told by the file's name or its first line otherwise.",
)

region_option = click.option(
    "--default-region",
    metavar="CC",
    help="Region of numbers in national form, such as US, or the word international for digits "
    "that begin with a calling code; SUPPRESS_DEFAULT_REGION otherwise.",
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
    """Refuse an option that is given more than once and cannot be repeated.

    Of two values click would take the last one and say nothing. This looks at the arguments
    before the command does, so it holds for every command, those of plugins included.

    Args:
        command: the command that is called.
        name: its name, as typed.
        arguments: what is typed behind it.
        parent: the context of the group that the command is of.
        inner: whether to look at the command of a group as well.

    Raises:
        click.UsageError: an option is given more than once.
    """
    # Resilient: every other fault is left for the command to find.
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        **{**command.context_settings, "resilient_parsing": True},
    )
    _, rest, given = command.make_parser(context).parse_args(list(arguments))
    # By name, since two options that set the same value are as good as one.
    counts = Counter(each.name for each in given if _takes_one(each))
    for option in given:
        if counts[option.name] > 1:
            shown = "/".join(sorted(option.opts, key=len))
            raise click.UsageError(
                f"{shown} is given {counts[option.name]} times, and only one would be used. "
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
    # To ask for help twice is to ask for help.
    return not (parameter.is_flag and parameter.is_eager)
