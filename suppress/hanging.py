"""Calls of sources that may hang: each ends in time, and one that hangs is not called again."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import TypeVar

from suppress.futures import resolve

T = TypeVar("T")


class Hanging(Exception):
    """A source hangs: its thread cannot be ended, and is left behind."""


class Overdue(Exception):
    """A source has not done its work in time."""


class Calls:
    """Calls of sources, each in a thread of its own, and at most one that hangs for a source."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[threading.Thread, float]] = {}

    def call(
        self,
        work: Callable[[], T],
        seconds: float,
        *,
        sources: Collection[str],
        current: Callable[[], str],
    ) -> T:
        """Return the result of the work, if it is done in time.

        Args:
            work: the work; it calls sources.
            seconds: how long to wait for it.
            sources: the names of the sources that it may call.
            current: gives the name of the source that it is calling.

        Raises:
            Overdue: it was not done in time.
            Hanging: a source hangs since an earlier call; nothing was done.
            RuntimeError: no thread can be started.
        """
        for name in sources:
            left, left_at = self._left.get(name, (None, 0.0))
            if left is not None and left.is_alive():
                raise Hanging(
                    f"The source {name!r} has not answered for {time.monotonic() - left_at:.0f} s. "
                    "This process asks it again once that call has ended; restart the process if "
                    "it never does."
                )
        future: Future[T] = Future()
        started = time.monotonic()
        thread = threading.Thread(target=resolve, args=(future, work), daemon=True)
        thread.start()
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():  # the source's own
                return future.result()
            self._left[current()] = thread, started
            raise Overdue from None
