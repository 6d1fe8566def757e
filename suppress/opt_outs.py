"""Who was opted out here, and what of it the sources do not know yet.

An opt-out that has been added is on disk, in a database of SQLite, before anything else
happens with it: it holds in every process of the machine from then on, and for good,
whatever a source says. What is to be passed on to a source is written down in the same
step, and stays until the source has taken it.

A database that cannot be read is an error, never an empty one: somebody may be in it.
"""

import contextlib
import errno
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from suppress.atomic import replacing
from suppress.errors import StopListUnavailable, StoreUnavailable
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.snapshot import NOBODY, OptedOut

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""

_APPLICATION = 0x73757070  # "supp", so that another program's database is not taken for one

# One step from each version of the database to the next; the version is how many were taken.
# The index has all that decides who is opted out, so that damage to the table contradicts it.
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
)

# sqlite3 cannot decode what it says of some damaged files.
_UNREADABLE = OSError, sqlite3.Error, UnicodeDecodeError

# SQLite has locks of its own, which a forked process would find held for ever, had another
# thread been inside it at that moment.
_IN_SQLITE = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_IN_SQLITE.acquire,
        after_in_parent=_IN_SQLITE.release,
        after_in_child=_IN_SQLITE.release,
    )

Action = Literal["add", "remove"]


class OptOutsUnreadable(StopListUnavailable):
    """Nobody can say who was opted out here."""


class Target(NamedTuple):
    """A source that is told of opt-outs, and which list of its: see `Source.identity`."""

    source: str
    account: str


@dataclass(frozen=True)
class Waiting:
    """One thing that a source has not taken yet.

    Attributes:
        id: its place in the order.
        action: `add` or `remove`.
        channel: the channel of the list.
        number: the E.164 text.
        since: when it was asked for (seconds since the epoch).
        tries: how often it was tried.
        tried_at: when it was tried last (seconds since the epoch).
        error: why it was not taken then.
        refused: whether the source said that it will never take it as it is.
    """

    id: int
    action: Action
    channel: str
    number: str
    since: float
    tries: int
    tried_at: float | None
    error: str | None
    refused: bool


