"""`suppress reset-opt-outs`: go on without a record of opt-outs that is gone for good."""

import click

from suppress.suppressor import Suppressor


@click.command("reset-opt-outs", short_help="Go on without a lost record of opt-outs.")
@click.option("--yes", is_flag=True, help="Confirm it.")
def reset_opt_outs(*, yes: bool) -> None:
    """Go on without a record of opt-outs that is gone for good.

    Once people were opted out here, nothing is screened without the record of them: it may
    be on a volume that is not mounted. This command says that the record will not come back.
    It deletes no record, and does nothing if the record is there. Restart all running
    processes afterwards. If a server keeps the record, this command says it for one machine:
    it accepts the record that the server has now.
    """
    if not yes:
        raise click.UsageError(
            "Nothing was done. This lets people be messaged who were opted out only here. Mount "
            "the volume or restore the backup if you can; if the record is gone for good, add "
            "--yes."
        )
    suppressor = Suppressor(background=False)
    if suppressor.reset_opt_outs():
        click.echo(
            f"Opt-outs start over in {suppressor.settings.record}. Restart all running processes."
        )
    else:
        click.echo(f"Nothing to do: no record is missing in {suppressor.settings.record}.")
