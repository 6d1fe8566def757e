"""The command `manage.py suppress`: the command line of suppress, under Django's settings."""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

import suppress
from suppress_django.management.written import with_bytes


class Command(BaseCommand):  # type: ignore[misc] # Django has no types
    """Hand the arguments on to the command line of suppress."""

    help = (
        "Runs a command of suppress under Django's settings: `manage.py suppress status`. "
        "Without a command, it lists them all."
    )
    requires_system_checks = ()  # the command reports wrong settings itself

    def add_arguments(self, parser: CommandParser) -> None:
        """Take everything behind the command's name."""
        parser.add_argument(
            "arguments",
            nargs=argparse.REMAINDER,
            metavar="COMMAND ...",
            help="the command of suppress, and its arguments",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command.

        Raises:
            SystemExit: with the exit status of the command, unless it is 0.
        """
        arguments = options["arguments"] or ["--help"]
        with contextlib.ExitStack() as stack:
            for name, redirected in (
                ("stdout", contextlib.redirect_stdout),
                ("stderr", contextlib.redirect_stderr),
            ):
                if options.get(name) is not None:
                    stack.enter_context(redirected(with_bytes(options[name])))
            try:
                suppress.command_line.main(arguments, prog_name="manage.py suppress")
            except SystemExit as ended:
                if ended.code not in (0, None):
                    raise
