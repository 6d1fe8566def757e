"""The store in a database: bytes by key, published under a lease, with news for everybody."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

import psycopg

from suppress import Lease, LeaseLost, PartGone, StoreError
from suppress_postgres.connections import PostgresConnection, PostgresConnections, in_words, is_lost
from suppress_postgres.leases import PostgresLease, PostgresLeases
from suppress_postgres.news import TELL, PostgresNews


class PostgresRemote:
    """Snapshots in a database; see `suppress.Remote`.

    Args:
        connections: the connections to the database.
    """

    def __init__(self, connections: PostgresConnections) -> None:
        self._connections = connections
        self._leases = PostgresLeases(connections)
        self._news = PostgresNews(connections, "store")

    def head(self, key: str) -> bytes | None:
        """Return the head that was published last."""
        return self._content("SELECT content FROM head WHERE key = %s", [key])

    def part(self, key: str, digest: str) -> Iterator[bytes]:
        """Yield the bytes of a part, each piece by a statement of its own."""
        query = "SELECT id, chunks FROM part WHERE key = %s AND digest = %s"
        with self._asking() as connection:
            part = connection.execute(query, [key, digest]).fetchone()
        if part is None:
            raise PartGone("another snapshot was published")
        of_part = "SELECT content FROM chunk WHERE part = %s AND number = %s"
        for number in range(part[1]):
            piece = self._content(of_part, [part[0], number])
            if piece is None:
                raise PartGone("another snapshot was published")
            yield piece

    def publish(
        self, key: str, head: bytes, parts: Mapping[str, Iterable[bytes]], lease: Lease
    ) -> None:
        """Replace the head, with what it needs, in one transaction of the holder's connection."""
        with self._changing(key, lease) as connection:
            known = connection.execute("SELECT digest FROM part WHERE key = %s", [key]).fetchall()
            for digest, pieces in parts.items():
                if (digest,) not in known:
                    self._send(connection, key, digest, pieces)
            connection.execute(
                "INSERT INTO head VALUES (%s, %b, now()) ON CONFLICT (key) DO UPDATE "
                "SET content = excluded.content, published_at = now()",
                [key, head],
            )
            connection.execute("DELETE FROM failure WHERE key = %s", [key])
            self._sweep(connection, key, list(parts))

    def discard(self, key: str, lease: Lease) -> None:
        """Remove the head and its parts."""
        with self._changing(key, lease) as connection:
            connection.execute("DELETE FROM head WHERE key = %s", [key])
            connection.execute("DELETE FROM part WHERE key = %s", [key])

    def failure(self, key: str) -> bytes | None:
        """Return the failure that was kept since the head was published."""
        return self._content("SELECT content FROM failure WHERE key = %s", [key])

    def fail(self, key: str, failure: bytes) -> None:
        """Keep a failure until a head is published."""
        with self._asking() as connection, connection.transaction():
            connection.execute(
                "INSERT INTO failure VALUES (%s, %b, now()) ON CONFLICT (key) DO UPDATE "
                "SET content = excluded.content, failed_at = now()",
                [key, failure],
            )
            connection.execute(TELL, [self._news.channel])

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[PostgresLease]:
        """Be the only holder of the name while the block runs."""
        return self._leases.exclusive(name, lease, wait=wait)

    def announce(self) -> None:
        """Tell everybody that there may be news."""
        with self._asking() as connection:
            connection.execute(TELL, [self._news.channel])

    def news(self, timeout: float) -> bool:
        """Wait for a change by anybody."""
        with _explained():
            return self._news.wait(timeout)

    def describe(self) -> str:
        """Return the URL without the password."""
        return str(self._connections.url)

    def after_fork_in_child(self) -> None:
        """Forget the connections of the parent."""
        self._connections.after_fork_in_child()
        self._news.after_fork_in_child()

    def close(self) -> None:
        """End the connections."""
        self._connections.close()
        self._news.close()

    @contextlib.contextmanager
    def _asking(self) -> Iterator[PostgresConnection]:
        with _explained(), self._connections.borrowed() as connection:
            yield connection

    @contextlib.contextmanager
    def _changing(self, key: str, lease: Lease) -> Iterator[PostgresConnection]:
        """Give the connection of the lease, in a transaction that ends with an announcement.

        Raises:
            LeaseLost: the lease is not held any more, or is for something else.
            StoreError: it cannot be written.
        """
        held = self._leases.held(lease, key)
        connection = held.connection
        with _explained():
            held.check()
            with connection.transaction():
                # Again, as a pooler may have given the transaction another connection.
                held.check()
                try:
                    yield connection
                    connection.execute(TELL, [self._news.channel])
                except psycopg.Error as error:
                    if not is_lost(error):
                        raise
                    connection.close()
                    raise LeaseLost(
                        f"the lease for {key} has ended with its connection: {in_words(error)}"
                    ) from error

    def _content(self, query: str, values: list[object]) -> bytes | None:
        with self._asking() as connection, connection.cursor(binary=True) as cursor:
            row = cursor.execute(query.encode(), values).fetchone()
        return None if row is None else bytes(row[0])

    def _send(
        self, connection: PostgresConnection, key: str, digest: str, pieces: Iterable[bytes]
    ) -> None:
        """Write a part, in pieces of one size: each is a statement, and a sign of life."""
        row = connection.execute(
            "INSERT INTO part (key, digest, chunks) VALUES (%s, %s, 0) RETURNING id", [key, digest]
        ).fetchone()
        assert row is not None  # noqa: S101 - the statement returns one
        number = -1
        for number, chunk in enumerate(_chunks(pieces, self._connections.limits.chunk)):
            connection.execute("INSERT INTO chunk VALUES (%s, %s, %b)", [row[0], number, chunk])
        connection.execute("UPDATE part SET chunks = %s WHERE id = %s", [number + 1, row[0]])

    def _sweep(self, connection: PostgresConnection, key: str, named: list[str]) -> None:
        """Remove the parts that no reader needs any more, and the keys that nobody publishes."""
        limits = self._connections.limits
        connection.execute(
            "UPDATE part SET unnamed_since = CASE WHEN digest = ANY(%s) THEN NULL ELSE now() END "
            "WHERE key = %s AND (digest = ANY(%s)) = (unnamed_since IS NOT NULL)",
            [named, key, named],
        )
        connection.execute(
            "DELETE FROM part WHERE key = %s AND unnamed_since < now() - make_interval(secs => %s)",
            [key, limits.orphan_age],
        )
        connection.execute(
            "WITH unused AS (SELECT key FROM head WHERE key <> %s "
            "AND published_at < now() - make_interval(secs => %s) FOR UPDATE SKIP LOCKED), "
            "gone AS (DELETE FROM part WHERE key IN (SELECT key FROM unused)) "
            "DELETE FROM head WHERE key IN (SELECT key FROM unused)",
            [key, limits.unused_age],
        )
        connection.execute(
            "DELETE FROM failure WHERE failed_at < now() - make_interval(secs => %s)",
            [limits.unused_age],
        )


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Raise what goes wrong with the database as an error of the store."""
    try:
        yield
    except psycopg.Error as error:
        raise StoreError(in_words(error)) from error


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Give the same bytes in chunks of one size, but for the last."""
    gathered = bytearray()
    for piece in pieces:
        view = memoryview(piece).cast("B")
        for start in range(0, len(view), size):
            gathered += view[start : start + size]
            while len(gathered) >= size:
                yield bytes(gathered[:size])
                del gathered[:size]
    if gathered:
        yield bytes(gathered)
