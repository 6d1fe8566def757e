"""Entries, the rows of a stop list: one by one or many at once, as a source gives them."""

import contextlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.errors import SourceError
from suppress.numbers.bulk import BATCH_SIZE
from suppress.numbers.column import Column
from suppress.numbers.handed_in import Numbers, digits_of
from suppress.stop_list.entry_details import EntryDetails
from suppress.stop_list.origins import shown_id


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One row of a stop list, as a source gives it.

    Attributes:
        number: a number with its calling code, as text or an `int`, with a plus or without.
            A source that is not a provider may have numbers of another form: see
            `Source.region`.
        channels: the channels on which it must not be messaged, for example `{"sms"}`.
        id: the source's own name for the row, shown in errors and in reasons.
        added_at: the time when it came on the list, where the source knows it; UTC if it has
            no zone.
    """

    number: str | int
    channels: Collection[str]
    id: str | int | None = None
    added_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Entries:
    """Many rows of a stop list with the same channels: the fast way for a long list.

    Give some ten thousand at a time, so that they take little memory.

    Attributes:
        numbers: their numbers, each as in an `Entry`; a `Column` of texts and an array of
            integers are read where they stand.
        channels: the channels on which none of them must be messaged.
        ids: the source's own names for the rows, one for each number, for example a `range`;
            None where it has none.
        added_at: the times when they came on the list, one for each number; None where the
            source does not know them.
        id_word: the word before the ids in errors and reasons, such as `line`.
        place: the place of the rows, for errors, such as a file's path.
    """

    numbers: Sequence[str | int] | NDArray[np.integer[Any]]
    channels: Collection[str]
    ids: Sequence[str | int | None] | None = None
    added_at: Sequence[datetime | None] | None = None
    id_word: str = ""
    place: str = ""


class EntryBatch:
    """Some entries of a source, to be read together.

    Args:
        many: the entries.
        channels: the channels of each of them, where these differ.

    Attributes:
        numbers: their numbers.
        rows: their ids and times.

    Raises:
        SourceError: the channels are not a set of names.
    """

    def __init__(self, many: Entries, channels: Sequence[Collection[str]] | None = None) -> None:
        kinds = {type(many.channels)} if channels is None else set(map(type, channels))
        if any(issubclass(kind, str) for kind in kinds):
            raise SourceError("an entry's channels are a text. Give a set of names.")
        self.numbers = _together(many.numbers)
        self.rows = EntryDetails.of(len(self.numbers), many.ids, many.added_at, many.id_word)
        self._many = many
        self._channels = channels

    @classmethod
    def of_single(cls, entries: Sequence[Entry]) -> Self:
        """Return the batch of entries that were given one by one."""
        many = Entries(
            numbers=[each.number for each in entries],
            channels=(),
            ids=[each.id for each in entries],
            added_at=[each.added_at for each in entries],
        )
        return cls(many, [each.channels for each in entries])

    def are_for(self, channel: str) -> NDArray[np.bool_]:
        """Tell of each entry whether it is for a channel."""
        if self._channels is None:
            return np.full(len(self.numbers), channel in self._many.channels)
        return np.array([channel in each for each in self._channels], np.bool_)

    def named(self, place: int) -> str:
        """Return the beginning of an error about one of the entries."""
        id_ = None if self._many.ids is None else self._many.ids[place]
        word = self._many.id_word or ("entry" if isinstance(id_, int) else "")
        name = "" if id_ is None else f"{word} {shown_id(id_)}".lstrip()
        known = ", ".join(each for each in (self._many.place, name) if each)
        return f"{known}: " if known else ""

    def digits(self, place: int) -> str:
        """Return the digits of one of the entries, which stand for it where it has no reading.

        Raises:
            SourceError: it has none.
        """
        text = digits_of(self.numbers[place])
        if not text:
            id_ = None if self._many.ids is None else self._many.ids[place]
            named = "an entry" if id_ is None else f"the entry with id {shown_id(id_)}"
            raise SourceError(f"{named} has no digits in its number.")
        return text


def _together(numbers: Numbers) -> Numbers:
    """Return numbers in the form in which they are read fastest: texts are a column."""
    if isinstance(numbers, Column | np.ndarray):
        return numbers
    numbers = list(numbers)
    with contextlib.suppress(TypeError):  # there is something else among them
        return Column.of(cast("list[str]", numbers))
    return numbers


def batches(given: Iterable[Entry | Entries]) -> Iterator[EntryBatch]:
    """Yield the entries that a source gives, in batches that are read together.

    Raises:
        SourceError: it gives anything but entries, or these are not whole.
    """
    for kind, some in itertools.groupby(given, type):
        if issubclass(kind, Entries):
            for each in some:
                yield from map(EntryBatch, _pieces(cast("Entries", each)))
        elif issubclass(kind, Entry):
            while few := list(itertools.islice(some, BATCH_SIZE)):
                yield EntryBatch.of_single(cast("list[Entry]", few))
        else:
            raise SourceError(f"it gave a {kind.__name__}. Give Entry or Entries.")


def _pieces(many: Entries) -> Iterator[Entries]:
    """Yield the entries in pieces of a size that is read together."""
    count = len(many.numbers)
    for what, some in (("ids", many.ids), ("times", many.added_at)):
        if some is not None and len(some) != count:
            raise SourceError(f"it gave {count} numbers with {len(some)} {what}.")
    if isinstance(many.numbers, str | bytes):
        raise SourceError("its numbers are a text. Give a list of numbers.")
    if count <= BATCH_SIZE:
        yield many
        return
    for start in range(0, count, BATCH_SIZE):
        end = start + BATCH_SIZE
        yield replace(
            many,
            numbers=many.numbers[start:end],
            ids=None if many.ids is None else many.ids[start:end],
            added_at=None if many.added_at is None else many.added_at[start:end],
        )
