"""The contract of a store, which keeps snapshots and tells its users of each change.

Everything stands under a key that names what a snapshot was made from. Any number of threads
and processes use a store at once, each process by a handle of its own. A reader gets the
latest snapshot whole or none; a change by one handle is seen by all, at once on its machine and
within a second on others.

Who publishes holds a lease. A lease ends with its holder, however that ends. In a store that
others reach over a network it can also end before: then publishing is refused.
"""

from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from suppress.stop_list.snapshot import Snapshot


class StoreError(Exception):
    """The store cannot be read or written now; the text says why, without a full stop."""


class Held(StoreError):
    """Another holder has the lease."""


class LeaseLost(StoreError):
    """The lease is not held, or not any more, or is one for something else."""


class Failure(msgspec.Struct, frozen=True):
    """The reason why a channel's stop list cannot be read, from the latest of several attempts.

    Attributes:
        since: when the first of them began (seconds since the epoch).
        began: when the latest began.
        ended: when it ended.
        message: what it said.
    """

    since: float
    began: float
    ended: float
    message: str


class Lease(Protocol):
    """The right to change what stands under a name, as long as it is held."""

    @property
    def name(self) -> str:
        """The name that was asked for."""

    def check(self) -> None:
        """Make sure that the lease is still held.

        Raises:
            LeaseLost: it is not.
        """


def check_lease(lease: Lease, key: str) -> None:
    """Make sure that the lease is held, and is for the key.

    Raises:
        LeaseLost: it is not.
    """
    if lease.name != key:
        raise LeaseLost(f"the lease is for {lease.name}")
    lease.check()


class Store(Protocol):
    """Keeps snapshots, by key. Safe for threads; one handle serves both sides of a fork."""

    def latest(self, key: str) -> Snapshot | None:
        """Return the snapshot that was published last; None where there is none to be trusted.

        As long as nothing else is published, it is the same object each time. What is damaged
        is reported once, and never returned.

        Raises:
            StoreError: it cannot be read now.
            ConfigurationError: others can change what is stored.
        """

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        """Replace the snapshot under the key as a whole, and end its failure.

        Opt-outs that were made here are left out: they have a record of their own.

        Args:
            key: what the snapshot was made from.
            snapshot: what to keep.
            lease: from `exclusive`, for the same key.

        Returns:
            The snapshot as it is kept, which is what `latest` returns from now on.

        Raises:
            LeaseLost: the lease is not held any more.
            StoreError: it cannot be written; what was there still is.
            ConfigurationError: others can change what is stored.
        """

    def repair(self, key: str, lease: Lease) -> None:
        """Set aside the snapshot under the key if it is damaged, for a person to look at.

        Raises:
            LeaseLost: the lease is not held any more.
            StoreError: it cannot be read or written now.
        """

    def failure(self, key: str) -> Failure | None:
        """Return why the list could not be read since the snapshot; None where it could."""

    def fail(self, key: str, failure: Failure) -> None:
        """Keep why the list could not be read, until a snapshot is published.

        Raises:
            StoreError: it cannot be written.
        """

    def version(self) -> int:
        """Return a number that differs after every change; it comes from memory, at no cost.

        Take it before you call `latest`: a change meanwhile is then seen the next time. Call
        `latest` every so often as well, for a change that could not be announced.
        """

    def notify(self) -> None:
        """Announce a change beside the store to all handles on this machine.

        `publish` and `fail` announce theirs themselves, on all machines.
        """

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Be the only holder of the name while the block runs.

        A store on a server that cannot be reached lets a key be held on this machine alone, if
        `latest` was asked for it before; `publish` then reaches this machine alone. For any
        other name it raises.

        Args:
            name: a key, or any other name.
            lease: seconds for which it has to be held. A store whose leases end with their
                holder's process holds it for as long as the block runs.
            wait: seconds to wait for another holder; `math.inf` for as long as it takes.

        Raises:
            Held: another block, thread or process holds it.
            StoreError: nothing can be held, because the store cannot be written.
            ConfigurationError: others can change what is stored.
        """

    def describe(self) -> str:
        """Return what to call the store in a message, for example its folder."""

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the process that this one was forked from."""
