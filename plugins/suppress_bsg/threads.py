"""Threads for requests, which a process that ends does not wait for."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class Threads:
    """Calls functions in some threads of its own, until it is closed.

    At its end Python waits for the threads of a `ThreadPoolExecutor`, however long a server
    lets them wait; these it does not wait for.

    Args:
        most: how many calls run at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        """Wait for the calls that run; give up those that have not begun."""
        with contextlib.suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                job[0].cancel()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have the function called; the future is that of its result."""
        future: Future[T] = Future()
        self._jobs.put((future, call, arguments))
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, daemon=True)
            thread.start()
            self._threads.append(thread)
        return future

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call, arguments = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = call(*arguments)
            except BaseException as error:  # noqa: BLE001 - it is handed to who waits for it
                future.set_exception(error)
            else:
                future.set_result(result)
            # Not kept, with what it holds, until the next job comes.
            del job, future, call, arguments
