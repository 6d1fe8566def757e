"""A run of people who were opted out one after another, as sorted readings in arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.lazy import cached_property
from suppress.stop_list.number_set import NumberSet

Positions = Sequence[int] | NDArray[np.int64]
"""Positions in a record."""

_NOWHERE = np.zeros(0, np.intp)


class Readings(NamedTuple):
    """All readings of some people.

    Attributes:
        places: whose they are.
        values: the digits of one number each, as an integer.
        listed_as: the digits that were written, where they are another form of that number;
            0 elsewhere.
    """

    places: NDArray[np.intp]
    values: NDArray[np.uint64]
    listed_as: NDArray[np.uint64]

    @classmethod
    def united(cls, parts: Iterable[Self]) -> Self:
        """Return all of the parts, one after another."""
        none = np.zeros(0, np.uint64)
        places, values, listed_as = zip((none.astype(np.intp), none, none), *parts, strict=True)
        return cls(np.concatenate(places), np.concatenate(values), np.concatenate(listed_as))

    def missing(self, count: int) -> NDArray[np.intp]:
        """Return the places below the count that have no reading."""
        none = np.ones(count, np.bool_)
        none[self.places] = False
        return np.flatnonzero(none)


class Unread(NamedTuple):
    """A person whose number has no reading: who has the same digits is suppressed."""

    position: int
    digits: str
    since: float


class Additions(NamedTuple):
    """The additions of people who have one of some readings.

    Attributes:
        asked: the place of that reading among those that were asked about.
        positions: the positions of the additions in the record.
        since: since when each is opted out (seconds since the epoch).
        firsts: the first reading of each, as an integer.
    """

    asked: NDArray[np.intp]
    positions: NDArray[np.int64]
    since: NDArray[np.float64]
    firsts: NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Run:
    """People who were opted out one after another.

    Attributes:
        positions: the positions of their additions in the record, ascending.
        since: since when each is opted out (seconds since the epoch).
        firsts: the first reading of each, as an integer; 0 where there is none.
        readings: all readings, in the order of their values.
        numbers: the set of the readings.
        unread: those without a reading.
        dead: the positions of those who are not opted out any more.
    """

    positions: NDArray[np.int64]
    since: NDArray[np.float64]
    firsts: NDArray[np.uint64]
    readings: Readings
    numbers: NumberSet
    unread: tuple[Unread, ...] = ()
    dead: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls,
        positions: Positions,
        since: Sequence[float] | NDArray[np.float64],
        numbers: Sequence[str],
        readings: Readings,
    ) -> Self:
        """Return the run of some people.

        Args:
            positions: see the attributes.
            since: see the attributes.
            numbers: their numbers in E.164 form, for those without a reading.
            readings: their readings; of one person, the first comes first.
        """
        firsts = np.zeros(len(positions), np.uint64)
        firsts[readings.places[::-1]] = readings.values[::-1]
        unread = tuple(
            Unread(int(positions[place]), numbers[place][1:], float(since[place]))
            for place in readings.missing(len(positions)).tolist()
        )
        return cls._sorted(
            np.asarray(positions, np.int64), np.asarray(since, np.float64), firsts, readings, unread
        )

    @classmethod
    def _sorted(
        cls,
        positions: NDArray[np.int64],
        since: NDArray[np.float64],
        firsts: NDArray[np.uint64],
        readings: Readings,
        unread: tuple[Unread, ...],
    ) -> Self:
        order = np.argsort(readings.values, kind="stable")
        ordered = Readings(
            readings.places[order], readings.values[order], readings.listed_as[order]
        )
        return cls(positions, since, firsts, ordered, NumberSet.of_values(ordered.values), unread)

    def __len__(self) -> int:
        return len(self.positions)

    @classmethod
    def merged(cls, runs: Sequence[Self]) -> Self:
        """Return one run of all who are alive in some neighbours."""
        parts: list[Readings] = []
        places_before = 0
        for each in runs:
            alive = each.alive
            chosen = alive[each.readings.places]
            places = (np.cumsum(alive) - 1)[each.readings.places[chosen]] + places_before
            parts.append(
                Readings(places, each.readings.values[chosen], each.readings.listed_as[chosen])
            )
            places_before += int(np.count_nonzero(alive))
        return cls._sorted(
            np.concatenate([each.positions[each.alive] for each in runs]),
            np.concatenate([each.since[each.alive] for each in runs]),
            np.concatenate([each.firsts[each.alive] for each in runs]),
            Readings.united(parts),
            tuple(person for each in runs for person in each.unread_alive),
        )

    def without(self, positions: Positions) -> "Run":
        """Return the run in which the people at some positions are dead."""
        if not len(self) or not len(positions):
            return self
        sought = np.asarray(positions, np.int64)
        at = np.minimum(np.searchsorted(self.positions, sought), len(self) - 1)
        found = sought[self.positions[at] == sought]
        if not len(found):
            return self
        return Run(
            *(self.positions, self.since, self.firsts, self.readings, self.numbers, self.unread),
            self.dead.union(found.tolist()),
        )

    @property
    def unread_alive(self) -> tuple[Unread, ...]:
        """The people alive without a reading."""
        return tuple(each for each in self.unread if each.position not in self.dead)

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """The people who are still opted out, as a mask."""
        alive = np.ones(len(self), np.bool_)
        alive[np.searchsorted(self.positions, np.array(sorted(self.dead), np.int64))] = False
        return alive

    @cached_property
    def dead_values(self) -> NumberSet | None:
        """The readings that only the dead have; None where there are none."""
        if not self.dead:
            return None
        of_dead = ~self.alive[self.readings.places]
        values = distinct(self.readings.values[of_dead])
        starts = np.searchsorted(self.readings.values, values, "left")
        ends = np.searchsorted(self.readings.values, values, "right")
        dead_before = np.concatenate([[0], np.cumsum(of_dead)])
        only = dead_before[ends] - dead_before[starts] == ends - starts
        return NumberSet.of_values(values[only])

    @cached_property
    def values(self) -> NDArray[np.uint64]:
        """The readings of those who are alive, ascending."""
        if not self.dead:
            return self.readings.values
        return self.readings.values[self.alive[self.readings.places]]

    @cached_property
    def distinct_firsts(self) -> NDArray[np.uint64]:
        """One reading of each who is alive, each once, ascending."""
        firsts = self.firsts[self.alive] if self.dead else self.firsts
        found = distinct(firsts)
        return found[1:] if len(found) and found[0] == 0 else found

    def has(self, value: int) -> bool:
        """Tell whether the number whose digits make the value is one of theirs."""
        return self.numbers.has(value) and (
            self.dead_values is None or not self.dead_values.has(value)
        )

    def have(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell the same for each of the values."""
        found = self.numbers.have(values)
        if self.dead_values is not None:
            found &= ~self.dead_values.have(values)
        return found

    def have_firsts(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell for each of the values whether it is the first reading of somebody alive."""
        found = np.zeros(len(values), np.bool_)
        left = np.flatnonzero(self.have(values))
        at = np.searchsorted(self.readings.values, values[left], "left")
        # Those who share a reading are few: they are looked at one after another.
        while len(left):
            places = self.readings.places[at]
            is_first = (self.firsts[places] == values[left]) & self.alive[places]
            found[left[is_first]] = True
            at = at[~is_first] + 1
            left = left[~is_first]
            more = np.minimum(at, len(self.readings.values) - 1)
            goes_on = (at < len(self.readings.values)) & (
                self.readings.values[more] == values[left]
            )
            at, left = at[goes_on], left[goes_on]
        return found

    def places_of(self, values: NDArray[np.uint64]) -> NDArray[np.intp]:
        """Return the places of those alive who have one of the readings, ascending."""
        chosen = distinct(values)
        starts = np.searchsorted(self.readings.values, chosen, "left").tolist()
        ends = np.searchsorted(self.readings.values, chosen, "right").tolist()
        found = [
            self.readings.places[start:end]
            for start, end in zip(starts, ends, strict=True)
            if start < end
        ]
        places = distinct(np.concatenate(found)) if found else _NOWHERE
        return places[self.alive[places]]

    def additions_of(self, values: NDArray[np.uint64]) -> "Additions":
        """Return everybody alive who has one of the readings, once for each that they have."""
        starts = np.searchsorted(self.readings.values, values, "left")
        counts = np.searchsorted(self.readings.values, values, "right") - starts
        asked = np.repeat(np.arange(len(values)), counts)
        rows = np.arange(len(asked)) + np.repeat(starts - (np.cumsum(counts) - counts), counts)
        places = self.readings.places[rows]
        is_alive = self.alive[places]
        places = places[is_alive]
        return Additions(
            asked[is_alive], self.positions[places], self.since[places], self.firsts[places]
        )

    def values_of(self, places: NDArray[np.intp]) -> NDArray[np.uint64]:
        """Return all readings of the people at some places."""
        return self.readings.values[np.isin(self.readings.places, places)]

    def since_of(self, value: int) -> tuple[float, int] | None:
        """Return since when a reading is opted out, and as which digits it was written."""
        sought = np.uint64(value)
        start = int(np.searchsorted(self.readings.values, sought, "left"))
        end = int(np.searchsorted(self.readings.values, sought, "right"))
        found = [
            (self.since.item(place), self.readings.listed_as.item(at))
            for at in range(start, end)
            if self.alive[place := self.readings.places.item(at)]
        ]
        return min(found, default=None)


NO_RUN = Run.of((), (), (), Readings.united([]))
