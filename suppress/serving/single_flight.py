"""One reading of a stop list at a time, however many threads and processes need it.

One of them reads. The others wait, and use what it has read or get the same error. A process
that reads holds a lease, which ends with it.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import ExitStack

from suppress.errors import StopListUnavailable
from suppress.futures import resolve
from suppress.serving.context import Context
from suppress.serving.warnings import warn_not_stored
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Held, Lease, StoreError

Snapshots = dict[str, Snapshot]
"""The snapshots that were read, by channel."""


class SingleFlight:
    """The readings that are under way. Thread-safe.

    Args:
        keys: what the snapshot of each channel is stored under.
        context: the store where other processes keep what they have read, and time.
    """

    def __init__(self, keys: Mapping[str, str], context: Context) -> None:
        self._keys = keys
        self._store = context.store
        self._timeout = context.settings.load_timeout
        self._poll = context.limits.poll
        self._clock = context.clock
        self._timer = context.timer
        self._wake = context.wake
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Forget the readings of threads that are not in this process."""
        self._lock = threading.Lock()
        self._running: dict[str, Future[Snapshots]] = {}

    def running(self, channel: str) -> Future[Snapshots] | None:
        """Return the reading of the channel that was started last, if it is under way."""
        return self._running.get(channel)

    def start(self, channels: Collection[str], read: Callable[[], Snapshots]) -> Future[Snapshots]:
        """Read channels in a thread of its own, for all who wait.

        Returns:
            The snapshots to be, or the error.
        """
        future: Future[Snapshots] = Future()

        def finish() -> None:
            with self._lock:
                for channel in channels:
                    if self._running.get(channel) is future:
                        del self._running[channel]

        def read_once() -> Snapshots:
            try:
                return read()
            finally:
                finish()

        def run() -> None:
            resolve(future, read_once)
            self._wake()

        with self._lock:
            self._running.update(dict.fromkeys(channels, future))
        try:
            threading.Thread(target=run, daemon=True).start()
        except RuntimeError as error:
            finish()
            future.set_exception(StopListUnavailable(f"The stop list cannot be read: {error}."))
        return future

    def exclusive(
        self,
        channels: Collection[str],
        began: float,
        *,
        already_read: Callable[[], Snapshots],
        read: Callable[[Mapping[str, Lease]], Snapshots],
    ) -> Snapshots:
        """Read channels while no other process does.

        Args:
            channels: what to read.
            began: since when they are waited for (seconds since the epoch). The failure of
                another process since then is the answer.
            already_read: gives the snapshots that another process has read, if they will do;
                else nothing.
            read: reads them, given the lease of each channel; without any where the store
                cannot be written.

        Raises:
            StopListUnavailable: another process has failed meanwhile, or takes too long.
        """
        with ExitStack() as stack:
            leases: dict[str, Lease] = {}
            try:
                found = self._wait(channels, began, already_read, stack, leases)
            except StoreError as error:
                # Without a writable store there is no lock; keep the list in memory.
                warn_not_stored(channels, self._store, error)
                found, leases = {}, {}
            return found or read(leases)

    def _wait(
        self,
        channels: Collection[str],
        began: float,
        already_read: Callable[[], Snapshots],
        stack: ExitStack,
        leases: dict[str, Lease],
    ) -> Snapshots:
        """Wait for the leases of all channels, or until another process has read them."""
        # Looked at first, so that a store whose server is lost knows that these are its keys.
        if snapshots := already_read():
            return snapshots
        deadline = self._timer() + self._timeout
        # In one order, so that no two processes wait for each other.
        for channel in sorted(channels):
            while (lease := self._lease(channel, stack)) is None:
                if snapshots := already_read():
                    return snapshots
                self._raise_failure(channels, began)
                if self._timer() > deadline:
                    raise StopListUnavailable(
                        f"Another process has been reading the {channel} stop list for more "
                        f"than {self._timeout:g} s. End it, and try again."
                    )
                time.sleep(self._poll)
            leases[channel] = lease
        if snapshots := already_read():
            return snapshots
        self._raise_failure(channels, began)
        return {}

    def _lease(self, channel: str, stack: ExitStack) -> Lease | None:
        # Long enough to wait for the other channels, and then to read.
        lease = self._store.exclusive(self._keys[channel], 2 * self._timeout)
        try:
            return stack.enter_context(lease)
        except Held:
            return None

    def _raise_failure(self, channels: Collection[str], began: float) -> None:
        """Raise the error that another process had since then, if it had one."""
        for channel in channels:
            failure = self._store.failure(self._keys[channel])
            if failure is not None and began < failure.ended <= self._clock():
                raise StopListUnavailable(failure.message)
