"""Objects told, in a process that was forked, to forget threads, locks and calls."""

import os
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
