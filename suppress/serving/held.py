"""The snapshot that a process holds, and its age by two clocks."""

from typing import NamedTuple

from suppress.serving.freshness import age_of
from suppress.stop_list.snapshot import Snapshot


class HeldSnapshot(NamedTuple):
    """The snapshot that a process holds.

    Attributes:
        snapshot: the snapshot.
        started: when its reading began by the timer of this process, as far as is known.
    """

    snapshot: Snapshot
    started: float

    @property
    def read_at(self) -> float:
        """The time at which its reading began (seconds since the epoch)."""
        return self.snapshot.read_at.timestamp()

    def age(self, now: float, ticks: float) -> float:
        """Return its age by the clock, or by the timer if that says more."""
        return age_of(self.read_at, now, ticks - self.started)

    def or_later(self, snapshot: Snapshot, now: float, ticks: float) -> "HeldSnapshot":
        """Return this, or the snapshot unless its reading began earlier."""
        # One from the future was read before the clock was set back, so it counts as earlier.
        if snapshot.read_at < self.snapshot.read_at and self.age(now, ticks) >= 0:
            return self
        other = hold(snapshot, now, ticks)
        if other.read_at == self.read_at:
            other = other._replace(started=min(self.started, other.started))
        return other


def hold(snapshot: Snapshot, now: float, ticks: float) -> HeldSnapshot:
    """Return a snapshot as this process holds it from now on.

    Args:
        snapshot: the snapshot.
        now: the time by the clock (seconds since the epoch).
        ticks: the time by the timer.
    """
    return HeldSnapshot(snapshot, ticks - max(now - snapshot.read_at.timestamp(), 0.0))
