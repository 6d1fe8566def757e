"""The contract of a source, and the union of several sources in one snapshot per channel.

Everyone on the list of any source is on the snapshot. If one source fails, the whole load fails:
there is no snapshot of a part.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.errors import ConfigurationError, SourceError, StopListUnavailable
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164_array import E164Array
from suppress.numbers.mask import mask, mask_numbers
from suppress.numbers.region import INTERNATIONAL
from suppress.stop_list.entries import Entries, Entry, EntryBatch, batches
from suppress.stop_list.entry_readings import EntryReadings
from suppress.stop_list.form import without_form
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.origins import OriginsBuilder
from suppress.stop_list.snapshot import Snapshot, Tally

logger = logging.getLogger("suppress")

Progress = Callable[[int, int | None], None]
"""The progress of a source: entries read so far, and in all, if that is known."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SOURCE_NAME = re.compile(rf"{_NAME.pattern}(?:\.{_NAME.pattern})?")


class ReadingFailed(StopListUnavailable):
    """A source failed: any other process that reads it would see the same error."""


@runtime_checkable
class Source(Protocol):
    """A stop list to read.

    A source may also have these attributes:

    - `identity` (text): a name of the list that changes with the settings that choose it, such
      as an address and an account. A stored snapshot of one list is never used for another.
    - `region`: the form of its numbers: an ISO 3166 region, `"international"` (digits without a
      plus begin with a calling code), or None. By default `"international"`, the form of
      providers.
    - `strict`: True for a list of one's own, where an entry that is not exactly one number
      is an error. In a provider's list such an entry suppresses recipients with the same digits.
    """

    @property
    def name(self) -> str:
        """The source's name, of lower-case letters, digits, `-` and `_`.

        One of several of a kind has the name of its kind, a dot, and a name of its own.
        """

    @property
    def channels(self) -> Collection[str]:
        """The channels that the source serves."""

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entry | Entries]:
        """Read the entries of the channels, all of them, in one pass.

        Return them one by one, or many with the same channels as `Entries`, which is faster
        for a long list.

        Args:
            channels: the channels to read, each a served one. Entries of other channels are
                passed over.
            progress: call it every so often with the entries read so far. An error that it
                raises has to end the reading.

        Raises:
            SourceError: the list cannot be read whole. Any other exception has the same effect.
        """


@runtime_checkable
class TakesOptOuts(Protocol):
    """The further methods of a source that takes opt-outs.

    Each call is one step: it does everything, or it raises. It is repeated if the outcome of a
    step is unknown, so twice must have the same effect as once.
    """

    @property
    def add_at_once(self) -> int:
        """The most numbers that one call of `add` takes."""

    @property
    def remove_at_once(self) -> int:
        """The most numbers that one call of `remove` takes."""

    def add(self, numbers: Sequence[str], channel: str) -> None:
        """Put numbers on the stop list of the channel.

        Args:
            numbers: E.164 texts, each once.
            channel: one of the served channels.

        Raises:
            Refused: the numbers will never be taken as they are.
            SourceError: it cannot be done now. Any other exception has the same effect.
        """

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        """Take numbers off the stop list of the channel; one that is not on it is no error.

        Args:
            numbers: E.164 texts, each with the ids of its entries at the last reading; with
                none if they are not known.
            channel: one of the served channels.

        Raises:
            Refused, SourceError: as for `add`.
        """


def check(source: Source) -> None:
    """Refuse a source whose name or channels cannot be used.

    Raises:
        ConfigurationError: one cannot be used.
    """
    if not isinstance(source, Source):
        raise ConfigurationError(
            f"{type(source).__name__} is not a source: it needs name, channels and load()."
        )
    if not _SOURCE_NAME.fullmatch(source.name):
        raise ConfigurationError(
            f"The source name {source.name!r} is not valid. "
            "Use lower-case letters, digits, - and _; a dot may stand behind the name of a kind."
        )
    if isinstance(source.channels, str) or not source.channels:
        raise ConfigurationError(
            f"The source {source.name!r} has no set of channels. Give it the names as a set."
        )
    for channel in source.channels:
        if not _NAME.fullmatch(channel):
            raise ConfigurationError(
                f"The channel name {channel!r} of the source {source.name!r} is not valid. "
                "Use lower-case letters, digits, - and _."
            )


def load(
    sources: Sequence[Source],
    channels: Collection[str],
    *,
    convention: Convention,
    clock: Callable[[], float],
    progress: Callable[[str, int, int | None], None] = lambda _name, _done, _total: None,
    begins: Callable[[str], None] = lambda _name: None,
) -> dict[str, Snapshot]:
    """Read the stop lists of the channels from all sources that serve them.

    Args:
        sources: the sources in use.
        channels: the channels to read, each served by at least one source.
        convention: how to read numbers, except for the region, which is the source's.
        clock: gives the time, in seconds since the epoch.
        progress: called with a source's name, entries read, and entries in all if known.
        begins: called with a source's name before it is read.

    Raises:
        ReadingFailed: a source failed, or its entries cannot be used.
    """
    wanted = frozenset(channels)
    lists = {channel: _ListBuilder() for channel in wanted}
    read_at: dict[str, datetime] = {}
    for source in sources:
        asked = wanted.intersection(source.channels)
        if not asked:
            continue
        begins(source.name)
        read_at[source.name] = datetime.fromtimestamp(clock(), UTC)

        def report(done: int, total: int | None, name: str = source.name) -> None:
            progress(name, done, total)

        reader = Reader(convention.of(getattr(source, "region", INTERNATIONAL)))
        strict = getattr(source, "strict", False)
        try:
            for batch in batches(source.load(asked, report)):
                found = reader.read_all(batch.numbers)
                formless = _formless(batch, reader, found, strict=strict)
                readings = EntryReadings.of(found, reader)
                further = readings.further(found, reader)
                for channel in asked:
                    here = batch.are_for(channel)
                    lists[channel].add(source.name, batch, readings, here, formless, further)
        except Exception as error:
            raise ReadingFailed(
                f"The stop list cannot be read from the source {source.name!r}: {in_words(error)}"
            ) from error
    snapshots = {}
    for channel, listed in lists.items():
        if listed.unread:
            count, example = len(listed.unread), mask(min(listed.unread))
            logger.warning(
                "%s (%s); each still suppresses the recipients who have the same digits",
                f"1 entry of the {channel} stop list is not a phone number"
                if count == 1
                else f"{count:,} entries of the {channel} stop list are not phone numbers",
                example if count == 1 else f"{example}, ...",
                extra={"code": "entries_unread", "channel": channel, "count": count},
            )
        asked_of = {source.name for source in sources if channel in source.channels}
        times = {name: moment for name, moment in read_at.items() if name in asked_of}
        snapshots[channel] = Snapshot(
            channel=channel,
            read_at=min(times.values()),
            sources=tuple(times),
            numbers=(numbers := listed.numbers()),
            further=listed.count_further(numbers),
            unread=frozenset(listed.unread),
            sources_read_at=MappingProxyType(times),
            origins=listed.origins.origins(),
            tallies=listed.tallies_of(times),
        )
    return snapshots


class _ListBuilder:
    """The list of a channel, as far as it has been read."""

    def __init__(self) -> None:
        self._values = [np.zeros(0, np.uint64)]
        self._firsts = [np.zeros(0, np.uint64)]
        self.unread: set[str] = set()
        self.origins = OriginsBuilder()
        self._tallies: dict[str, Tally] = {}

    def add(
        self,
        source: str,
        batch: EntryBatch,
        listed: EntryReadings,
        here: NDArray[np.bool_],
        formless: NDArray[np.intp],
        further: NDArray[np.bool_],
    ) -> None:
        """Add the entries of a batch that are for the channel: those that `here` marks."""
        odd_here = (int(np.count_nonzero(here[each])) for each in (formless, listed.unread))
        tally = self._tallies.get(source, Tally())
        self._tallies[source] = tally.plus(int(np.count_nonzero(here)), *odd_here)
        places, values, listed_as, unread, firsts = listed
        chosen = here[places]
        self._firsts.append(values[:firsts][chosen[:firsts]])
        places, values, listed_as = places[chosen], values[chosen], listed_as[chosen]
        self._values.append(values)
        self.origins.add(source, values, places, batch.rows, listed_as, further[chosen])
        for place in unread[here[unread]].tolist():
            text = batch.digits(place)
            self.unread.add(text)
            self.origins.add_unread(source, text, place, batch.rows)

    def tallies_of(self, sources: Iterable[str]) -> Mapping[str, Tally]:
        """Return the counts of each source's entries."""
        return MappingProxyType({name: self._tallies.get(name, Tally()) for name in sources})

    def numbers(self) -> NumberSet:
        """Return the readings of all entries."""
        return NumberSet.of_values(np.concatenate(self._values))

    def count_further(self, numbers: NumberSet) -> int:
        """Count the numbers that are only another reading of an entry."""
        if sum(map(len, self._firsts)) == sum(map(len, self._values)):
            return 0
        return len(numbers) - len(distinct(np.concatenate(self._firsts)))


def _formless(
    batch: EntryBatch, reader: Reader, found: E164Array, *, strict: bool
) -> NDArray[np.intp]:
    """Return the places of the entries without the form of a number.

    Raises:
        SourceError: the list is strict, and an entry is not exactly one number.
    """
    if not strict:
        return without_form(found)
    for place, why in reader.faults(found):
        raise SourceError(batch.named(place) + why)
    return np.zeros(0, np.intp)


def in_words(error: Exception) -> str:
    """Return a source's error in words, without any number."""
    if isinstance(error, SourceError):
        return str(error)
    # Any other exception may quote a number.
    return f"{type(error).__name__}: {mask_numbers(str(error))}."
