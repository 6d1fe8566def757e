"""The rows of a list that leaves the house: every number of it, and all that is known of each."""

import itertools
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from suppress.errors import StopListUnavailable
from suppress.opt_outs.contract import Change
from suppress.printable import printable
from suppress.stop_list.origins import Origin, PartDetails
from suppress.stop_list.snapshot import OPTED_OUT, Snapshot

FIRST, FURTHER, NONE = "first", "further", "none"
"""The kinds of numbers: the first reading of an entry, another one, or digits that have none."""

PAGE = 2**15
"""Rows that are made together."""

_Texts = Sequence[str | None]


class ListRows(NamedTuple):
    """Some rows of a list, as columns.

    Attributes:
        number: the numbers in E.164 form; of an entry without a reading its digits.
        channel: the channel that each is listed for.
        source: the source that lists it; `opt-outs` for those who were opted out here.
        id: the source's own name for the entry, where known.
        since: when the person opted out or the entry was made, where known (ISO 8601, UTC).
        reason: why an opt-out was made.
        by: who made it.
        via: how it came.
        reference: a reference of the team's own.
        reading: `first`, `further` or `none`: see above.
        written: the number of an opt-out as it was handed in.
        region: the default region that it was handed in with.
    """

    number: Sequence[str]
    channel: Sequence[str]
    source: Sequence[str]
    id: _Texts
    since: _Texts
    reason: _Texts
    by: _Texts
    via: _Texts
    reference: _Texts
    reading: Sequence[str]
    written: _Texts
    region: _Texts


def rows_of_sources(snapshot: Snapshot, source: str | None) -> Iterator[ListRows]:
    """Give the rows of a channel's sources in the order of their numbers, those without one last.

    Args:
        snapshot: the channel's list.
        source: the source whose entries to give; None for all.

    Raises:
        StopListUnavailable: the snapshot does not know which source lists its numbers.
    """
    origins = snapshot.origins
    if origins.count_numbers() != len(snapshot.numbers):
        raise StopListUnavailable(
            f"It is unknown which source lists some numbers of the {snapshot.channel} stop list. "
            "Read it again with `suppress refresh`."
        )
    for part in origins.parts(source, size=PAGE):
        numbers = [f"+{value}" for value in part.values.tolist()]
        readings = np.where(part.further, FURTHER, FIRST).tolist()
        yield _listed(snapshot.channel, numbers, readings, origins.details(part))
    unread = origins.unread(source)
    if unread:
        entries = [(digits, each) for digits, several in unread.items() for each in several]
        details = PartDetails(
            [each.source for _, each in entries],
            [each.id for _, each in entries],
            np.array([_seconds(each) for _, each in entries], "datetime64[s]"),
        )
        numbers = [digits for digits, _ in entries]
        yield _listed(snapshot.channel, numbers, [NONE] * len(numbers), details)


def rows_of_opt_outs(opt_outs: Iterator[Change], unread: Collection[str]) -> Iterator[ListRows]:
    """Give the rows of opt-outs that are in force here, in their order.

    Args:
        opt_outs: the opt-outs.
        unread: the numbers of those without a reading.
    """
    while page := list(itertools.islice(opt_outs, PAGE)):
        yield ListRows(
            [each.number for each in page],
            [each.channel for each in page],
            [OPTED_OUT] * len(page),
            [None] * len(page),
            [moment_text(each.wished_at or each.made_at) for each in page],
            [each.reason for each in page],
            [each.by for each in page],
            [each.via for each in page],
            [each.reference for each in page],
            [NONE if each.number in unread else FIRST for each in page],
            [each.text or None for each in page],
            [each.region or None for each in page],
        )


def moment_text(moment: datetime) -> str:
    """Return a time as it stands in a list."""
    return moment.isoformat().replace("+00:00", "Z")


def _listed(
    channel: str, numbers: Sequence[str], readings: Sequence[str], details: PartDetails
) -> ListRows:
    count = len(numbers)
    nothing: _Texts = [None] * count
    known = ~np.isnat(details.added)
    moments = np.datetime_as_string(details.added, unit="s", timezone="UTC").astype(object)
    moments[~known] = None
    return ListRows(
        numbers,
        [channel] * count,
        details.sources,
        [None if each is None else printable(str(each)) for each in details.ids],
        moments.tolist(),
        *(nothing, nothing, nothing, nothing, readings, nothing, nothing),
    )


def _seconds(origin: Origin) -> np.datetime64:
    if origin.added_at is None:
        return np.datetime64("NaT", "s")
    return np.datetime64(int(origin.added_at.timestamp()), "s")
