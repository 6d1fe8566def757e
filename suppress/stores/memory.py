"""A store in the memory of one process, for when nothing is to be kept."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        self._limits = limits or StoreLimits()
        self._timer = timer
        self._snapshots: dict[str, Snapshot] = {}
        self._asked: dict[str, float] = {}
        self._failures: dict[str, Failure] = {}
        self._version = 0
        self.after_fork_in_child()

    def latest(self, key: str) -> Snapshot | None:
        """Return the snapshot under the key."""
        with self._changed:
            self._asked[key] = self._timer()
            return self._snapshots.get(key)

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        """Replace the snapshot under the key."""
        if snapshot.opted_out is not NO_OPT_OUTS:
            snapshot = snapshot.with_opted_out(NO_OPT_OUTS)
        with self._changed:
            check_lease(lease, key)
            self._snapshots[key] = snapshot
            self._failures.pop(key, None)
            self._asked[key] = self._timer()
            self._forget_unused()
        self.notify()
        return snapshot

    def repair(self, key: str, lease: Lease) -> None:
        """Check the lease alone: what is in memory is not damaged."""
        check_lease(lease, key)

    def failure(self, key: str) -> Failure | None:
        """Return the failure under the key."""
        return self._failures.get(key)

    def fail(self, key: str, failure: Failure) -> None:
        """Keep the failure under the key."""
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

    def _forget_unused(self) -> None:
        oldest = self._timer() - self._limits.unused_age
        for key in [key for key, asked in self._asked.items() if asked < oldest]:
            del self._asked[key]
            self._snapshots.pop(key, None)
            self._failures.pop(key, None)


class _MemoryLease:
    """A lease that is held while it stands among the store's leases."""

    def __init__(self, name: str, leases: "dict[str, _MemoryLease]") -> None:
        self.name = name
        self._leases = leases

    def check(self) -> None:
        if self._leases.get(self.name) is not self:
            raise LeaseLost(f"the lease for {self.name} has ended")
