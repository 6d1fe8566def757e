"""Threads that run calls for others: a bounded number of them, begun as they are needed.

`concurrent.futures.ThreadPoolExecutor` has three things that a stop list cannot do with: the
end of the process waits for its calls, which may wait for a server; what is cancelled stays
in its queue with all its arguments; and in a forked process it waits for threads that are
not there.
"""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from suppress.forks import start_anew_when_forked

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Executor):
    """Runs calls in threads of its own, as an executor does.

    Args:
        most: how many calls run at once; the others wait, and leave when they are cancelled.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.start_anew()
        start_anew_when_forked(self)

    def start_anew(self) -> None:
        """Forget threads and calls: a process that was forked has none of them."""
        self._changed = threading.Condition(threading.Lock())
        self._waiting: dict[Future[Any], Callable[[], Any]] = {}
        self._threads = 0
        self._idle = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a call run as soon as a thread is free."""
        future: Future[T] = Future()
        with self._changed:
            self._waiting[future] = functools.partial(fn, *args, **kwargs)
            if self._idle >= len(self._waiting):
                self._changed.notify()
            elif self._threads < self._most:
                try:
                    threading.Thread(target=self._run, name="suppress", daemon=True).start()
                except RuntimeError:
                    if not self._threads:
                        del self._waiting[future]
                        raise
                else:
                    self._threads += 1
        future.add_done_callback(self._forget)
        return future

    def _forget(self, future: Future[Any]) -> None:
        with self._changed:
            self._waiting.pop(future, None)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._waiting:
                    self._changed.wait()
                self._idle -= 1
                future = next(iter(self._waiting))
                call = self._waiting.pop(future)
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:  # noqa: BLE001 - it is handed to who waits for it
                    future.set_exception(error)
            del future, call
