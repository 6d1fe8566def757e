"""The changes of a record as rows of its database: a batch, its people, and their digest."""

import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from suppress.opt_outs.contract import Changes, Replaced
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.outbox import give
from suppress.opt_outs.people import People
from suppress.opt_outs.schema import BATCH, append_batch, digest_of, of_file, packed, unpacked


def append(database: sqlite3.Connection, changes: Changes) -> None:
    """Write changes at their positions."""
    ordinal = of_file(database, "made")
    positions, (numbers, texts, regions) = changes.positions, changes.people
    people = [
        (at, number, None if text == number else text, region)
        for at, number, text, region in zip(positions, numbers, texts, regions, strict=True)
    ]
    size = changes.position - positions[0] + 1 if positions else 1
    batch = (
        *(changes.position, ordinal, size, changes.action, changes.channel),
        *(float(changes.made_at), int(changes.correction)),
        *(packed(changes.takes_back), packed(changes.releases)),
        *(changes.evidence.wished_at, *changes.evidence.texts),
    )
    append_batch(database, batch, people)


def changes_in(database: sqlite3.Connection, position: int | None) -> list[Changes]:
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


def take_out(database: sqlite3.Connection, positions: Sequence[int]) -> None:
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
        digest_anew(database, position)


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


def digest_anew(database: sqlite3.Connection, position: int) -> None:
    """Give a batch the digest of what it is now."""
    digest = _digest_now(database, position)
    database.execute("UPDATE batch SET digest = ? WHERE position = ?", (digest, position))


def release(database: sqlite3.Connection, changes: Changes) -> None:
    """Let those be messaged again who were forgotten, and are taken back by a removal."""
    for position in changes.releases:
        database.execute(
            "DELETE FROM forgotten WHERE position = ? AND channel = ?",
            (position, changes.channel),
        )
        digest_anew(database, position)
