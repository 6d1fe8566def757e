"""Transactions on the record of opt-outs: one at a time changes it, and readers see one state."""

import contextlib
import secrets
from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from suppress import RecordError
from suppress_postgres.connections import (
    PostgresConnection,
    PostgresConnections,
    in_words,
    is_lost,
)


class RecordState(NamedTuple):
    """The extent of the record.

    Attributes:
        made: how many batches there are.
        last: the position of the latest; None where there is none.
    """

    made: int
    last: int | None


class PostgresDatabase:
    """The database of a record.

    Args:
        connections: the connections to it.
    """

    def __init__(self, connections: PostgresConnections) -> None:
        self.connections = connections

    @contextlib.contextmanager
    def reading(self) -> Iterator[PostgresConnection]:
        """Give a connection in a transaction that sees one state.

        Raises:
            RecordError: the database cannot be asked.
        """
        with self.explained(), self.connections.borrowed() as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[PostgresConnection]:
        """Give a connection in a transaction that alone changes the record.

        Raises:
            RecordError: the database cannot be asked, or others write for too long.
        """
        with self.explained(), self.connections.borrowed() as connection, connection.transaction():
            connection.execute("SELECT FROM record FOR UPDATE")
            yield connection

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Raise what goes wrong as an error that says what to do.

        Raises:
            RecordError: in place of an error of the database.
        """
        try:
            yield
        except psycopg.Error as error:
            raise RecordError(in_words(error), _remedy(error)) from error


def state_of(connection: PostgresConnection) -> RecordState:
    """Return the extent of the record."""
    row = connection.execute("SELECT made, last FROM record").fetchone()
    return RecordState(0, None) if row is None else RecordState(*row)


def make(connection: PostgresConnection) -> None:
    """Have a record, and be alone in changing it.

    Both of its secrets are made by chance: its name, which a backup keeps, and the key of its
    hashes.
    """
    connection.execute(
        "INSERT INTO record (id, hash_key) VALUES (%s, %b) ON CONFLICT DO NOTHING",
        [secrets.token_hex(16), secrets.token_bytes(32)],
    )
    connection.execute("SELECT FROM record FOR UPDATE")


def damaged(what: str) -> RecordError:
    """Return the error of a record that is not what was written."""
    return RecordError(
        f"it is damaged: {what}", "Restore the schema, all tables of it, from a backup."
    )


def _remedy(error: psycopg.Error) -> str:
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return "Others are writing. Try again."
    if is_lost(error):
        return "See that the server runs, and can be reached from here. Then try again."
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return "Grant the role what the page on PostgreSQL says."
    return "See what the server's log says of it."
