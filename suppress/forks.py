"""Telling an object, in a process that was forked, that nothing it had begun goes on there."""

import os
import weakref
from typing import Protocol


class StartsAnew(Protocol):
    """Something with threads, locks or calls, of which a process that is forked has none."""

    def start_anew(self) -> None:
        """Forget them."""


def start_anew_when_forked(owner: StartsAnew) -> None:
    """Have `start_anew` called in each process that is forked from this one.

    Args:
        owner: is not kept alive by this.
    """
    known = weakref.ref(owner)

    def start_anew() -> None:
        if (alive := known()) is not None:
            alive.start_anew()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=start_anew)
