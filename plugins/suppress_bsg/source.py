"""BSG's stop list as a source: its settings, and whom an entry suppresses on which channel."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

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
    pages_in_flight: int = 4
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

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entry]:
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
                return list(_filtered(self._read(client, channel, progress), channel))
            entries = self._read(client, None, progress)
            unsaid = {
                channel
                for channel in channels
                if any(_flag(each, channel) is None for each in entries)
            }
            loaded = [
                _entry(each, [name for name in channels - unsaid if _flag(each, name)])
                for each in entries
            ]
            for channel in sorted(unsaid):
                loaded += _filtered(self._read(client, channel, progress), channel)
            return loaded

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
    for each in entries:
        if _flag(each, channel) is not False:
            yield _entry(each, (channel,))


def _flag(entry: WireEntry, channel: str) -> bool | None:
    flag: bool | None = getattr(entry, f"{channel}_stoplist")
    return flag


def _entry(wire: WireEntry, channels: Iterable[str]) -> Entry:
    number = wire.phone
    if number is None:
        raise SourceError(f"The entry with id {_id(wire)} has no phone.")
    if isinstance(number, str) and not number.lstrip().startswith("+"):
        number = f"+{number.strip()}"  # digits of an international number
    return Entry(number, frozenset(channels), _id(wire), _added_at(wire))


def _id(wire: WireEntry) -> str | int | None:
    return (
        wire.id if isinstance(wire.id, str | int | None) else msgspec.json.encode(wire.id).decode()
    )


def _added_at(wire: WireEntry) -> datetime | None:
    """When the entry was added; the API gives no time zone, so UTC is taken."""
    try:
        moment = datetime.fromisoformat(wire.created_at)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _total(listing: Listing, offset: int) -> int:
    total = listing.total
    if isinstance(total, str) and total.isascii() and total.isdigit():
        total = int(total)
    if isinstance(total, str) or total < 0:
        raise SourceError(f"The page at offset {offset} has a total that is no number.")
    return total
