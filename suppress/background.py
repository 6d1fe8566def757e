"""A thread that does now and then, until its owner is gone, what nobody should wait for."""

import logging
import threading
import weakref
from collections.abc import Callable

logger = logging.getLogger("suppress")


class Background:
    """Calls a method of its owner again and again, in a thread of its own.

    Args:
        step: a bound method; says how many seconds may pass until it has to be called
            again. It is not kept alive by this.
    """

    def __init__(self, step: Callable[[], float]) -> None:
        # An owner that goes lets its thread end.
        self._step = weakref.WeakMethod(step, lambda _: self._woken.set())
        self.start_anew()

    def start_anew(self) -> None:
        """Forget the thread: a process that was forked has none."""
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self, *, again: bool = True) -> None:
        """Have the step called now, and let it say when it is next.

        Args:
            again: whether to do so if the thread is at work already.
        """
        with self._lock:
            gone = self._thread is None or not self._thread.is_alive()
            if again or gone:
                self._woken.set()
            if gone:
                self._thread = threading.Thread(
                    target=_run, args=(self._step, self._woken), name="suppress", daemon=True
                )
                self._thread.start()


def _run(step: "weakref.WeakMethod[Callable[[], float]]", woken: threading.Event) -> None:
    while (method := step()) is not None:
        woken.clear()
        try:
            pause = method()
        except BaseException:  # a source is a stranger's code
            # Whoever asks next meets it again, and is told.
            logger.exception("What suppress does in the background has failed")
            pause = 60.0
        del method
        woken.wait(min(pause, threading.TIMEOUT_MAX))
