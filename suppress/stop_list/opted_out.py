"""The people who were opted out here, as immutable runs of their readings.

Runs are of very different sizes, in the order of time: one more opt-out makes a small run, and
the large ones stay as they are. A run may lie on a mapped file.
"""

import hashlib
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.lazy import cached_property
from suppress.stop_list.forgotten import NOBODY_FORGOTTEN, Forgotten
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.run import NO_RUN, Additions, Positions, Readings, Run

_NO_POSITIONS = np.zeros(0, np.int64)
_NO_VALUES = np.zeros(0, np.uint64)

GROWTH = 32
"""A run is so many times larger than the next one, at least: else they are merged."""


@dataclass(frozen=True, eq=False)
class OptedOut:
    """Everyone who was put on a channel's stop list here, and not by a source.

    Attributes:
        runs: those whose numbers are known, in the order of time.
        forgotten: those whose numbers were forgotten on request.
    """

    runs: tuple[Run, ...] = field(default=(), repr=False)
    forgotten: Forgotten = field(default=NOBODY_FORGOTTEN, repr=False)

    @classmethod
    def of(cls, numbers: Sequence[str]) -> "OptedOut":
        """Return the people with these E.164 numbers, opted out at the epoch."""
        values = np.array([int(each) for each in numbers], np.uint64)
        readings = Readings(np.arange(len(values)), values, np.zeros_like(values))
        run = Run.of(range(len(values)), np.zeros(len(values)), numbers, readings)
        return cls((run,) if len(run) else ())

    def __bool__(self) -> bool:
        return bool(self.runs or self.forgotten)

    def and_run(self, run: Run) -> "OptedOut":
        """Return the same with a run more, merged so that few runs remain."""
        if not len(run):
            return self
        runs = [*self.runs, run]
        while len(runs) > 1 and len(runs[-1]) * GROWTH > len(runs[-2]):
            runs[-2:] = [Run.merged(runs[-2:])]
        return OptedOut(tuple(runs), self.forgotten)

    def without(self, positions: Positions) -> "OptedOut":
        """Return the same without the people at some positions."""
        if not len(positions):
            return self
        runs = tuple(each.without(positions) for each in self.runs)
        if all(map(operator.is_, runs, self.runs)):
            return self
        left = (Run.merged([run]) if len(run.dead) * GROWTH > len(run) else run for run in runs)
        return OptedOut(tuple(run for run in left if len(run)), self.forgotten)

    def merged(self) -> Run:
        """Return everyone whose number is known as one run."""
        if len(self.runs) == 1 and not self.runs[0].dead:
            return self.runs[0]
        return Run.merged(self.runs) if self.runs else NO_RUN

    @cached_property
    def unread(self) -> Mapping[str, float]:
        """The digits of those without a reading, each with since when (seconds since the epoch)."""
        found: dict[str, float] = {}
        for run in self.runs:
            for each in run.unread_alive:
                found.setdefault(each.digits, each.since)
        return MappingProxyType(found)

    @property
    def count(self) -> int:
        """The number of people."""
        return len(self._firsts) + len(self.unread) + self.forgotten.count

    def count_missing_in(self, numbers: NumberSet) -> int:
        """Count those who are not among the numbers; of the forgotten nobody can be."""
        return self.count - int(np.count_nonzero(numbers.have(self._firsts)))

    @cached_property
    def _firsts(self) -> NDArray[np.uint64]:
        if len(self.runs) == 1:
            return self.runs[0].distinct_firsts
        empty = [np.zeros(0, np.uint64)]
        return distinct(np.concatenate([*empty, *(each.distinct_firsts for each in self.runs)]))

    @cached_property
    def values(self) -> NDArray[np.uint64]:
        """The readings of those whose numbers are known, as integers, each once, ascending."""
        empty = [np.zeros(0, np.uint64)]
        return distinct(np.concatenate([*empty, *(each.values for each in self.runs)]))

    def newest(self, since: float = -math.inf, until: float = math.inf) -> NDArray[np.int64]:
        """Return the position of the newest addition of each person whose number is known.

        Args:
            since: from when on that one counts (seconds since the epoch).
            until: up to when.
        """
        alive = [(run, run.alive) for run in self.runs]
        positions = np.concatenate([_NO_POSITIONS, *(run.positions[at] for run, at in alive)])
        moments = np.concatenate([np.zeros(0), *(run.since[at] for run, at in alive)])
        firsts = np.concatenate([_NO_VALUES, *(run.firsts[at] for run, at in alive)])
        # Of those without a reading the digits tell who is the same.
        unread = {each.digits: each.position for run in self.runs for each in run.unread_alive}
        _, last = np.unique(firsts[::-1], return_index=True)
        is_newest = np.isin(positions, list(unread.values()))
        is_newest[len(firsts) - 1 - last] |= firsts[len(firsts) - 1 - last] != 0
        chosen: NDArray[np.int64] = positions[is_newest & (moments >= since) & (moments <= until)]
        return chosen

    def __contains__(self, number: object) -> bool:
        return isinstance(number, str) and number[1:].isdecimal() and self.has(int(number[1:]))

    def has(self, value: int) -> bool:
        """Tell whether the number whose digits make the value, below 2**64, is opted out."""
        for run in self.runs:
            if run.has(value):
                return True
        return bool(self.forgotten and self.forgotten.traces_of(value))

    def have(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell the same for each of the values."""
        found = np.zeros(len(values), np.bool_)
        for run in self.runs:
            found |= run.have(values)
        if self.forgotten:
            found |= self.forgotten.have(values)
        return found

    def have_firsts(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell for each of the values whether somebody is opted out with it, or forgotten."""
        found = np.zeros(len(values), np.bool_)
        for run in self.runs:
            found |= run.have_firsts(values)
        if self.forgotten:
            found |= self.forgotten.have(values)
        return found

    def since(self, value: int) -> tuple[float | None, int] | None:
        """Return since when a reading is opted out; None where it is not.

        Returns:
            The time (seconds since the epoch), None for a forgotten one; and the digits that
            were written, where they are another form of it, else 0.
        """
        found = [each for run in self.runs if (each := run.since_of(value)) is not None]
        if found:
            return min(found)
        is_forgotten = self.forgotten and self.forgotten.traces_of(value)
        return (None, 0) if is_forgotten else None

    def additions_of(self, values: NDArray[np.uint64]) -> Additions:
        """Return the additions of those who have one of the readings, but for the forgotten."""
        found = [NO_RUN.additions_of(values), *(run.additions_of(values) for run in self.runs)]
        asked, positions, since, firsts = map(np.concatenate, zip(*found, strict=True))
        return Additions(asked, positions, since, firsts)

    @cached_property
    def image(self) -> list[bytes | memoryview]:
        """The bytes of which the digest is made: equal for those who suppress the same people."""
        unread = "".join(f"{digits}\n" for digits in sorted(self.unread)).encode("ascii")
        single = len(self.runs) == 1 and not self.runs[0].dead
        numbers = self.runs[0].numbers if single else NumberSet.of_values(self.values)
        return [*numbers.image(), unread, *sorted(self.forgotten.traces)]

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, OptedOut) and self._digest == other._digest)

    def __hash__(self) -> int:
        return hash(self._digest)

    @cached_property
    def _digest(self) -> bytes:
        return hashlib.sha256(b"".join(self.image)).digest()


NO_OPT_OUTS = OptedOut()
