"""The people on one list, and those of them whom another list would not suppress."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.convention import Convention
from suppress.opt_outs.moving import Addition
from suppress.opt_outs.people import lines_of, read_people
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.opted_out import OptedOut
from suppress.stop_list.snapshot import Snapshot

_CHUNK = 2**18
"""Numbers whose other forms are made at once."""

_NOBODY = np.zeros(0, np.uint64)


class Missing(NamedTuple):
    """The people on one list whom another one would not suppress.

    Attributes:
        values: their first readings, as integers of their digits, ascending.
        unread: the digits of entries that are no phone number.
    """

    values: NDArray[np.uint64]
    unread: frozenset[str]

    @property
    def numbers(self) -> list[str]:
        """Their numbers in E.164 form."""
        return [f"+{value}" for value in self.values.tolist()]

    def __len__(self) -> int:
        return len(self.values) + len(self.unread)


@dataclass(frozen=True)
class Membership:
    """The people on a list for one channel.

    Attributes:
        firsts: the first reading of each person, as an integer of its digits, each once,
            ascending.
        have: tells for many numbers whether they are listed, in any reading.
        unread: the digits of the entries without a reading.
        forgotten: how many are on it whose numbers nobody knows.
    """

    firsts: NDArray[np.uint64]
    have: Callable[[NDArray[np.uint64]], NDArray[np.bool_]]
    unread: frozenset[str] = frozenset()
    forgotten: int = 0

    @classmethod
    def of_source(cls, snapshot: Snapshot, source: str | None) -> Self:
        """Return the people whom a source lists; all sources for None."""
        origins = snapshot.origins
        values, firsts = [_NOBODY], [_NOBODY]
        for part in origins.parts(source):
            values.append(part.values)
            firsts.append(part.values[~part.further])
        listed = NumberSet.of_values(np.concatenate(values))
        # Its rows come in the order of their numbers.
        return cls(_different(firsts), listed.have, frozenset(origins.unread(source)))

    @classmethod
    def of_opt_outs(cls, opted_out: OptedOut, numbers: Iterable[str]) -> Self:
        """Return the people who were opted out here.

        Args:
            opted_out: everyone who is.
            numbers: the first reading of each.
        """
        unread = opted_out.unread.keys()
        firsts = [int(each) for each in numbers if each[1:] not in unread]
        return cls(
            _different([np.array(firsts, np.uint64)]),
            opted_out.have,
            frozenset(unread),
            opted_out.forgotten.count,
        )

    @classmethod
    def of_additions(
        cls, additions: Iterable[Addition], unread: frozenset[str], convention: Convention
    ) -> Self:
        """Return the people in a file.

        Args:
            additions: those with a reading.
            unread: the digits of the others.
            convention: how numbers are read.
        """
        firsts, values = [_NOBODY], [_NOBODY]
        for _, people, _ in additions:
            firsts.append(np.array([int(each) for each in people.numbers], np.uint64))
            values.append(read_people(people, convention).values)
        listed = NumberSet.of_values(np.concatenate(values))
        return cls(_different(firsts), listed.have, unread)

    def and_more(self, other: "Membership") -> "Membership":
        """Return the people on either list."""
        return Membership(
            _different([self.firsts, other.firsts]),
            lambda values: self.have(values) | other.have(values),
            self.unread | other.unread,
            self.forgotten + other.forgotten,
        )

    def missing_in(self, other: "Membership", convention: Convention) -> Missing:
        """Return the people whom the other list would not suppress on its own.

        Every form of a line is the same person.

        Args:
            other: the other list.
            convention: how numbers are read.
        """
        left = self.firsts[~other.have(self.firsts)]
        chunks = np.array_split(left, len(left) // _CHUNK + 1)
        left = np.concatenate([each[~_listed(each, other, convention)] for each in chunks])
        unread = frozenset(
            digits
            for digits in self.unread - other.unread
            # What has no reading suppresses whoever has the same digits, and is suppressed so.
            if len(digits) > _MOST_DIGITS or not other.have(np.array([int(digits)], np.uint64))[0]
        )
        return Missing(left, unread)


_MOST_DIGITS = 18


def _listed(
    values: NDArray[np.uint64], other: Membership, convention: Convention
) -> NDArray[np.bool_]:
    """Tell of each number whether another form of its line is on the list."""
    lines = lines_of([f"+{value}" for value in values.tolist()], convention)
    listed = np.zeros(len(values), np.bool_)
    listed[lines.places[other.have(lines.values)]] = True
    for place in _alike(values, other.unread):
        listed[place] = True
    return listed


def _alike(values: NDArray[np.uint64], unread: frozenset[str]) -> Iterator[int]:
    """Give the places of the numbers that have the digits of an entry without a reading."""
    if unread:
        for place, value in enumerate(values.tolist()):
            if str(value) in unread:
                yield place


def _different(parts: list[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """Return all values of the parts, each once, ascending."""
    return distinct(np.concatenate([_NOBODY, *parts]))
