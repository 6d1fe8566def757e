"""A list written to a file: of all sources together, of one, or of the opt-outs made here."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from suppress.default import default_suppressor
from suppress.errors import ConfigurationError, InvalidArgument, UnknownChannel
from suppress.files.batch import Writer
from suppress.lists.listing import NONE, ListRows, rows_of_opt_outs, rows_of_sources
from suppress.lists.writers import FORMATS
from suppress.stop_list.snapshot import OPTED_OUT, Snapshot
from suppress.suppressor import Suppressor


@dataclass(frozen=True)
class Exported:
    """The outcome of an export of one channel.

    Attributes:
        rows: how many rows were written.
        without_reading: how many of them are no phone number: digits that suppress whoever has
            the same.
        forgotten: how many people are not in the file, since only keyed hashes of their numbers
            are kept.
        snapshot: the list that was written; None where it is of opt-outs alone.
    """

    rows: int = 0
    without_reading: int = 0
    forgotten: int = 0
    snapshot: Snapshot | None = None

    def plus(self, rows: ListRows) -> "Exported":
        """Return the outcome with some rows more."""
        without = self.without_reading + rows.reading.count(NONE)
        return dataclasses.replace(self, rows=self.rows + len(rows.number), without_reading=without)


def export(
    out: Writer,
    *,
    format: str = "csv",  # noqa: A002 - what the command line calls it
    channels: Collection[str] = (),
    source: str | None = None,
    suppressor: Suppressor | None = None,
) -> Mapping[str, Exported]:
    """Write a list with a row for each entry and reading, and all that is known of it.

    Nothing is written before every list that is asked for is known to be in force. The rows are
    personal data: write them to a file that its owner alone can read.

    Args:
        out: where the bytes go, such as a binary file.
        format: `csv`, `jsonl` or `parquet` (which needs pyarrow).
        channels: the channels; none for all that are served.
        source: the source whose list to write, or `opt-outs` for those who were opted out here;
            None for all together.
        suppressor: whose lists; None for that of the module's functions.

    Returns:
        What was written, by channel.

    Raises:
        UnknownChannel: no source serves a channel, or the source does not.
        StopListUnavailable: a list may not be served now, and cannot be read.
        StoreUnavailable: the opt-outs cannot be read.
        ConfigurationError: there is no such source, or pyarrow is not installed.
        InvalidArgument: there is no such format.
    """
    if format not in FORMATS:
        raise InvalidArgument(f"Unknown format {format!r}. Use one of {', '.join(FORMATS)}.")
    chosen = suppressor or default_suppressor()
    found: dict[str, Exported] = {}
    for channel in dict.fromkeys(channels or served_by(chosen, source)):
        if channel not in served_by(chosen, source):
            raise UnknownChannel.among(channel, served_by(chosen, source))
        snapshot = None if source == OPTED_OUT else chosen.snapshot(channel)
        forgotten = 0
        if source in (None, OPTED_OUT):
            here = chosen.opted_out(channel) if snapshot is None else snapshot.opted_out
            forgotten = here.forgotten.count
        found[channel] = Exported(forgotten=forgotten, snapshot=snapshot)
    writer = FORMATS[format](out)
    for channel, exported in found.items():
        for rows in _rows(chosen, channel, exported.snapshot, source):
            writer.write(rows)
            found[channel] = found[channel].plus(rows)
    writer.finish()
    return MappingProxyType(found)


def served_by(suppressor: Suppressor, source: str | None) -> Collection[str]:
    """Return the channels of a source, or all; of `opt-outs` all.

    Raises:
        ConfigurationError: there is no such source.
    """
    if source in (None, OPTED_OUT):
        return suppressor.channels
    for each in suppressor.sources:
        if each.name == source:
            return sorted(each.channels)
    names = ", ".join([*(each.name for each in suppressor.sources), OPTED_OUT])
    raise ConfigurationError(f"There is no source {source!r}. There are: {names}.")


def _rows(
    suppressor: Suppressor, channel: str, snapshot: Snapshot | None, source: str | None
) -> Iterator[ListRows]:
    if snapshot is not None:
        yield from rows_of_sources(snapshot, source)
    if source in (None, OPTED_OUT):
        yield from rows_of_opt_outs(suppressor.opt_outs(channel), suppressor.unread())
