"""Leases by advisory locks: each is held by a connection, and ends with it.

The server ends the connection of a holder from whom it has not heard for as long as the lease
takes. What the holder publishes goes over the same connection. So a holder that was stopped for
longer, or was cut off, can change nothing when it comes back.
"""

import contextlib
import hashlib
import math
import threading
import time
from collections.abc import Iterator

import psycopg

from suppress import Held, Lease, LeaseLost, StoreError
from suppress_postgres.connections import (
    PostgresConnection,
    PostgresConnections,
    in_words,
    is_lost,
)

_HELD = (
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted "
    "AND pid = pg_backend_pid() AND database = (SELECT oid FROM pg_database "
    "WHERE datname = current_database()) "
    "AND ((classid::bigint << 32) | objid::bigint) = %s AND objsubid = 1)"
)


class PostgresLease:
    """A lease; see `suppress.Lease`. Its connection is used by its holder alone."""

    def __init__(self, name: str, lock: int, connection: PostgresConnection) -> None:
        self.name = name
        self.connection = connection
        self._lock = lock
        self._ended = False

    def check(self) -> None:
        """Ask the server whether the lease is held; within a transaction, it is to its end.

        Raises:
            LeaseLost: it is not.
            StoreError: the server cannot tell.
        """
        held = False
        if not self._ended:
            try:
                held = self.connection.execute(_HELD, [self._lock]).fetchone() == (True,)
            except psycopg.Error as error:
                if not is_lost(error):
                    raise StoreError(in_words(error)) from error
                # A lost connection has lost its locks.
        if not held:
            raise LeaseLost(f"the lease for {self.name} has ended")

    def end(self) -> None:
        """Give the lease up; the connection may be lost already."""
        self._ended = True
        with contextlib.suppress(psycopg.Error):
            self.connection.execute("SELECT pg_advisory_unlock(%s)", [self._lock])


class PostgresLeases:
    """The leases of one user of a database.

    Args:
        connections: the connections to the database.
    """

    def __init__(self, connections: PostgresConnections) -> None:
        self._connections = connections

    @contextlib.contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[PostgresLease]:
        """Be the only holder of the name; see `suppress.Remote.exclusive`."""
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(self._connections.borrowed())
                lock = self._lock_of(name)
                held = PostgresLease(name, lock, connection)
                # Before all else: an interrupt may come when the lock is just had.
                stack.callback(self._give_back, held)
                self._acquire(connection, lock, wait)
                connection.idles(lease, lease)
            except psycopg.Error as error:
                raise StoreError(in_words(error)) from error
            stack.enter_context(_signs_of_life(connection, lease / 3))
            yield held

    def held(self, lease: Lease, key: str) -> PostgresLease:
        """Return a lease as one of this plugin, for the key.

        Raises:
            LeaseLost: it is for something else.
        """
        if not isinstance(lease, PostgresLease) or lease.name != key:
            raise LeaseLost(f"the lease is for {lease.name}, and not for {key} in this store")
        return lease

    def _lock_of(self, name: str) -> int:
        """Return the number of the lock of a name: locks are shared by the whole database."""
        text = f"suppress {self._connections.schema} {name}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)

    def _acquire(self, connection: PostgresConnection, lock: int, wait: float) -> None:
        """Wait for a lock, in slices: a statement that is not answered means a lost server.

        Raises:
            Held: another has it.
            psycopg.Error: the server cannot be asked.
        """
        end = time.monotonic() + wait
        found = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock]).fetchone()
        longest = min(self._connections.limits.lock_slice, self._connections.timeout / 2)
        while found != (True,):
            left = end - time.monotonic()
            if left <= 0:
                raise Held("another process holds it")
            limit = f"{max(math.ceil(1000 * min(left, longest)), 1)}ms"
            with contextlib.suppress(psycopg.errors.LockNotAvailable), connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [limit])
                connection.execute("SELECT pg_advisory_lock(%s)", [lock])
                found = (True,)

    def _give_back(self, lease: PostgresLease) -> None:
        lease.end()
        with contextlib.suppress(psycopg.Error):
            lease.connection.idles(self._connections.limits.idle, self._connections.timeout)


@contextlib.contextmanager
def _signs_of_life(connection: PostgresConnection, pause: float) -> Iterator[None]:
    """Let the server hear from this process while the block runs, whatever it does."""
    done = threading.Event()

    def give_signs() -> None:
        while not done.wait(min(pause, threading.TIMEOUT_MAX)):
            try:
                connection.execute("SELECT")
            except psycopg.Error as error:
                if is_lost(error):
                    return  # who publishes is told

    thread = threading.Thread(target=give_signs, name="suppress lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
