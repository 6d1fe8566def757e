"""Who was opted out here, and what of it the sources do not know yet.

An opt-out that has been added is on disk, in a database of SQLite, before anything else
happens with it: it holds in every process of the machine from then on, and for good,
whatever a source says. What is to be passed on to a source is written down in the same
step, and stays until the source has taken it.

A database that cannot be read is an error, never an empty one: somebody may be in it. So is
one that is gone, or that another has taken the place of: see `Marks`.
"""

import contextlib
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

import numpy as np

from suppress.atomic import atomic_write
from suppress.errors import StopListUnavailable, StoreUnavailable
from suppress.numbers.convention import Convention
from suppress.opt_outs.gate import Gate
from suppress.opt_outs.marks import Marks, leads_nowhere
from suppress.opt_outs.record import NO_RECORD, Columns, Person, Record
from suppress.ownership import refuse_if_others_write
from suppress.stop_list.snapshot import OptedOut
from suppress.stores.contract import StoreError

PATIENCE = 10.0
"""Seconds to wait for another process that writes."""

_APPLICATION = 0x73757070  # "supp", so that another program's database is not taken for one

# One step from each version of the database to the next; the version is how many were taken.
# The indexes have all that decides who is opted out, so that damage to the table contradicts
# them. One number may have been handed in as several texts, of which each has its readings.
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
)

_DO_WITHOUT = (
    "If you can do without the opt-outs in it, move it away and run `suppress reset-opt-outs`."
)

_WITH_TEXTS = 2  # the first version of the database that has them
_WITH_CHANGES = 3

# sqlite3 cannot decode what it says of some damaged files.
_UNREADABLE = OSError, StoreError, sqlite3.Error, UnicodeDecodeError

_IN_SQLITE = Gate()
# Threads that write take turns, and a fork takes one too. Nobody else waits for them: a reader
# finds what was committed last. Registered behind the gate, it is asked first, and lets readers
# through the gate until it is had.
_WRITING = threading.RLock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_WRITING.acquire,
        after_in_parent=_WRITING.release,
        after_in_child=_WRITING.release,
    )

Action = Literal["add", "remove"]


class OptOutsUnreadable(StopListUnavailable):
    """Nobody can say who was opted out here."""


class Target(NamedTuple):
    """A source that is told of opt-outs, and which list of its: see `Source.identity`."""

    source: str
    account: str


