"""Every reading of the entries of a list, for each of them is put on it."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.numbers import damage
from suppress.numbers.bulk import E164Array, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.readings import Number, as_text, parse


class EntryReadings(NamedTuple):
    """What some entries put on a list.

    Attributes:
        places: which of the entries each reading is of.
        values: the readings, as integers of their digits.
        listed_as: the digits that the entries have where these are another form of the
            line; 0 elsewhere.
        odd: the entries without a reading.
        firsts: how many of the readings, those in front, are one of each entry.
    """

    places: NDArray[np.intp]
    values: NDArray[np.uint64]
    listed_as: NDArray[np.uint64]
    odd: NDArray[np.intp]
    firsts: int

    @classmethod
    def of(cls, numbers: Sequence[object], reader: Reader, found: E164Array) -> Self:
        """All readings of the entries.

        Args:
            numbers: the numbers of the entries.
            reader: what has read them.
            found: what it gave.
        """
        where, which = reader.all_readings(numbers, found)
        written = _as_written(numbers, reader.convention, found)[where]
        return cls(
            where,
            which,
            np.where(written != which, written, np.uint64(0)),
            np.flatnonzero(found.values == 0),
            int(np.count_nonzero(found.values)),
        )


def _as_written(
    numbers: Sequence[object], convention: Convention, found: E164Array
) -> NDArray[np.uint64]:
    """The digits with their calling code that the numbers have; 0 where that is not certain."""
    written = np.where(found.coded, found.plain, 0).view(np.uint64)
    for place in np.flatnonzero((found.plain == 0) & (found.values != 0)).tolist():
        # In an odd text, only another form of a line is of interest.
        text = damage.before_letters(damage.cleaned(as_text(numbers[place])[0] or "").text)
        number = parse(text, convention.plan)
        if isinstance(number, Number) and convention.renumbering.change_of(number.digits):
            written[place] = int(number.digits)
    return written
