"""A segment of a list, screened at once: the outcome of each recipient, and its readings."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from suppress.lazy import cached_property
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import value_of
from suppress.numbers.e164_array import Pairs
from suppress.numbers.handed_in import Numbers
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning, Reading, read
from suppress.screening.outcome import Outcome
from suppress.stop_list.origins import Origin
from suppress.stop_list.snapshot import Snapshot

R = TypeVar("R")

INVALID, ALLOWED, SUPPRESSED = range(3)
"""The codes of outcomes in arrays. Of several numbers of a recipient the largest code counts."""

OUTCOMES = (Outcome.INVALID, Outcome.ALLOWED, Outcome.SUPPRESSED)
"""The outcomes by their codes."""


class Matches(NamedTuple):
    """The readings that suppress some recipients.

    Attributes:
        pairs: the places of the recipients, each with one reading that is listed.
        by_digits: the places of those who are suppressed by an entry without a reading, each
            with that entry.
    """

    pairs: Pairs
    by_digits: list[tuple[int, Origin]]


class Segment(Generic[R]):
    """Some of the recipients, screened together.

    Args:
        recipients: the recipients.
        numbers: the number, or the tuple of numbers, of each of them.
        snapshot: the stop list to screen against.
        reader: reads the numbers.

    Attributes:
        recipients: the recipients.
        numbers: the number, or the tuple of numbers, of each of them.
        singles: each number on its own.
        found: their readings.
        outcomes: the outcome of each recipient, as a code.
    """

    def __init__(
        self,
        recipients: Sequence[R],
        numbers: Numbers,
        snapshot: Snapshot,
        reader: Reader,
    ) -> None:
        self.recipients = recipients
        self.numbers = numbers
        self.singles: Numbers = numbers
        self._owners = None
        # Most often, all recipients have one number or all have several.
        several = issubclass(type(numbers[0]), tuple)
        if not several:
            self.found = reader.read_all(self.singles)
            several = isinstance(numbers, list) and not self.found.texts and any_tuple(numbers)
        if several:
            self.singles, self._owners = singles_of(numbers)
            self.found = reader.read_all(self.singles)
        outcomes = np.full(len(self.singles), ALLOWED, np.uint8)
        np.putmask(outcomes, self.found.invalid, INVALID)
        np.putmask(outcomes, snapshot.lists_all(self.found, reader), SUPPRESSED)
        self.outcomes = self._outcomes_of_singles = outcomes
        if self._owners is not None:
            self.outcomes = np.full(len(recipients), INVALID, np.uint8)
            np.maximum.at(self.outcomes, self._owners, outcomes)

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        """The place of the number that decides for each recipient; the count where none does."""
        none = len(self.singles)
        if self._owners is None:
            return np.arange(none)
        places = np.full(len(self.outcomes), none)
        # The first of several that decide alike.
        deciding = np.flatnonzero(self._outcomes_of_singles == self.outcomes[self._owners])[::-1]
        places[self._owners[deciding]] = deciding
        return places

    @cached_property
    def _several(self) -> NDArray[np.bool_]:
        """For each of the numbers, whether it may have more than one reading."""
        several = np.zeros(len(self.singles) + 1, np.bool_)
        several[self.found.several.places] = True
        return several

    def may_have_several(self) -> NDArray[np.bool_]:
        """Return for each recipient whether it may have more than one reading."""
        return self._several[self._places]

    def first_readings(self, reader: Reader) -> NDArray[np.uint64]:
        """Return the first reading of each recipient, as an integer of its digits; 0 for none."""
        values = np.append(reader.firsts(self.found), np.uint64(0))
        return values[self._places]

    def number(self, place: int) -> Any:
        """Return the number that decides for a recipient; None where it has none."""
        single = self._places.item(place)
        return self.singles[single] if single < len(self.singles) else None

    def problem(self, place: int) -> Problem:
        """Return why a recipient is invalid."""
        single = self._places.item(place)
        if single == len(self.singles):
            return Problem.NO_NUMBER
        return self.found.problem(single) or Problem.NOT_A_NUMBER

    def readings(self, place: int, convention: Convention) -> tuple[str, ...]:
        """Return the readings of a recipient, in E.164 form."""
        single = self._places.item(place)
        if self._several[single]:
            return tuple(each.e164 for each in read(self.singles[single], convention).readings)
        value = self.found.values.item(single) if single < len(self.singles) else 0
        return (f"+{value}",) if value else ()

    def matches(self, snapshot: Snapshot, convention: Convention) -> "Matches":
        """Return the readings that suppress the recipients.

        Args:
            snapshot: the stop list that they were screened against.
            convention: the rules by which their numbers were read.
        """
        suppressed = np.flatnonzero(self.outcomes == SUPPRESSED)
        values = self.found.values[self._places[suppressed]]
        several = self.found.several
        has_another = np.zeros(len(self.singles), np.bool_)
        has_another[several.places[snapshot.have(several.values)]] = True
        is_plain = snapshot.have(values) & ~has_another[self._places[suppressed]]
        # Most have one reading that is listed. Each of the others is read as a whole.
        pairs = [Pairs(suppressed[is_plain], values[is_plain])]
        by_digits = []
        for place in suppressed[~is_plain].tolist():
            meaning = self.meaning(place, convention)
            all_values = np.array([value_of(each.e164) for each in meaning.readings], np.uint64)
            listed = all_values[snapshot.have(all_values)]
            pairs.append(Pairs(np.full(len(listed), place), listed))
            found = snapshot.why_digits(meaning, self.number(place))
            by_digits += [(place, origin) for origin in found]
        return Matches(Pairs.joined(pairs), by_digits)

    def meaning(self, place: int, convention: Convention) -> Meaning:
        """Return the readings of a recipient who has a number, with the notes on them."""
        single = self._places.item(place)
        number, value = self.singles[single], self.found.values.item(single)
        if type(number) is str and number == f"+{value}" and not self._several[single]:
            return Meaning((Reading(number),))
        return read(number, convention)


def any_tuple(numbers: list[Any]) -> bool:
    """Return whether a recipient has several numbers."""
    return any(issubclass(kind, tuple) for kind in set(map(type, numbers)))


def singles_of(numbers: Iterable[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """Return each number on its own, and the place of its recipient."""
    # Its own members, and not what a subclass iterates over.
    several = [
        list(tuple.__iter__(each)) if issubclass(type(each), tuple) else [each] for each in numbers
    ]
    owners = np.repeat(np.arange(len(several)), list(map(len, several)))
    return list(itertools.chain.from_iterable(several)), owners
