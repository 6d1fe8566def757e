"""`suppress forget`: a number and its history removed, while the opt-out still holds."""

import click

from suppress.cli.limits import current_limits
from suppress.cli.options import region_option
from suppress.cli.printing import counted
from suppress.suppressor import Suppressor


@click.command(short_help="Remove a number and its history; the opt-out still holds.")
@click.argument("number")
@region_option
@click.option("--yes", is_flag=True, help="Confirm it.")
def forget(number: str, default_region: str | None, *, yes: bool) -> None:
    """Remove NUMBER and its history from the store, in every form of the number.

    A keyed hash stays, which cannot be read as a number, so that an opt-out that is in force
    still holds. Sources are first told what they do not know yet. They keep their own lists:
    ask them to remove the number there.

    \b
      suppress history "+1 415 555 2671" --json > answer.json
      suppress forget "+1 415 555 2671" --yes
    """
    if not yes:
        raise click.UsageError(
            "Nothing was done. This removes the number and its history for good; only a keyed "
            "hash stays, so that an opt-out still holds. Add --yes to go on."
        )
    suppressor = Suppressor(background=False)
    suppressor.pass_on(patience=current_limits().delivery)
    removed = suppressor.forget(number, default_region=default_region)
    held = sorted(
        {each.channel for each in suppressor.history(number, default_region=default_region)}
    )
    click.echo(
        f"Removed {counted(removed, 'change')} of this number."
        if removed
        else "There was nothing to remove."
    )
    if held:
        click.echo(f"The opt-out still holds for {' and '.join(held)}.")
