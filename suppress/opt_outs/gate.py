"""A gate that keeps a process from being forked while a thread is where that would do harm."""

import contextlib
import os
import threading
from collections.abc import Iterator


class Gate:
    """Lets any number of threads in at once, and a fork only while no other thread is in.

    It is for a library that has locks of its own: a forked process would find them held for
    ever, had another thread been inside the library at that moment.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._inside: list[int] = []
        self._shutting = False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._shut,
                after_in_parent=self._open,
                after_in_child=self._open,
            )

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside while the block runs."""
        thread = threading.get_ident()
        with self._changed:
            # A fork that waits for those inside is not to wait for others who come after them.
            while self._shutting and thread not in self._inside:
                self._changed.wait()
            self._inside.append(thread)
        try:
            yield
        finally:
            with self._changed:
                self._inside.remove(thread)
                self._changed.notify_all()

    def _shut(self) -> None:
        # numpy imports it when np.unique is called first. A process that is forked at that moment
        # would wait for the end of that import for ever.
        import numpy.ma  # noqa: F401, PLC0415 - it takes its time, and few programs fork

        self._changed.acquire()
        self._shutting = True
        # Who forks from inside, as from a signal handler, would wait for itself.
        while set(self._inside) - {threading.get_ident()}:
            self._changed.wait()

    def _open(self) -> None:
        self._shutting = False
        self._changed.notify_all()
        self._changed.release()
