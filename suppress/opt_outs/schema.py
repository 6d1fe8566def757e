"""The tables of a database of opt-outs, and the steps to them from those of earlier versions."""

import hashlib
import itertools
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import msgspec

# One step from each version of the database to the next; the version is how many were taken.
_STEPS = (
    """
    CREATE TABLE opt_out (
        number TEXT NOT NULL, channel TEXT NOT NULL,
        added_at REAL NOT NULL, removed_at REAL, change INTEGER NOT NULL,
        PRIMARY KEY (number, channel)
    ) WITHOUT ROWID;
    CREATE INDEX opt_out_change ON opt_out (change, removed_at);
    CREATE TABLE file (id TEXT NOT NULL);
    INSERT INTO file VALUES (hex(randomblob(16)));
    CREATE TABLE waiting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL, account TEXT NOT NULL, action TEXT NOT NULL,
        channel TEXT NOT NULL, number TEXT NOT NULL, since REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0, tried_at REAL, error TEXT,
        refused INTEGER NOT NULL DEFAULT 0
    );
    """,
    """
    CREATE TABLE handed_in (
        id INTEGER PRIMARY KEY,
        number TEXT NOT NULL, channel TEXT NOT NULL, text TEXT NOT NULL, region TEXT NOT NULL,
        added_at REAL NOT NULL, removed_at REAL, change INTEGER NOT NULL,
        UNIQUE (number, channel, text, region)
    );
    INSERT INTO handed_in (number, channel, text, region, added_at, removed_at, change)
        SELECT number, channel, '', '', added_at, removed_at, change FROM opt_out;
    DROP TABLE opt_out;
    ALTER TABLE handed_in RENAME TO opt_out;
    CREATE INDEX opt_out_change ON opt_out (change, removed_at);
    """,
    """
    CREATE INDEX waiting_number ON waiting (number, channel);
    CREATE TABLE change (id INTEGER PRIMARY KEY);
    INSERT INTO change SELECT DISTINCT change FROM opt_out;
    """,
    # The people of a batch are the rows of `change` up to its position, as many as its size, but
    # for those who were forgotten. Its digest is of all that belongs to it, since SQLite keeps no
    # sums. `made` in `file` counts the batches, so that none can be missing.
    """
    DROP TABLE change;
    CREATE TABLE batch (
        position INTEGER PRIMARY KEY, ordinal INTEGER NOT NULL, size INTEGER NOT NULL,
        action TEXT NOT NULL, channel TEXT NOT NULL, made_at REAL NOT NULL,
        correction INTEGER NOT NULL, takes_back BLOB NOT NULL, releases BLOB NOT NULL,
        wished_at REAL, made_by TEXT, reason TEXT, via TEXT, reference TEXT,
        digest BLOB NOT NULL
    );
    CREATE TABLE change (
        position INTEGER PRIMARY KEY, number TEXT NOT NULL, text TEXT, region TEXT NOT NULL
    );
    CREATE TABLE forgotten (
        channel TEXT NOT NULL, hash BLOB NOT NULL, position INTEGER NOT NULL,
        is_line INTEGER NOT NULL,
        PRIMARY KEY (position, channel, hash)
    ) WITHOUT ROWID;
    ALTER TABLE file ADD COLUMN key BLOB;
    ALTER TABLE file ADD COLUMN made INTEGER NOT NULL DEFAULT 0;
    UPDATE file SET key = randomblob(32);
    CREATE TABLE destination (
        id INTEGER PRIMARY KEY, source TEXT NOT NULL, account TEXT NOT NULL,
        UNIQUE (source, account)
    );
    INSERT INTO destination (source, account)
        SELECT DISTINCT source, account FROM waiting ORDER BY 1, 2;
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        destination INTEGER NOT NULL, action TEXT NOT NULL, channel TEXT NOT NULL,
        number TEXT NOT NULL, made_at REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
        tried_at REAL, error TEXT, refused INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0
    );
    INSERT INTO outbox
        SELECT waiting.id, destination.id, action, channel, number, since, tries, tried_at,
            error, refused, 0
        FROM waiting JOIN destination USING (source, account) ORDER BY waiting.id;
    DROP TABLE waiting;
    CREATE INDEX outbox_destination ON outbox (destination);
    CREATE INDEX outbox_refused ON outbox (number, channel) WHERE refused;
    """,
)

VERSION = len(_STEPS)

APPLICATION = 0x73757070
""""supp", so that another program's database is not taken for one of opt-outs."""

BATCH = (
    "position, ordinal, size, action, channel, made_at, correction, takes_back, releases, "
    "wished_at, made_by, reason, via, reference"
)
"""The columns of a batch without its digest."""

