"""The outbox of a database of opt-outs: what the sources have not been told yet."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from suppress.opt_outs.contract import (
    Action,
    Backlog,
    Changes,
    Destination,
    PendingChange,
)
from suppress.opt_outs.database import Database
from suppress.opt_outs.schema import VERSION, migrate, version_of

_COLUMNS = (
    "o.id, source, account, action, channel, number, made_at, tries, tried_at, error, refused"
)


_NOT_RESTING = (
    "AND NOT (o.refused AND o.tried_at > ? AND o.tried_at <= ?) AND NOT EXISTS ("
    "SELECT 1 FROM outbox AS r WHERE r.number = o.number AND r.channel = o.channel AND "
    "r.destination = o.destination AND r.id < o.id AND r.refused AND r.tried_at > ? "
    "AND r.tried_at <= ?)"
)


class SqliteOutbox:
    """The outbox of a database; see `suppress.opt_outs.contract.Record`.

    Args:
        database: the database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(
        self,
        destination: Destination,
        *,
        channels: Collection[str] | None = None,
        refused_before: float | None = None,
        now: float = 0.0,
        after: int = 0,
        limit: int = 1000,
    ) -> list[PendingChange]:
        """Return a page of what a destination has not been told, in order."""
        conditions, values = [], [*destination, after]
        if channels is not None:
            conditions.append(f"AND channel IN ({', '.join('?' * len(channels))})")
            values += channels
        if refused_before is not None:
            conditions.append(_NOT_RESTING)
            values += [refused_before, now] * 2
        where = (
            "WHERE o.destination = (SELECT id FROM destination WHERE source = ? AND account = ?) "
            "AND o.id > ?"
        )
        return self._pending(
            " ".join([where, *conditions, "ORDER BY o.id LIMIT ?"]), [*values, limit]
        )

    def next_refused(
        self, destination: Destination, *, channels: Collection[str], now: float
    ) -> float | None:
        """Return when the earliest refusal up to now was; None where there is none."""
        found = self._pending(
            "WHERE o.refused AND source = ? AND account = ? AND tried_at <= ? "
            f"AND channel IN ({', '.join('?' * len(channels))}) ORDER BY tried_at LIMIT 1",
            [*destination, now, *channels],
        )
        return found[0].tried_at if found else None

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        """Return those numbers of which a destination has not been told something yet."""
        with self._database.reading() as database:
            if database is None:
                return set()
            with of_today(database) as today:
                give(today, numbers)
                rows = today.execute(
                    "SELECT DISTINCT number FROM outbox WHERE destination = (SELECT id FROM "
                    "destination WHERE source = ? AND account = ?) AND channel = ? "
                    "AND number IN (SELECT value FROM given)",
                    (*destination, channel),
                ).fetchall()
        return {number for (number,) in rows}

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Remove from the outbox what was told and taken."""
        with self._database.writing() as database:
            database.executemany("DELETE FROM outbox WHERE id = ?", ((each,) for each in ids))

    def reject(self, ids: Sequence[int], error: str, now: float, *, refused: bool) -> None:
        """Note that something was not taken, and why."""
        with self._database.writing() as database:
            database.executemany(
                "UPDATE outbox SET tries = tries + 1, tried_at = ?, error = ?, refused = ? "
                "WHERE id = ?",
                [(now, error, refused, each) for each in ids],
            )
            database.executemany(
                "DELETE FROM outbox WHERE id = ? AND refused AND forgotten",
                ((each,) for each in ids),
            )

    def destinations(self) -> list[Destination]:
        """Return those for whom something waits, in order."""
        rows = self._query(
            "SELECT source, account FROM destination WHERE EXISTS (SELECT 1 FROM outbox "
            "WHERE destination = destination.id) ORDER BY 1, 2"
        )
        return [Destination(*row) for row in rows]

    def backlog(self) -> list[Backlog]:
        """Count what waits, by destination, action and channel, in order."""
        rows = self._query(
            "SELECT source, account, action, channel, count(*), sum(refused), min(made_at), "
            "max(tries), (SELECT error FROM outbox WHERE error IS NOT NULL AND destination = "
            "o.destination AND action = o.action AND channel = o.channel ORDER BY tried_at DESC) "
            "FROM outbox AS o JOIN destination AS d ON d.id = o.destination "
            "GROUP BY o.destination, action, channel ORDER BY min(o.id)"
        )
        return [Backlog(*row) for row in rows]

    def _pending(self, query: str, values: Sequence[Any]) -> list[PendingChange]:
        rows = self._query(
            f"SELECT {_COLUMNS} FROM outbox AS o JOIN destination AS d "  # noqa: S608
            f"ON d.id = o.destination {query}",
            values,
        )
        return [replace(PendingChange(*row), refused=bool(row[-1])) for row in rows]

    def _query(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._database.reading() as database:
            if database is None:
                return []
            with of_today(database) as today:
                return today.execute(query, values).fetchall()


@contextlib.contextmanager
def of_today(database: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Give the database, or a copy in memory where an earlier version has written it."""
    if version_of(database) == VERSION:
        yield database
        return
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        database.backup(copy)
        migrate(copy)
        yield copy


def put_into_outbox(database: sqlite3.Connection, changes: Changes) -> None:
    """Write down what each destination is to be told of some changes."""
    opposite: Action = "remove" if changes.action == "add" else "add"
    for destination, numbers in changes.tell.items():
        database.execute(
            "INSERT OR IGNORE INTO destination (source, account) VALUES (?, ?)", destination
        )
        (id_,) = database.execute(
            "SELECT id FROM destination WHERE source = ? AND account = ?", destination
        ).fetchone()
        refused = _drop_refused(database, id_, opposite, changes.channel, numbers)
        never_had = refused if changes.action == "remove" else ()
        told = [each for each in numbers if each not in never_had] if never_had else numbers
        database.execute(
            "INSERT INTO outbox (destination, action, channel, number, made_at) "
            "SELECT ?, ?, ?, value, ? FROM json_each(?)",
            (id_, changes.action, changes.channel, changes.made_at, _document(told)),
        )


def _drop_refused(
    database: sqlite3.Connection,
    destination: int,
    action: Action,
    channel: str,
    numbers: Sequence[str],
) -> set[str]:
    """Remove what a destination has refused of some numbers, and return these."""
    if database.execute("SELECT 1 FROM outbox WHERE refused LIMIT 1").fetchone() is None:
        return set()
    give(database, numbers)
    where = (
        "WHERE refused AND destination = ? AND action = ? AND channel = ? "
        "AND number IN (SELECT value FROM given)"
    )
    values = destination, action, channel
    rows = database.execute(f"SELECT number FROM outbox {where}", values).fetchall()  # noqa: S608
    database.execute(f"DELETE FROM outbox {where}", values)  # noqa: S608
    return {number for (number,) in rows}


def give(database: sqlite3.Connection, values: Iterable[str | int]) -> None:
    """Hand values over to the statements that follow, as the table `given`."""
    database.execute("CREATE TEMP TABLE IF NOT EXISTS given (value)")
    database.execute("DELETE FROM given")
    database.execute("INSERT INTO given SELECT value FROM json_each(?)", (_document(values),))


def _document(values: Iterable[str | int]) -> str:
    """Return values as a text that SQLite takes apart, much faster than it binds each."""
    return msgspec.json.encode(list(values)).decode()
