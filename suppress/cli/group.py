"""The group of all commands: plugins add theirs, and every error becomes an exit status."""

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import click

from suppress.cli.exit_statuses import NOBODY_READS, status_of
from suppress.cli.printing import OutputError
from suppress.cli.repeated import refuse_repeated
from suppress.cli.signals import unwinding
from suppress.errors import ConfigurationError, SuppressError
from suppress.numbers.mask import mask_numbers
from suppress.plugin_manager import Plugins

NONE: Mapping[str, str] = MappingProxyType({})


class CommandLine(click.Group):
    """The command `suppress`, with its own commands and those of plugins.

    Args:
        own: its own commands by name: the module of each in this package, and its name there.
        extra: as for `click.Group`.
    """

    def __init__(self, *args: Any, own: Mapping[str, str] = NONE, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._own = own

    @cached_property
    def _plugins(self) -> Plugins:
        return Plugins()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*self._own, *super().list_commands(ctx), *sorted(self._of_plugins())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name; plugins are imported only for a name of theirs."""
        if cmd_name in self._own:
            module, _, name = self._own[cmd_name].partition(":")
            command: click.Command = getattr(
                importlib.import_module(f"suppress.cli.{module}"), name
            )
            return command
        return super().get_command(ctx, cmd_name) or self._of_plugins().get(cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the options before the command; refuse one that is given twice."""
        if not ctx.resilient_parsing:
            refuse_repeated(self, ctx.info_name, args, ctx.parent, inner=False)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called, and its arguments; refuse an option given twice."""
        name, command, arguments = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            refuse_repeated(command, name, arguments, ctx)
        return name, command, arguments

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; an error becomes a message and an exit status."""
        try:
            return super().main(*args, **extra)
        except SuppressError as error:
            if isinstance(error, OutputError):
                _discard_output()
            # The status tells it even where standard error is full or closed.
            with contextlib.suppress(OSError):
                click.echo(f"Error: {error}", err=True)
            sys.exit(status_of(error))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and end cleanly on a signal, a closed pipe or a full disk."""
        try:
            with unwinding():
                result = super().invoke(ctx)
                sys.stdout.flush()
        except click.UsageError as error:
            # A phone number may have been typed in several parts.
            raise click.UsageError(mask_numbers(error.format_message()), error.ctx) from None
        except BrokenPipeError:
            _discard_output()
            raise click.exceptions.Exit(NOBODY_READS) from None
        except OSError as error:
            if error.filename is not None:
                raise
            raise OutputError(f"An output cannot be written: {error.strerror}.") from error
        return result

    def _of_plugins(self) -> dict[str, click.Command]:
        commands: dict[str, click.Command] = {}
        for plugin in self._plugins.found:
            try:
                offered = self._plugins.commands_of(plugin)
            except ConfigurationError as error:
                click.echo(f"Warning: {error}", err=True)
                continue
            for command in offered:
                name = str(command.name)
                if name in {*self._own, *self.commands, *commands}:
                    click.echo(
                        f"Warning: The command {name!r} of the plugin {plugin!r} is not used: "
                        "there is another command of that name.",
                        err=True,
                    )
                commands.setdefault(name, command)
        return commands


def _discard_output() -> None:
    # Python would try to write what is left in the buffer when it ends, and fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
