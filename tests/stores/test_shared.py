"""The contract fits a store that machines share: bytes by key elsewhere, and a folder as a copy.

There, a lease can be lost while its holder still works.
"""

import itertools
import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.builders import Clock
from suppress import Snapshot
from suppress.stores.contract import Failure, Held, Lease, LeaseLost, check_lease
from suppress.stores.folder import FolderStore
from suppress.stores.image import (
    Damaged,
    Header,
    Part,
    check_digest,
    image_of,
    seal,
    snapshot_of,
    unseal,
)
from suppress.testing import StoreContract
from suppress.testing.leases import LEASE
from suppress.testing.snapshots import contents, read
from suppress.testing.stores import KEY, Damage, Opening, publish


class Remote:
    """A server that keeps bytes, and gives leases that end by its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.headers: dict[str, bytes] = {}
        self.parts: dict[str, bytes] = {}
        self.failures: dict[str, Failure] = {}
        self.leases: dict[str, tuple[int, float]] = {}
        self.version = 0
        self.tokens = itertools.count()
        self.lock = threading.RLock()

    def held(self, name: str) -> int | None:
        """Return the token of the lease that is in force."""
        token, end = self.leases.get(name, (None, 0.0))
        return token if self.clock.now < end else None


class RemoteLease:
    """A lease of the server."""

    def __init__(self, remote: Remote, name: str, token: int) -> None:
        self.name = name
        self._remote = remote
        self._token = token

    def check(self) -> None:
        if self._remote.held(self.name) != self._token:
            raise LeaseLost(f"the lease for {self.name} has ended")


class SharedStore:
    """A store of the server, which serves from a folder of this machine."""

    def __init__(self, remote: Remote, folder: Path) -> None:
        self._remote = remote
        self._copies = FolderStore(folder)
        self._seen: dict[str, tuple[bytes | None, Snapshot | None]] = {}

    def latest(self, key: str) -> Snapshot | None:
        content = self._remote.headers.get(key)
        if self._seen.get(key, (b"", None))[0] != content:
            self._seen[key] = content, None if content is None else self._copied(key, content)
        return self._seen[key][1]

    def _copied(self, key: str, content: bytes) -> Snapshot | None:
        try:
            return self._copy(key, self._fetched(content))
        except Damaged as error:
            logging.getLogger("suppress").warning("%s is damaged: %s", key, error)
            return None

    def _fetched(self, content: bytes) -> Snapshot:
        header = unseal(content, Header)
        numbers, origins = (
            memoryview(self._remote.parts[digest]) for digest in (header.numbers, header.origins)
        )
        check_digest("numbers", numbers, header.numbers)
        check_digest("origins", origins, header.origins)
        return snapshot_of(header, numbers, origins)

    def _copy(self, key: str, snapshot: Snapshot) -> Snapshot:
        with self._copies.exclusive(key, LEASE, wait=math.inf) as lease:
            return self._copies.publish(key, snapshot, lease)

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        image = image_of(snapshot)
        for part in (image.numbers, image.origins):
            self._upload(part)
        content = seal(image.header)
        with self._remote.lock:
            check_lease(lease, key)
            self._remote.headers[key] = content
            self._remote.failures.pop(key, None)
        self.notify()
        self._seen[key] = content, self._copy(key, snapshot)
        kept = self._seen[key][1]
        assert kept is not None
        return kept

    def _upload(self, part: Part) -> None:
        self._remote.parts[part.digest] = b"".join(part.pieces)

    def repair(self, key: str, lease: Lease) -> None:
        with self._remote.lock:
            check_lease(lease, key)
            content = self._remote.headers.get(key)
            try:
                if content is not None:
                    self._fetched(content)
            except Damaged:
                del self._remote.headers[key]

    def failure(self, key: str) -> Failure | None:
        return self._remote.failures.get(key)

    def fail(self, key: str, failure: Failure) -> None:
        self._remote.failures[key] = failure
        self.notify()

    def version(self) -> int:
        return self._remote.version

    def notify(self) -> None:
        with self._remote.lock:
            self._remote.version += 1

    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:
        give_up = time.monotonic() + wait
        while (token := self._taken(name, lease)) is None:
            if time.monotonic() >= give_up:
                raise Held(f"another machine holds {name}")
            time.sleep(0.01)
        try:
            yield RemoteLease(self._remote, name, token)
        finally:
            with self._remote.lock:
                if self._remote.held(name) == token:
                    del self._remote.leases[name]

    def _taken(self, name: str, lease: float) -> int | None:
        with self._remote.lock:
            if self._remote.held(name) is not None:
                return None
            token = next(self._remote.tokens)
            self._remote.leases[name] = token, self._remote.clock.now + lease
            return token

    def describe(self) -> str:
        return "the test's server"

    def after_fork_in_child(self) -> None:
        self._copies.after_fork_in_child()


@pytest.fixture
def remote() -> Remote:
    return Remote()


class TestContract(StoreContract):
    @pytest.fixture
    def opening(self, remote: Remote, tmp_path: Path) -> Opening:
        machines = itertools.count()
        return lambda: SharedStore(remote, tmp_path / f"machine-{next(machines)}")

    @pytest.fixture
    def damages(self, remote: Remote) -> list[Damage]:
        def header(key: str) -> None:
            remote.headers[key] = remote.headers[key].replace(b"sms", b"rcs")

        def part(kind: str) -> Damage:
            def damage(key: str) -> None:
                digest = getattr(unseal(remote.headers[key], Header), kind)
                remote.parts[digest] = remote.parts[digest][:-1]

            return damage

        return [header, part("numbers"), part("origins")]


def test_a_lease_that_ran_out_publishes_nothing(remote: Remote, tmp_path: Path) -> None:
    """The holder is slow or was asleep, and another machine has published meanwhile."""
    slow, other = (SharedStore(remote, tmp_path / name) for name in ("slow", "other"))
    with slow.exclusive(KEY, LEASE) as lease:
        remote.clock.now += LEASE
        published = publish(other, read("+14155552671"))
        with pytest.raises(LeaseLost):
            slow.publish(KEY, read("+14155552672"), lease)
        with other.exclusive(KEY, LEASE) as held:
            with pytest.raises(LeaseLost):
                lease.check()
            held.check()
    found = slow.latest(KEY)
    assert found is not None
    assert contents(found) == contents(published)
