"""The durable record of opt-outs: a database of SQLite in the store's folder.

What has been appended is on disk before anything else happens with it: it holds in every
process of the machine from then on, and for good, whatever a source says.
"""

import itertools
import secrets
import sqlite3
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from suppress.opt_outs.contract import (
    Change,
    Changes,
    Overtaken,
    Replaced,
)
from suppress.opt_outs.database import Database
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.outbox import SqliteOutbox, give, of_today, put_into_outbox
from suppress.opt_outs.people import ENDING, People, Person
from suppress.opt_outs.schema import (
    BATCH,
    VERSION,
    append_batch,
    digest_of,
    of_file,
    packed,
    unpacked,
    version_of,
)
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
    """

    def __init__(
        self,
        folder: Path,
        lock: Callable[[], AbstractContextManager[Any]],
        *,
        limits: OptOutLimits = LIMITS,
    ) -> None:
        super().__init__(Database(folder, lock, limits.max_wait))
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
            position = _next(database, expected)
            for each in changes:
                first, position = position, position + each.size
                _append(database, each, first)
                _release(database, each)
                put_into_outbox(database, each)
            prepare(position - 1)
            return position - 1

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order."""
        with self._database.reading() as database:
            if database is None:
                if position is not None:
                    raise Replaced
                return iter(())
            if version_of(database) < VERSION:
                return iter(self._of_earlier_version(database, position))
            return iter(_changes(database, position))

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
            _take_out(database, positions)
            give(database, [number for (number,) in numbers])
            database.execute("DELETE FROM outbox WHERE refused AND number IN (SELECT * FROM given)")
            database.execute(
                "UPDATE outbox SET forgotten = 1 WHERE number IN (SELECT * FROM given)"
            )
            key = of_file(database, "key")
            hasher = Forgotten(key)
            _append(
                database, Changes("forget", "", made_at=made_at, takes_back=positions), position
            )
            database.executemany(
                "INSERT INTO forgotten VALUES (?, ?, ?, ?)",
                [
                    (channel, hasher.hashed(value), position, is_line)
                    for channel, values in forgotten.items()
                    for value, is_line in values.items()
                ],
            )
            _digest_anew(database, position)
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
            found = _changes(today, None)
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


def _append(database: sqlite3.Connection, changes: Changes, first: int) -> None:
    ordinal = of_file(database, "made")
    numbers, texts, regions = changes.people
    people = [
        (at, number, None if text == number else text, region)
        for at, number, text, region in zip(itertools.count(first), numbers, texts, regions)
    ]
    batch = (
        *(first + changes.size - 1, ordinal, len(numbers), changes.action, changes.channel),
        *(float(changes.made_at), int(changes.correction)),
        *(packed(changes.takes_back), packed(changes.releases)),
        *(changes.evidence.wished_at, *changes.evidence.texts),
    )
    append_batch(database, batch, people)


def _changes(database: sqlite3.Connection, position: int | None) -> list[Changes]:
    """Return the changes behind a position, each held against its digest."""
    after, ordinal = -1, 0
    if position is not None:
        row = database.execute(
            "SELECT ordinal FROM batch WHERE position = ?", (position,)
        ).fetchone()
        if row is None:
            raise Replaced
        after, ordinal = position, row[0] + 1
    batches = database.execute(
        f"SELECT {BATCH}, digest FROM batch WHERE position > ? ORDER BY position",  # noqa: S608
        (after,),
    ).fetchall()
    made = of_file(database, "made")
    if [batch[1] for batch in batches] != list(range(ordinal, made)):
        raise sqlite3.DatabaseError("it is damaged")
    if not batches:
        return []
    rows = database.execute("SELECT * FROM change WHERE position > ?", (after,)).fetchall()
    found, start = [], 0
    for *batch, digest in batches:
        end = bisect_right(rows, batch[0], start, key=itemgetter(0))
        people = rows[start:end]
        if digest_of(batch, people, _more(database, batch)) != digest:
            raise sqlite3.DatabaseError("it is damaged")
        found.append(_changes_of(batch, people))
        start = end
    if start < len(rows):
        raise sqlite3.DatabaseError("it is damaged")
    return found


def _more(database: sqlite3.Connection, batch: Sequence[Any]) -> object:
    """Return what belongs to a batch beside its people: the hashes that it has left."""
    if batch[3] != "forget":
        return None
    rows = database.execute(
        "SELECT channel, hash, is_line FROM forgotten WHERE position = ? ORDER BY 1, 2",
        (batch[0],),
    ).fetchall()
    return database.execute("SELECT key FROM file").fetchone(), rows


def _changes_of(batch: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Changes:
    position, _, _, action, channel, made_at, correction, takes_back, releases, *evidence = batch
    positions, numbers, texts, regions = zip(*rows, strict=True) if rows else ((), (), (), ())
    if None in texts:
        kept = zip(numbers, texts, strict=True)
        texts = tuple(number if text is None else text for number, text in kept)
    return Changes(
        action,
        channel,
        People(numbers, texts, regions),
        made_at,
        Evidence(*evidence),
        correction=bool(correction),
        takes_back=unpacked(takes_back),
        releases=unpacked(releases),
        positions=positions,
        position=position,
    )


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


def _take_out(database: sqlite3.Connection, positions: Sequence[int]) -> None:
    """Remove people from their batches; the evidence of those that are empty then goes too."""
    query = "SELECT position, size FROM batch WHERE position >= ? ORDER BY position LIMIT 1"
    batches = {database.execute(query, (each,)).fetchone() for each in positions}
    for position, _ in batches:
        # Damage is not to get a digest of its own.
        found = database.execute("SELECT digest FROM batch WHERE position = ?", (position,))
        if found.fetchone() != (_digest_now(database, position),):
            raise sqlite3.DatabaseError("it is damaged")
    give(database, positions)
    database.execute("DELETE FROM change WHERE position IN (SELECT value FROM given)")
    for position, size in batches:
        left = database.execute(
            "SELECT 1 FROM change WHERE position > ? AND position <= ? LIMIT 1",
            (position - size, position),
        ).fetchone()
        if left is None:
            database.execute(
                "UPDATE batch SET made_by = NULL, reason = NULL, via = NULL, reference = NULL "
                "WHERE position = ?",
                (position,),
            )
        _digest_anew(database, position)


def _digest_now(database: sqlite3.Connection, position: int) -> bytes:
    """Return the digest of a batch as it is now."""
    batch = database.execute(
        f"SELECT {BATCH} FROM batch WHERE position = ?",  # noqa: S608
        (position,),
    ).fetchone()
    people = database.execute(
        "SELECT * FROM change WHERE position > ? AND position <= ?",
        (position - batch[2], position),
    ).fetchall()
    return digest_of(batch, people, _more(database, batch))


def _digest_anew(database: sqlite3.Connection, position: int) -> None:
    digest = _digest_now(database, position)
    database.execute("UPDATE batch SET digest = ? WHERE position = ?", (digest, position))


def _release(database: sqlite3.Connection, changes: Changes) -> None:
    """Let those be messaged again who were forgotten, and are taken back by a removal."""
    for position in changes.releases:
        database.execute(
            "DELETE FROM forgotten WHERE position = ? AND channel = ?",
            (position, changes.channel),
        )
        _digest_anew(database, position)
