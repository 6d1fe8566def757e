"""Calls of sources that may hang: each ends in time, and no other is begun while one hangs."""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class Hanging(Exception):
    """A source hangs: its thread cannot be ended, and is left behind."""


class Overdue(Exception):
    """A source has not done its work in time."""


class Calls:
    """Calls of sources, each in a thread of its own, at most one that hangs for each source."""

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
        """Give what the work gives, if it does so in time.

        Args:
            work: what to do.
            seconds: how long to wait for it.
            sources: the names of those that it may call.
            current: gives the name of the one that it is at.

        Raises:
            Overdue: it was not done in time.
            Hanging: one of them hangs since an earlier call; nothing was done.
            RuntimeError: no thread can be started.
        """
        for name in sources:
            thread, since = self._left.get(name, (None, 0.0))
            if thread is not None and thread.is_alive():
                raise Hanging(
                    f"The source {name!r} has not answered for {time.monotonic() - since:.0f} s. "
                    "This process asks it again when that call has ended: restart it if it never "
                    "does."
                )
        future: Future[T] = Future()

        def run() -> None:
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - it is handed to who waits for it
                future.set_exception(error)
            else:
                future.set_result(result)

        began = time.monotonic()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            return future.result(seconds)
        except TimeoutError:
            if future.done():  # the source's own
                return future.result()
            self._left[current()] = thread, began
            raise Overdue from None
