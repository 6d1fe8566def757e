"""A source handed what the other lists have and it lacks."""

from collections.abc import Collection
from dataclasses import dataclass, field

from suppress.default import default_suppressor
from suppress.errors import UnknownChannel
from suppress.lists.export import served_by
from suppress.lists.membership import Membership
from suppress.suppressor import Suppressor


@dataclass(frozen=True)
class Lacking:
    """The people whom a source does not list, and another list does.

    Attributes:
        source: the name of the source.
        channel: the channel.
        numbers: the first reading of each, in E.164 form, in the order of their digits.
        waiting: how many more wait for the source already, or were refused by it.
        without_reading: how many more are no phone number, and cannot be handed over.
        forgotten: how many more people are not known by number, and cannot be handed over.
    """

    source: str
    channel: str
    numbers: list[str] = field(repr=False)
    waiting: int = 0
    without_reading: int = 0
    forgotten: int = 0


def lacking(source: str, channel: str, *, suppressor: Suppressor | None = None) -> Lacking:
    """Return the people whom a source would not suppress on its own, and all lists together do.

    What it lists was read some time ago, and may have changed: call `refresh` before.

    Args:
        source: the name of a source that takes opt-outs.
        channel: the channel.
        suppressor: whose lists; None for that of the module's functions.

    Raises:
        UnknownChannel: the source does not serve the channel.
        ConfigurationError: there is no such source, it takes no opt-outs, or there is no store.
        StopListUnavailable: a list may not be served now, and cannot be read.
        StoreUnavailable: the opt-outs cannot be read.
    """
    chosen = suppressor or default_suppressor()
    if channel not in (served := served_by(chosen, source)):
        raise UnknownChannel.among(channel, served)
    chosen.untold(source, channel, ())
    snapshot = chosen.snapshot(channel)
    here = Membership.of_opt_outs(
        snapshot.opted_out, (each.number for each in chosen.opt_outs(channel))
    )
    everyone = Membership.of_source(snapshot, None).and_more(here)
    listed = Membership.of_source(snapshot, source)
    missing = everyone.missing_in(listed, chosen.reader().convention)
    numbers = chosen.untold(source, channel, missing.numbers)
    return Lacking(
        source,
        channel,
        numbers,
        len(missing.values) - len(numbers),
        len(missing.unread),
        everyone.forgotten,
    )


def push(
    source: str,
    channel: str,
    *,
    only: Collection[str] | None = None,
    suppressor: Suppressor | None = None,
) -> int:
    """Hand a source what the other lists have and it lacks, in its batches.

    It is written down first, and delivered as opt-outs are: see `Suppressor.pass_on`.

    Args:
        source: as for `lacking`.
        channel: the channel.
        only: the numbers that may be handed over, such as those that somebody has agreed to;
            None for all.
        suppressor: as for `lacking`.

    Returns:
        How many numbers were written down for the source.

    Raises:
        UnknownChannel, ConfigurationError, StopListUnavailable, StoreUnavailable: as for
            `lacking`; nothing was written down.
    """
    chosen = suppressor or default_suppressor()
    numbers = lacking(source, channel, suppressor=chosen).numbers
    if only is not None:
        allowed = frozenset(only)
        numbers = [each for each in numbers if each in allowed]
    return chosen.tell(source, channel, numbers)