Row = Sequence[Any]


def version_of(database: sqlite3.Connection) -> int:
    """Return the version of the database."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def of_file(database: sqlite3.Connection, column: str) -> Any:
    """Return what the database says of itself in a column of `file`.

    Raises:
        sqlite3.DatabaseError: it says nothing: it is damaged.
    """
    row = database.execute(f"SELECT {column} FROM file").fetchone()  # noqa: S608
    if row is None:
        raise sqlite3.DatabaseError("it is damaged")
    return row[0]


def migrate(database: sqlite3.Connection) -> None:
    """Bring a database to the version of today, within the transaction that is under way."""
    version = version_of(database)
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            database.execute(statement)
    if version < VERSION:
        if version:
            _take_over(database)
        database.execute("DROP TABLE opt_out")
        database.execute(f"PRAGMA application_id = {APPLICATION}")
        database.execute(f"PRAGMA user_version = {VERSION}")


def append_batch(database: sqlite3.Connection, batch: Row, people: Iterable[Row]) -> None:
    """Write a batch with its people.

    Args:
        database: is in a transaction.
        batch: the columns of `BATCH`.
        people: rows of `change`, in order.
    """
    rows = list(people)
    database.execute(
        f"INSERT INTO batch ({BATCH}, digest) VALUES ({', '.join('?' * 15)})",  # noqa: S608
        (*batch, digest_of(batch, rows)),
    )
    if rows and rows[-1][0] - rows[0][0] >= len(rows):  # some were forgotten
        database.executemany("INSERT INTO change VALUES (?, ?, ?, ?)", rows)
    elif rows:
        # Most have no text but the number, and one region: SQLite takes these from one document.
        first, _, _, region = rows[0]
        numbers = msgspec.json.encode([row[1] for row in rows]).decode()
        database.execute(
            "INSERT INTO change SELECT ? + key, value, NULL, ? FROM json_each(?)",
            (first, region, numbers),
        )
        database.executemany(
            "UPDATE change SET text = ?, region = ? WHERE position = ?",
            [(row[2], row[3], row[0]) for row in rows if row[2:] != (None, region)],
        )
    database.execute("UPDATE file SET made = made + 1")


def digest_of(batch: Row, people: Sequence[Row], more: object = None) -> bytes:
    """Return the digest of a batch.

    Args:
        batch: the columns of `BATCH`.
        people: its rows of `change`.
        more: what else belongs to it.
    """
    return hashlib.sha256(msgspec.msgpack.encode((batch, people, more))).digest()


def _take_over(database: sqlite3.Connection) -> None:
    """Make changes of the opt-outs that an earlier version kept, each with when it was over."""
    (last,) = database.execute("SELECT max(change) FROM opt_out").fetchone()
    # By chance, so that no position is the same in two copies.
    position = (last or 0) + secrets.randbelow(2**32)
    places: dict[int, int] = {}
    for ordinal, (kind, rows) in enumerate(_batches_before(database)):
        moment, action, channel = kind
        taken = [places[id_] for id_, *_ in rows] if action == "remove" else []
        first, position = position + 1, position + len(rows)
        people = [
            (at, number, None if text == number else text, region)
            for at, (_, number, text, region) in enumerate(rows, first)
        ]
        if action == "add":
            places.update((id_, at) for at, (id_, *_) in enumerate(rows, first))
        batch = (
            *(position, ordinal, len(rows), action, channel, moment, 0, packed(taken), b""),
            *(None, None, None, None, None),
        )
        append_batch(database, batch, people)


def _batches_before(database: sqlite3.Connection) -> Iterator[tuple[Row, list[Row]]]:
    """Give the changes that an earlier version kept, those of one moment together."""
    events = database.execute(
        "SELECT added_at, 'add', channel, id, number, text, region FROM opt_out UNION ALL "
        "SELECT max(added_at, removed_at), 'remove', channel, id, number, text, region "
        "FROM opt_out WHERE removed_at IS NOT NULL ORDER BY 1, 2, 3, 4"
    ).fetchall()
    for kind, rows in itertools.groupby(events, key=itemgetter(0, 1, 2)):
        yield kind, [row[3:] for row in rows]


def packed(positions: Sequence[int]) -> bytes:
    """Return positions as a blob."""
    return b"".join(each.to_bytes(8) for each in positions)


def unpacked(blob: bytes) -> list[int]:
    """Return the positions of a blob."""
    return [int.from_bytes(blob[at : at + 8]) for at in range(0, len(blob), 8)]
