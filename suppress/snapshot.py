"""One whole, consistent read of a channel's stop list: what is in it, when it was read.

A snapshot never changes and is never half built. Its digest is of its numbers alone:
two snapshots with the same digest suppress the same people.
"""

import hashlib
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple, Self

from suppress.numbers import digits

_UNPARSED = "?"


class Entry(NamedTuple):
    """One row of a stop list, as a source gives it.

    Attributes:
        number: text, or an `int`: an international number without its plus. Text without
            a plus is a national number of the default region.
        channels: the channels on which it must not be messaged, for example `{"sms"}`.
        id: the source's own name for the row, shown in errors.
        added_at: when it came on the list, where the source knows.
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
        numbers: the E.164 texts of everyone listed.
        unparsed: the digits of those entries that phonenumbers cannot parse. Each
            suppresses the recipients who have the same digits.
    """

    channel: str
    read_at: datetime
    sources: tuple[str, ...]
    numbers: AbstractSet[str] = field(repr=False)
    unparsed: AbstractSet[str] = field(repr=False, default=frozenset())

    @property
    def count(self) -> int:
        """How many different numbers are listed."""
        return len(self.numbers) + len(self.unparsed)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the numbers, in hexadecimal (64 characters)."""
        return hashlib.sha256(self.lines()).hexdigest()

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

    def lines(self) -> bytes:
        """The numbers as text, a line each, sorted; the form that is stored and digested."""
        rows = sorted(self.numbers)
        rows += (_UNPARSED + text for text in sorted(self.unparsed))
        return "".join(f"{row}\n" for row in rows).encode("ascii")

    @classmethod
    def from_lines(
        cls, lines: bytes, *, channel: str, read_at: datetime, sources: tuple[str, ...]
    ) -> Self:
        """The snapshot whose `lines()` were given.

        Raises:
            ValueError: the bytes are no such lines.
        """
        rows = lines.decode("ascii").split("\n")
        if rows.pop():
            raise ValueError("the last line has no end")
        unparsed = frozenset(row[1:] for row in rows if row.startswith(_UNPARSED))
        numbers = frozenset(row for row in rows if row.startswith("+"))
        if len(numbers) + len(unparsed) != len(rows):
            raise ValueError("lines are repeated, or of no known kind")
        return cls(
            channel=channel, read_at=read_at, sources=sources, numbers=numbers, unparsed=unparsed
        )
