"""A background thread that repeats a task as long as its owner lives."""

import logging
import threading
import weakref
from collections.abc import Callable

logger = logging.getLogger("suppress")

PAUSE_AFTER_ERROR = 60.0
"""Seconds until a task is repeated that has failed."""


PAUSE_AFTER_FORK = 0.5
"""Seconds until a task goes on in a forked process: other libraries first renew their locks."""


class Background:
    """Calls a method of its owner again and again, in a thread of its own.

    Args:
        step: a bound method that returns the seconds until it has to be called again. It is
            not kept alive by this.
    """

    def __init__(self, step: Callable[[], float]) -> None:
        # An owner that goes lets its thread end.
        self._step = weakref.WeakMethod(step, lambda _: self._woken.set())
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Forget the thread: it is not in this process."""
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self, *, again: bool = True, after: float = 0.0) -> bool:
        """Call the step now, whenever it was due; return False if no thread can be started.

        The next call of this tries again then.

        Args:
            again: whether to do so if the thread is there already.
            after: seconds until a new thread calls the step for the first time.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                if again:
                    self._woken.set()
                return True
            thread = threading.Thread(
                target=_run, args=(self._step, self._woken, after), name="suppress", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:
                return False
            self._thread = thread
            return True


def _run(
    step: "weakref.WeakMethod[Callable[[], float]]", woken: threading.Event, after: float
) -> None:
    woken.wait(after)
    while (method := step()) is not None:
        woken.clear()
        try:
            pause = method()
        except BaseException:  # a source is a stranger's code
            # The next caller meets the same error, and is told.
            logger.exception(
                "A background task of suppress has failed", extra={"code": "background_failed"}
            )
            pause = PAUSE_AFTER_ERROR
        del method
        woken.wait(min(pause, threading.TIMEOUT_MAX))
