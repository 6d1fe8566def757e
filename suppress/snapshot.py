"""One whole, consistent read of a channel's stop list: what is in it, when it was read.

A snapshot never changes and is never half built. Its digest is of its numbers alone:
two snapshots with the same digest suppress the same people.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.number_set import NumberSet
from suppress.numbers import Canonical, digits

_LONGEST = len(str(2**64))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One row of a stop list, as a source gives it.

    Attributes:
        number: text, or an `int`: an international number without its plus. Text without
            a plus is a national number of the default region.
        channels: the channels on which it must not be messaged, for example `{"sms"}`.
        id: the source's own name for the row, shown in errors.
        added_at: when it came on the list, where the source knows; UTC if it has no zone.
    """

    number: str | int
    channels: Collection[str]
    id: str | int | None = None
    added_at: datetime | None = None


@dataclass(frozen=True)
class Snapshot:
    """One whole, consistent read of a channel's stop list.

    Attributes:
        channel: the channel it is for.
        read_at: when the reading began (aware, UTC): whoever was listed before then is in it.
        sources: the names of the sources that were united.
        numbers: the E.164 texts of everyone listed, a `collections.abc.Set`.
        unparsed: the digits of those entries that phonenumbers cannot parse. Each
            suppresses the recipients who have the same digits.
    """

    channel: str
    read_at: datetime
    sources: tuple[str, ...]
    numbers: NumberSet = field(repr=False)
    unparsed: frozenset[str] = field(repr=False, default=frozenset())

    @property
    def count(self) -> int:
        """How many different numbers are listed."""
        return len(self.numbers) + len(self.unparsed)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the numbers, in hexadecimal (64 characters)."""
        digest = hashlib.sha256()
        for piece in self.image():
            digest.update(piece)
        return digest.hexdigest()

    def lists(self, canonical: str, number: object) -> bool:
        """Whether a recipient is on the list.

        Args:
            canonical: the recipient's E.164 text.
            number: the recipient's number as handed in.
        """
        if canonical in self.numbers:
            return True
        return bool(self.unparsed) and (
            canonical[1:] in self.unparsed or digits(number) in self.unparsed
        )

    def lists_all(self, canonical: Canonical, numbers: Sequence[object]) -> NDArray[np.bool_]:
        """`lists` for each of many recipients; those without an E.164 text are not."""
        listed = self.numbers.have(canonical.values)
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

    @classmethod
    def read(
        cls,
        image: bytes | memoryview,
        *,
        channel: str,
        read_at: datetime,
        sources: tuple[str, ...],
    ) -> Self:
        """The snapshot with the numbers whose `image()` was given; it lies on these bytes.

        Raises:
            ValueError: the bytes are no such image.
        """
        numbers, unparsed = NumberSet.read(image)
        return cls(
            channel=channel,
            read_at=read_at,
            sources=sources,
            numbers=numbers,
            unparsed=frozenset(bytes(unparsed).decode("ascii").split()),
        )
