"""BSG's stop list as a source: its settings, and whom an entry suppresses on which channel."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from suppress import ConfigurationError, Entry, Progress, SourceError
from suppress_bsg.client import Client, Listing, WireEntry
from suppress_bsg.paging import LIMIT, Page, read_all

CHANNELS = ("sms", "viber", "rcs", "whatsapp")
"""The channels that the API knows of."""

MOST_IN_FLIGHT = 32


@dataclass(frozen=True, kw_only=True)
class BsgSettings:
    """The table `[suppress.bsg]`; each is also `BSG_` and its name in the environment.

    Attributes:
        api_key: the account's key, `live_...` or `test_...`.
        base_url: where the API is.
        channels: the stop lists to read, of sms, viber, rcs and whatsapp. The first two
            alone are documented by all of the vendor's sources.
        pages_in_flight: how many pages are fetched at once.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        allow_http: take a `base_url` without TLS that is not on this machine.
    """

    api_key: str = field(repr=False)
    base_url: str = "https://one-api.bsg.world"
    channels: tuple[str, ...] = ("sms", "viber")
    pages_in_flight: int = 8
    timeout: float = 30.0
    allow_http: bool = False

    def __post_init__(self) -> None:
        for channel in self.channels:
            if channel not in CHANNELS:
                raise ConfigurationError(
                    f"BSG_CHANNELS (`channels` in the table [suppress.bsg]): BSG has no channel "
                    f"{channel!r}. Known are: {', '.join(CHANNELS)}."
                )
        if not 1 <= self.pages_in_flight <= MOST_IN_FLIGHT:
            raise ConfigurationError(
                "BSG_PAGES_IN_FLIGHT (`pages_in_flight` in the table [suppress.bsg]) has to be "
                f"1 to {MOST_IN_FLIGHT}."
            )
        if not 0 < self.timeout <= 600:  # noqa: PLR2004
            raise ConfigurationError(
                "BSG_TIMEOUT (`timeout` in the table [suppress.bsg]) has to be seconds, "
                "more than 0 and at most 600."
            )


class BsgSource:
    """Reads the stop list from BSG's One-API.

    Raises:
        ConfigurationError: the base URL or the key cannot be used.
    """

    name = "bsg"

    def __init__(self, settings: BsgSettings) -> None:
        self.channels = frozenset(settings.channels)
        account = hashlib.sha256(settings.api_key.encode()).hexdigest()
        self.identity = f"{settings.base_url} {account}"
        self._settings = settings
        self._client()  # so that settings that cannot work are refused now

    def load(self, channels: frozenset[str], progress: Progress) -> Iterator[Entry]:
        """Read the entries of the channels.

        Several channels are read in one pass, without a filter, and each entry counts by
        its own flags. Where an entry does not say whether it is on the list of a channel,
        that channel is read once more, with a filter: who is in that answer is listed.

        Raises:
            SourceError: the list cannot be read whole.
        """
        with self._client() as client:
            if len(channels) == 1:
                (channel,) = channels
                return _filtered(self._read(client, channel, progress), channel)
            entries = self._read(client, None, progress)
            unsaid = {
                channel
                for channel in channels
                if None in set(map(attrgetter(_flag(channel)), entries))
            }
            asked = [
                _filtered(self._read(client, channel, progress), channel)
                for channel in sorted(unsaid)
            ]
            return itertools.chain(_flagged(entries, sorted(channels - unsaid)), *asked)

    def _read(self, client: Client, channel: str | None, progress: Progress) -> list[WireEntry]:
        def fetch(offset: int) -> Page[WireEntry]:
            listing, throttled = client.listing(offset=offset, limit=LIMIT, channel=channel)
            return Page(offset, listing.data, _total(listing, offset), throttled)

        return read_all(fetch, in_flight=self._settings.pages_in_flight, progress=progress)

    def _client(self) -> Client:
        return Client(
            self._settings.base_url,
            self._settings.api_key,
            connections=self._settings.pages_in_flight,
            timeout=self._settings.timeout,
            allow_http=self._settings.allow_http,
        )


def _filtered(entries: Iterable[WireEntry], channel: str) -> Iterator[Entry]:
    """Those of an answer that was asked for one channel: a missing flag is not `false`."""
    listed = frozenset({channel})
    flag = attrgetter(_flag(channel))
    for each in entries:
        if flag(each) is not False:
            yield Entry(_number(each), listed, each.id, each.created_at)


def _flagged(entries: Sequence[WireEntry], channels: Sequence[str]) -> Iterator[Entry]:
    """Each of an answer that was asked for all channels, for those that it has flags of."""
    listed = {
        flags: frozenset(itertools.compress(channels, flags))
        for flags in itertools.product((False, True), repeat=len(channels))
    }
    flags = zip(*(map(attrgetter(_flag(channel)), entries) for channel in channels), strict=True)
    return map(
        Entry,
        map(_number, entries),
        map(listed.__getitem__, flags),
        map(attrgetter("id"), entries),
        map(attrgetter("created_at"), entries),
    )


def _flag(channel: str) -> str:
    return f"{channel}_stoplist"


def _number(entry: WireEntry) -> str | int:
    number = entry.phone
    if type(number) is int:
        return number
    if number is None:
        raise SourceError(f"The entry with id {entry.id} has no phone.")
    if isinstance(number, str) and not number.lstrip().startswith("+"):
        return f"+{number.strip()}"  # digits of an international number
    return number


def _total(listing: Listing, offset: int) -> int:
    total = listing.total
    if isinstance(total, str) and total.isascii() and total.isdigit():
        total = int(total)
    if isinstance(total, str) or total < 0:
        raise SourceError(f"The page at offset {offset} has a total that is no number.")
    return total
