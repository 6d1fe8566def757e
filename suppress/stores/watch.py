"""The processes of a machine that share a copy: what they use, and which of them keeps it current.

One process listens for its machine. It holds a lock, and leaves a sign of life: the time of a
file. The lock ends with the process. A process that is stopped keeps the lock, but leaves no
sign; then the others listen for themselves.
"""

import contextlib
import math
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from suppress.stores.contract import StoreError
from suppress.stores.folder import FolderStore
from suppress.stores.limits import SharedLimits

_SUFFIX = ".wanted"


class Watch:
    """The view of one process on the others that share a copy.

    Args:
        folder: where the copy is.
        local: the store in that folder.
        limits: delays.
        clock: gives the time of files, in seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        local: FolderStore,
        limits: SharedLimits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._local = local
        self._limits = limits
        self._clock = clock
        self._lock: ExitStack | None = None

    def want(self, key: str) -> bool:
        """Mark the key as one that is used on this machine.

        Returns:
            True if its copy is kept current already.
        """
        path = self._folder / f"{key}{_SUFFIX}"
        # What was marked before the last sign of life has been copied since.
        alive, marked = self._age(self._sign), self._age(path)
        if not 0 <= marked < self._limits.mark:
            with contextlib.suppress(OSError):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _touch(path)
        return 0 <= alive < self._limits.seen and alive < marked < self._limits.wanted

    def wanted(self) -> list[str]:
        """Return the keys that processes of this machine use."""
        try:
            return sorted(
                path.name.removesuffix(_SUFFIX)
                for path in self._folder.glob(f"*{_SUFFIX}")
                if self._age(path) < self._limits.wanted
            )
        except OSError:
            return []

    def takes_part(self) -> bool:
        """Tell whether this process has to listen now."""
        if self._lock is None:
            with contextlib.suppress(StoreError), ExitStack() as stack:
                stack.enter_context(self._local.exclusive("listening", math.inf))
                self._lock = stack.pop_all()
        return self._lock is not None or not 0 <= self._age(self._sign) < self._limits.seen

    def sign(self) -> None:
        """Leave a sign of life, if this process listens for its machine: all was copied."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                _touch(self._sign)

    def after_fork_in_child(self) -> None:
        """Leave the lock to the process that this one was forked from."""
        self._lock = None

    @property
    def _sign(self) -> Path:
        return self._folder / "listening"

    def _age(self, path: Path) -> float:
        """Return the seconds since the file was touched; infinity where there is none."""
        try:
            return self._clock() - path.stat().st_mtime
        except OSError:
            return math.inf


def _touch(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.utime(path)
