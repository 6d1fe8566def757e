"""A property that is found once, and holds no lock meanwhile."""

import functools
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801 - as its base is named
        """The one of `functools`, without a lock.

        Up to Python 3.11 that one holds a lock for all instances of a class: threads would
        wait for each other, and a process that is forked meanwhile for ever. Two threads may
        find the same twice here.
        """

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """Find the value, and keep it: Python looks at what is kept first."""
            if instance is None:
                return self
            found = instance.__dict__[self.attrname] = self.func(instance)
            return found
