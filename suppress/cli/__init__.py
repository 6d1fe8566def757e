"""The command line `suppress`: one module for each command, and one for each job they share."""

from suppress.cli.commands import command_line, main
from suppress.cli.group import CommandLine

__all__ = ["CommandLine", "command_line", "main"]
