"""The contract of a shared record: one record of opt-outs that many machines append to.

Every machine keeps a copy of it under the same positions, and reads that. So a shared record is
asked for what is new, and told what is to be appended; it is not asked who is opted out.
"""

from contextlib import AbstractContextManager
from typing import Protocol

from suppress.opt_outs.contract import Record
from suppress.stores.contract import Lease


class SharedRecord(Record, Protocol):
    """A record of opt-outs on a server; see `Record` for what it keeps.

    What `append` has returned a position for is in force and durable: it is still there after
    the server was killed. Its `where` is its URL without a password. Its `reset` does nothing
    and returns False: which record is the right one is known to each machine.

    Thread-safe. A process that is forked makes connections of its own. No method waits for the
    server longer than some seconds; then it raises `RecordError`, as it does when the server
    cannot be reached. Where `append` or `forget` raises that, nothing was done, unless the
    connection was lost at the very end: then either may be.
    """

    def identity(self) -> str | None:
        """Return the name that the record gave itself by chance when it was made.

        It stays the same in a backup. None where no record was ever made there.

        Raises:
            RecordError: it cannot be read.
        """

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Be the only holder of a name, on all machines, while the block runs.

        It keeps two machines from delivering to the same source at once. It ends with the block,
        with its process, with its connection, or once the holder has given no sign of life for
        `lease` seconds, whichever is first. A holder that runs is held for as long as its block
        takes.

        Args:
            name: any name.
            lease: seconds, a finite number above 0.
            wait: seconds to wait for another holder; `math.inf` for as long as it takes.

        Raises:
            Held: another holds it.
            StoreError: the server cannot be reached.
        """

    def news(self, timeout: float) -> bool:
        """Wait until somebody has changed the record, on any machine; one thread calls it.

        The first call, and the first one after an error, connects and returns True at once:
        there may have been changes before. No change after that is missed.

        Args:
            timeout: seconds to wait at most.

        Returns:
            Whether there was a change, or may have been one.

        Raises:
            RecordError: the server cannot be reached, or the connection is lost.
        """

    def after_fork_in_child(self) -> None:
        """Forget the connections of the process that this one was forked from.

        They are neither used nor closed in a way that the parent would notice.
        """

    def close(self) -> None:
        """End the connections. A later call makes new ones; another thread gets an error."""
