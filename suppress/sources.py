"""Reading stop lists: several sources united into one snapshot per channel.

Whoever is listed by any source is listed. If one source fails, the whole load fails:
there is no snapshot of a part.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from suppress.errors import ConfigurationError, SourceError, StopListUnavailable
from suppress.numbers import digits, e164, mask
from suppress.snapshot import Entry, Snapshot

logger = logging.getLogger("suppress")

Progress = Callable[[int, int | None], None]
"""Told by a source how far it is: entries read so far, and how many in all where known."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


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
        StopListUnavailable: a source failed, or what it gave cannot be used.
    """
    wanted = frozenset(channels)
    numbers: dict[str, set[str]] = {channel: set() for channel in wanted}
    unparsed: dict[str, set[str]] = {channel: set() for channel in wanted}
    read_at = datetime.fromtimestamp(clock(), UTC)
    for source in sources:
        asked = wanted.intersection(source.channels)
        if not asked:
            continue

        def report(done: int, total: int | None, name: str = source.name) -> None:
            progress(name, done, total)

        try:
            for entry in source.load(asked, report):
                listed = asked.intersection(_channels(entry))
                if not listed:
                    continue
                canonical = e164(entry.number, default_region)
                text = canonical or _digits_of(entry)
                for channel in listed:
                    (numbers if canonical else unparsed)[channel].add(text)
        except Exception as error:
            raise StopListUnavailable(
                f"The stop list cannot be read from the source {source.name!r}: "
                f"{_in_words(error)} Nothing may be sent until it can."
            ) from error
    for channel, odd in unparsed.items():
        if odd:
            logger.warning(
                "%d entries of the %s stop list are no phone numbers (%s, ...); each still "
                "suppresses the recipients who have the same digits",
                len(odd),
                channel,
                mask(min(odd)),
            )
    return {
        channel: Snapshot(
            channel=channel,
            read_at=read_at,
            sources=tuple(source.name for source in sources if channel in source.channels),
            numbers=frozenset(numbers[channel]),
            unparsed=frozenset(unparsed[channel]),
        )
        for channel in wanted
    }


def _channels(entry: Entry) -> Collection[str]:
    if not isinstance(entry, Entry):
        raise SourceError(f"it gave a {type(entry).__name__} where an Entry belongs.")
    if isinstance(entry.channels, str):
        raise SourceError("an entry's channels are a text; they have to be a set of names.")
    return entry.channels


def _digits_of(entry: Entry) -> str:
    text = digits(entry.number)
    if not text:
        raise SourceError(f"the entry with id {entry.id!r} has no number that could be read.")
    return text


def _in_words(error: Exception) -> str:
    if isinstance(error, SourceError):
        return str(error)
    # Another's exception may quote what it choked on.
    return f"{type(error).__name__}: {mask(str(error))}."
