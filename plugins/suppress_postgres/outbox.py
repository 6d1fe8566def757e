"""The outbox in a database: what the sources have not been told yet."""

from collections.abc import Collection, Sequence
from typing import Any

from suppress import Action, Backlog, Changes, Destination, PendingChange
from suppress_postgres.connections import PostgresConnection
from suppress_postgres.database import PostgresDatabase

_OUTBOX = (
    "SELECT o.id, source, account, action, channel, number, made_at, tries, tried_at, error, "
    "refused FROM outbox AS o JOIN destination AS d ON d.id = o.destination "
)

_NOT_RESTING = (
    " AND NOT (o.refused AND o.tried_at > %s AND o.tried_at <= %s) AND NOT EXISTS ("
    "SELECT FROM outbox AS r WHERE r.number = o.number AND r.channel = o.channel AND "
    "r.destination = o.destination AND r.id < o.id AND r.refused AND r.tried_at > %s "
    "AND r.tried_at <= %s)"
)


class PostgresOutbox:
    """The outbox of a database; see `suppress.Record`.

    Args:
        database: where it is.
    """

    def __init__(self, database: PostgresDatabase) -> None:
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
        where = "WHERE source = %s AND account = %s AND o.id > %s"
        values: list[Any] = [*destination, after]
        if channels is not None:
            where += " AND channel = ANY(%s)"
            values.append(list(channels))
        if refused_before is not None:
            where += _NOT_RESTING
            values += [refused_before, now] * 2
        return self._pending(f"{where} ORDER BY o.id LIMIT %s", [*values, limit])

    def next_refused(
        self, destination: Destination, *, channels: Collection[str], now: float
    ) -> float | None:
        """Return when the earliest refusal up to now was; None where there is none."""
        found = self._pending(
            "WHERE o.refused AND source = %s AND account = %s AND tried_at <= %s "
            "AND channel = ANY(%s) ORDER BY tried_at LIMIT 1",
            [*destination, now, list(channels)],
        )
        return found[0].tried_at if found else None

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        """Return those numbers of which a destination has not been told something yet."""
        rows = self._query(
            "SELECT DISTINCT number FROM outbox AS o JOIN destination AS d ON d.id = o.destination "
            "WHERE source = %s AND account = %s AND channel = %s AND number = ANY(%s)",
            [*destination, channel, list(numbers)],
        )
        return {number for (number,) in rows}

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Remove from the outbox what was told and taken."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM outbox WHERE id = ANY(%s)", [list(ids)])

    def reject(self, ids: Sequence[int], error: str, now: float, *, refused: bool) -> None:
        """Note that something was not taken, and why."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE outbox SET tries = tries + 1, tried_at = %s, error = %s, refused = %s "
                "WHERE id = ANY(%s)",
                [now, error.replace("\0", "\ufffd"), refused, list(ids)],
            )
            connection.execute(
                "DELETE FROM outbox WHERE id = ANY(%s) AND refused AND forgotten", [list(ids)]
            )

    def destinations(self) -> list[Destination]:
        """Return those for whom something waits, in order."""
        rows = self._query(
            "SELECT source, account FROM destination AS d WHERE EXISTS "
            "(SELECT FROM outbox WHERE destination = d.id)"
        )
        # The order of texts in the database depends on its collation.
        return sorted(Destination(*row) for row in rows)

    def backlog(self) -> list[Backlog]:
        """Count what waits, by destination, action and channel, in order."""
        rows = self._query(
            "SELECT source, account, action, channel, count(*), count(*) FILTER (WHERE refused), "
            "min(made_at), max(tries), (array_agg(error ORDER BY tried_at DESC) "
            "FILTER (WHERE error IS NOT NULL))[1] "
            "FROM outbox AS o JOIN destination AS d ON d.id = o.destination "
            "GROUP BY d.id, action, channel ORDER BY min(o.id)"
        )
        return [Backlog(*row) for row in rows]

    def _pending(self, where: str, values: Sequence[Any]) -> list[PendingChange]:
        return [PendingChange(*row) for row in self._query(_OUTBOX + where, values)]

    def _query(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._database.reading() as connection:
            return connection.execute(query.encode(), values).fetchall()


def put_into_outbox(connection: PostgresConnection, changes: Changes) -> None:
    """Write down what each destination is to be told of some changes."""
    opposite: Action = "remove" if changes.action == "add" else "add"
    for destination, numbers in changes.tell.items():
        find = "SELECT id FROM destination WHERE source = %s AND account = %s"
        if (found := connection.execute(find, destination).fetchone()) is None:
            found = connection.execute(
                "INSERT INTO destination (source, account) VALUES (%s, %s) RETURNING id",
                destination,
            ).fetchone()
        assert found is not None  # noqa: S101 - it was just inserted
        refused = connection.execute(
            "DELETE FROM outbox WHERE refused AND destination = %s AND action = %s "
            "AND channel = %s AND number = ANY(%s) RETURNING number",
            [found[0], opposite, changes.channel, list(numbers)],
        ).fetchall()
        never_had = {number for (number,) in refused} if changes.action == "remove" else set()
        connection.execute(
            "INSERT INTO outbox (destination, action, channel, number, made_at) "
            "SELECT %s, %s, %s, number, %s FROM unnest(%s::text[]) WITH ORDINALITY "
            "AS told (number, place) ORDER BY place",
            [
                *(found[0], changes.action, changes.channel, changes.made_at),
                [each for each in numbers if each not in never_had],
            ],
        )
