"""A shared record in a folder that the tests' machines share, with faults; and its plugin.

It stands for a server where none is needed. Machines are handles, or processes, with copies in
folders of their own. While the folder has a file `down`, nothing can be reached.
"""

import contextlib
import functools
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import filelock

import suppress
from support.remotes import FolderRemote
from suppress import (
    Backlog,
    Change,
    Changes,
    Destination,
    Forgotten,
    Lease,
    People,
    RecordError,
    ServerUrl,
)
from suppress.opt_outs.database import Database
from suppress.opt_outs.marks import NoMarks
from suppress.opt_outs.schema import of_file
from suppress.opt_outs.sqlite import SqliteRecord


class FolderRecord:
    """A shared record in a folder: a database, and a file that grows with each change.

    Attributes:
        calls: the names of the methods that asked the server.
        lost: raise this once, behind the next append that was written.
        before: called before each call, with its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[str] = []
        self.lost = False
        self.before: Callable[[str], None] = lambda _name: None
        self._known: int | None = None
        folder.mkdir(exist_ok=True)
        self._leases = FolderRemote(folder / "leases")
        lock = functools.partial(filelock.FileLock, folder / "made.lock", thread_local=False)
        # As a server that keeps what it acknowledges: the tests cut no power.
        database = Database(folder, lock, 10.0, NoMarks(), is_durable=False)
        self._record = SqliteRecord(folder, lock, database=database)

    @property
    def where(self) -> str:
        return f"test://{self.folder.name}"

    def identity(self) -> str | None:
        self._call("identity")
        with self._record._database.reading() as database:
            return None if database is None else of_file(database, "id")

    def append(self, changes: Sequence[Changes], **arguments: Any) -> int:
        self._call("append")
        position = self._record.append(changes, **arguments)
        self._announce()
        if self.lost:
            self.lost = False
            raise unreachable()
        return position

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        self._call("changes_since")
        return self._record.changes_since(position)

    def people(self, positions: Sequence[int]) -> People:
        self._call("people")
        return self._record.people(positions)

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        self._call("changes_at")
        return self._record.changes_at(positions)

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        self._call("changes_ending")
        return self._record.changes_ending(endings)

    def forget(self, *arguments: Any, **named: Any) -> int:
        self._call("forget")
        position = self._record.forget(*arguments, **named)
        self._announce()
        return position

    def forgotten(self) -> Mapping[str, Forgotten]:
        self._call("forgotten")
        return self._record.forgotten()

    def pending(self, *arguments: Any, **named: Any) -> list[suppress.PendingChange]:
        self._call("pending")
        return self._record.pending(*arguments, **named)

    def next_refused(self, *arguments: Any, **named: Any) -> float | None:
        self._call("next_refused")
        return self._record.next_refused(*arguments, **named)

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        self._call("waits")
        return self._record.waits(destination, channel, numbers)

    def acknowledge(self, ids: Sequence[int]) -> None:
        self._call("acknowledge")
        self._record.acknowledge(ids)

    def reject(self, *arguments: Any, **named: Any) -> None:
        self._call("reject")
        self._record.reject(*arguments, **named)

    def destinations(self) -> list[Destination]:
        self._call("destinations")
        return self._record.destinations()

    def backlog(self) -> list[Backlog]:
        self._call("backlog")
        return self._record.backlog()

    def reset(self) -> bool:
        return False

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        return self._leases.exclusive(name, lease, wait=wait)

    def lose(self, name: str) -> None:
        """Take the lease from its holder, who does not notice."""
        self._leases.lose(name)

    def news(self, timeout: float) -> bool:
        until = time.monotonic() + timeout
        while True:
            try:
                self._call("news")
            except RecordError:
                self._known = None
                raise
            found = self._version()
            if found != self._known:
                self._known = found
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.005)

    def after_fork_in_child(self) -> None:
        self._known = None

    def close(self) -> None:
        pass

    def cut(self) -> None:
        """Let nobody reach the server."""
        (self.folder / "down").touch()

    def mend(self) -> None:
        """Let everybody reach it again."""
        (self.folder / "down").unlink()

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.before(name)
        if (self.folder / "down").exists():
            raise unreachable()

    def _version(self) -> int:
        with contextlib.suppress(OSError):
            return (self.folder / "changes").stat().st_size
        return 0

    def _announce(self) -> None:
        with (self.folder / "changes").open("ab") as stream:
            stream.write(b".")


def unreachable() -> RecordError:
    return RecordError("the server does not answer", "See that it runs.")


class RecordPlugin:
    """Offers shared records by URLs: `test:///folder`. They are kept for the test to look at."""

    def __init__(self) -> None:
        self.made: list[FolderRecord] = []

    @suppress.hookimpl
    def suppress_record(self, url: ServerUrl, settings: suppress.Settings) -> FolderRecord | None:
        if url.scheme != "test":
            return None
        self.made.append(FolderRecord(Path(url.reveal().removeprefix("test://")) / "record"))
        return self.made[-1]
