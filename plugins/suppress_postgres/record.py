"""The record of opt-outs in a database, with its history and its outbox.

A change is in force when its transaction is committed: from then on it is read by everybody, and
is still there after a crash of the server.
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

from suppress import Change, Changes, Forgotten, Overtaken, People, Person, RecordError, Trace
from suppress_postgres.connections import PostgresConnection, PostgresConnections
from suppress_postgres.database import PostgresDatabase, make, state_of
from suppress_postgres.leases import PostgresLease, PostgresLeases
from suppress_postgres.news import TELL, PostgresNews
from suppress_postgres.outbox import PostgresOutbox, put_into_outbox
from suppress_postgres.pages import page_behind, text_of

_CHANGES = (
    "SELECT c.position, action, channel, number, handed_in, region, made_at, wished_at, made_by, "
    "reason, via, reference, correction FROM {} CROSS JOIN LATERAL (SELECT * FROM batch "
    "WHERE batch.position >= c.position ORDER BY batch.position LIMIT 1) AS b {}"
)

_GIVEN = (
    "unnest(%s::bigint[]) WITH ORDINALITY AS given (position, place) "
    "JOIN change AS c USING (position)"
)


class PostgresRecord(PostgresOutbox):
    """Opt-outs in a database; see `suppress.SharedRecord`.

    Args:
        connections: the connections to the database.
    """

    def __init__(self, connections: PostgresConnections) -> None:
        super().__init__(PostgresDatabase(connections))
        self._leases = PostgresLeases(connections)
        self._news = PostgresNews(connections, "record")

    @property
    def where(self) -> str:
        """The URL without the password."""
        return str(self._database.connections.url)

    def identity(self) -> str | None:
        """Return the name that the record has for itself; None where none was ever made."""
        rows = self._query("SELECT id FROM record")
        return rows[0][0] if rows else None

    def append(
        self,
        changes: Sequence[Changes],
        *,
        expected: int | None,
        prepare: Callable[[int], None] = lambda _position: None,
    ) -> int:
        """Append changes, all or none, and put what is to be told into the outbox.

        Where the connection is lost while they are being committed, the server is asked.
        """
        committing = None
        try:
            with self._database.writing() as connection:
                made, position = _next(connection, expected)
                for ordinal, each in enumerate(changes, made):
                    first, position = position, position + each.size
                    self._append(connection, each, first, ordinal)
                    _release(connection, each)
                    put_into_outbox(connection, each)
                prepare(position - 1)
                self._finish(connection, len(changes), position - 1)
                committing = position - 1
        except RecordError as error:
            if committing is None or not self._has(committing, error):
                raise
        return position - 1

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order, a page of them at a time."""
        size = self._database.connections.limits.people
        while True:
            with self._database.reading() as connection:
                page, is_last = page_behind(connection, position, size)
            yield from page
            if is_last:
                return
            position = page[-1].position

    def people(self, positions: Sequence[int]) -> People:
        """Return the people at some positions, in that order."""
        rows = self._query(
            f"SELECT number, handed_in, region FROM {_GIVEN} ORDER BY place",  # noqa: S608
            [list(positions)],
        )
        return People.of([Person(row[0], text_of(row[0], row[1]), row[2]) for row in rows])

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        """Return the changes at some positions, in that order."""
        query = _CHANGES.format(_GIVEN, "ORDER BY place")
        return [_change_of(row) for row in self._query(query, [list(positions)])]

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        """Return the changes of numbers whose last digits are one of these, oldest first."""
        if not endings:
            return []
        query = _CHANGES.format(
            "change AS c", "WHERE right(number, %s) = ANY(%s) ORDER BY c.position"
        )
        rows = self._query(query, [len(min(endings)), list(endings)])
        return [_change_of(row) for row in rows]

    def forget(
        self,
        positions: Sequence[int],
        forgotten: Mapping[str, Mapping[int, bool]],
        *,
        made_at: float,
        expected: int | None,
    ) -> int:
        """Remove the people at some positions, and remember keyed hashes of their readings."""
        with self._database.writing() as connection:
            made, position = _next(connection, expected)
            numbers = _take_out(connection, list(positions))
            connection.execute("DELETE FROM outbox WHERE refused AND number = ANY(%s)", [numbers])
            connection.execute(
                "UPDATE outbox SET forgotten = true WHERE number = ANY(%s)", [numbers]
            )
            forgetting = Changes("forget", "", made_at=made_at, takes_back=positions)
            self._append(connection, forgetting, position, made)
            hasher = Forgotten(_hash_key(connection))
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO forgotten VALUES (%s, %s, %b, %s)",
                    [
                        (position, channel, hasher.hashed(value), is_line)
                        for channel, values in forgotten.items()
                        for value, is_line in values.items()
                    ],
                )
            self._finish(connection, 1, position)
        return position

    def forgotten(self) -> Mapping[str, Forgotten]:
        """Return the keyed hashes that keep opt-outs in force, by channel."""
        found: dict[str, dict[bytes, list[Trace]]] = {}
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT f.channel, hash, position, made_at, is_line FROM forgotten AS f "
                "JOIN batch USING (position) ORDER BY position"
            ).fetchall()
            key = _hash_key(connection) if rows else b""
        for channel, hashed, *trace in rows:
            found.setdefault(channel, {}).setdefault(bytes(hashed), []).append(Trace(*trace))
        return {channel: Forgotten(key, traces) for channel, traces in found.items()}

    def reset(self) -> bool:
        """Do nothing: each machine knows which record is the right one."""
        return False

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[PostgresLease]:
        """Be the only holder of a name while the block runs."""
        return self._leases.exclusive(name, lease, wait=wait)

    def news(self, timeout: float) -> bool:
        """Wait until somebody has changed the record."""
        with self._database.explained():
            return self._news.wait(timeout)

    def after_fork_in_child(self) -> None:
        """Forget the connections of the parent."""
        self._database.connections.after_fork_in_child()
        self._news.after_fork_in_child()

    def close(self) -> None:
        """End the connections."""
        self._database.connections.close()
        self._news.close()

    def _has(self, position: int, error: RecordError) -> bool:
        """Tell whether a batch was committed, though the connection was lost.

        Raises:
            RecordError: nobody can say.
        """
        try:
            # Alone, so that the transaction in question is over.
            with self._database.writing() as connection:
                found = connection.execute("SELECT FROM batch WHERE position = %s", [position])
                return found.fetchone() is not None
        except RecordError:
            raise RecordError(error.reason, error.remedy, unknown=True) from error

    def _append(
        self, connection: PostgresConnection, changes: Changes, first: int, ordinal: int
    ) -> None:
        numbers, texts, regions = changes.people
        connection.execute(
            "INSERT INTO batch VALUES (%s, %s, %s, %s, %s, %s, %s, %s, "
            "%s::bigint[], %s::bigint[], %s, %s, %s, %s, %s)",
            [
                *(first + changes.size - 1, ordinal, changes.size, len(numbers)),
                *(changes.action, changes.channel, float(changes.made_at), changes.correction),
                *(list(changes.takes_back), list(changes.releases)),
                *(changes.evidence.wished_at, *changes.evidence.texts),
            ],
        )
        size = self._database.connections.limits.people
        for start in range(0, len(numbers), size):
            some = slice(start, start + size)
            handed_in = [
                None if text == number else text.encode()
                for number, text in zip(numbers[some], texts[some], strict=True)
            ]
            connection.execute(
                "INSERT INTO change SELECT %s + place - 1, number, handed_in, region "
                "FROM unnest(%s::text[], %s::bytea[], %s::text[]) WITH ORDINALITY "
                "AS given (number, handed_in, region, place)",
                [first + start, list(numbers[some]), handed_in, list(regions[some])],
            )

    def _finish(self, connection: PostgresConnection, made: int, last: int) -> None:
        connection.execute("UPDATE record SET made = made + %s, last = %s", [made, last])
        connection.execute(TELL, [self._news.channel])


