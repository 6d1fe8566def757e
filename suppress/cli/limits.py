"""The delays of commands, as one value that tests can replace."""

from typing import NamedTuple

import click


class CommandLimits(NamedTuple):
    """Delays of commands, in seconds.

    Attributes:
        quiet: how long an input has to be unchanged if its last row may be half a row.
        delivery: how long a source may take to accept opt-outs before the command ends.
    """

    quiet: float = 2.0
    delivery: float = 5.0


def current_limits() -> CommandLimits:
    """Return the limits that the caller of the command line handed in as `obj`, or the defaults."""
    return click.get_current_context().find_object(CommandLimits) or CommandLimits()
