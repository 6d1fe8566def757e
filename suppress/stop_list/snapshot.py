"""One whole, consistent read of a channel's stop list: what is in it, when it was read.

A snapshot never changes and is never half built. Its digest is of its numbers alone:
two snapshots with the same digest suppress the same people.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from types import MappingProxyType
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.numbers.bulk import E164Array
from suppress.numbers.e164 import digits
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.origins import NO_ORIGINS, Origin, Origins

_LONGEST = len(str(2**64))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One row of a stop list, as a source gives it.

    Attributes:
        number: text, or an `int`: an international number without its plus. Text without
            a plus is a national number of the default region.
        channels: the channels on which it must not be messaged, for example `{"sms"}`.
        id: the source's own name for the row, shown in errors and in reasons.
        added_at: when it came on the list, where the source knows; UTC if it has no zone.
    """

    number: str | int
    channels: Collection[str]
    id: str | int | None = None
    added_at: datetime | None = None


OPTED_OUT = "opt-outs"
"""What stands in the place of a source's name for those who were opted out here."""


@dataclass(frozen=True)
class OptedOut:
    """Who was put on a channel's stop list here, and not by a source.

    Attributes:
        numbers: their E.164 texts.
        added: when each was added (seconds since the epoch).
    """

    numbers: NumberSet = field(default_factory=lambda: NumberSet.of(()), repr=False)
    added: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, compare=False
    )


NOBODY = OptedOut()


@dataclass(frozen=True)
class Snapshot:
    """One whole, consistent read of a channel's stop list.

    Attributes:
        channel: the channel it is for.
        read_at: when the reading began (aware, UTC): whoever was listed before then is in it.
        sources: the names of the sources that were united.
        numbers: the E.164 texts of everyone listed by them, a `collections.abc.Set`.
        unparsed: the digits of those entries that phonenumbers cannot parse. Each
            suppresses the recipients who have the same digits.
        sources_read_at: when the reading of each source began (aware, UTC), by its name.
        origins: where the numbers come from.
        opted_out: who was opted out here, by `add`, when the snapshot was taken.
    """

    channel: str
    read_at: datetime
    sources: tuple[str, ...]
    numbers: NumberSet = field(repr=False)
    unparsed: frozenset[str] = field(repr=False, default=frozenset())
    sources_read_at: Mapping[str, datetime] = field(
        repr=False, compare=False, default_factory=lambda: MappingProxyType({})
    )
    origins: Origins = field(repr=False, compare=False, default=NO_ORIGINS)
    opted_out: OptedOut = field(repr=False, default=NOBODY)

    @cached_property
    def count(self) -> int:
        """How many different numbers are listed."""
        here = self.opted_out.numbers
        return len(self.numbers) + len(self.unparsed) + here.count_missing_in(self.numbers)

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
        if not self.opted_out.numbers:
            return self.numbers_digest
        here = digest_of(self.opted_out.numbers.image())
        return digest_of([f"{self.numbers_digest} {here}".encode("ascii")])

    def with_opted_out(self, opted_out: OptedOut) -> Self:
        """The same read, with others who were opted out here."""
        same = dataclasses.replace(self, opted_out=opted_out)
        for name in ("numbers_digest", "_unparsed_values"):
            if name in self.__dict__:
                same.__dict__[name] = self.__dict__[name]
        return same

    def lists(self, canonical: str, number: object) -> bool:
        """Whether a recipient is on the list.

        Args:
            canonical: the recipient's E.164 text.
            number: the recipient's number as handed in.
        """
        if canonical in self.numbers or canonical in self.opted_out.numbers:
            return True
        return bool(self.unparsed) and (
            canonical[1:] in self.unparsed or digits(number) in self.unparsed
        )

    def has(self, value: int) -> bool:
        """Whether the number whose digits make the value, below 2**64, is listed as such."""
        return self.numbers.has(value) or (
            bool(self.opted_out.numbers) and self.opted_out.numbers.has(value)
        )

    def why(self, canonical: str, number: object) -> tuple[Origin, ...]:
        """The entries that suppress a recipient; arguments as for `lists`."""
        found = self.origins.of(canonical)
        added = self.opted_out.added.get(canonical)
        if added is not None:
            found = (Origin(OPTED_OUT, None, datetime.fromtimestamp(int(added), UTC)), *found)
        if self.unparsed:
            for each in dict.fromkeys((canonical[1:], digits(number))):
                if each in self.unparsed:
                    found += self.origins.of_text(each)
        return found

    def lists_all(self, canonical: E164Array, numbers: Sequence[object]) -> NDArray[np.bool_]:
        """`lists` for each of many recipients; those without an E.164 text are not."""
        listed = self.numbers.have(canonical.values)
        if self.opted_out.numbers:
            listed |= self.opted_out.numbers.have(canonical.values)
        exactly = list(canonical.long)
        if self.unparsed:
            # Equal digits make equal integers; what is not plain has none to compare.
            odd = self._unparsed_values
            alike = odd.have(canonical.values) | odd.have(canonical.plain.view(np.uint64))
            alike |= canonical.plain == 0
            exactly += np.flatnonzero(alike & (canonical.values != 0)).tolist()
        for place in exactly:
            text = canonical.text(place)
            listed[place] = text is not None and self.lists(text, numbers[place])
        return listed

    @cached_property
    def _unparsed_values(self) -> NumberSet:
        # No longer digits make an integer of 64 bits.
        return NumberSet.of(f"+{int(each)}" for each in self.unparsed if len(each) <= _LONGEST)

    def image(self) -> list[bytes | memoryview]:
        """The numbers as bytes, in pieces; the form that is stored and digested."""
        unparsed = "".join(f"{text}\n" for text in sorted(self.unparsed))
        return [*self.numbers.image(), unparsed.encode("ascii")]

    @staticmethod
    def read_image(image: bytes | memoryview) -> tuple[NumberSet, frozenset[str]]:
        """The numbers and the unparsed entries whose `image()` was given; they lie on the bytes.

        Raises:
            ValueError: the bytes are no such image.
        """
        numbers, unparsed = NumberSet.read(image)
        return numbers, frozenset(bytes(unparsed).decode("ascii").split())


def digest_of(pieces: Iterable[bytes | memoryview]) -> str:
    """SHA-256 of the bytes, in hexadecimal (64 characters)."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()
