"""Threads, locks and calls over a fork: forgotten in the forked process, or not held in it."""

import os
import threading
import weakref
from typing import Protocol


class HasThreads(Protocol):
    """An object with threads, locks or calls, none of which goes on in a forked process."""

    def after_fork_in_child(self) -> None:
        """Forget them."""


def follow_forks(owner: HasThreads) -> None:
    """Call `owner.after_fork_in_child()` in each process that is forked from this one.

    Args:
        owner: is not kept alive by this.
    """
    known = weakref.ref(owner)

    def after_fork_in_child() -> None:
        if (alive := known()) is not None:
            alive.after_fork_in_child()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_fork_in_child)


def lock_that_forks_take() -> threading.RLock:
    """Return a lock that a fork takes, too: in the forked process, no other thread holds it.

    It is for the whole life of the process: keep one for all objects of a class.
    """
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock
