"""Reading stop lists: several sources united into one snapshot per channel.

Whoever is listed by any source is listed. If one source fails, the whole load fails:
there is no snapshot of a part.
"""

import itertools
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Protocol, runtime_checkable

import numpy as np

from suppress.errors import ConfigurationError, SourceError, StopListUnavailable
from suppress.numbers.bulk import AT_ONCE, OVERFLOW, E164Array, e164_all
from suppress.numbers.e164 import digits
from suppress.numbers.mask import mask
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.origins import OriginsBuilder, Rows
from suppress.stop_list.snapshot import Entry, Snapshot

logger = logging.getLogger("suppress")

Progress = Callable[[int, int | None], None]
"""Told by a source how far it is: entries read so far, and how many in all where known."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class ReadingFailed(StopListUnavailable):
    """A source failed: whoever else reads it would meet the same."""


@runtime_checkable
class Source(Protocol):
    """What reads a stop list from somewhere.

    Besides what is below, a source may have an attribute `identity` (text): what tells
    the list it reads from another that it would read under other settings, such as an
    address and an account. A stored snapshot of one is never used for the other.
    """

    @property
    def name(self) -> str:
        """Its name, made of lower case letters, digits, `-` and `_`."""

    @property
    def channels(self) -> Collection[str]:
        """The channels that it serves."""

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entry]:
        """Read the entries of the channels, all of them, in one pass.

        Args:
            channels: those of the served channels that are asked for. Entries of others
                may be among what is returned; they are passed over.
            progress: to be called, as often as is handy, with how far it is.

        Raises:
            SourceError: the list cannot be read whole. Any other exception is taken in
                the same way.
        """


@runtime_checkable
class TakesOptOuts(Protocol):
    """What a source has besides, if it can be told of opt-outs that were made here.

    Each call is one step: all of it is done, or it raises. It may be repeated after a step
    of which nobody knows how it ended, so doing a thing twice must be the same as once.
    """

    @property
    def add_at_once(self) -> int:
        """How many numbers one call of `add` takes at most."""

    @property
    def remove_at_once(self) -> int:
        """How many numbers one call of `remove` takes at most."""

    def add(self, numbers: Sequence[str], channel: str) -> None:
        """Put numbers on the stop list of the channel.

        Args:
            numbers: E.164 texts, each once.
            channel: one of the served channels.

        Raises:
            Refused: they will never be taken as they are.
            SourceError: it cannot be done now. Any other exception is taken in the same way.
        """

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        """Take numbers off the stop list of the channel; one that is not on it is no error.

        Args:
            numbers: E.164 texts, each with the ids of its entries when the list was last
                read; with none where that is not known.
            channel: one of the served channels.

        Raises:
            Refused, SourceError: as for `add`.
        """


def check(source: Source) -> None:
    """Make sure that the source's name and channels can be used.

    Raises:
        ConfigurationError: they cannot.
    """
    if not isinstance(source, Source):
        raise ConfigurationError(
            f"{type(source).__name__} is no source: it needs name, channels and load()."
        )
    if not _NAME.fullmatch(source.name):
        raise ConfigurationError(
            f"A source is named {source.name!r}: use lower case letters, digits, - and _."
        )
    if isinstance(source.channels, str) or not source.channels:
        raise ConfigurationError(
            f"The source {source.name!r} has to say its channels as a set of names."
        )
    for channel in source.channels:
        if not _NAME.fullmatch(channel):
            raise ConfigurationError(
                f"The source {source.name!r} serves a channel named {channel!r}: "
                "use lower case letters, digits, - and _."
            )


def load(
    sources: Sequence[Source],
    channels: Collection[str],
    *,
    default_region: str | None,
    clock: Callable[[], float],
    progress: Callable[[str, int, int | None], None] = lambda _name, _done, _total: None,
) -> dict[str, Snapshot]:
    """Read the stop lists of the channels from all sources that serve them.

    Args:
        sources: those that are in use.
        channels: the channels to read, each served by one source at least.
        default_region: the region of entries in national form.
        clock: gives the time, in seconds since the epoch.
        progress: called with a source's name, entries read and entries in all if known.

    Raises:
        ReadingFailed: a source failed, or what it gave cannot be used.
    """
    wanted = frozenset(channels)
    lists = {channel: _ListBuilder() for channel in wanted}
    read_at: dict[str, datetime] = {}
    for source in sources:
        asked = wanted.intersection(source.channels)
        if not asked:
            continue
        read_at[source.name] = datetime.fromtimestamp(clock(), UTC)

        def report(done: int, total: int | None, name: str = source.name) -> None:
            progress(name, done, total)

        try:
            entries = iter(source.load(asked, report))
            while some := list(itertools.islice(entries, AT_ONCE)):
                _check_entries(some)
                canonical = e164_all([entry.number for entry in some], default_region)
                rows = Rows.of([each.id for each in some], [each.added_at for each in some])
                for channel in asked:
                    lists[channel].add(source.name, channel, some, canonical, rows)
        except Exception as error:
            raise ReadingFailed(
                f"The stop list cannot be read from the source {source.name!r}: {in_words(error)}"
            ) from error
    snapshots = {}
    for channel, listed in lists.items():
        if listed.unparsed:
            logger.warning(
                "%d entries of the %s stop list are no phone numbers (%s, ...); each still "
                "suppresses the recipients who have the same digits",
                len(listed.unparsed),
                channel,
                mask(min(listed.unparsed)),
            )
        asked_of = {source.name for source in sources if channel in source.channels}
        began = {name: moment for name, moment in read_at.items() if name in asked_of}
        snapshots[channel] = Snapshot(
            channel=channel,
            read_at=min(began.values()),
            sources=tuple(began),
            numbers=listed.numbers(),
            unparsed=frozenset(listed.unparsed),
            sources_read_at=MappingProxyType(began),
            origins=listed.origins.origins(),
        )
    return snapshots


class _ListBuilder:
    """Everyone who is listed for a channel, as far as it has been read."""

    def __init__(self) -> None:
        self._values = [np.zeros(0, np.uint64)]
        self._texts: set[str] = set()
        self.unparsed: set[str] = set()
        self.origins = OriginsBuilder()

    def add(
        self,
        source: str,
        channel: str,
        entries: Sequence[Entry],
        canonical: E164Array,
        rows: Rows,
    ) -> None:
        """Add those of the entries that are for the channel."""
        here = np.array([channel in entry.channels for entry in entries], np.bool_)
        places = np.flatnonzero(here & (canonical.values > OVERFLOW))
        self._values.append(canonical.values[places])
        self.origins.add(source, canonical.values[places], places, rows)
        for place in np.flatnonzero(here & (canonical.values <= OVERFLOW)).tolist():
            text = canonical.text(place)
            if text is None:
                text = _digits_of(entries[place])
                self.unparsed.add(text)
            else:
                self._texts.add(text)
            self.origins.add_odd(source, text, place, rows)

    def numbers(self) -> NumberSet:
        """The E.164 texts of those that could be parsed."""
        return NumberSet.of_values(np.concatenate(self._values), self._texts)


def _check_entries(entries: Sequence[object]) -> None:
    for kind in set(map(type, entries)):
        if not issubclass(kind, Entry):
            raise SourceError(f"it gave a {kind.__name__} where an Entry belongs.")
    for kind in set(map(type, map(attrgetter("channels"), entries))):
        if issubclass(kind, str):
            raise SourceError("an entry's channels are a text; they have to be a set of names.")


def _digits_of(entry: Entry) -> str:
    text = digits(entry.number)
    if not text:
        raise SourceError(f"the entry with id {entry.id!r} has no number that could be read.")
    return text


def in_words(error: Exception) -> str:
    """What a source's error says, without any number."""
    if isinstance(error, SourceError):
        return str(error)
    # Another's exception may quote what it choked on.
    return f"{type(error).__name__}: {mask(str(error))}."
