"""The durable record of opt-outs: a database of SQLite in the store's folder.

What has been appended is on disk before anything else happens with it: it holds in every
process of the machine from then on, and for good, whatever a source says.
"""

import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from suppress.opt_outs.batches import append, changes_in, digest_anew, release, take_out
from suppress.opt_outs.contract import Change, Changes, Overtaken, Replaced, positioned
from suppress.opt_outs.database import Database
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.marks import Marks
from suppress.opt_outs.outbox import SqliteOutbox, give, of_today, put_into_outbox
from suppress.opt_outs.people import ENDING, People, Person
from suppress.opt_outs.schema import VERSION, of_file, version_of
from suppress.stop_list.forgotten import Forgotten, Trace

_ENDS_LIKE_ONE = f"substr(number, -{ENDING}) IN (SELECT value FROM given)"  # noqa: S608
_CHANGES = (
    "SELECT change.position, action, channel, number, ifnull(text, number), region, made_at, "
    "wished_at, correction, made_by, reason, via, reference FROM change JOIN batch ON "
    "batch.position = (SELECT min(position) FROM batch WHERE position >= change.position)"
)


class SqliteRecord(SqliteOutbox):
    """The record of a folder; see `suppress.opt_outs.contract.Record`.

    Args:
        folder: where the database is, or will be.
        lock: keeps other processes from making the database at the same time.
        limits: how long to wait for another process that writes.
        database: the database; None for one that is missed when it is gone.
    """

    def __init__(
        self,
        folder: Path,
        lock: Callable[[], AbstractContextManager[Any]],
        *,
        limits: OptOutLimits = LIMITS,
        database: Database | None = None,
    ) -> None:
        super().__init__(database or Database(folder, lock, limits.max_wait, Marks(folder)))
        self._before: tuple[tuple[int, int], Sequence[Changes]] | None = None

    @property
    def where(self) -> str:
        """The path of the database."""
        return str(self._database.path)

    def append(
        self,
        changes: Sequence[Changes],
        *,
        expected: int | None,
        prepare: Callable[[int], None] = lambda _position: None,
    ) -> int:
        """Append changes, all or none, and put what is to be told into the outbox."""
        with self._database.writing() as database:
            done = positioned(changes, _next(database, expected))
            for each in done:
                append(database, each)
                release(database, each)
                put_into_outbox(database, each)
            prepare(done[-1].position)
            return done[-1].position

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order."""
        with self._database.reading() as database:
            if database is None:
                if position is not None:
                    raise Replaced
                return iter(())
            if version_of(database) < VERSION:
                return iter(self._of_earlier_version(database, position))
            return iter(changes_in(database, position))

    def people(self, positions: Sequence[int]) -> People:
        """Return the people at some positions, in that order."""
        with self._database.reading() as database:
            if database is None:
                return People()
            if version_of(database) < VERSION:
                return self._people_before(positions)
            give(database, positions)
            rows = database.execute(
                "SELECT number, ifnull(text, number), region FROM given "
                "JOIN change ON position = given.value ORDER BY given.rowid"
            ).fetchall()
        return People.of([Person(*row) for row in rows])

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        """Return the changes at some positions, in that order."""
        with self._database.reading() as database:
            if database is None:
                return []
            if version_of(database) < VERSION:
                return self._changes_before(positions)
            give(database, positions)
            return _changes_where(
                database, "JOIN given ON change.position = value ORDER BY given.rowid"
            )

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        """Return the changes of numbers whose last digits are one of these, oldest first."""
        with self._database.reading() as database:
            if database is None:
                return []
            with of_today(database) as today:
                give(today, endings)
                return _changes_where(today, f"WHERE {_ENDS_LIKE_ONE} ORDER BY change.position")

    def forget(
        self,
        positions: Sequence[int],
        forgotten: Mapping[str, Mapping[int, bool]],
        *,
        made_at: float,
        expected: int | None,
    ) -> int:
        """Remove the people at some positions, and remember keyed hashes of their readings."""
        with self._database.writing() as database:
            position = _next(database, expected)
            give(database, positions)
            numbers = database.execute(
                "SELECT DISTINCT number FROM change WHERE position IN (SELECT value FROM given)"
            ).fetchall()
            take_out(database, positions)
            give(database, [number for (number,) in numbers])
            database.execute("DELETE FROM outbox WHERE refused AND number IN (SELECT * FROM given)")
            database.execute(
                "UPDATE outbox SET forgotten = 1 WHERE number IN (SELECT * FROM given)"
            )
            key = of_file(database, "key")
            hasher = Forgotten(key)
            forgetting = Changes(
                "forget", "", made_at=made_at, takes_back=positions, position=position
            )
            append(database, forgetting)
            database.executemany(
                "INSERT INTO forgotten VALUES (?, ?, ?, ?)",
                [
                    (channel, hasher.hashed(value), position, is_line)
                    for channel, values in forgotten.items()
                    for value, is_line in values.items()
                ],
            )
            digest_anew(database, position)
            return position

    def forgotten(self) -> Mapping[str, Forgotten]:
        """Return the keyed hashes that keep opt-outs in force, by channel."""
        with self._database.reading() as database:
            if database is None or version_of(database) < VERSION:
                return {}
            key = of_file(database, "key")
            found: dict[str, dict[bytes, list[Trace]]] = {}
            for channel, hashed, position, made_at, is_line in database.execute(
                "SELECT f.channel, hash, position, made_at, is_line FROM forgotten AS f "
                "JOIN batch USING (position) ORDER BY position"
            ):
                traces = found.setdefault(channel, {}).setdefault(hashed, [])
                traces.append(Trace(position, made_at, bool(is_line)))
            return {channel: Forgotten(key, traces) for channel, traces in found.items()}

    def reset(self) -> bool:
        """Accept that the record is gone or another one, if it is."""
        return self._database.reset()

    def _of_earlier_version(
        self, database: sqlite3.Connection, position: int | None
    ) -> Sequence[Changes]:
        """Return the changes that an earlier version kept; all of them if it has kept more."""
        stamp = self._database.stamp(database)
        if position is not None:
            known, changes = self._before or (None, ())
            if known != stamp or changes[-1].position != position:
                raise Replaced
            return ()
        with of_today(database) as today:
            found = changes_in(today, None)
        self._before = stamp, found
        return found

    def _people_before(self, positions: Sequence[int]) -> People:
        changes = self._changes_before(positions)
        return People.of([Person(each.number, each.text, each.region) for each in changes])

    def _changes_before(self, positions: Sequence[int]) -> list[Change]:
        """Return changes that an earlier version kept: a copy has positions of its own."""
        _, changes = self._before or ((), ())
        wanted = frozenset(positions)
        found = {
            at: each.at(place)
            for each in changes
            for place, at in enumerate(each.positions)
            if at in wanted
        }
        return [found[at] for at in positions if at in found]


def _next(database: sqlite3.Connection, expected: int | None) -> int:
    """Return the position of the next change.

    Raises:
        Overtaken: the last one is not the one that was expected.
    """
    (last,) = database.execute("SELECT max(position) FROM batch").fetchone()
    if last != expected:
        raise Overtaken
    # By chance, so that a restored file does not come to the same one again.
    return (last or 0) + 1 + secrets.randbelow(2**32)


def _changes_where(database: sqlite3.Connection, where: str) -> list[Change]:
    """Return some changes of people, each without the others of its batch."""
    found = []
    for *change, made_at, wished_at, correction, by, reason, via, reference in database.execute(
        f"{_CHANGES} {where}"
    ):
        position, action, channel, number, text, region = change
        found.append(
            Change(
                *(position, action, channel, number, text, region),
                datetime.fromtimestamp(made_at, UTC),
                None if wished_at is None else datetime.fromtimestamp(wished_at, UTC),
                *(by, reason, via, reference),
                correction=bool(correction),
            )
        )
    return found
