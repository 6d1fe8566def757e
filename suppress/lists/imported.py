"""The opt-outs of another system, taken over from a file: all of them or none."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Unpack

from suppress.default import default_suppressor
from suppress.errors import UnknownChannel
from suppress.files.rows import Rows
from suppress.lists.reading import Meanings, read_opt_outs
from suppress.opt_outs.evidence import Details
from suppress.opt_outs.moving import Added
from suppress.suppressor import Suppressor


def import_opt_outs(
    rows: Rows,
    *,
    channels: Collection[str] = (),
    columns: Mapping[str, str] = MappingProxyType({}),
    tell: bool = True,
    dry_run: bool = False,
    suppressor: Suppressor | None = None,
    whole: Callable[[], None] = lambda: None,
    **details: Unpack[Details],
) -> Mapping[str, Added]:
    """Opt out everyone in a file, with the dates and reasons that stand there.

    The file is an exported list, or a table of another system. Those who are opted out here
    already stay as they are, so a file can be imported twice.

    Args:
        rows: the file; the number of each row is taken from its column.
        channels: the channels of rows that name none in a column `channel`.
        columns: the columns of `channel`, `since`, `reason`, `by`, `via` and `reference`, where
            they have other names; an empty name for a column that means something else.
        tell: whether the sources that take opt-outs are told of the new ones, as by `add`.
        dry_run: whether to read and count, and opt nobody out.
        suppressor: where to opt them out; None for that of the module's functions.
        whole: called when all rows were read; an error that it raises ends the import.
        details: as for `suppress.add`, for rows that do not say it.

    Returns:
        How many are new and how many were known, by channel.

    Raises:
        InputError: a row cannot be read, is not exactly one phone number, or names a channel
            that no source serves; nobody was opted out.
        InvalidArgument: a field or a detail makes no sense.
        UnknownChannel: no source serves one of the channels.
        StoreUnavailable: the record cannot be read or written; nobody was opted out.
        ConfigurationError: there is no store, or the default region is unknown.
    """
    chosen = suppressor or default_suppressor()
    for each in channels:
        if each not in chosen.channels:
            raise UnknownChannel.among(each, chosen.channels)
    region = details.pop("default_region", None)
    meanings = Meanings(tuple(dict.fromkeys(channels)), region, columns, details)
    found = read_opt_outs(rows, meanings, chosen)
    whole()
    added = chosen.take_over(found.additions, tell=tell, dry_run=dry_run)
    return MappingProxyType({**dict.fromkeys(channels, Added(0, 0)), **added})
