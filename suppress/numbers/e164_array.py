"""The readings of many numbers, as arrays of integers: what bulk reading gives."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.numbers.handed_in import Numbers
from suppress.numbers.problem import PROBLEMS, Problem


class Pairs(NamedTuple):
    """Places of numbers, each with the digits of one of their readings as an integer."""

    places: NDArray[np.intp]
    values: NDArray[np.uint64]

    @classmethod
    def joined(cls, pairs: Iterable["Pairs"]) -> Self:
        """Return all of the pairs as one."""
        places, values = [np.zeros(0, np.intp)], [np.zeros(0, np.uint64)]
        for each in pairs:
            places.append(each.places)
            values.append(each.values)
        return cls(np.concatenate(places), np.concatenate(values))


@dataclass(frozen=True, slots=True, eq=False)
class E164Array:
    """The readings of many numbers, each as an integer of its digits.

    Attributes:
        numbers: the numbers, as they were handed in.
        values: one reading of each number; 0 where it has none.
        further: the other readings.
        maybe: possible further readings: where one matters, `read` has to be asked.
        problems: why a number may not be messaged, as `Problem.code`; 0 where a reading allows it.
        plain: the number as an integer of its digits, where it is nothing but digits,
            separators and a plus; 0 elsewhere.
        coded: where these digits begin with a calling code for certain.
        texts: True where all numbers are texts.
        asked: the places of the numbers that the reference has read.
    """

    numbers: Numbers = field(repr=False)
    values: NDArray[np.uint64]
    further: Pairs
    maybe: Pairs
    problems: NDArray[np.uint8]
    plain: NDArray[np.int64]
    coded: NDArray[np.bool_]
    texts: bool
    asked: NDArray[np.intp]

    @property
    def has_reading(self) -> NDArray[np.bool_]:
        """The numbers with a reading, one that may be messaged or not."""
        found: NDArray[np.bool_] = self.values != 0
        return found

    @property
    def invalid(self) -> NDArray[np.bool_]:
        """The numbers without a reading that may be messaged."""
        found: NDArray[np.bool_] = (self.values == 0) | (self.problems != 0)
        return found

    @property
    def is_plain(self) -> NDArray[np.bool_]:
        """The numbers that are nothing but digits, separators and a plus."""
        found: NDArray[np.bool_] = self.plain != 0
        return found

    @property
    def several(self) -> Pairs:
        """All readings, certain or possible, besides `values`."""
        return Pairs.joined((self.further, self.maybe))

    def problem(self, place: int) -> Problem | None:
        """Return why a number may not be messaged; None where a reading allows it."""
        code = self.problems.item(place)
        return PROBLEMS[code - 1] if code else None
