"""A store in the memory of one process, for when nothing is to be kept."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cachetools import TTLCache

from suppress.stop_list.opted_out import NO_OPT_OUTS
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure, Held, Lease, LeaseLost, check_lease
from suppress.stores.limits import StoreLimits


class MemoryStore:
    """Snapshots that end with the process.

    Args:
        limits: when a snapshot goes that nobody asks for any more.
        timer: gives seconds that never run backwards.
    """

    def __init__(
        self, limits: StoreLimits | None = None, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        unused_age = (limits or StoreLimits()).unused_age
        self._snapshots: TTLCache[str, Snapshot] = TTLCache(math.inf, unused_age, timer)
        self._failures: TTLCache[str, Failure] = TTLCache(math.inf, unused_age, timer)
        self._version = 0
        self.after_fork_in_child()

    def latest(self, key: str) -> Snapshot | None:
        """Return the snapshot under the key."""
        with self._changed:
            snapshot = self._snapshots.get(key)
            if snapshot is not None:  # it is in use: its time starts again
                self._snapshots[key] = snapshot
            return snapshot

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        """Replace the snapshot under the key."""
        if snapshot.opted_out is not NO_OPT_OUTS:
            snapshot = snapshot.with_opted_out(NO_OPT_OUTS)
        with self._changed:
            check_lease(lease, key)
            self._snapshots[key] = snapshot
            self._failures.pop(key, None)
        self.notify()
        return snapshot

    def repair(self, key: str, lease: Lease) -> None:
        """Check the lease alone: what is in memory is not damaged."""
        check_lease(lease, key)

    def failure(self, key: str) -> Failure | None:
        """Return the failure under the key."""
        with self._changed:
            return self._failures.get(key)

    def fail(self, key: str, failure: Failure) -> None:
        """Keep the failure under the key."""
        with self._changed:
            self._failures[key] = failure
        self.notify()

    def version(self) -> int:
        """Return how many changes there have been."""
        return self._version

    def notify(self) -> None:
        """Count one more change."""
        with self._changed:
            self._version += 1

    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:  # noqa: ARG002 - it ends with the block
        """Be the only holder of the name while the block runs."""
        held = _MemoryLease(name, self._leases)
        with self._changed:
            free = self._changed.wait_for(
                lambda: name not in self._leases, min(wait, threading.TIMEOUT_MAX)
            )
            if not free:
                raise Held(f"another thread holds {name}")
            self._leases[name] = held
        try:
            yield held
        finally:
            with self._changed:
                if self._leases.get(name) is held:
                    del self._leases[name]
                self._changed.notify_all()

    def describe(self) -> str:
        """Return what to call the store in a message."""
        return "memory"

    def after_fork_in_child(self) -> None:
        """Forget the leases of threads that are not in this process."""
        self._changed = threading.Condition()
        self._leases: dict[str, _MemoryLease] = {}


class _MemoryLease:
    """A lease that is held while it stands among the store's leases."""

    def __init__(self, name: str, leases: "dict[str, _MemoryLease]") -> None:
        self.name = name
        self._leases = leases

    def check(self) -> None:
        if self._leases.get(self.name) is not self:
            raise LeaseLost(f"the lease for {self.name} has ended")
