"""A remote in a folder that the tests' machines share, with faults; and its plugin.

It stands for a server where none is needed. Machines are handles, or processes, with local
folders of their own. While the folder has a file `down`, nothing can be reached.
"""

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import filelock

import suppress
from suppress import Held, Lease, LeaseLost, PartGone, Remote, ServerUrl, Settings, StoreError


class FolderRemote:
    """A remote in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[str] = []
        self._known: int | None = None
        folder.mkdir(exist_ok=True)

    def head(self, key: str) -> bytes | None:
        self._call("head")
        return self._read(f"{key}.head")

    def part(self, key: str, digest: str) -> Iterator[bytes]:
        self._call("part")
        content = self._read(f"{key}-{digest}.part")
        if content is None:
            raise PartGone("it is gone")
        yield content[:10]
        self._call("part")
        yield content[10:]

    def publish(
        self, key: str, head: bytes, parts: Mapping[str, Iterable[bytes]], lease: Lease
    ) -> None:
        self._call("publish")
        for digest, pieces in parts.items():
            if not (self.folder / f"{key}-{digest}.part").exists():
                self._write(f"{key}-{digest}.part", b"".join(pieces))
        with self._checked(key, lease):
            self._write(f"{key}.head", head)
            (self.folder / f"{key}.failure").unlink(missing_ok=True)
        self._announce()

    def discard(self, key: str, lease: Lease) -> None:
        self._call("discard")
        with self._checked(key, lease):
            for path in (*self.folder.glob(f"{key}-*.part"), self.folder / f"{key}.head"):
                path.unlink(missing_ok=True)
        self._announce()

    def failure(self, key: str) -> bytes | None:
        self._call("failure")
        return self._read(f"{key}.failure")

    def fail(self, key: str, failure: bytes) -> None:
        self._call("fail")
        self._write(f"{key}.failure", failure)
        self._announce()

    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:
        assert math.isfinite(lease)
        self._call("exclusive")
        deadline = time.monotonic() + wait
        while True:
            fence = self._fence(name)
            lock = filelock.FileLock(self.folder / f"{name}.{fence}.lock", thread_local=False)
            try:
                lock.acquire(timeout=min(0.02, max(deadline - time.monotonic(), 0)))
            except filelock.Timeout:
                if time.monotonic() >= deadline:
                    raise Held(f"another machine holds {name}") from None
                self._call("exclusive")
                continue
            if fence == self._fence(name):
                break
            lock.release()
        try:
            yield _Fenced(self, name, fence, lock)
        finally:
            lock.release()

    def lose(self, name: str) -> None:
        """Take the lease from its holder, who does not notice."""
        self._write(f"{name}.fence", str(int(self._fence(name)) + 1).encode())

    def news(self, timeout: float) -> bool:
        until = time.monotonic() + timeout
        while True:
            try:
                self._call("news")
            except StoreError:
                self._known = None
                raise
            found = self._version()
            if found != self._known:
                self._known = found
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.005)

    def describe(self) -> str:
        return f"test://{self.folder.name}"

    def after_fork_in_child(self) -> None:
        self._known = None

    def close(self) -> None:
        pass

    def damage(self, key: str, kind: str) -> None:
        """Change a byte of the head, or of each part."""
        for path in self.folder.glob(f"{key}*.{kind}"):
            content = path.read_bytes()
            path.write_bytes(content[:20] + b"?" + content[21:])

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if (self.folder / "down").exists():
            raise StoreError("the server does not answer")

    @contextmanager
    def _checked(self, key: str, lease: Lease) -> Iterator[None]:
        if not isinstance(lease, _Fenced) or lease.name != key:
            raise LeaseLost("the lease is for something else")
        with filelock.FileLock(self.folder / f"{key}.step"):
            lease.check()
            yield

    def _fence(self, name: str) -> str:
        return (self._read(f"{name}.fence") or b"0").decode()

    def _version(self) -> int:
        with contextlib.suppress(OSError):
            return (self.folder / "changes").stat().st_size
        return 0

    def _announce(self) -> None:
        with (self.folder / "changes").open("ab") as stream:
            stream.write(b".")

    def _read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _write(self, name: str, content: bytes) -> None:
        hidden = self.folder / f".{name}.{os.getpid()}.{time.monotonic_ns()}"
        hidden.write_bytes(content)
        hidden.replace(self.folder / name)


class _Fenced:
    """A lease as long as its lock is held and no other fence was put up."""

    def __init__(
        self, remote: FolderRemote, name: str, fence: str, lock: filelock.BaseFileLock
    ) -> None:
        self.name = name
        self._remote = remote
        self._fence = fence
        self._lock = lock

    def check(self) -> None:
        if not self._lock.is_locked or self._remote._fence(self.name) != self._fence:
            raise LeaseLost(f"the lease for {self.name} has ended")


class RemotePlugin:
    """Offers remotes by URLs: `test:///folder`. They are kept for the test to look at."""

    def __init__(self) -> None:
        self.made: list[FolderRemote] = []

    @suppress.hookimpl
    def suppress_remote(self, url: ServerUrl, settings: suppress.Settings) -> FolderRemote | None:
        if url.scheme != "test":
            return None
        self.made.append(FolderRemote(Path(url.reveal().removeprefix("test://"))))
        return self.made[-1]

    @suppress.hookimpl
    def suppress_record(
        self, url: ServerUrl, settings: suppress.Settings
    ) -> suppress.SharedRecord | None:
        from support.shared_records import RecordPlugin  # noqa: PLC0415 - it needs this module

        return RecordPlugin().suppress_record(url, settings)


@contextmanager
def handles(
    offer: Callable[[ServerUrl, Settings], Remote | None], plugin: str, server: str
) -> Iterator[Callable[..., Remote]]:
    """Give a function that opens a handle to a store on a server, and close all of them.

    Args:
        offer: the hook of the plugin.
        plugin: the name of its table.
        server: the URL of the server; the function takes another one, and settings of the plugin.
    """
    opened = []

    def open_one(url: str = server, **settings: object) -> Remote:
        table = {plugin: settings} if settings else {}
        remote = offer(ServerUrl(url), Settings(tables=table))
        assert remote is not None
        opened.append(remote)
        return remote

    yield open_one
    for each in opened:
        each.close()
