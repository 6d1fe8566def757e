"""Threads for requests: a process that ends does not wait for them."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class Threads:
    """Calls functions in threads of its own, until it is closed.

    Python does not end before the threads of a `ThreadPoolExecutor` have ended, however long a
    server keeps them waiting; for these threads it does not wait.

    Args:
        count: how many calls run at once.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def close(self) -> None:
        """Cancel the calls that have not begun, and wait for the others."""
        with contextlib.suppress(Empty):
            while (job := self._jobs.get_nowait()) is not None:
                job[0].cancel()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Call a function in one of the threads, and return the future of its result."""
        future: Future[T] = Future()
        self._jobs.put((future, call, arguments))
        if len(self._threads) < self._count:
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
            except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
                future.set_exception(error)
            else:
                future.set_result(result)
            # Else the job would be kept in memory until the next one comes.
            del job, future, call, arguments