class OptOuts:
    """The opt-outs of a folder.

    Args:
        folder: where the database is, or will be.
        lock: keeps other processes from making the database at the same time.
    """

    def __init__(self, folder: Path, lock: Callable[[], AbstractContextManager[Any]]) -> None:
        self.path = folder / "opt-outs.sqlite3"
        self._lock = lock
        self._inode: int | None = None
        self._file = ""
        self._seen = -1
        self._added: dict[str, dict[str, float]] = {}
        self._opted_out: dict[str, OptedOut] = {}
        self._unkept: dict[str, dict[str, float]] = {}

    def add(
        self, numbers: Sequence[str], channel: str, targets: Iterable[Target], now: float
    ) -> int:
        """Opt numbers out, and write down what is to be passed on; how many are new.

        Args:
            numbers: E.164 texts.
            channel: the channel on which they must not be messaged.
            targets: who is to be told.
            now: seconds since the epoch.

        Raises:
            StoreUnavailable: it cannot be written; the opt-outs hold in this process alone.
        """
        numbers = list(dict.fromkeys(numbers))
        try:
            with self._writing() as (database, change):
                new = [
                    number
                    for number in numbers
                    if database.execute(
                        "INSERT INTO opt_out VALUES (?, ?, ?, NULL, ?) ON CONFLICT DO UPDATE SET "
                        "added_at = excluded.added_at, removed_at = NULL, "
                        "change = excluded.change WHERE removed_at IS NOT NULL",
                        (number, channel, now, change),
                    ).rowcount
                ]
                _forget_refused(database, "remove", new, channel)
                _wait(database, "add", new, channel, targets, now)
        except StoreUnavailable as error:
            self._unkept.setdefault(channel, {}).update(dict.fromkeys(numbers, now))
            raise StoreUnavailable(
                f"{error} Until that is done the {len(numbers)} opt-outs hold in this process "
                "alone, and have to be added again."
            ) from error
        self._forget_unkept(numbers, channel)
        return len(new)

    def remove(
        self, numbers: Sequence[str], channel: str, targets: Iterable[Target], now: float
    ) -> int:
        """Take opt-outs back, and write down what is to be passed on; how many there were.

        Arguments as for `add`.

        Raises:
            StoreUnavailable: it cannot be written; nothing was.
        """
        numbers = list(dict.fromkeys(numbers))
        with self._writing() as (database, change):
            found = sum(
                database.execute(
                    "UPDATE opt_out SET removed_at = ?, change = ? "
                    "WHERE number = ? AND channel = ? AND removed_at IS NULL",
                    (now, change, number, channel),
                ).rowcount
                for number in numbers
            )
            # What a source has refused to add it does not list, and need not remove.
            refused = _forget_refused(database, "add", numbers, channel)
            # Those of another account that have not been told of the number yet are so of both.
            query = "SELECT DISTINCT source, account FROM waiting WHERE number = ? AND channel = ?"
            told = list(targets)
            for number in numbers:
                found_for = map(Target._make, database.execute(query, (number, channel)).fetchall())
                for target in dict.fromkeys([*told, *found_for]):
                    if (target, number) not in refused:
                        _wait(database, "remove", [number], channel, [target], now)
        self._forget_unkept(numbers, channel)
        return found

    def of(self, channel: str) -> OptedOut:
        """Everyone who is opted out of the channel now; one thread at a time may ask.

        Raises:
            OptOutsUnreadable: that cannot be read.
        """
        try:
            self._catch_up()
        except _UNREADABLE as error:
            raise OptOutsUnreadable(
                f"The opt-outs in {self.path} cannot be read ({_in_words(error)}), and somebody "
                "may be among them. Nothing may be sent until they can: try again, restore the "
                "file from a backup, or move it away if you can do without the opt-outs in it."
            ) from error
        kept = self._opted_out.get(channel, NOBODY)
        if not self._unkept.get(channel):
            return kept
        return _opted_out(self._added.get(channel, {}) | self._unkept[channel])

    def waiting(self, target: Target) -> list[Waiting]:
        """What the target has not taken yet, in order.

        Raises:
            StoreUnavailable: that cannot be read.
        """
        return [
            Waiting(*row)
            for row in self._read(
                "SELECT id, action, channel, number, since, tries, tried_at, error, refused "
                "FROM waiting WHERE source = ? AND account = ? ORDER BY id",
                (target.source, target.account),
            )
        ]

    def any_waiting(self, target: Target) -> bool:
        """Whether there is anything that the target has not taken yet.

        Raises:
            StoreUnavailable: that cannot be read.
        """
        query = "SELECT 1 FROM waiting WHERE source = ? AND account = ? LIMIT 1"
        return bool(self._read(query, (target.source, target.account)))

    def targets(self) -> list[Target]:
        """Those for whom something waits.

        Raises:
            StoreUnavailable: that cannot be read.
        """
        return [
            Target(*row)
            for row in self._read("SELECT DISTINCT source, account FROM waiting ORDER BY 1, 2")
        ]

    def taken(self, ids: Iterable[int]) -> None:
        """Forget what a source has taken.

        Raises:
            StoreUnavailable: it cannot be written; it will be passed on once more.
        """
        with self._writing() as (database, _):
            database.executemany("DELETE FROM waiting WHERE id = ?", ((id_,) for id_ in ids))

    def not_taken(self, ids: Iterable[int], error: str, now: float, *, refused: bool) -> None:
        """Keep why a source has not taken something.

        Raises:
            StoreUnavailable: it cannot be written.
        """
        with self._writing() as (database, _):
            database.executemany(
                "UPDATE waiting SET tries = tries + 1, tried_at = ?, error = ?, refused = ? "
                "WHERE id = ?",
                [(now, error, refused, id_) for id_ in ids],
            )

    def _forget_unkept(self, numbers: Iterable[str], channel: str) -> None:
        for number in numbers:
            self._unkept.get(channel, {}).pop(number, None)

    def _catch_up(self) -> None:
        """Take over what has changed since the last time."""
        try:
            inode = self.path.stat().st_ino
        except (FileNotFoundError, NotADirectoryError):
            if self._inode is None:
                return
            raise
        with self._opened() as database:
            database.execute("BEGIN")
            if inode != self._inode or not self._goes_on(database):
                (checked,) = database.execute("PRAGMA integrity_check(1)").fetchone()
                if checked != "ok":
                    raise sqlite3.DatabaseError("it is damaged")
                (file,) = database.execute("SELECT id FROM file").fetchone()
                if file != (self._file or file):
                    raise sqlite3.DatabaseError(
                        "a new one has taken its place: restart what runs, if that is right"
                    )
                self._file, self._seen, self._added, self._opted_out = file, -1, {}, {}
            rows = database.execute(
                "SELECT number, channel, added_at, removed_at, change FROM opt_out "
                "WHERE change > ?",
                (self._seen,),
            ).fetchall()
        for number, channel, added_at, removed_at, _ in rows:
            of_channel = self._added.setdefault(channel, {})
            of_channel.pop(number, None)
            if removed_at is None:
                of_channel[number] = added_at
        for channel in {row[1] for row in rows}:
            self._opted_out[channel] = _opted_out(self._added[channel])
        self._seen = max([self._seen, *(row[4] for row in rows)])
        self._inode = inode

    def _goes_on(self, database: sqlite3.Connection) -> bool:
        """Whether the file holds what was seen last, and is not one restored in its place."""
        if self._seen < 0:
            return True
        query = "SELECT 1 FROM opt_out WHERE change = ? LIMIT 1"
        return database.execute(query, (self._seen,)).fetchone() is not None

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            if not self.path.exists():
                return []
            with self._opened() as database:
                return database.execute(query, values).fetchall()
        except _UNREADABLE as error:
            raise self._unavailable(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """One step, with the number of the change that it makes."""
        try:
            if not self.path.exists():
                if self._inode is not None:
                    # A new one would let through everyone who was in the one that is gone.
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                with self._lock():
                    self._make()
            with self._opened() as database:
                # However much is written at once, others can read until it is committed.
                database.execute("PRAGMA cache_spill = OFF")
                database.execute("BEGIN IMMEDIATE")
                try:
                    _migrate(database)
                    (last,) = database.execute("SELECT max(change) FROM opt_out").fetchone()
                    # By chance, so that a restored file does not come to the same one again.
                    yield database, (last or 0) + 1 + secrets.randbelow(2**32)
                    database.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        database.execute("ROLLBACK")
                    raise
        except _UNREADABLE as error:
            raise self._unavailable(error) from error

    def _make(self) -> None:
        """Make the database whole or not at all, so that an empty one is known as damaged."""
        if self.path.exists():
            return
        # One left by a killed process would be rolled back into the new file.
        self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
        with replacing(self.path) as stream:
            database = sqlite3.connect(":memory:", isolation_level=None)
            with contextlib.closing(database):
                _migrate(database)
                stream.write(database.serialize())

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection for one step: it can be shared neither by threads nor over a fork."""
        mode = "rw" if os.access(self.path, os.W_OK) else "ro"
        with (
            _IN_SQLITE,
            contextlib.closing(
                sqlite3.connect(
                    f"{self.path.absolute().as_uri()}?mode={mode}",
                    uri=True,
                    timeout=PATIENCE,
                    isolation_level=None,
                )
            ) as database,
        ):
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if application != _APPLICATION:
                raise sqlite3.DatabaseError("it is empty, or another program's database")
            if version > len(_STEPS):
                raise sqlite3.DatabaseError("a newer version of suppress has written it: use that")
            yield database

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        if isinstance(error, OSError | sqlite3.OperationalError):
            next_step = (
                "Make room or give yourself the right to write there, or name another folder in "
                "SUPPRESS_STORE."
            )
        else:
            next_step = (
                "Restore the file from a backup, or move it away if you can do without the "
                "opt-outs in it."
            )
        return StoreUnavailable(
            f"The opt-outs in {self.path} cannot be read or written ({_in_words(error)}). "
            f"{next_step}"
        )


def _in_words(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is damaged"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the database to the version of this suppress, within the step that is under way."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    for step in _STEPS[version:]:
        for statement in step.split(";"):
            database.execute(statement)
    if version < len(_STEPS):
        database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute(f"PRAGMA user_version = {len(_STEPS)}")


def _forget_refused(
    database: sqlite3.Connection, action: Action, numbers: Iterable[str], channel: str
) -> set[tuple[Target, str]]:
    """Forget what was refused and is not wanted any more; gives by whom, and of which numbers."""
    where = "WHERE action = ? AND number = ? AND channel = ? AND refused"
    found = set()
    for number in numbers:
        values = action, number, channel
        for row in database.execute(f"SELECT source, account FROM waiting {where}", values):  # noqa: S608
            found.add((Target(*row), number))
        database.execute(f"DELETE FROM waiting {where}", values)  # noqa: S608
    return found


def _wait(
    database: sqlite3.Connection,
    action: Action,
    numbers: Iterable[str],
    channel: str,
    targets: Iterable[Target],
    now: float,
) -> None:
    database.executemany(
        "INSERT INTO waiting (source, account, action, channel, number, since) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (target.source, target.account, action, channel, number, now)
            for target in targets
            for number in numbers
        ],
    )


def _opted_out(added: Mapping[str, float]) -> OptedOut:
    return OptedOut(NumberSet.of(added), MappingProxyType(dict(added)))
