"""News by LISTEN, on a connection that does nothing else."""

import contextlib
import threading
import time

from psycopg import sql

from suppress_postgres.connections import PostgresConnection, PostgresConnections

TELL = "SELECT pg_notify(%s, '')"
"""The statement that tells everybody who listens to a channel, once it is committed."""


class PostgresNews:
    """The news of one channel; one thread waits for them.

    Args:
        connections: the connections to the database.
        subject: the word for what the news are about.
    """

    def __init__(self, connections: PostgresConnections, subject: str) -> None:
        self.channel = f"{connections.schema}_{subject}"
        self._connections = connections
        self._waiting = threading.Lock()
        self._listening: PostgresConnection | None = None
        self._heard_at = 0.0

    def wait(self, timeout: float) -> bool:
        """Wait for news; True at once where some may have been missed.

        Raises:
            psycopg.Error: the connection cannot be made, or is lost.
        """
        with self._waiting:
            if self._listening is None:
                self._listen()
                return True
            try:
                return self._heard(self._listening, time.monotonic() + timeout)
            except BaseException:
                self._end()
                raise

    def after_fork_in_child(self) -> None:
        """Forget the connection of the parent."""
        self._waiting = threading.Lock()
        self._listening = None

    def close(self) -> None:
        """End the connection, which nobody may wait on any more."""
        with self._waiting:
            self._end()

    def _end(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _listen(self) -> None:
        connection = self._connections.connected()
        try:
            connection.idles(0, self._connections.timeout)
            connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self.channel)))
        except BaseException:
            connection.close()
            raise
        self._listening, self._heard_at = connection, time.monotonic()

    def _heard(self, connection: PostgresConnection, end: float) -> bool:
        limits = self._connections.limits
        longest = min(limits.listening_ping, self._connections.timeout / 2)
        while True:
            left = max(end - time.monotonic(), 0)
            with contextlib.closing(
                connection.notifies(timeout=min(left, longest), stop_after=1)
            ) as notices:
                if any(True for _ in notices):
                    self._heard_at = time.monotonic()
                    return True
            # A connection that is cut somewhere on its way is as silent as one without news.
            if time.monotonic() - self._heard_at >= longest:
                connection.execute("SELECT")
                self._heard_at = time.monotonic()
            if time.monotonic() >= end:
                return False
