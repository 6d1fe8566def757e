"""The people of a record: numbers as they were handed in, and how these are read.

A record keeps each number as it was handed in. It is read when the record is loaded, by the
conventions of that day: so a change of a numbering plan takes effect on it.
"""

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.errors import InvalidNumber
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.handed_in import as_text, digits_of
from suppress.numbers.mask import mask
from suppress.numbers.region import INTERNATIONAL
from suppress.stop_list.entry_readings import EntryReadings
from suppress.stop_list.run import Readings

ENDING = 4
"""The count of last digits by which a record finds changes: all forms of a line share them."""

_SURROGATES = re.compile("[\ud800-\udfff]")


class Person(NamedTuple):
    """A number that somebody hands in.

    Attributes:
        number: its first reading, in E.164 form, when it was handed in.
        text: the number as handed in; empty for one that an earlier version has kept.
        region: the default region that it was handed in with; empty for none.
    """

    number: str
    text: str = ""
    region: str = ""


class People(NamedTuple):
    """Many people, as the three attributes of each `Person`."""

    numbers: Sequence[str] = ()
    texts: Sequence[str] = ()
    regions: Sequence[str] = ()

    @classmethod
    def of(cls, people: Collection[Person]) -> Self:
        """Return the columns of some people."""
        return cls(*zip(*people, strict=True)) if people else cls()

    @classmethod
    def handed_in(cls, numbers: Sequence[str], texts: Sequence[str], region: str | None) -> Self:
        """Return the people with these numbers, each once, with texts that can be kept."""
        kept = list(map(storable, texts))
        if len(set(numbers)) < len(numbers):
            different = dict.fromkeys(zip(numbers, kept, strict=True))
            numbers, kept = map(list, zip(*different, strict=True))
        return cls(numbers, kept, [region or ""] * len(kept))

    def at(self, place: int) -> Person:
        """Return the person at a place."""
        return Person(self.numbers[place], self.texts[place], self.regions[place])

    def chosen(self, places: Sequence[int]) -> "People":
        """Return the people at some places."""
        return People.of([self.at(place) for place in places])

    def rows(self) -> Iterator[Person]:
        """Give the people one by one."""
        return map(Person, *self)


NO_PEOPLE = People()


def storable(text: str) -> str:
    """Return the text of a number as it can be kept.

    No database takes a lone surrogate, and U+FFFD is no more a part of a number.
    """
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def read_people(people: People, convention: Convention) -> Readings:
    """Return all readings of some people, of the texts that they handed in.

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


def read_exactly(numbers: Iterable[object], reader: Reader, unread: Collection[str] = ()) -> People:
    """Return the people with some numbers, each of which has to be exactly one number.

    Args:
        numbers: as they are handed in.
        reader: reads them.
        unread: the numbers of opt-outs without a reading that may be among them.

    Raises:
        InvalidNumber: one of them is not exactly one number.
    """
    if isinstance(numbers, str | bytes):
        raise TypeError("one number was given where a list of them belongs")
    given = list(numbers)
    e164: list[str] = []
    texts: list[str] = []
    for start in range(0, len(given), BATCH_SIZE):
        some = given[start : start + BATCH_SIZE]
        found = reader.read_all(some)
        firsts: list[str | int] = reader.firsts(found).tolist()
        for place, why in reader.faults(found):
            kept = kept_as(some[place], unread)
            if kept is None:
                raise InvalidNumber(why)
            firsts[place], some[place] = kept[1:], kept
        e164 += [f"+{first}" for first in firsts]
        texts += [each if type(each) is str else as_text(each)[0] or "" for each in some]
    return People.handed_in(e164, texts, reader.convention.region)


def lines_of(numbers: Sequence[str], convention: Convention) -> Readings:
    """Return all forms of the lines that have these E.164 numbers.

    A further reading does not make a line the same: digits without a plus may be one person's
    number and another's, of whom only the first is meant.
    """
    return _read(numbers, np.arange(len(numbers)), convention.of(None))


class Sought:
    """Some people, to be found among others by the same line.

    Args:
        people: whom to find.
        convention: how numbers are to be read.
    """

    def __init__(self, people: People, convention: Convention) -> None:
        self._people = people
        self._convention = convention
        self._lines = lines_of(people.numbers, convention)
        self._unread = {
            people.numbers[i] for i in self._lines.missing(len(people.numbers)).tolist()
        }
        self._given = {
            (text, region)
            for text, region in zip(people.texts, people.regions, strict=True)
            if text
        }

    @property
    def values(self) -> NDArray[np.uint64]:
        """All forms of their lines, as integers."""
        return self._lines.values

    def endings(self) -> set[str]:
        """Return the last digits that numbers of theirs may have in a record; see `ENDING`.

        A change of a numbering plan keeps at least so many, or all that may have been there
        before are among these.
        """
        read = read_people(self._people, self._convention).values
        forms = {f"{each:0{ENDING}}" for each in [*self._lines.values.tolist(), *read.tolist()]}
        kept = min((each.kept for each in self._convention.renumbering.changes), default=ENDING)
        lost = max(ENDING - kept, 0)
        before = [f"{each:0{lost}}" for each in range(10**lost)] if lost else [""]
        ends = {each[lost - ENDING :] if lost < ENDING else "" for each in forms}
        return {
            *(each[-ENDING:] for each in self._people.numbers),
            *(digits + end for digits in before for end in ends),
        }

    def is_unread(self, number: str) -> bool:
        """Tell whether the number, which has no reading, is one of theirs."""
        return number in self._unread

    def match(self, candidates: People) -> NDArray[np.bool_]:
        """Tell which of some others, who share a reading with them, have the same line."""
        theirs = lines_of(candidates.numbers, self._convention)
        same = np.zeros(len(candidates.numbers), np.bool_)
        same[theirs.places[np.isin(theirs.values, self._lines.values)]] = True
        # One that an earlier version has kept wrongly is meant by all of its readings.
        same[theirs.missing(len(same))] = True
        if self._given:
            handed_in = zip(candidates.texts, candidates.regions, strict=True)
            same |= np.fromiter((each in self._given for each in handed_in), np.bool_, len(same))
        return same


def kept_as(text: object, unread: Collection[str]) -> str | None:
    """Return the opt-out without a reading that is meant by its digits, or by how it is listed.

    Args:
        text: the number as handed in.
        unread: the numbers of all opt-outs without a reading.
    """
    if (number := f"+{digits_of(text)}") in unread:
        return number
    shown = (as_text(text)[0] or "").strip()
    listed = [each for each in unread if shown and mask(each) == shown]
    return listed[0] if len(listed) == 1 else None


def _read_numbers(
    numbers: Sequence[str], places: NDArray[np.intp], convention: Convention
) -> Readings:
    """Return all readings of numbers that an earlier version has kept."""
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
    """Return the digits of an E.164 text behind its calling code; none where it has none."""
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    return next((number[1 + n :] for n in (1, 2, 3) if int(number[1 : 1 + n] or 0) in codes), "")
