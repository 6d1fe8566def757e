"""A property that is computed once, without holding a lock."""

import functools
from typing import TYPE_CHECKING, Any

__all__ = ["cached_property"]

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property(functools.cached_property):  # noqa: N801 - as its base is named
        """The `cached_property` of `functools`, without a lock.

        Up to Python 3.11 the original holds one lock for all instances of a class: threads
        would wait for each other, and a process that is forked meanwhile for ever. Here two
        threads may compute the same value twice.
        """

        def __get__(self, instance: Any, owner: Any = None) -> Any:
            """Compute the value, and keep it where Python looks first."""
            if instance is None:
                return self
            found = instance.__dict__[self.attrname] = self.func(instance)
            return found
