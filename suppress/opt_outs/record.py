"""Who is opted out, as it follows from what was written down.

The record has each number as it was handed in. What that means is found when the record is
loaded, by the conventions of that day: so a change of a numbering plan takes effect on it.
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.lazy import cached_property
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.handed_in import as_text, digits_of
from suppress.numbers.mask import mask
from suppress.numbers.region import INTERNATIONAL
from suppress.stop_list.entry_readings import EntryReadings
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.snapshot import NO_OPT_OUTS, OptedOut

_SURROGATES = re.compile("[\ud800-\udfff]")


class Person(NamedTuple):
    """A number that is opted out.

    Attributes:
        number: its first reading, in E.164 form, when it was opted out.
        text: the number as handed in; empty for one that an earlier version has kept.
        region: the default region that it was handed in with; empty for none.
    """

    number: str
    text: str = ""
    region: str = ""

    @classmethod
    def handed_in(cls, number: str, text: str, region: str | None) -> Self:
        """The person with this number, of which every text can be kept."""
        # No database takes a lone surrogate, and U+FFFD is no more a part of a number.
        kept = text if text.isascii() else _SURROGATES.sub("\ufffd", text)
        return cls(number, kept, region or "")


class Columns(NamedTuple):
    """Many people, as the three attributes of each `Person`."""

    numbers: Sequence[str]
    texts: Sequence[str]
    regions: Sequence[str]

    @classmethod
    def of(cls, people: Collection[Person]) -> Self:
        """The columns of some people."""
        numbers, texts, regions = zip(*people, strict=True) if people else ((), (), ())
        return cls(numbers, texts, regions)


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
        """All of the parts, one after another."""
        none = np.zeros(0, np.uint64)
        places, values, listed_as = zip((none.astype(np.intp), none, none), *parts, strict=True)
        return cls(np.concatenate(places), np.concatenate(values), np.concatenate(listed_as))

    def missing(self, count: int) -> NDArray[np.intp]:
        """The places below the count that have no reading."""
        none = np.ones(count, np.bool_)
        none[self.places] = False
        return np.flatnonzero(none)


@dataclass(frozen=True)
class Record:
    """Everyone who is opted out of one channel.

    Attributes:
        ids: the names of the rows that say so.
        numbers: the first readings, in E.164 form, as they were when these were written.
        added: when that was (seconds since the epoch).
        readings: what they mean now.
    """

    ids: NDArray[np.int64]
    numbers: NDArray[np.object_]
    added: NDArray[np.float64]
    readings: Readings

    @classmethod
    def of(
        cls,
        ids: Sequence[int],
        added: Sequence[float],
        people: Columns,
        convention: Convention,
    ) -> Self:
        """The record of some people."""
        numbers = np.empty(len(ids), np.object_)
        numbers[:] = people.numbers
        return cls(
            np.array(ids, np.int64),
            numbers,
            np.array(added, np.float64),
            read_people(people, convention),
        )

    def changed(self, gone: NDArray[np.int64], new: Self) -> Self:
        """The record without the rows that are gone, and with new ones."""
        keep = ~np.isin(self.ids, gone)
        old = self.readings
        if not keep.all():
            chosen = keep[old.places]
            places = (np.cumsum(keep) - 1)[old.places[chosen]]
            old = Readings(places, old.values[chosen], old.listed_as[chosen])
        behind = new.readings._replace(places=new.readings.places + np.count_nonzero(keep))
        return type(self)(
            np.concatenate([self.ids[keep], new.ids]),
            np.concatenate([self.numbers[keep], new.numbers]),
            np.concatenate([self.added[keep], new.added]),
            Readings.united([old, behind]),
        )

    @cached_property
    def opted_out(self) -> OptedOut:
        """The same for a snapshot."""
        if not len(self.ids):
            return NO_OPT_OUTS
        places, values, listed_as = self.readings
        unread: dict[str, float] = {}
        for place in self.readings.missing(len(self.ids)).tolist():
            unread.setdefault(self.numbers[place][1:], self.added.item(place))
        numbers = NumberSet.of_values(values)
        firsts = values
        if len(numbers) < len(values) or len(self.ids) < len(values) + len(unread):
            firsts = np.unique(values[np.unique(places, return_index=True)[1]])
        return OptedOut(
            numbers,
            MappingProxyType(unread),
            _Origins(values, self.added[places], listed_as),
            firsts,
        )

    def find(
        self,
        people: Sequence[Person],
        convention: Convention,
        person_at: Callable[[int], Person],
    ) -> list[int]:
        """The places of those who have the same line as one of some people.

        A further reading does not make a line the same: digits without a plus may be one
        person's number and another's, of whom only the first is meant.

        Args:
            people: whom to find.
            convention: how numbers are to be read.
            person_at: gives the person of a place.
        """
        lines = _lines_of([each.number for each in people], convention)
        nowhere = {people[place].number for place in lines.missing(len(people)).tolist()}
        found = [
            place
            for place in self.readings.missing(len(self.ids)).tolist()
            if self.numbers[place] in nowhere
        ]
        places = np.unique(self.readings.places[np.isin(self.readings.values, lines.values)])
        given = {(each.text, each.region) for each in people if each.text}
        candidates = [person_at(place) for place in places.tolist()]
        theirs = _lines_of([each.number for each in candidates], convention)
        same = np.zeros(len(candidates), np.bool_)
        same[theirs.places[np.isin(theirs.values, lines.values)]] = True
        # One that an earlier version has kept wrongly is meant by all of its readings.
        same[theirs.missing(len(candidates))] = True
        same |= np.array([each[1:] in given for each in candidates], np.bool_)
        found += places[same].tolist()
        return found


NO_RECORD = Record(np.zeros(0, np.int64), np.zeros(0, np.object_), np.zeros(0), Readings.united([]))


class _Origins(Mapping[int, tuple[float, int]]):
    """When each reading was added first, and as which digits; sorted when somebody asks."""

    def __init__(
        self,
        values: NDArray[np.uint64],
        added: NDArray[np.float64],
        listed_as: NDArray[np.uint64],
    ) -> None:
        self._given = values, added, listed_as

    def __getitem__(self, value: int) -> tuple[float, int]:
        values, added, listed_as = self._sorted
        place = int(np.searchsorted(values, np.uint64(value)))
        if place == len(values) or values.item(place) != value:
            raise KeyError(value)
        return added.item(place), listed_as.item(place)

    def __iter__(self) -> Iterator[int]:
        return iter(np.unique(self._sorted[0]).tolist())

    def __len__(self) -> int:
        return len(np.unique(self._sorted[0]))

    @cached_property
    def _sorted(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        values, added, listed_as = self._given
        order = np.lexsort((added, values))
        return values[order], added[order], listed_as[order]


def read_people(people: Columns, convention: Convention) -> Readings:
    """All readings of some people, of the texts that they handed in.

    Of one that an earlier version has kept there is only the number. It had put a calling
    code before digits that had one already: where the number has no reading, it is read again
    from its digits behind the calling code.
    """
    numbers, texts, regions = people
    handed_in = np.fromiter(map(bool, texts), np.bool_, len(texts))
    found = []
    for region in set(regions):
        of_region = np.fromiter((each == region for each in regions), np.bool_, len(regions))
        places = np.flatnonzero(handed_in & of_region)
        found.append(_read(texts, places, convention.of(region or None)))
    if not handed_in.all():
        found.append(_read_numbers(numbers, np.flatnonzero(~handed_in), convention))
    return Readings.united(found)


def _read_numbers(
    numbers: Sequence[str], places: NDArray[np.intp], convention: Convention
) -> Readings:
    """All readings of numbers that an earlier version has kept."""
    possible = dataclasses.replace(convention.of(None), possible_only=True)
    found = [_read(numbers, places, possible)]
    places = np.setdiff1d(places, found[0].places)
    if len(places):
        behind = {place: _behind_code(numbers[place]) for place in places.tolist()}
        again = _read(behind, places, possible.of(INTERNATIONAL))
        written = [int(numbers[place]) for place in again.places.tolist()]
        as_written = [each if each < 2**64 else 0 for each in written]
        found.append(again._replace(listed_as=np.array(as_written, np.uint64)))
        places = np.setdiff1d(places, again.places)
    if len(places) and not convention.possible_only:
        found.append(_read(numbers, places, convention.of(None)))
    return Readings.united(found)


def _lines_of(numbers: Sequence[str], convention: Convention) -> Readings:
    """All forms of the lines that have these E.164 numbers."""
    return _read(numbers, np.arange(len(numbers)), convention.of(None))


def kept_as(text: object, unread: Collection[str]) -> str | None:
    """The opt-out without a reading that is meant by its digits, or by how it is listed.

    Args:
        text: the number as handed in.
        unread: the numbers of all opt-outs without a reading.
    """
    if (number := f"+{digits_of(text)}") in unread:
        return number
    shown = (as_text(text)[0] or "").strip()
    listed = [each for each in unread if shown and mask(each) == shown]
    return listed[0] if len(listed) == 1 else None


def _read(
    texts: Sequence[str] | Mapping[int, str], places: NDArray[np.intp], convention: Convention
) -> Readings:
    reader, parts = Reader(convention), []
    for start in range(0, len(places), BATCH_SIZE):
        some = places[start : start + BATCH_SIZE]
        chosen = [texts[place] for place in some.tolist()]
        found = EntryReadings.of(reader.read_all(chosen), reader)
        parts.append(Readings(some[found.places], found.values, found.listed_as))
    return Readings.united(parts)


def _behind_code(number: str) -> str:
    """The digits of an E.164 text behind its calling code; none where it has no such code."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next((number[1 + n :] for n in (1, 2, 3) if int(number[1 : 1 + n] or 0) in codes), "")
