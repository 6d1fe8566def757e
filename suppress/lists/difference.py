"""Two lists compared: who is on one of them and would not be suppressed by the other."""

from dataclasses import dataclass

from suppress.default import default_suppressor
from suppress.errors import UnknownChannel
from suppress.files.rows import Rows
from suppress.lists.export import served_by
from suppress.lists.membership import Membership, Missing
from suppress.lists.reading import Meanings, read_opt_outs
from suppress.stop_list.snapshot import OPTED_OUT
from suppress.suppressor import Suppressor


@dataclass(frozen=True)
class Difference:
    """The difference of two lists.

    Attributes:
        channel: the channel.
        count_a: how many people are on the first list.
        count_b: how many are on the second.
        only_a: those on the first whom the second would not suppress.
        only_b: those on the second whom the first would not suppress.
        forgotten: how many people of either list cannot be compared, since they were forgotten.
    """

    channel: str
    count_a: int
    count_b: int
    only_a: Missing
    only_b: Missing
    forgotten: int = 0


def compare(
    a: str | Rows,
    b: str | Rows,
    channel: str,
    *,
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> Difference:
    """Compare two lists by what their numbers mean: every form of a line is the same person.

    Args:
        a: the name of a source; `opt-outs` for those who were opted out here; or the rows of a
            file, as for `import_opt_outs`: rows of other channels are passed over.
        b: the other list.
        channel: the channel.
        default_region: as for `suppress.filter_recipients`, for the numbers in a file.
        suppressor: whose lists; None for that of the module's functions.

    Raises:
        UnknownChannel: one of the sources does not serve the channel.
        ConfigurationError: there is no such source.
        StopListUnavailable: a list may not be served now, and cannot be read.
        StoreUnavailable: the opt-outs cannot be read.
        InputError: a row of a file cannot be read, or is not exactly one phone number.
    """
    chosen = suppressor or default_suppressor()
    people_a, people_b = (people_on(chosen, each, channel, default_region) for each in (a, b))
    convention = chosen.reader().convention
    return Difference(
        channel,
        len(people_a.firsts) + len(people_a.unread),
        len(people_b.firsts) + len(people_b.unread),
        people_a.missing_in(people_b, convention),
        people_b.missing_in(people_a, convention),
        people_a.forgotten + people_b.forgotten,
    )


def people_on(
    suppressor: Suppressor, name: str | Rows, channel: str, default_region: str | None = None
) -> Membership:
    """Return the people on a list; arguments and errors as for `compare`."""
    if isinstance(name, Rows):
        meanings = Meanings((channel,), default_region)
        found = read_opt_outs(name, meanings, suppressor, allow_unread=True)
        of_channel = [each for each in found.additions if each.channel == channel]
        unread = found.unread.get(channel, frozenset())
        return Membership.of_additions(of_channel, unread, suppressor.reader().convention)
    served = served_by(suppressor, name)
    if channel not in served:
        raise UnknownChannel.among(channel, served)
    if name == OPTED_OUT:
        numbers = (each.number for each in suppressor.opt_outs(channel))
        return Membership.of_opt_outs(suppressor.opted_out(channel), numbers)
    return Membership.of_source(suppressor.snapshot(channel), name)
