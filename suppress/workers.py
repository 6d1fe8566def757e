"""A bounded number of threads that run calls for others, started as they are needed.

`concurrent.futures.ThreadPoolExecutor` does three things that would do harm here: the process
cannot end before its calls, which may wait for a server; a cancelled call stays in its queue
with all its arguments; and in a forked process it waits for threads that are not there.
"""

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

from suppress.forks import follow_forks
from suppress.futures import resolve

P = ParamSpec("P")
T = TypeVar("T")


class Workers(Executor):
    """Runs calls in threads of its own, as an executor does.

    Args:
        most: how many calls run at once. The others wait, and are dropped when cancelled.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.after_fork_in_child()
        follow_forks(self)

    def after_fork_in_child(self) -> None:
        """Forget threads and calls: none of them is in this process."""
        self._changed = threading.Condition(threading.Lock())
        self._waiting: dict[Future[Any], Callable[[], Any]] = {}
        self._threads = 0
        self._idle = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call as soon as a thread is free."""
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
                resolve(future, call)
            del future, call
