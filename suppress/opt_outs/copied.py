"""The copy of a shared record in a folder: the same changes, under the same positions.

It is a database as a record in a folder has it, so everything that reads works alike. It can be
made again from the shared record, so it is not missed when it is gone, and is replaced when it
is damaged. What the sources have not been told yet stays with the shared record alone.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from suppress.opt_outs.batches import append, digest_anew, release, take_out
from suppress.opt_outs.contract import Changes, Overtaken
from suppress.opt_outs.database import Database, serialized
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.marks import NoMarks
from suppress.opt_outs.schema import of_file
from suppress.opt_outs.seen import boot
from suppress.opt_outs.sqlite import SqliteRecord
from suppress.stop_list.forgotten import Forgotten


class Copied(NamedTuple):
    """The part of a shared record that a copy has.

    Attributes:
        identity: the name of the shared record.
        position: the position of its last change here; None where it has none.
    """

    identity: str
    position: int | None


class RecordCopy(SqliteRecord):
    """The copy in a folder.

    Args:
        folder: where it is, or will be.
        lock: keeps other processes of this machine from writing to it.
        limits: how long to wait for another process that writes.
    """

    def __init__(
        self,
        folder: Path,
        lock: Callable[[], AbstractContextManager[Any]],
        *,
        limits: OptOutLimits = LIMITS,
    ) -> None:
        # Where a start of the system has no name, only the disk tells what a power cut has left.
        is_durable = not boot()
        database = Database(folder, nullcontext, limits.max_wait, NoMarks(), is_durable=is_durable)
        super().__init__(folder, nullcontext, database=database)
        self._lock = lock

    def copied(self) -> Copied | None:
        """Return how much is here; None where there is no copy.

        Raises:
            RecordError: it cannot be read.
        """
        with self._database.reading() as database:
            if database is None:
                return None
            (position,) = database.execute("SELECT max(position) FROM batch").fetchone()
            return Copied(of_file(database, "id"), position)

    def extend(
        self,
        changes: Sequence[Changes],
        behind: Copied,
        forgotten: Callable[[], Mapping[str, Forgotten]],
    ) -> None:
        """Write further changes, all or none.

        Args:
            changes: all that follow what is here, with their positions.
            behind: what is here.
            forgotten: gives the keyed hashes of the shared record, where the changes need them.

        Raises:
            Overtaken: another process has written meanwhile; nothing was written.
            RecordError: it cannot be written.
        """
        hashes = forgotten() if any(each.changes_forgotten for each in changes) else None
        with self._lock(), self._database.writing() as database:
            (position,) = database.execute("SELECT max(position) FROM batch").fetchone()
            if Copied(of_file(database, "id"), position) != behind:
                raise Overtaken
            _write(database, changes)
            if hashes is not None:
                _write_forgotten(database, hashes)

    def replace(
        self, identity: str, changes: Iterable[Changes], forgotten: Mapping[str, Forgotten]
    ) -> None:
        """Put a new copy in the place of the one that is there, whatever is in that.

        Args:
            identity: the name of the shared record.
            changes: all of its changes.
            forgotten: its keyed hashes, read after the changes.

        Raises:
            RecordError: it cannot be written.
        """

        def fill(database: sqlite3.Connection) -> None:
            database.execute("UPDATE file SET id = ?", (identity,))
            _write(database, changes)
            _write_forgotten(database, forgotten)

        content = serialized(fill)
        with self._lock():
            self._database.replace(content)

    def set_aside(self) -> Path | None:
        """Give the copy another name; return that, or None where there is no copy.

        Raises:
            OSError: it cannot be renamed.
        """
        path = self._database.path
        kept = path.with_name(f"opt-outs.before-{time.time_ns()}.sqlite3")
        with contextlib.suppress(FileNotFoundError):
            path.rename(kept)
            return kept
        return None


def _write(database: sqlite3.Connection, changes: Iterable[Changes]) -> None:
    """Write changes at their positions."""
    for each in changes:
        append(database, each)
        release(database, each)
        if each.action == "forget":
            take_out(database, each.takes_back)


def _write_forgotten(database: sqlite3.Connection, forgotten: Mapping[str, Forgotten]) -> None:
    """Replace the keyed hashes by those of the shared record, as far as their changes are here."""
    rows = [
        {"channel": channel, "hash": hashed, "position": trace.position, "is_line": trace.is_line}
        for channel, each in forgotten.items()
        for hashed, traces in each.traces.items()
        for trace in traces
    ]
    for each in forgotten.values():
        database.execute("UPDATE file SET key = ?", (each.key,))
    database.execute("DELETE FROM forgotten")
    database.executemany(
        "INSERT INTO forgotten SELECT :channel, :hash, :position, :is_line "
        "WHERE EXISTS (SELECT 1 FROM batch WHERE position = :position)",
        rows,
    )
    forgettings = database.execute("SELECT position FROM batch WHERE action = 'forget'").fetchall()
    for (position,) in forgettings:
        digest_anew(database, position)
