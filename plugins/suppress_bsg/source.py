"""BSG's stop list as a source: its settings, its entries, and the delivery of opt-outs."""

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter

from suppress import (
    Entry,
    InvalidNumber,
    Progress,
    Refused,
    SourceError,
    mask,
    normalize,
)
from suppress_bsg import NAME
from suppress_bsg.answers import Listing, WireEntry
from suppress_bsg.client import Client
from suppress_bsg.limits import DEFAULT_LIMITS, BsgLimits
from suppress_bsg.paging import Page, check_size, read_all
from suppress_bsg.settings import BsgSettings
from suppress_bsg.signing_in import KeptToken
from suppress_bsg.threads import Threads

MAX_TEXT = 100
"""Characters of the id and phone of an entry, at most, on the average of a page."""

PHONES = range(100_000_000, 10**15)
"""The numbers that the API takes, as digits without the plus."""


class BsgSource:
    """Reads the stop list from BSG's One-API, and delivers opt-outs to it.

    The token of its first sign-in serves as long as the API accepts it.

    Args:
        settings: the account, and how to read.
        name: the source's name.
        load_timeout: seconds after which each of its methods has ended, with or without success.
        limits: the limits of requests and of the reading of the list.

    Raises:
        ConfigurationError: the base URL or the key cannot be used.
    """

    add_at_once = 1000
    remove_at_once = 200

    def __init__(
        self,
        settings: BsgSettings,
        *,
        name: str = NAME,
        load_timeout: float = 600.0,
        limits: BsgLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name
        self.channels = frozenset(settings.channels)
        account = hashlib.sha256(settings.api_key.reveal().encode()).hexdigest()
        self.identity = f"{settings.base_url} {account}"
        self._settings = settings
        self._load_timeout = load_timeout
        self._limits = limits
        self._kept = KeptToken()
        self._client()  # refuses settings that cannot work

    def load(self, channels: frozenset[str], progress: Progress) -> Iterator[Entry]:
        """Read the entries of the channels.

        Several channels are read in one pass, without a filter, and each entry counts by
        its own flags. If an entry has no flag for a channel, that channel is read once more,
        with a filter: everyone in that answer is listed.

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

    def add(self, numbers: Sequence[str], channel: str) -> None:
        """Put numbers on the stop list of a channel.

        The answer must show each number. For one that it does not show, such as one that was on
        the list before, BSG is asked.

        Args:
            numbers: E.164 texts, `add_at_once` at most.
            channel: one of the served channels.

        Raises:
            Refused: a number is shorter or longer than BSG takes, or BSG refuses them.
            SourceError: it is not certain that it was done.
        """
        phones = [_phone(number) for number in numbers]
        threads = Threads(self._settings.pages_in_flight)
        with self._client() as client, contextlib.closing(threads):
            try:
                shown = set(_listed(client.attach(phones, channel), channel))
                left = [number for number in numbers if number not in shown]
                found = [threads.submit(client.search, "phone", _phone(each)) for each in left]
                for number, entries in zip(left, found, strict=True):
                    _check_listed(number, entries.result(), channel)
            except BaseException:
                client.stop()
                raise

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        """Take numbers off the stop list of a channel.

        The known ids may be old: an entry that was replaced has another one, and an id may
        have gone to another number since. So BSG is asked for the present entries of the
        numbers, and only those are removed.

        Args:
            numbers: E.164 texts, `remove_at_once` at most, each with the ids that its
                entries had.
            channel: one of the served channels.

        Raises:
            Refused, SourceError: as for `add`.
        """
        for number in numbers:
            _phone(number)
        threads = Threads(self._settings.pages_in_flight)
        with self._client() as client, contextlib.closing(threads):
            try:
                asked = [
                    threads.submit(_ids, client, number, known, channel)
                    for number, known in numbers.items()
                ]
                found = [each.result() for each in asked]
            except BaseException:
                client.stop()
                raise
            ids = list(dict.fromkeys(itertools.chain.from_iterable(found)))
            for start in range(0, len(ids), self.remove_at_once):
                client.detach(ids[start : start + self.remove_at_once], channel)

    def sign_in(self) -> None:
        """Sign in, to check the key.

        Raises:
            SourceError: the key is wrong, or the API does not answer.
        """
        with self._client() as client:
            client.sign_in()

    def _read(self, client: Client, channel: str | None, progress: Progress) -> list[WireEntry]:
        limit = self._limits.page_size

        def fetch(offset: int) -> Page[WireEntry]:
            listing, throttled = client.listing(offset=offset, limit=limit, channel=channel)
            page = Page(offset, listing.data, _total(listing, offset), throttled)
            # Checked at once: all pages together may fill the memory.
            check_size(page, limit)
            self._check_size(page)
            return page

        return read_all(
            fetch,
            in_flight=self._settings.pages_in_flight,
            progress=progress,
            limits=self._limits,
            stable_keys=(attrgetter("id"), attrgetter("phone")),
            growing=attrgetter("id"),
            stop=client.stop,
        )

    def _check_size(self, page: Page[WireEntry]) -> None:
        """Refuse a page that shows that the list would fill the memory."""
        if page.total > self._settings.max_entries:
            raise SourceError(
                f"The stop list has {page.total:,} entries, but BSG_MAX_ENTRIES allows "
                f"{self._settings.max_entries:,}. Set it higher if there is enough memory."
            )
        texts = (each for entry in page.entries for each in (entry.id, entry.phone))
        length = sum(len(each) for each in texts if isinstance(each, str))
        if length > MAX_TEXT * self._limits.page_size:
            raise SourceError(
                f"The page at offset {page.offset} has ids and phones that are too long."
            )

    def _client(self) -> Client:
        return Client(
            self._settings.base_url,
            self._settings.api_key,
            kept=self._kept,
            connections=self._settings.pages_in_flight,
            timeout=self._settings.timeout,
            load_timeout=self._load_timeout,
            allow_http=self._settings.allow_http,
            limits=self._limits,
        )


def _filtered(entries: Iterable[WireEntry], channel: str) -> Iterator[Entry]:
    """Return the entries of a filtered answer that are listed: a missing flag is not `false`."""
    listed = frozenset({channel})
    flag = attrgetter(_flag(channel))
    for each in entries:
        if flag(each) is not False:
            yield Entry(_number(each), listed, each.id, each.created_at)


def _flagged(entries: Sequence[WireEntry], channels: Sequence[str]) -> Iterator[Entry]:
    """Return the entries of an unfiltered answer, each for the channels of its flags."""
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
    # An entry without a number is refused later, by its id.
    return "" if entry.phone is None else entry.phone


def _total(listing: Listing, offset: int) -> int:
    total = listing.total
    if isinstance(total, str) and total.isascii() and total.isdigit() and len(total) < 19:  # noqa: PLR2004
        total = int(total)
    if isinstance(total, str) or total < 0:
        raise SourceError(f"The page at offset {offset} has a total that is not a number.")
    return total


def _phone(number: str) -> int:
    phone = int(number.removeprefix("+"))
    if phone not in PHONES:
        raise Refused(f"BSG takes numbers of 9 to 15 digits only, which {mask(number)} is not.")
    return phone


def _ids(client: Client, number: str, known: Iterable[str | int], channel: str) -> list[int]:
    """Return the ids of the entries that put a number on the list of a channel now."""
    found = client.search("phone", _phone(number))
    if not all(number in _numbers(entry) for entry in found):
        raise SourceError(
            f"BSG answered a search for {mask(number)} with entries of other numbers, so its own "
            "are unknown. Remove it from the stop list at BSG."
        )
    seen = {str(entry.id) for entry in found}
    for each in map(str, known):
        # BSG may have the phone in another form, such as with a trunk prefix.
        if each.isdecimal() and each not in seen:
            found += [
                entry
                for entry in client.search("id", each)
                if str(entry.id) == each and number in _numbers(entry)
            ]
    flag = attrgetter(_flag(channel))
    return [_id(entry) for entry in found if flag(entry) is not False]


def _check_listed(number: str, entries: Iterable[WireEntry], channel: str) -> None:
    """Refuse a number that is not on the list of a channel, by the entries of its phone."""
    if number not in _listed(entries, channel):
        raise Refused(
            f"BSG accepted {mask(number)} but has not put it on its stop list. Check the list at "
            "BSG."
        )


def _listed(entries: Iterable[WireEntry], channel: str) -> Iterator[str]:
    """Return the E.164 texts of the entries that are on the list of a channel."""
    flag = attrgetter(_flag(channel))
    for each in entries:
        if flag(each) is not False:
            yield from _numbers(each)


def _numbers(entry: WireEntry) -> Iterator[str]:
    """Return the E.164 texts that an entry may stand for."""
    yield f"+{entry.phone}"
    with contextlib.suppress(InvalidNumber):
        yield normalize(_number(entry), "international")


def _id(entry: WireEntry) -> int:
    try:
        return int(entry.id)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise SourceError(
            f"BSG's entry of {mask(entry.phone)} has no id, so it cannot be removed from here. "
            "Remove it at BSG."
        ) from None
