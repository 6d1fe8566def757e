"""The contract of a remote, which keeps bytes by key for many machines and tells of changes.

A remote knows nothing of lists. The shared store gives it snapshots as bytes, and keeps a copy
in a folder of each machine, so that nobody waits for a server to look a number up.

Keys and names consist of lower-case letters, digits, `.`, `_` and `-`; a digest is the SHA-256
of a part in hexadecimal.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from suppress.stores.contract import Lease, StoreError


class PartGone(StoreError):
    """A part is not there any more: another head was published. Read the head again."""


class Remote(Protocol):
    """Keeps bytes by key for many machines, and tells of changes.

    Safe for threads; one object serves both sides of a fork, as a forked child makes connections
    of its own. Nothing is connected until it is needed, and what was lost is connected again by
    the next call. Each call ends within seconds, with a `StoreError`, if the server is silent.

    No error shows a password. What another user of the server must not see or change is for the
    plugin's documentation to say.
    """

    def head(self, key: str) -> bytes | None:
        """Return the head that was published last: a small document that names its parts.

        Raises:
            StoreError: the server cannot be asked.
        """

    def part(self, key: str, digest: str) -> Iterator[bytes]:
        """Yield the bytes of a part, in pieces of any size.

        Args:
            key: the key of the head that names it.
            digest: the name of the part. The caller checks it.

        Raises:
            PartGone: it is not there, or not any more.
            StoreError: the server cannot be asked, or stopped answering.
        """

    def publish(
        self, key: str, head: bytes, parts: Mapping[str, Iterable[bytes]], lease: Lease
    ) -> None:
        """Replace the head in one step, end the failure, and announce it.

        A part that is there already is not sent again. Whether the lease is held is checked by
        the server in the same step, so a holder that was stopped for too long changes nothing.
        Parts that no head names are removed some minutes later, when no reader needs them; a
        key that nobody has published for a month is removed as a whole.

        Args:
            key: what stands under it is replaced.
            head: a few kilobytes at most.
            parts: the pieces of each part, by its digest; each is iterated over once at most.
            lease: from `exclusive` of the same object, for the same key.

        Raises:
            LeaseLost: the lease is not held any more, or is for something else.
            StoreError: it cannot be written. What was there still is, unless the connection was
                lost at the very end: then either may be.
        """

    def discard(self, key: str, lease: Lease) -> None:
        """Remove the head and its parts, which are damaged, so that all of it is sent again.

        Raises:
            LeaseLost: the lease is not held any more, or is for something else.
            StoreError: it cannot be written.
        """

    def failure(self, key: str) -> bytes | None:
        """Return the failure that was kept since the head was published; None if there is none.

        Raises:
            StoreError: the server cannot be asked.
        """

    def fail(self, key: str, failure: bytes) -> None:
        """Keep a failure until a head is published, and announce it. It needs no lease.

        Raises:
            StoreError: it cannot be written.
        """

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Be the only holder of the name, on all machines, while the block runs.

        It ends with the block, with its process, with its connection, or once the holder has
        given no sign of life for `lease` seconds, whichever is first. A holder that runs is held
        for as long as its block takes. The end of a block raises nothing of its own.

        Args:
            name: a key, or any other name.
            lease: seconds, a finite number above 0.
            wait: seconds to wait for another holder; `math.inf` for as long as it takes.

        Raises:
            Held: another block, thread, process or machine holds it.
            StoreError: the server cannot be asked, also while waiting.
        """

    def news(self, timeout: float) -> bool:
        """Wait for a change by anybody, on this machine or another; one thread calls it.

        The first call, and the first one after an error, connects and returns True at once: there
        may have been changes before. No change after that is missed, but one may be told twice.

        Args:
            timeout: seconds to wait.

        Returns:
            True if there was a change, or may have been one.

        Raises:
            StoreError: the server cannot be reached, or the connection is lost.
        """

    def describe(self) -> str:
        """Return what to call the server in a message: its URL without the password."""

    def after_fork_in_child(self) -> None:
        """Forget the connections of the process that this one was forked from.

        They are neither used nor closed in a way that the parent would notice.
        """

    def close(self) -> None:
        """End the connections. A later call makes new ones; another thread gets an error."""
