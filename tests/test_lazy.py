"""A lazy property is found once for each instance, and holds up no other thread."""

import threading
from dataclasses import dataclass

import pytest

from suppress.lazy import cached_property


@dataclass(frozen=True)
class Slow:
    """Has a property that waits for a gate."""

    gate: threading.Event
    begun: threading.Event

    @cached_property
    def found(self) -> list[int]:
        """A new list."""
        self.begun.set()
        assert self.gate.wait(10)
        return []


def test_is_found_once() -> None:
    one = Slow(threading.Event(), threading.Event())
    one.gate.set()
    assert one.found is one.found
    assert Slow.found.__doc__ == "A new list."
    with pytest.raises(AttributeError):
        one.found = [1]


def test_another_instance_waits_for_nobody() -> None:
    """So a child that is forked meanwhile does not either."""
    slow, quick = (Slow(threading.Event(), threading.Event()) for _ in range(2))
    thread = threading.Thread(target=lambda: slow.found)
    thread.start()
    assert slow.begun.wait(10)
    quick.gate.set()
    other = threading.Thread(target=lambda: quick.found, daemon=True)
    other.start()
    other.join(5)
    assert not other.is_alive()
    slow.gate.set()
    thread.join()
