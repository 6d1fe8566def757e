"""The command `suppress` itself: its options, the list of its commands, and its start."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator

import click

import suppress
from suppress.cli.group import CommandLine
from suppress.cli.signals import install
from suppress.settings.settings import CONFIG

COMMANDS = {
    "filter": "filter:filter_command",
    "check": "check:check",
    "refresh": "refresh:refresh",
    "status": "status:status",
    "add": "add:add",
    "remove": "remove:remove",
    "history": "history:history",
    "opt-outs": "opt_outs:opt_outs",
    "forget": "forget:forget",
    "reset-opt-outs": "reset_opt_outs:reset_opt_outs",
    "export": "export:export",
    "import": "import_:import_command",
    "diff": "diff:diff",
    "push": "push:push",
    "verify": "verify:verify",
    "report": "report:report",
    "plugins": "plugins:plugins",
}
"""Our own commands: the module of each, and its name there. One is imported when it is called."""


@click.group(
    cls=CommandLine,
    own=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Try it on this machine alone, with no account: suppress demo",
)
@click.version_option(suppress.__version__, prog_name="suppress")
@click.option(
    "--config",
    metavar="FILE",
    help="Settings file (default: the one that SUPPRESS_CONFIG names, or suppress.toml in your "
    "configuration folder).",
)
@click.pass_context
def command_line(context: click.Context, config: str | None) -> None:
    """Keep messages from reaching people who opted out.

    Screens phone numbers against the stop lists of your messaging provider, and of any
    other source that a plugin adds, before anything is sent.

    Settings come from the environment and from a file: the one that --config or
    SUPPRESS_CONFIG names, or suppress.toml in your configuration folder. A file in the
    working directory is not used unless you name it. For BSG you only need an API key:
    run `suppress login`, or set BSG_API_KEY.

    Exit status: 0 done; 2 wrong call or settings; 3 the stop list is unavailable, and
    nothing was written; 4 the input cannot be read; 5 the output cannot be written, or an
    opt-out cannot be kept; 6 more recipients are invalid than `filter --max-invalid`
    allows, and nothing was written. `check`, `verify` and `status --check` answer 1 for no.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("Warning: %(message)s"))
    logger = logging.getLogger("suppress")
    logger.addHandler(handler)
    # A program that runs the command line inside its own process keeps its own logging.
    context.call_on_close(lambda: logger.removeHandler(handler))
    if config is not None:
        context.with_resource(_settings_from(config))


@contextlib.contextmanager
def _settings_from(file: str) -> Iterator[None]:
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


def main() -> None:
    """Run the command line, and end the process with its exit status."""
    install()
    # The process is ours alone, and pyarrow's own way keeps a third more of Parquet in memory.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if sys.stdout is None:
        click.echo("Error: standard output is closed.", err=True)
        sys.exit(5)
    command_line(prog_name="suppress")
