"""The file of a database of opt-outs: made whole, opened by its owner or group, missed when gone.

A database that cannot be read is an error, never an empty one: somebody may be in it. So is
one that is gone, or that another has taken the place of: see `Marks`.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from suppress.atomic import atomic_write
from suppress.forks import lock_that_forks_take
from suppress.opt_outs.contract import RecordError
from suppress.opt_outs.gate import Gate
from suppress.opt_outs.marks import HasMarks, leads_nowhere
from suppress.opt_outs.schema import APPLICATION, VERSION, migrate, of_file, version_of
from suppress.ownership import group_of, refuse_if_others_write
from suppress.stores.contract import StoreError

FILE = "opt-outs.sqlite3"
"""The name of the file in its folder."""

_DO_WITHOUT = (
    "If you can do without the opt-outs in it, move it away and run `suppress reset-opt-outs`."
)

_TO_READ = "try again, see that its folder is there and mounted, or restore the file from a backup."

# sqlite3 cannot decode what it says of some damaged files.
_UNREADABLE = OSError, StoreError, sqlite3.Error, UnicodeDecodeError

_IN_SQLITE = Gate()
# Threads that write take turns, and a fork takes one too. Nobody else waits for them: a reader
# finds what was committed last. Registered behind the gate, it is asked first, and lets readers
# through the gate until it is had.
_WRITING = lock_that_forks_take()


class Database:
    """The database of a folder.

    Args:
        folder: where it is, or will be.
        lock: keeps other processes from making it at the same time.
        max_wait: seconds to wait for another process that writes.
        marks: say that there is one, and which.
        is_durable: whether what was written is on disk, also if the power is cut.
    """

    def __init__(
        self,
        folder: Path,
        lock: Callable[[], AbstractContextManager[Any]],
        max_wait: float,
        marks: HasMarks,
        *,
        is_durable: bool = True,
    ) -> None:
        self.path = folder / FILE
        self._journal = folder / f"{FILE}-journal"
        self._lock = lock
        self._max_wait = max_wait
        self._marks = marks
        self._synchronous = "FULL" if is_durable else "OFF"
        self._marked = ""
        self._name = ""

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Open the database for a step that reads; None where none was ever made.

        One of an earlier version is copied into memory, and read as one of today's.

        Raises:
            RecordError: it cannot be read.
        """
        with self._explained():
            if self._inode() is None:
                yield None
                return
            with self._opened() as database:
                database.execute("BEGIN")
                name = self._name_of(database)
                if name != (self._name or name):
                    raise sqlite3.DatabaseError(
                        "another one has taken its place; if that is intended, restart this process"
                    )
                yield database
                self._name = name
            # An earlier version may have written it, or somebody else. Whoever may only read it
            # need not be able to say so.
            with contextlib.suppress(OSError):
                self._mark(name)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open the database for a step that is written whole or not at all.

        Raises:
            RecordError: it cannot be written.
        """
        with self._explained():
            if self._inode() is None:
                with self._lock():
                    self._make()
            with _WRITING, self._opened() as database:
                # However much is written at once, others can read until it is committed.
                database.execute("PRAGMA cache_spill = OFF")
                database.execute("PRAGMA temp_store = MEMORY")
                database.execute(f"PRAGMA synchronous = {self._synchronous}")
                # What is removed is overwritten: who was forgotten is in no free page.
                database.execute("PRAGMA secure_delete = ON")
                if version_of(database) < VERSION:
                    # An earlier version need not have overwritten what it removed.
                    if database.execute("PRAGMA freelist_count").fetchone() != (0,):
                        database.execute("VACUUM")
                    # Apart from the step itself, which may be given up.
                    with self._transaction(database):
                        migrate(database)
                with self._transaction(database):
                    yield database

    @contextlib.contextmanager
    def _transaction(self, database: sqlite3.Connection) -> Iterator[None]:
        database.execute("BEGIN IMMEDIATE")
        try:
            self._mark(self._name_of(database))
            yield
            database.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                database.execute("ROLLBACK")
            raise

    def reset(self) -> bool:
        """Accept that the database is gone, or that another one has taken its place.

        No database is removed.

        Returns:
            Whether it was so.

        Raises:
            RecordError: there is a database that cannot be read, or a mark that cannot be
                changed.
        """
        with self._explained():
            if leads_nowhere(self.path):
                raise FileNotFoundError(None, "it is a link that leads nowhere: remove that")
            told = self._marks.found()
            if not self.path.exists():
                self._marks.remove()
                return bool(told)
            with self._opened() as database:
                name = of_file(database, "id")
            if told <= {name}:
                return False
            self._marks.make(name)
            return True

    def stamp(self, database: sqlite3.Connection) -> tuple[int, int]:
        """Return what tells whether a database of an earlier version was written meanwhile."""
        (change,) = database.execute("SELECT max(change) FROM opt_out").fetchone()
        return self.path.stat().st_ino, change or 0

    def _inode(self) -> int | None:
        """Return the inode of the database; None where none was ever made.

        Raises:
            OSError: it is gone, or nobody can tell.
        """
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return self.path.stat().st_ino
        nowhere = leads_nowhere(self.path)
        if not (nowhere or self._name or self._marks.found()):
            return None
        try:
            # It may have been made meanwhile, and the mark after it.
            return self.path.stat().st_ino
        except (FileNotFoundError, NotADirectoryError) as error:
            known = "a link that leads nowhere" if nowhere else "opt-outs were made here"
            raise FileNotFoundError(error.errno, f"{error.strerror}, but {known}") from None

    def _name_of(self, database: sqlite3.Connection) -> str:
        """Return the name that the database has for itself.

        Raises:
            OSError, sqlite3.Error: it is another one than opt-outs were made in here.
        """
        name = of_file(database, "id")
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

    def replace(self, content: bytes) -> None:
        """Put a new database in the place of the one that is there, damaged as it may be.

        Nobody else may write meanwhile: SQLite would take the journal of the one for the other's.

        Args:
            content: the new one, from `serialized`.

        Raises:
            RecordError: it cannot be written; the one that was there still is, or none.
        """
        with self._explained():
            with atomic_write(self.path, share=True) as stream:
                stream.write(content)
                # One left by a killed process would be rolled back into the new file.
                self._journal.unlink(missing_ok=True)
            self._name = ""

    def _make(self) -> None:
        """Make the database whole or not at all, so that an empty one is known as damaged."""
        if not self.path.exists():
            self.replace(serialized(lambda _database: None))

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Give a connection for one step: it can be shared neither by threads nor over a fork."""
        # From a journal that another has laid SQLite would take what was never written.
        group = group_of(self.path.parent)
        for path in (self.path.parent, self.path, self._journal):
            with contextlib.suppress(FileNotFoundError):
                refuse_if_others_write(path, path.stat(), "store", group=group)
        mode = "rw" if os.access(self.path, os.W_OK) else "ro"
        with (
            _IN_SQLITE.passed(),
            contextlib.closing(
                sqlite3.connect(
                    f"{self.path.absolute().as_uri()}?mode={mode}",
                    uri=True,
                    timeout=self._max_wait,
                    isolation_level=None,
                )
            ) as database,
        ):
            (application,) = database.execute("PRAGMA application_id").fetchone()
            if application != APPLICATION:
                raise sqlite3.DatabaseError("it is empty, or another program's database")
            if version_of(database) > VERSION:
                raise sqlite3.DatabaseError("a newer version of suppress has written it: use that")
            yield database

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Raise what goes wrong as an error that says what to do."""
        try:
            yield
        except _UNREADABLE as error:
            if isinstance(error, FileNotFoundError):
                remedy = f"See that its folder is there and mounted, or restore it. {_DO_WITHOUT}"
            elif isinstance(error, OSError | StoreError | sqlite3.OperationalError):
                remedy = (
                    "Free some space, give yourself write permission there, or name another folder "
                    "in SUPPRESS_STORE."
                )
            else:
                remedy = f"Restore the file from a backup. {_DO_WITHOUT}"
            raise RecordError(_in_words(error), remedy, _DO_WITHOUT, to_read=_TO_READ) from error


def serialized(fill: Callable[[sqlite3.Connection], None]) -> bytes:
    """Return a new database as bytes.

    Args:
        fill: writes what it has.
    """
    with (
        _IN_SQLITE.passed(),
        contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as database,
    ):
        migrate(database)
        fill(database)
        database.execute("VACUUM")
        return database.serialize()


def _in_words(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is damaged"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
