"""Reading stop lists one process at a time, and in bounded time.

However many processes need a list at once, one reads it. The others wait, and use what it
has read or get the same error. Who reads holds a lock, which ends with its holder.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from suppress import sources
from suppress.errors import StopListUnavailable
from suppress.hanging import Calls, Hanging, Overdue
from suppress.numbers.convention import Convention
from suppress.settings.settings import Settings
from suppress.sources import ReadingFailed, Source
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Held, Lease, Store, StoreError

logger = logging.getLogger("suppress")

Report = Callable[[str, int, int | None], None]
"""Told how far a reading is: a source's name, entries read, and entries in all if known."""

_POLL = 0.05


class Reader:
    """Reads the channels of some sources. Arguments as for `Snapshots`."""

    def __init__(
        self,
        sources: Sequence[Source],
        settings: Settings,
        *,
        keys: Mapping[str, str],
        convention: Convention,
        store: Store,
        clock: Callable[[], float],
        timer: Callable[[], float],
    ) -> None:
        self._sources = sources
        self._settings = settings
        self._keys = keys
        self._convention = convention
        self._store = store
        self._clock = clock
        self._timer = timer
        self._calls = Calls()

    @contextmanager
    def turn(
        self, channels: Collection[str], began: float, found: Callable[..., dict[str, Snapshot]]
    ) -> Iterator[tuple[dict[str, Snapshot], dict[str, Lease]]]:
        """Keep other processes from reading the channels while the block runs.

        Args:
            channels: what is to be read.
            began: since when it has been waited for (seconds since the epoch).
            found: gives the snapshots that another process has read meanwhile, if they will
                do; with `repair` it may set aside what is damaged.

        Yields:
            Those snapshots, after which nothing has to be read, or nothing; and the leases of
            the channels, none where the store cannot be written.

        Raises:
            StopListUnavailable: another has failed meanwhile, or takes too long.
        """
        with ExitStack() as blocks:
            leases: dict[str, Lease] = {}
            yield self._wait_for_turn(channels, began, found, blocks, leases), leases

    def _wait_for_turn(
        self,
        channels: Collection[str],
        began: float,
        found: Callable[..., dict[str, Snapshot]],
        blocks: ExitStack,
        leases: dict[str, Lease],
    ) -> dict[str, Snapshot]:
        give_up = self._timer() + self._settings.load_timeout
        try:
            # In one order, so that no two processes wait for each other.
            for channel in sorted(channels):
                while not self._held(channel, blocks, leases):
                    if snapshots := found():
                        return snapshots
                    self._refuse_failed(channels, began)
                    if self._timer() > give_up:
                        raise StopListUnavailable(
                            f"Another process has been reading the {channel} stop list for more "
                            f"than {self._settings.load_timeout:g} s. End it, and try again."
                        )
                    time.sleep(_POLL)
        except StoreError as error:
            logger.warning(
                "The %s snapshot cannot be stored in %s (%s); it stays in memory alone. "
                "SUPPRESS_STORE names another folder.",
                " and ".join(sorted(channels)),
                self._store.describe(),
                error,
            )
            return {}
        if snapshots := found(repair=leases):
            return snapshots
        self._refuse_failed(channels, began)
        return {}

    def _refuse_failed(self, channels: Collection[str], began: float) -> None:
        """Raise the error that another process had meanwhile, if it had one."""
        for channel in channels:
            failure = self._store.failure(self._keys[channel])
            if failure is not None and began < failure.ended <= self._clock():
                raise StopListUnavailable(failure.message)

    def _held(self, channel: str, blocks: ExitStack, leases: dict[str, Lease]) -> bool:
        """Whether the channel's lease could be had; it is among the leases then."""
        lease = self._store.exclusive(self._keys[channel], lease=self._settings.load_timeout)
        try:
            leases[channel] = blocks.enter_context(lease)
        except Held:
            return False
        return True

    def read(self, channels: Collection[str], progress: Report) -> dict[str, Snapshot]:
        """What the sources give for the channels.

        Raises:
            StopListUnavailable: a source failed, took longer than `load_timeout`, or hangs since
                an earlier reading.
        """
        current = ""
        given_up = threading.Event()

        def report(name: str, done: int, total: int | None) -> None:
            if given_up.is_set():
                raise TimeoutError
            progress(name, done, total)

        def begins(name: str) -> None:
            nonlocal current
            current = name

        def load() -> dict[str, Snapshot]:
            return sources.load(
                self._sources,
                channels,
                convention=self._convention,
                clock=self._clock,
                progress=report,
                begins=begins,
            )

        asked = [each.name for each in self._sources if not set(channels).isdisjoint(each.channels)]
        try:
            return self._calls.call(
                load, self._settings.load_timeout, sources=asked, current=lambda: current
            )
        except Overdue:
            given_up.set()
            raise ReadingFailed(
                f"The stop lists of {' and '.join(sorted(channels))} were not read within "
                f"{self._settings.load_timeout:g} s (SUPPRESS_LOAD_TIMEOUT): the source "
                f"{current!r} takes longer. Try again later, or allow more time."
            ) from None
        except Hanging as error:
            # Another process may well be able to read it: this is no failure of the source.
            raise StopListUnavailable(str(error)) from None
        except RuntimeError as error:
            raise StopListUnavailable(f"The stop list cannot be read: {error}.") from error