def _next(connection: PostgresConnection, expected: int | None) -> tuple[int, int]:
    """Return the count of batches and the position of the next change.

    Raises:
        Overtaken: the last one is not the one that was expected.
    """
    made, last = state_of(connection)
    if made == 0:
        make(connection)
        made, last = state_of(connection)
    if last != expected:
        raise Overtaken
    # By chance, so that a restored database does not come to the same one again.
    return made, (last or 0) + 1 + secrets.randbelow(2**32)


def _hash_key(connection: PostgresConnection) -> bytes:
    row = connection.execute("SELECT hash_key FROM record").fetchone()
    return b"" if row is None else bytes(row[0])


def _take_out(connection: PostgresConnection, positions: list[int]) -> list[str]:
    """Remove people from their batches, and return their numbers.

    The evidence of batches that are empty then goes too.
    """
    gone = connection.execute(
        "DELETE FROM change WHERE position = ANY(%s) RETURNING position, number", [positions]
    ).fetchall()
    connection.execute(
        "UPDATE batch SET people = people - gone.count FROM ("
        "SELECT batch.position, count(*) FROM unnest(%s::bigint[]) AS given (position) "
        "CROSS JOIN LATERAL (SELECT position FROM batch WHERE batch.position >= given.position "
        "ORDER BY position LIMIT 1) AS batch GROUP BY 1) AS gone "
        "WHERE batch.position = gone.position",
        [[position for position, _ in gone]],
    )
    connection.execute(
        "UPDATE batch SET made_by = NULL, reason = NULL, via = NULL, reference = NULL "
        "WHERE people = 0 AND position IN (SELECT (SELECT min(position) FROM batch "
        "WHERE batch.position >= given.position) FROM unnest(%s::bigint[]) AS given (position))",
        [[position for position, _ in gone]],
    )
    return list({number for _, number in gone})


def _release(connection: PostgresConnection, changes: Changes) -> None:
    """Let those be messaged again who were forgotten, and are taken back by a removal."""
    if changes.releases:
        connection.execute(
            "DELETE FROM forgotten WHERE position = ANY(%s) AND channel = %s",
            [list(changes.releases), changes.channel],
        )


def _change_of(row: Sequence[Any]) -> Change:
    """Return one change of a person, from the columns of `_CHANGES`."""
    position, action, channel, number, handed_in, region, made_at, wished_at, *evidence = row
    return Change(
        *(position, action, channel, number, text_of(number, handed_in), region),
        datetime.fromtimestamp(made_at, UTC),
        None if wished_at is None else datetime.fromtimestamp(wished_at, UTC),
        *evidence,
    )
