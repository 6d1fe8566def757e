"""`suppress check`: one number, allowed or suppressed, and the reason."""

import click

from suppress.cli.options import channel_option, json_option, region_option
from suppress.cli.printing import ago, print_json, snapshot_fields
from suppress.errors import InvalidNumber
from suppress.numbers.mask import mask
from suppress.screening.outcome import Outcome
from suppress.suppressor import Suppressor

EXIT_STATUS = {Outcome.ALLOWED: 0, Outcome.SUPPRESSED: 1, Outcome.INVALID: 4}


@click.command(short_help="Check one number.")
@click.argument("number")
@channel_option
@region_option
@json_option
def check(number: str, channel: str, default_region: str | None, *, as_json: bool) -> None:
    """Check whether NUMBER may be messaged, and say why.

    Exit status: 0 if it may be messaged, 1 if it is suppressed, 4 if it is not a phone number.

    \b
      suppress check "+1 415 555 2671" --channel sms
      suppress check "(415) 555-2671" --channel viber --default-region US
    """
    suppressor = Suppressor(background=False)
    screening = suppressor.screen([number], channel, default_region=default_region)
    (decision,) = screening
    age = suppressor.age(screening.snapshot)
    if as_json:
        print_json(
            {
                "channel": channel,
                "outcome": decision.outcome,
                "e164": decision.e164,
                "reason": decision.reason,
                "origins": [each._asdict() for each in decision.origins],
                "snapshot": snapshot_fields(screening.snapshot, age),
            }
        )
    elif decision.outcome is Outcome.INVALID:
        raise InvalidNumber(f"{mask(number)}: {decision.reason}.")
    else:
        click.echo(f"{decision.e164}: {decision.outcome}; {decision.reason}, read {ago(age)}")
    click.get_current_context().exit(EXIT_STATUS[decision.outcome])
