"""The readings of the entries of a list: all of them are put on it."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers import damage
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164_array import E164Array, Pairs
from suppress.numbers.handed_in import as_text
from suppress.numbers.parsed import Number, parse


class EntryReadings(NamedTuple):
    """All readings of some entries, each once.

    Attributes:
        places: the place of each reading's entry.
        values: the readings, as integers of their digits.
        listed_as: the digits of the entries where these are another form of the line; 0
            elsewhere.
        unread: the places of the entries without a reading.
        firsts: the count of the readings in front that are one of each entry.
    """

    places: NDArray[np.intp]
    values: NDArray[np.uint64]
    listed_as: NDArray[np.uint64]
    unread: NDArray[np.intp]
    firsts: int

    @classmethod
    def of(cls, found: E164Array, reader: Reader) -> Self:
        """Return all readings of the entries.

        Args:
            found: what `read_all` gave of their numbers.
            reader: the reader that gave it.
        """
        pairs, firsts = reader.all_readings(found), int(np.count_nonzero(found.has_reading))
        places, values = pairs if len(pairs.places) == firsts else _different(*pairs)
        written = _as_written(found, reader.convention)[places]
        return cls(
            places,
            values,
            np.where(written != values, written, np.uint64(0)),
            np.flatnonzero(~found.has_reading),
            firsts,
        )

    def further(self, found: E164Array, reader: Reader) -> NDArray[np.bool_]:
        """Return which of the readings is not the first one of its entry: see `Meaning.first`.

        Arguments as for `of`.
        """
        further = np.arange(len(self.values)) >= self.firsts
        several = distinct(self.places[self.firsts :])
        if len(several):
            firsts = reader.firsts(found)[self.places]
            decided = np.isin(self.places, several) & (firsts != 0)
            further[decided] = self.values[decided] != firsts[decided]
        return further


def _different(places: NDArray[np.intp], values: NDArray[np.uint64]) -> Pairs:
    """Return the pairs without repetitions; of equal ones the first stays."""
    order = np.lexsort((values, places))
    repeated = np.zeros(len(places), np.bool_)
    repeated[order[1:]] = (np.diff(places[order]) == 0) & (np.diff(values[order]) == 0)
    return Pairs(places[~repeated], values[~repeated])


def _as_written(found: E164Array, convention: Convention) -> NDArray[np.uint64]:
    """Return the numbers as written, with their calling codes; 0 where these are not certain."""
    written = np.where(found.coded, found.plain, 0).view(np.uint64)
    for place in np.flatnonzero(~found.is_plain & found.has_reading).tolist():
        # Of an odd text, only another form of a line matters.
        text = as_text(found.numbers[place])[0] or ""
        number = parse(damage.before_letters(damage.cleaned(text).text), convention.plan)
        if isinstance(number, Number) and convention.renumbering.change_of(number.digits):
            written[place] = int(number.digits)
    return written
