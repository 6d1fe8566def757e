"""The entries of a sandbox's stop list, in the order of their ids."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, get_args

import msgspec

Channel = Literal["sms", "viber", "rcs", "whatsapp"]

CHANNELS: Final[frozenset[str]] = frozenset(get_args(Channel))
LOWEST_PHONE: Final = 100_000_000
HIGHEST_PHONE: Final = 999_999_999_999_999


class SandboxEntry(msgspec.Struct, gc=False):
    """An entry of the stop list.

    Attributes:
        id: the entry's number, 1 or more.
        phone: the phone number's digits, without the plus.
        created_at: the time when the entry was made, as in `"2022-04-18 19:22:16"`.
        channels: the channels whose lists the phone is on: `sms`, `viber`, `rcs`,
            `whatsapp`. The API has no flag for `whatsapp`; only its filter shows it.
    """

    id: int
    phone: int
    created_at: str
    channels: set[str]


def stamp(seconds: float) -> str:
    """Return a time (seconds since the epoch) as the API writes it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


class SandboxList:
    """The entries, in the order of their ids. Other threads see each method as one step."""

    def __init__(self, rows: Iterable[SandboxEntry], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._by_id: dict[int, SandboxEntry] = {}
        self._by_phone: dict[int, SandboxEntry] = {}
        self._filtered: dict[frozenset[str], list[SandboxEntry]] = {}
        for row in sorted(rows, key=lambda row: row.id):
            if row.id in self._by_id or row.phone in self._by_phone:
                raise ValueError(f"two rows share an id or a phone: see the row with id {row.id}")
            self._insert(SandboxEntry(row.id, row.phone, row.created_at, _known(row.channels)))
        self._next_id = max(self._by_id, default=0) + 1

    def _insert(self, row: SandboxEntry) -> None:
        self._by_id[row.id] = self._by_phone[row.phone] = row

    @contextmanager
    def reading(self, channels: frozenset[str] = frozenset()) -> Iterator[list[SandboxEntry]]:
        """Lend the entries on any of the channels; on all, if none is named.

        They do not change while the block runs.
        """
        with self._lock:
            if channels not in self._filtered:
                self._filtered[channels] = [
                    row
                    for row in self._by_id.values()
                    if not channels or not channels.isdisjoint(row.channels)
                ]
            yield self._filtered[channels]

    def attach(self, phones: Iterable[int], channels: Iterable[str]) -> list[SandboxEntry]:
        """See `Sandbox.attach`."""
        added = _known(channels)
        with self._lock:
            self._filtered.clear()
            return [self._attach_one(phone, added) for phone in dict.fromkeys(phones)]

    def _attach_one(self, phone: int, channels: set[str]) -> SandboxEntry:
        row = self._by_phone.get(phone)
        if row is None:
            row = SandboxEntry(self._next_id, phone, stamp(self._clock()), set())
            self._next_id += 1
            self._insert(row)
        row.channels |= channels
        return copied(row)

    def detach(self, ids: Iterable[int], channels: Iterable[str]) -> None:
        """See `Sandbox.detach`."""
        removed = _known(channels)
        with self._lock:
            self._filtered.clear()
            for row in filter(None, map(self._by_id.get, ids)):
                row.channels -= removed
                if not row.channels:
                    del self._by_id[row.id], self._by_phone[row.phone]


def copied(row: SandboxEntry) -> SandboxEntry:
    """Return a copy of an entry, for callers to change."""
    return SandboxEntry(row.id, row.phone, row.created_at, set(row.channels))


def _known(channels: Iterable[str]) -> set[str]:
    named = set(channels)
    if not named or not named <= CHANNELS:
        raise ValueError(f"name one or more of the channels {', '.join(sorted(CHANNELS))}")
    return named
