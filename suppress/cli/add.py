"""`suppress add`: people opted out, and the sources told."""

from typing import Any

import click

from suppress.cli.evidence import evidence_options
from suppress.cli.given_numbers import GivenNumbers, numbers_options
from suppress.cli.limits import current_limits
from suppress.cli.options import all_channels_options, chosen_channels, json_option
from suppress.cli.pending import pending_rows, print_pending
from suppress.cli.printing import counted, print_json
from suppress.cli.replies import ReplyOptions, add_replies, reply_options
from suppress.suppressor import Suppressor


@click.command(short_help="Opt people out of a channel, for good.")
@numbers_options
@reply_options
@all_channels_options
@evidence_options
@json_option
def add(
    given: GivenNumbers,
    replies: ReplyOptions,
    channels: tuple[str, ...],
    default_region: str | None,
    *,
    all_channels: bool,
    as_json: bool,
    **evidence: Any,
) -> None:
    """Opt people out of a channel, for good, whatever a provider's list says.

    It holds at once in every process that shares the store. Sources that take opt-outs,
    such as BSG, are told as well; what they do not accept now waits, and is sent again.
    With --text-column, the file has replies to messages, and only those who say so are opted
    out: STOP, unsubscribe me, and the like in many languages.

    \b
      suppress add "+1 415 555 2671" --channel sms --channel viber
      suppress add --file stopped.csv --column sender --channel sms
      suppress add --file replies.csv --text-column text --channel sms
    """
    suppressor = Suppressor(background=False)
    channels = chosen_channels(suppressor.channels, channels, all_channels=all_channels)
    if replies.are_used:
        add_replies(
            suppressor,
            given,
            channels,
            replies,
            as_json=as_json,
            default_region=default_region,
            **evidence,
        )
        return
    numbers = given.read(suppressor.reader(default_region))
    new = suppressor.add_to_channels(numbers, channels, default_region=default_region, **evidence)
    suppressor.pass_on(patience=current_limits().delivery)
    waiting = pending_rows(suppressor)
    if as_json:
        print_json({"numbers": len(numbers), "new": new, "waiting": waiting})
        return
    for channel, count in new.items():
        click.echo(f"{channel}: opted out {counted(len(numbers), 'number')} ({count:,} new)")
    print_pending(waiting)
