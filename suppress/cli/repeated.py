"""The rule that no option is given twice, unless it can be repeated."""

from collections import Counter
from collections.abc import Sequence

import click


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
