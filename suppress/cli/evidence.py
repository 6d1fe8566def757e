"""Options that say how a change of opt-outs came about."""

import click

from suppress.cli.moments import moment_of
from suppress.cli.options import Decorated


def evidence_options(command: Decorated) -> Decorated:
    """Add the options `--at`, `--by`, `--via`, `--reason` and `--reference`."""
    options = (
        click.option(
            "--reference",
            metavar="TEXT",
            help="A reference of your own, such as a message id or a campaign.",
        ),
        click.option("--reason", metavar="TEXT", help="Why they asked for it."),
        click.option(
            "--via",
            metavar="WORD",
            help="How it came: reply, form, phone, import, api, or another word.",
        ),
        click.option("--by", metavar="NAME", help="Who makes the change."),
        click.option(
            "--at",
            metavar="TIME",
            callback=moment_of,
            help="When they asked for it, as a date or time such as 2026-03-01 or "
            "2026-03-01T09:30:00Z (without an offset: in your time zone).",
        ),
    )
    for option in options:
        command = option(command)
    return command
