"""The command line: its commands, and the exit status of each error.

| status | meaning |
|--------|---------|
| 0      | done; for `check`: allowed |
| 1      | for `check`: suppressed |
| 2      | the command was called wrongly, or the settings are wrong |
| 3      | the stop list is unavailable: nothing was written |
| 4      | the input cannot be read; for `check`: not a phone number |
| 5      | the output cannot be written, or an opt-out cannot be kept |
| 6      | more are invalid than `--max-invalid` allows: nothing was written |
| 129    | ended because its terminal was closed |
| 130    | ended by Ctrl-C |
| 141    | ended because nobody reads the output any more |
| 143    | ended by SIGTERM |
"""

import atexit
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FrameType
from typing import Any, NoReturn

import click

import suppress
from suppress.atomic import remove_unfinished
from suppress.cli.filter import filter_command
from suppress.cli.lists import check, plugins, refresh, status
from suppress.cli.max_invalid import TooManyInvalid
from suppress.cli.opt_outs import add, remove, reset_opt_outs
from suppress.cli.options import named_settings, refuse_repeated
from suppress.cli.output import OutputError
from suppress.cli.receipts import verify
from suppress.numbers.mask import mask
from suppress.plugin_manager import Plugins

EXIT_STATUSES: tuple[tuple[type[suppress.SuppressError], int], ...] = (
    (suppress.StopListUnavailable, 3),
    (suppress.InputError, 4),
    (suppress.InvalidNumber, 4),
    (OutputError, 5),
    (suppress.StoreUnavailable, 5),
    (TooManyInvalid, 6),
    (suppress.SuppressError, 2),
)
HUNG_UP = 129
INTERRUPTED = 130
NOBODY_READS = 141
TERMINATED = 143


class CommandLine(click.Group):
    """The command `suppress`: its own commands and those of plugins."""

    @cached_property
    def _plugins(self) -> Plugins:
        return Plugins()

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return [*super().list_commands(ctx), *sorted(self._of_plugins())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; no plugin is imported for one of suppress's own."""
        return super().get_command(ctx, cmd_name) or self._of_plugins().get(cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the options before the command; none of them is given in vain."""
        if not ctx.resilient_parsing:
            refuse_repeated(self, ctx.info_name, args, ctx.parent, inner=False)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is called, and its arguments: no option in them is given in vain."""
        name, command, arguments = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            refuse_repeated(command, name, arguments, ctx)
        return name, command, arguments

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line; an error becomes a message and an exit status."""
        try:
            return super().main(*args, **extra)
        except suppress.SuppressError as error:
            if isinstance(error, OutputError):
                _give_up_output()
            # The status tells it even where standard error has no room for it.
            with contextlib.suppress(OSError):
                click.echo(f"Error: {error}", err=True)
            sys.exit(next(status for kind, status in EXIT_STATUSES if isinstance(error, kind)))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, and end cleanly when somebody else ends it."""
        try:
            with _unwinding_at_signals():
                result = super().invoke(ctx)
                sys.stdout.flush()
        except click.UsageError as error:
            # What was typed may be a number, in parts.
            raise click.UsageError(mask(error.format_message()), error.ctx) from None
        except BrokenPipeError:
            _give_up_output()
            raise click.exceptions.Exit(NOBODY_READS) from None
        except OSError as error:
            if error.filename is not None:
                raise
            raise OutputError(f"An output cannot be written: {error.strerror}.") from error
        except (KeyboardInterrupt, _Terminated) as ended:
            # At its end Python would wait for the pages that other threads still ask for.
            _end_at_once(_signal_of(ended))
        return result

    def _of_plugins(self) -> dict[str, click.Command]:
        commands: dict[str, click.Command] = {}
        for name in self._plugins.found:
            try:
                offered = self._plugins.commands_of(name)
            except suppress.ConfigurationError as error:
                click.echo(f"Warning: {error}", err=True)
                continue
            for command in offered:
                taken = str(command.name)
                if taken in self.commands or taken in commands:
                    click.echo(
                        f"Warning: The plugin {name!r} offers a command {taken!r}, which there is "
                        "already.",
                        err=True,
                    )
                commands.setdefault(taken, command)
        return commands


_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class _Terminated(SystemExit):
    """SIGTERM or SIGHUP came while a command ran; the exit status tells which."""


def _signal_of(ended: BaseException) -> int:
    return int(ended.code or 0) - 128 if isinstance(ended, _Terminated) else signal.SIGINT


def _end_at_once(number: int, _frame: FrameType | None = None) -> NoReturn:
    remove_unfinished()
    os._exit(128 + number)


def _unwind(number: int, _frame: FrameType | None) -> NoReturn:
    # A second signal does not wait for what the first one sets going.
    _at_signals(_end_at_once)
    raise KeyboardInterrupt if number == signal.SIGINT else _Terminated(128 + number)


def _at_signals(handler: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in _SIGNALS:
        # Nobody else's handler, and no signal that is ignored, as Ctrl-C is in the background.
        if signal.getsignal(number) in (_end_at_once, _unwind):
            signal.signal(number, handler)


@contextlib.contextmanager
def _unwinding_at_signals() -> Iterator[None]:
    """Let a signal end the block by an exception, so that all that it began is put in order."""
    _at_signals(_unwind)
    try:
        yield
    finally:
        _at_signals(_end_at_once)


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    # Where nothing can be raised, in a finalizer, Python would tell of the signal and go on.
    if isinstance(found.exc_value, KeyboardInterrupt | _Terminated):
        _end_at_once(_signal_of(found.exc_value))
    sys.__unraisablehook__(found)


def _give_up_output() -> None:
    # What is still in its buffer would be written, and fail, when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try it on this machine alone, with no account: suppress demo",
)
@click.version_option(suppress.__version__, prog_name="suppress")
@click.option(
    "--config",
    metavar="FILE",
    help="The settings file; else the one that SUPPRESS_CONFIG names, else suppress.toml in your "
    "configuration folder.",
)
@click.pass_context
def command_line(context: click.Context, config: str | None) -> None:
    """Keep messages from reaching people who asked not to get them.

    Screens phone numbers against the stop lists of your messaging provider (and any
    other source that a plugin adds) before anything is sent.

    Settings come from the environment and from the file that --config or SUPPRESS_CONFIG
    names, else from suppress.toml in your configuration folder; one in the working directory
    is not used unless it is named. For BSG's stop list BSG_API_KEY is all that is needed.

    The exit status is 0 when all is done, 2 for a wrong call or setting, 3 when the stop
    list is unavailable and nothing was written, 4 for input that cannot be read, 5 for
    output that cannot be written or an opt-out that cannot be kept, 6 when more recipients
    are invalid than `filter --max-invalid` allows and nothing was written.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("Warning: %(message)s"))
    logger = logging.getLogger("suppress")
    logger.addHandler(handler)
    # Whoever runs the command line within a process of their own keeps their logging.
    context.call_on_close(lambda: logger.removeHandler(handler))
    if config is not None:
        context.with_resource(named_settings(config))


for _command in (
    *(filter_command, check, refresh, status, add, remove, reset_opt_outs, verify, plugins),
):
    command_line.add_command(_command)


def main() -> None:
    """Run the command line, and end the process with its exit status."""
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _end_at_once)
    # When all is done and Python itself ends, it is too late for a signal.
    atexit.register(_at_signals, signal.SIG_IGN)
    sys.unraisablehook = _unraisable
    if sys.stdout is None:
        click.echo("Error: standard output is closed.", err=True)
        sys.exit(5)
    command_line(prog_name="suppress")