class _State(NamedTuple):
    """What of the database has been taken over.

    Attributes:
        inode: which file that was; None for none yet.
        file: its name for itself.
        version: which version of suppress had written it.
        seen: its last change that is taken over.
        records: who is opted out, by channel.
    """

    inode: int | None = None
    file: str = ""
    version: int = 0
    seen: int = -1
    records: Mapping[str, Record] = MappingProxyType({})


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
        convention: how numbers are to be read.
    """

    def __init__(
        self,
        folder: Path,
        lock: Callable[[], AbstractContextManager[Any]],
        convention: Convention,
    ) -> None:
        self.path = folder / "opt-outs.sqlite3"
        self._journal = folder / "opt-outs.sqlite3-journal"
        self._lock = lock
        self._convention = convention
        self._marks = Marks(folder)
        self._marked = ""
        # Replaced as a whole, never changed, so that threads need not wait for each other.
        self._state = _State()
        self._unkept: dict[str, dict[Person, float]] = {}

    def under(self, convention: Convention) -> "OptOuts":
        """The same opt-outs, read under another convention."""
        same = OptOuts(self.path.parent, self._lock, convention)
        same._unkept = self._unkept
        same._state = _State(file=self._state.file)
        return same

    def add(
        self, people: Sequence[Person], channel: str, targets: Iterable[Target], now: float
    ) -> int:
        """Opt people out, and write down what is to be passed on; gives how many are new.

        Args:
            people: their numbers.
            channel: the channel on which they must not be messaged.
            targets: the sources to tell.
            now: seconds since the epoch.

        Raises:
            StoreUnavailable: it cannot be written; the opt-outs hold in this process alone.
        """
        people = list(dict.fromkeys(people))
        try:
            with self._writing() as (database, change):
                _give(database, people)
                new = [
                    number
                    for (number,) in database.execute(
                        "SELECT number FROM given WHERE NOT EXISTS (SELECT 1 FROM opt_out WHERE "
                        "number = given.number AND channel = ? AND removed_at IS NULL) "
                        "GROUP BY number ORDER BY min(rowid)",
                        (channel,),
                    )
                ]
                database.execute(
                    "INSERT INTO opt_out (number, channel, text, region, added_at, change) "
                    "SELECT number, ?, text, region, ?, ? FROM given WHERE true "
                    "ON CONFLICT DO UPDATE SET added_at = excluded.added_at, removed_at = NULL, "
                    "change = excluded.change WHERE removed_at IS NOT NULL",
                    (channel, now, change),
                )
                _give(database, map(Person, new))
                _forget_refused(database, "remove", channel)
                _wait(database, "add", new, channel, targets, now)
        except StoreUnavailable as error:
            self._unkept.setdefault(channel, {}).update(dict.fromkeys(people, now))
            raise StoreUnavailable(
                f"{error} Until that is done the {len(people)} opt-outs hold in this process "
                "alone, and have to be added again."
            ) from error
        self._forget_unkept(people, channel)
        return len(new)

    def remove(
        self, people: Sequence[Person], channel: str, targets: Iterable[Target], now: float
    ) -> int:
        """Take opt-outs back, and write down what is to be passed on; gives how many there were.

        Arguments as for `add`. Every form of the same lines is taken back.

        Raises:
            StoreUnavailable: it cannot be read or written; nothing was written.
        """
        with self._writing() as (database, change):
            # Not taken over before it is committed: the names of rows may come from this step.
            state = self._caught_up(database, self.path.stat().st_ino)
            record = state.records.get(channel, NO_RECORD)

            def person_at(place: int) -> Person:
                query = "SELECT number, text, region FROM opt_out WHERE id = ?"
                return Person(*database.execute(query, (record.ids.item(place),)).fetchone())

            places = record.find(people, self._convention, person_at)
            database.executemany(
                "UPDATE opt_out SET removed_at = ?, change = ? WHERE id = ?",
                [(now, change, id_) for id_ in record.ids[places].tolist()],
            )
            kept = set(record.numbers[places].tolist())
            numbers = list(dict.fromkeys([*(each.number for each in people), *sorted(kept)]))
            _give(database, map(Person, numbers))
            # What a source has refused to add it does not list, and need not remove.
            refused = _forget_refused(database, "add", channel)
            # Those of another account that have not been told of the number yet are so of both.
            also: dict[str, list[Target]] = {}
            for number, *target in database.execute(
                "SELECT DISTINCT number, source, account FROM waiting WHERE channel = ? "
                "AND number IN (SELECT number FROM given)",
                (channel,),
            ):
                also.setdefault(number, []).append(Target(*target))
            told = list(targets)
            for number in numbers:
                for target in dict.fromkeys([*told, *also.get(number, ())]):
                    if (target, number) not in refused:
                        _wait(database, "remove", [number], channel, [target], now)
        unkept = list(self._unkept.get(channel, {}))
        found = _record_of(dict.fromkeys(unkept, now), self._convention).find(
            people, self._convention, unkept.__getitem__
        )
        self._forget_unkept([unkept[place] for place in found], channel)
        return len(kept)

    def of(self, channel: str) -> OptedOut:
        """Everyone who is opted out of the channel now.

        Raises:
            OptOutsUnreadable: that cannot be read.
        """
        try:
            record = self._catch_up().records.get(channel, NO_RECORD)
        except _UNREADABLE as error:
            raise OptOutsUnreadable(
                f"The opt-outs in {self.path} cannot be read ({_in_words(error)}), and somebody "
                "may be among them. Nothing may be sent until they can: try again, see that its "
                f"folder is there and mounted, or restore the file from a backup. {_DO_WITHOUT}"
            ) from error
        unkept = dict(self._unkept.get(channel, {}))
        if unkept:
            record = record.changed(NO_RECORD.ids, _record_of(unkept, self._convention))
        return record.opted_out

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

    def _forget_unkept(self, people: Iterable[Person], channel: str) -> None:
        unkept = self._unkept.get(channel, {})
        for each in people:
            unkept.pop(each, None)

    def _catch_up(self) -> _State:
        """Take over what has changed since the last time."""
        if (inode := self._inode()) is None:
            return self._state
        with self._opened() as database:
            database.execute("BEGIN")
            self._state = state = self._caught_up(database, inode)
        # An earlier version may have written it, or somebody else. Whoever may only read it
        # need not be able to say so.
        if state.records and state.file != self._marked:
            with contextlib.suppress(OSError):
                self._marks.make(state.file)
            self._marked = state.file
        return state

    def _inode(self) -> int | None:
        """The inode of the database; None where none was ever made.

        Raises:
            OSError: it is gone, or nobody can tell.
        """
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return self.path.stat().st_ino
        nowhere = leads_nowhere(self.path)
        if not (nowhere or self._state.file or self._marks.found()):
            return None
        try:
            # It may have been made meanwhile, and the mark after it.
            return self.path.stat().st_ino
        except (FileNotFoundError, NotADirectoryError) as error:
            known = "a link that leads nowhere" if nowhere else "opt-outs were made here"
            raise FileNotFoundError(error.errno, f"{error.strerror}, but {known}") from None

    def _caught_up(self, database: sqlite3.Connection, inode: int) -> _State:
        """What the database has now, within the step that is under way."""
        state = self._state
        (version,) = database.execute("PRAGMA user_version").fetchone()
        goes_on = _goes_on(database, version, state.seen)
        if (inode, version) != (state.inode, state.version) or not goes_on:
            (checked,) = database.execute("PRAGMA integrity_check(1)").fetchone()
            if checked != "ok":
                raise sqlite3.DatabaseError("it is damaged")
            file = self._name_of(database)
            if file != (state.file or file):
                raise sqlite3.DatabaseError(
                    "a new one has taken its place: restart what runs, if that is right"
                )
            state = _State(inode, file, version)
        (last,) = database.execute("SELECT max(change) FROM opt_out").fetchone()
        if last is None or last == state.seen:
            return state
        names = "id, number, channel, text, region"
        if version < _WITH_TEXTS:
            # An earlier version has written it, whose rows have no names: all are read anew.
            names = "row_number() OVER (), number, channel, '', ''"
            state = _State(inode, state.file, version)
        rows = database.execute(
            f"SELECT {names}, added_at, removed_at FROM opt_out WHERE change > ?",  # noqa: S608
            (state.seen,),
        ).fetchall()
        records = dict(state.records)
        for channel in {row[2] for row in rows}:
            changed = [row for row in rows if row[2] == channel]
            held = [row for row in changed if row[-1] is None]
            ids, numbers, _, texts, regions, added, _ = (
                zip(*held, strict=True) if held else [()] * 7
            )
            new = Record.of(ids, added, Columns(numbers, texts, regions), self._convention)
            gone = np.array([row[0] for row in changed], np.int64)
            records[channel] = records.get(channel, NO_RECORD).changed(gone, new)
        return state._replace(seen=last, records=records)

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        try:
            if self._inode() is None:
                return []
            with self._opened() as database:
                return database.execute(query, values).fetchall()
        except _UNREADABLE as error:
            raise self._unavailable(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """One step, with the number of the change that it makes."""
        try:
            if self._inode() is None:
                with self._lock():
                    self._make()
            with _WRITING, self._opened() as database:
                # However much is written at once, others can read until it is committed.
                database.execute("PRAGMA cache_spill = OFF")
                database.execute("PRAGMA temp_store = MEMORY")
                database.execute("BEGIN IMMEDIATE")
                try:
                    _migrate(database)
                    self._mark(self._name_of(database))
                    (last,) = database.execute("SELECT max(change) FROM opt_out").fetchone()
                    # By chance, so that a restored file does not come to the same one again.
                    change = (last or 0) + 1 + secrets.randbelow(2**32)
                    database.execute("INSERT OR IGNORE INTO change VALUES (?)", (change,))
                    yield database, change
                    database.execute("COMMIT")
                except BaseException:
                    with contextlib.suppress(sqlite3.Error):
                        database.execute("ROLLBACK")
                    raise
        except _UNREADABLE as error:
            raise self._unavailable(error) from error

    def _name_of(self, database: sqlite3.Connection) -> str:
        """The name of the database for itself.

        Raises:
            OSError, sqlite3.Error: it is another one than opt-outs were made in here.
        """
        (name,) = database.execute("SELECT id FROM file").fetchone()
        if name != self._marked and not self._marks.found() <= {name}:
            raise sqlite3.DatabaseError(
                "it is not the one that opt-outs were made in before; if it is right, run "
                "`suppress reset-opt-outs`"
            )
        return str(name)

    def _mark(self, name: str) -> None:
        if name != self._marked:
            self._marks.make(name)
            self._marked = name

    def reset(self) -> bool:
        """Take it that the opt-outs that were made here are gone, if their database is.

        No database is removed: one that has taken the place of another is in force then.

        Returns:
            Whether there was anything to be taken so.

        Raises:
            StoreUnavailable: there is a database that cannot be read, or a mark that cannot be
                changed.
        """
        try:
            if leads_nowhere(self.path):
                raise FileNotFoundError(None, "it is a link that leads nowhere: remove that")
            told = self._marks.found()
            if not self.path.exists():
                self._marks.remove()
                return bool(told)
            with self._opened() as database:
                (name,) = database.execute("SELECT id FROM file").fetchone()
            if told <= {name}:
                return False
            self._marks.make(name)
        except _UNREADABLE as error:
            raise self._unavailable(error) from error
        return True

    def _make(self) -> None:
        """Make the database whole or not at all, so that an empty one is known as damaged."""
        if self.path.exists():
            return
        # One left by a killed process would be rolled back into the new file.
        self._journal.unlink(missing_ok=True)
        with (
            atomic_write(self.path) as stream,
            _IN_SQLITE.passed(),
            contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database,
        ):
            _migrate(database)
            database.execute("VACUUM")
            stream.write(database.serialize())

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """A connection for one step: it can be shared neither by threads nor over a fork."""
        # From a journal that another has laid SQLite would take what was never written.
        for path in (self.path.parent, self.path, self._journal):
            with contextlib.suppress(FileNotFoundError):
                refuse_if_others_write(path, path.stat(), "store")
        mode = "rw" if os.access(self.path, os.W_OK) else "ro"
        with (
            _IN_SQLITE.passed(),
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
        if isinstance(error, FileNotFoundError):
            next_step = f"See that its folder is there and mounted, or restore it. {_DO_WITHOUT}"
        elif isinstance(error, OSError | StoreError | sqlite3.OperationalError):
            next_step = (
                "Make room or give yourself the right to write there, or name another folder in "
                "SUPPRESS_STORE."
            )
        else:
            next_step = f"Restore the file from a backup. {_DO_WITHOUT}"
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


def _goes_on(database: sqlite3.Connection, version: int, seen: int) -> bool:
    """Tell whether the file has had the change seen last, and is not one restored in its place."""
    if seen < 0:
        return True
    query = "SELECT 1 FROM opt_out WHERE change = ? LIMIT 1"
    if version >= _WITH_CHANGES:
        # There it is still known when the same rows were changed again.
        query = "SELECT 1 FROM change WHERE id = ?"
    return database.execute(query, (seen,)).fetchone() is not None


def _record_of(unkept: Mapping[Person, float], convention: Convention) -> Record:
    """The record of those who could not be kept."""
    people = Columns.of(unkept)
    return Record.of(range(len(unkept)), list(unkept.values()), people, convention)


def _give(database: sqlite3.Connection, people: Iterable[Person]) -> None:
    """Hand people over to the statements that follow, as the table `given`."""
    database.execute("CREATE TEMP TABLE IF NOT EXISTS given (number TEXT, text TEXT, region TEXT)")
    database.execute("DELETE FROM given")
    database.executemany("INSERT INTO given VALUES (?, ?, ?)", people)


def _forget_refused(
    database: sqlite3.Connection, action: Action, channel: str
) -> set[tuple[Target, str]]:
    """Forget what was refused of those given, and is not wanted any more.

    Returns:
        By whom it was refused, and of which numbers.
    """
    where = "WHERE action = ? AND channel = ? AND refused AND number IN (SELECT number FROM given)"
    rows = database.execute(
        f"SELECT source, account, number FROM waiting {where}",  # noqa: S608
        (action, channel),
    ).fetchall()
    database.execute(f"DELETE FROM waiting {where}", (action, channel))  # noqa: S608
    return {(Target(source, account), number) for source, account, number in rows}


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
