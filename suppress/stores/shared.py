"""A store that many machines share: a remote, and a copy in a folder of each machine.

Everything is read from the copy. So mapping, digests and speed are those of a folder, and no
answer waits for a server. One process of a machine listens for news and copies what is new; the
others find it in the folder. A snapshot is published in the remote first, then in the copy.

A machine that cannot reach the remote goes on with its copy. One of its processes then reads a
list that is too old, and keeps it for this machine alone. How old is too old, the caller decides.

What many machines share besides snapshots, such as the delivery of opt-outs, is never done
without the remote: its lease is an error then.
"""

import logging
import math
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from suppress.background import Background
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure, Held, Lease, LeaseLost, StoreError
from suppress.stores.copying import Copier, in_pieces
from suppress.stores.folder import FolderStore
from suppress.stores.image import image_of, seal
from suppress.stores.limits import SharedLimits, StoreLimits
from suppress.stores.remote import Remote
from suppress.stores.watch import Watch

logger = logging.getLogger("suppress")


class SharedStore:
    """Snapshots in a remote, with a copy in a folder.

    Args:
        remote: keeps them for all machines; it is closed with the store.
        folder: for the copy. It is this remote's alone, and shared by the processes of the
            machine; made on first use, for its owner alone.
        limits: delays.
        folder_limits: when files of the copy go that nobody needs any more.

    Raises:
        ConfigurationError: others can put something into the folder.
    """

    def __init__(
        self,
        remote: Remote,
        folder: Path,
        limits: SharedLimits | None = None,
        folder_limits: StoreLimits | None = None,
    ) -> None:
        self._remote = remote
        self._limits = limits or SharedLimits()
        self._local = FolderStore(folder, folder_limits)
        self._copier = Copier(remote, self._local)
        self._watch = Watch(folder, self._local, self._limits)
        self._listening = Background(self._listen)
        self._reachable = True
        self.after_fork_in_child()
        # At the end of the process, connections end anyway.
        weakref.finalize(self, remote.close).atexit = False

    @property
    def local(self) -> FolderStore:
        """The copy of this machine, with locks that hold on this machine alone."""
        return self._local

    def latest(self, key: str) -> Snapshot | None:
        """Return the snapshot under the key, as the copy has it.

        The first use in a process looks at the remote, unless another process of the machine
        does so all the time; it waits for that no longer than the limit.
        """
        self._use(key)
        return self._local.latest(key)

    def publish(self, key: str, snapshot: Snapshot, lease: Lease) -> Snapshot:
        """Replace the snapshot under the key, on all machines.

        Under a lease that holds on this machine alone, and where the lease or the remote is lost
        meanwhile, the snapshot is kept on this machine alone, with a warning, unless the copy is
        later.
        """
        held = _checked(lease, key)
        image = image_of(snapshot)
        header, *parts = image
        if held.remote is not None:
            try:
                if self._copier.is_damaged(key):  # else its parts would be taken for good ones
                    self._remote.discard(key, held.remote)
                pieces = {each.digest: in_pieces(each) for each in parts}
                self._remote.publish(key, seal(header), pieces, held.remote)
            except StoreError as error:
                logger.warning(
                    "The snapshot %s is kept on this machine alone: it cannot be published in %s "
                    "(%s).",
                    key,
                    self.describe(),
                    error,
                    extra={"code": "snapshot_not_shared", "key": key, "error": str(error)},
                )
            else:
                self._copier.replaced(key)
                return self._local.publish(key, snapshot, held.local)
        before = self._local.header(key)
        while not self._copier.is_later_here(key, header):
            if self._local.adopt(key, image, instead_of=before):
                break
            before = self._local.header(key)  # a later one may have been copied meanwhile
        return self._local.latest(key) or self._local.publish(key, snapshot, held.local)

    def repair(self, key: str, lease: Lease) -> None:
        """Set aside the copy if it is damaged; what is damaged in the remote goes by publishing."""
        self._local.repair(key, _checked(lease, key).local)

    def failure(self, key: str) -> Failure | None:
        """Return the failure under the key, as the copy has it."""
        return self._local.failure(key)

    def fail(self, key: str, failure: Failure) -> None:
        """Keep the failure under the key, here and for the other machines."""
        self._local.fail(key, failure)
        self._remote.fail(key, msgspec.json.encode(failure))

    def version(self) -> int:
        """Return the version of the copy."""
        return self._local.version()

    def notify(self) -> None:
        """Announce a change to all processes of this machine."""
        self._local.notify()

    @contextmanager
    def exclusive(self, name: str, lease: float, *, wait: float = 0.0) -> Iterator[Lease]:
        """Be the only holder of the name, on all machines, while the block runs.

        A key can also be held while the remote cannot be reached: then for this machine alone.
        """
        deadline = time.monotonic() + wait
        with self._local.exclusive(name, lease, wait=wait) as local, ExitStack() as stack:
            left = max(deadline - time.monotonic(), 0.0)
            remote = self._remote_lease(stack, name, min(lease, self._limits.lease), left)
            yield _SharedLease(name, local, remote)

    def describe(self) -> str:
        """Return the URL of the server, without its password."""
        return self._remote.describe()

    def after_fork_in_child(self) -> None:
        """Forget the connections, the thread and the duty of the parent."""
        self._local.after_fork_in_child()
        self._remote.after_fork_in_child()
        self._watch.after_fork_in_child()
        self._listening.after_fork_in_child()
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}
        self._held: dict[str, tuple[float, int]] = {}
        self._begun = False
        self._next_look = -math.inf

    def _use(self, key: str) -> None:
        """Have the copy of the key kept current; look at the remote first where need be."""
        with self._lock:
            now = time.monotonic()
            used = self._used.get(key)
            is_due = used is None or now - used > self._limits.mark
            if is_due:
                self._used[key] = now
        if is_due:
            kept_current = self._watch.want(key)
            if used is None and not kept_current:
                self._look(key)
        if not self._listening.wake(again=False):  # the next use tries again
            self._lost(StoreError("no thread can be started"))

    def _look(self, key: str) -> None:
        """Copy what is under the key, but wait no longer than the limit."""
        looking = threading.Thread(target=self._copy, args=(key,), name="suppress", daemon=True)
        try:
            looking.start()
        except RuntimeError as error:
            self._lost(StoreError(str(error)))
        else:
            looking.join(self._limits.first_look)

    def _remote_lease(self, stack: ExitStack, name: str, lease: float, wait: float) -> Lease | None:
        """Return the lease of the remote; None where a key can be held here alone."""
        now, version = time.monotonic(), self._local.version()
        if wait <= 0 and name in self._held:
            asked, seen = self._held[name]
            # Whoever holds it ends with news; else there is no need to ask all the time.
            if version == seen and now - asked < self._limits.retry:
                raise Held(f"another machine holds {name}")
        try:
            found = stack.enter_context(self._remote.exclusive(name, lease, wait=wait))
        except Held:
            self._held[name] = now, version
            raise
        except StoreError as error:
            if name not in self._used:
                raise
            self._lost(error)
            return None
        self._held.pop(name, None)
        if name in self._used:
            # Another machine may have published a moment ago, before its news came.
            self._copy(name)
        return found

    def _copy(self, key: str) -> None:
        try:
            self._copier.copy(key)
        except StoreError as error:
            self._lost(error)
        else:
            self._found()

    def _listen(self) -> float:
        """Copy what is new, if this process has to; return the seconds until the next time."""
        if not self._begun:  # a command that is over in a moment needs no news
            self._begun = True
            return self._limits.news
        if not self._watch.takes_part():
            self._next_look = -math.inf
            return self._limits.poll
        try:
            if self._remote.news(self._limits.news) or time.monotonic() >= self._next_look:
                with self._lock:
                    used = tuple(self._used)
                for key in {*self._watch.wanted(), *used}:
                    self._copier.copy(key)
                self._next_look = time.monotonic() + self._limits.look
        except StoreError as error:
            self._lost(error)
            return self._limits.retry
        self._watch.sign()
        self._found()
        return 0.0

    def _lost(self, error: StoreError) -> None:
        if self._reachable:
            self._reachable = False
            where = self.describe()
            logger.warning(
                "The store %s cannot be used now: %s. The copy on this machine serves meanwhile.",
                where,
                error,
                extra={"code": "store_unavailable", "where": where, "error": str(error)},
            )

    def _found(self) -> None:
        if not self._reachable:
            self._reachable = True
            where = self.describe()
            logger.warning(
                "The store %s can be used again.",
                where,
                extra={"code": "store_available", "where": where},
            )


@dataclass(frozen=True)
class _SharedLease:
    """A lease on this machine, and that of the remote; without the latter where it was lost."""

    name: str
    local: Lease
    remote: Lease | None

    def check(self) -> None:
        self.local.check()
        if self.remote is not None:
            self.remote.check()


def _checked(lease: Lease, key: str) -> _SharedLease:
    """Return the lease, which holds here and is for the key; the remote checks its own."""
    if not isinstance(lease, _SharedLease) or lease.name != key:
        raise LeaseLost(f"the lease is for {lease.name}")
    lease.local.check()
    return lease
