"""A snapshot: one whole, consistent read of a channel's stop list.

A snapshot never changes and is never half built. Its digest covers its numbers alone: two
snapshots with the same digest suppress the same people.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.lazy import cached_property
from suppress.numbers.bulk import Reader
from suppress.numbers.e164 import value_of
from suppress.numbers.e164_array import E164Array
from suppress.numbers.handed_in import digits_of
from suppress.numbers.parsed import MOST_DIGITS
from suppress.numbers.readings import Meaning, Reading
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.opted_out import NO_OPT_OUTS, OptedOut
from suppress.stop_list.origins import NO_ORIGINS, Origin, Origins

OPTED_OUT = "opt-outs"
"""In place of a source's name: the people who were opted out here."""


class Tally(msgspec.Struct, frozen=True):
    """Counts of what a source gave for a channel.

    Attributes:
        entries: the number of entries.
        without_form: the number of those that do not have the form of a number.
        unread: the number of those that have no reading.
    """

    entries: int = 0
    without_form: int = 0
    unread: int = 0

    def plus(self, entries: int, without_form: int, unread: int) -> "Tally":
        """Return the tally with so many more."""
        return Tally(self.entries + entries, self.without_form + without_form, self.unread + unread)


@dataclass(frozen=True)
class Snapshot:
    """One whole, consistent read of a channel's stop list.

    Attributes:
        channel: the channel it is for.
        read_at: the time when the read began (aware, UTC): everyone listed before it is in.
        sources: the names of the sources that were united.
        numbers: the E.164 texts of everyone listed by them, all of their readings, a
            `collections.abc.Set`.
        unread: the digits of the entries without a reading. Each suppresses the recipients
            who have the same digits.
        sources_read_at: the time when the read of each source began (aware, UTC), by its name.
        further: the count of numbers that are only another reading of an entry.
        origins: the sources and entries of the numbers.
        tallies: the counts of each source, by its name, for comparison with the next read.
        opted_out: the people who were opted out here, by `add`, when the snapshot was taken.
    """

    channel: str
    read_at: datetime
    sources: tuple[str, ...]
    numbers: NumberSet = field(repr=False)
    unread: frozenset[str] = field(repr=False, default=frozenset())
    sources_read_at: Mapping[str, datetime] = field(
        repr=False, compare=False, default_factory=lambda: MappingProxyType({})
    )
    further: int = field(repr=False, default=0)
    origins: Origins = field(repr=False, compare=False, default=NO_ORIGINS)
    tallies: Mapping[str, Tally] = field(
        repr=False, compare=False, default_factory=lambda: MappingProxyType({})
    )
    opted_out: OptedOut = field(repr=False, default=NO_OPT_OUTS)

    @cached_property
    def count(self) -> int:
        """The count of different numbers; an entry with several readings counts once."""
        here = self.opted_out.count_missing_in(self.numbers)
        return len(self.numbers) - self.further + len(self.unread) + here

    @cached_property
    def all_unread(self) -> frozenset[str]:
        """The digits of everyone listed without a reading, by a source or here."""
        return self.unread | self.opted_out.unread.keys()

    @cached_property
    def numbers_digest(self) -> str:
        """SHA-256 of what the sources list, in hexadecimal."""
        return digest_of(self.image())

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the numbers, in hexadecimal (64 characters).

        Where some were opted out here, it is of the two digests: that of what the sources
        list, and that of the others.
        """
        if not self.opted_out:
            return self.numbers_digest
        here = digest_of(self.opted_out.image)
        return digest_of([f"{self.numbers_digest} {here}".encode("ascii")])

    def with_opted_out(self, opted_out: OptedOut) -> Self:
        """Return the same read, with others who were opted out here."""
        same = dataclasses.replace(self, opted_out=opted_out)
        if "numbers_digest" in self.__dict__:
            same.__dict__["numbers_digest"] = self.numbers_digest
        return same

    def lists(self, meaning: Meaning, number: object) -> bool:
        """Tell whether a recipient is on the list: any of its readings, or its digits.

        Args:
            meaning: everything that the recipient's number may mean.
            number: the recipient's number as handed in.
        """
        if any(self.has(value_of(each.e164)) for each in meaning.readings):
            return True
        unread = self.all_unread
        return bool(unread) and not unread.isdisjoint(_digits(meaning, number))

    def has(self, value: int) -> bool:
        """Tell whether a number is listed, by its digits as an integer below 2**64."""
        return self.numbers.has(value) or (bool(self.opted_out) and self.opted_out.has(value))

    def have(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Tell the same for each of the values."""
        listed = self.numbers.have(values)
        if self.opted_out:
            listed |= self.opted_out.have(values)
        return listed

    def listed(self, meaning: Meaning) -> Reading | None:
        """Return the first reading of a recipient that is on the list; None for none."""
        return next((each for each in meaning.readings if self.has(value_of(each.e164))), None)

    def why(self, meaning: Meaning, number: object) -> tuple[Origin, ...]:
        """Return the entries that suppress a recipient; arguments as for `lists`."""
        found: list[Origin] = []
        for each in meaning.readings:
            if (here := self.opted_out.since(value_of(each.e164))) is not None:
                found.append(_opted_out_since(*here))
            found += self.origins.of(each.e164)
        found += self.why_digits(meaning, number)
        # An entry is named once, by the form that meets the recipient's first.
        named: dict[Origin, Origin] = {}
        for origin in found:
            named.setdefault(origin._replace(listed_as=None), origin)
        return tuple(named.values())

    def why_digits(self, meaning: Meaning, number: object) -> list[Origin]:
        """Return the entries without a reading that suppress a recipient by its digits.

        Arguments as for `lists`.
        """
        found: list[Origin] = []
        if self.all_unread:
            for each_digits in _digits(meaning, number):
                if (since := self.opted_out.unread.get(each_digits)) is not None:
                    found.append(_opted_out_since(since))
                if each_digits in self.unread:
                    found += self.origins.of_digits(each_digits)
        return found

    def lists_all(self, found: E164Array, reader: Reader) -> NDArray[np.bool_]:
        """Tell of each of many recipients whether it is on the list, as `lists` does.

        Args:
            found: what `read_all` gave of their numbers.
            reader: the reader that gave it.
        """
        listed = self.have(found.values)
        places, values = found.further
        listed[places[self.have(values)]] = True
        places, values = found.maybe
        doubtful = places[self.have(values)]
        if self.all_unread:
            # Equal digits make equal integers; a text that is not plain has none to compare.
            unread = self._unread_values
            alike = unread.have(found.values) | unread.have(found.plain.view(np.uint64))
            alike |= ~found.is_plain
            places, values = found.further
            alike[places[unread.have(values)]] = True
            doubtful = np.concatenate([doubtful, np.flatnonzero(alike)])
        for place in distinct(doubtful[~listed[doubtful]]).tolist():
            number = found.numbers[place]
            listed[place] = self.lists(reader.read(number), number)
        return listed

    @cached_property
    def _unread_values(self) -> NumberSet:
        # Longer digits make no integer of 64 bits, and no number.
        values = [int(each) for each in self.all_unread if len(each) <= MOST_DIGITS]
        return NumberSet.of_values(np.array(values, np.uint64))

    def image(self) -> list[bytes | memoryview]:
        """Return the numbers as bytes, in pieces; the form that is stored and digested."""
        unread = "".join(f"{text}\n" for text in sorted(self.unread))
        return [*self.numbers.image(), unread.encode("ascii")]

    @staticmethod
    def read_image(image: bytes | memoryview) -> tuple[NumberSet, frozenset[str]]:
        """Return the numbers and the unread entries of an `image()`; they lie on its bytes.

        Raises:
            ValueError: the bytes are not such an image.
        """
        numbers, unread = NumberSet.read(image)
        return numbers, frozenset(bytes(unread).decode("ascii").split())


def _opted_out_since(since: float | None, listed_as: int = 0) -> Origin:
    moment = None if since is None else datetime.fromtimestamp(int(since), UTC)
    return Origin(OPTED_OUT, None, moment, f"+{listed_as}" if listed_as else None)


def _digits(meaning: Meaning, number: object) -> Iterable[str]:
    """Return the digits of a recipient, as handed in and of each reading."""
    return dict.fromkeys([*(each.e164[1:] for each in meaning.readings), digits_of(number)])


def digest_of(pieces: Iterable[bytes | memoryview]) -> str:
    """Return the SHA-256 of the bytes, in hexadecimal (64 characters)."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
