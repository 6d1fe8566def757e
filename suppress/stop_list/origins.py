"""The origins of the numbers of a stop list: for each a source, an entry there, and a time.

Origins explain and decide nothing: they are looked up for the numbers that somebody asks
about. They lie on arrays with a row for each entry, sorted by the numbers, in memory or in a
mapped file.
"""

import itertools
import struct
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.numbers.e164 import value_of
from suppress.numbers.mask import mask
from suppress.stop_list.entry_details import NONE, EntryDetails

_MAGIC = b"origins5"
_HEAD = struct.Struct("<8sQQQ")
_FURTHER, _PLACE = np.uint16(2**15), np.uint16(2**15 - 1)
"""Bits beside a number: whether it is not the first reading of its entry; its source's place."""
_LONGEST_ID = 40
_SHORTEST_PHONE = 10**8


class Origin(NamedTuple):
    """One entry that suppresses a number.

    Attributes:
        source: the name of the source that gave it; `opt-outs` for one that was added here.
        id: the source's own name for the entry, where known.
        added_at: the time when it came on the list (aware, UTC), where known; to the second.
        listed_as: the entry's own number, in E.164 form, where it is another form of the same
            line.
    """

    source: str
    id: str | int | None = None
    added_at: datetime | None = None
    listed_as: str | None = None

    def __str__(self) -> str:
        details = []
        if self.id is not None:
            details.append(f"{'entry ' if isinstance(self.id, int) else ''}{shown_id(self.id)}")
        if self.added_at is not None:
            details.append(f"since {self.added_at.date()}")
        return f"{self.source} ({', '.join(details)})" if details else self.source


def shown_id(id_: str | int) -> str:
    """Return the part of an entry's id that may be shown.

    A source may use the number itself as an id. A short integer is not a number, and is shown
    whole, so that the entry can be found by it.
    """
    if isinstance(id_, int) and 0 <= id_ < _SHORTEST_PHONE:
        return str(id_)
    return mask(id_, _LONGEST_ID)


class _Exceptions(msgspec.Struct):
    """The exceptions that do not fit the arrays.

    Attributes:
        sources: the sources' names, each with the word before its ids.
        numbers: the entries without a reading, by their digits: source, id, and time.
    """

    sources: list[tuple[str, str]] = []
    numbers: dict[str, list[tuple[int, str | int | None, int]]] = {}


class OriginsPart(NamedTuple):
    """Some rows of origins, as arrays.

    Attributes:
        values: the digits of their numbers.
        further: whether each is only another reading of its entry, and not the first.
        sources: the places of their sources.
        ids: the ids, as they are kept.
        added: the times (seconds since the epoch), as they are kept.
    """

    values: NDArray[np.uint64]
    further: NDArray[np.bool_]
    sources: NDArray[np.uint16]
    ids: NDArray[np.int64]
    added: NDArray[np.int64]


class PartDetails(NamedTuple):
    """The sources, ids and times of some rows of origins.

    Attributes:
        sources: the names of the sources.
        ids: the sources' own names for the entries; None where there is none.
        added: when they came on the list (UTC, whole seconds); NaT where that is not known.
    """

    sources: list[str]
    ids: list[str | int | None]
    added: NDArray[np.datetime64]


class OriginsBuilder:
    """A builder of the origins of a channel's numbers, while these are read."""

    def __init__(self) -> None:
        self._parts: list[
            tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]
        ] = []
        self._sources: list[NDArray[np.uint16]] = []
        self._texts = bytearray()
        self._exceptions = _Exceptions([], {})

    def add(
        self,
        source: str,
        values: NDArray[np.uint64],
        places: NDArray[np.int64],
        rows: EntryDetails,
        listed_as: NDArray[np.uint64] | None = None,
        further: NDArray[np.bool_] | None = None,
    ) -> None:
        """Add entries of a source.

        Args:
            source: its name.
            values: the digits of their numbers.
            places: their places among the rows.
            rows: the ids and times.
            listed_as: the digits of the entries themselves; 0 where they are the values, and
                None where all are.
            further: the values that are not the first reading of their entry; None where all
                are.
        """
        if listed_as is None:
            listed_as = np.zeros(len(values), np.uint64)
        ids = rows.ids[places]
        if rows.texts:
            for row, place in enumerate(places.tolist()):
                if (text := rows.texts.get(place)) is not None:
                    # A negative number is the place where its line of JSON begins.
                    ids[row] = -1 - len(self._texts)
                    self._texts += msgspec.json.encode(text) + b"\n"
        self._parts.append((values, ids, rows.added[places], listed_as))
        places_of_source = np.full(len(values), self._source(source, rows), np.uint16)
        if further is not None:
            places_of_source[further] |= _FURTHER
        self._sources.append(places_of_source)

    def add_unread(self, source: str, digits: str, place: int, rows: EntryDetails) -> None:
        """Add an entry without a reading, by its digits."""
        id_ = rows.texts.get(place)
        if id_ is None and (known := rows.ids.item(place)) != NONE:
            id_ = known
        entry = self._source(source, rows), id_, rows.added.item(place)
        self._exceptions.numbers.setdefault(digits, []).append(entry)

    def _source(self, name: str, rows: EntryDetails) -> int:
        source = name, rows.id_word
        if source not in self._exceptions.sources:
            self._exceptions.sources.append(source)
        return self._exceptions.sources.index(source)

    def origins(self) -> "Origins":
        """Return the origins of everything that was added."""
        if not self._parts:
            none = np.zeros(0, np.int64)
            self._parts.append((none.view(np.uint64), none, none, none.view(np.uint64)))
            self._sources.append(none.astype(np.uint16))
        values, ids, added, listed_as = (
            np.concatenate(column) for column in zip(*self._parts, strict=True)
        )
        order = np.argsort(values)
        return Origins(
            values[order],
            ids[order],
            added[order],
            np.concatenate(self._sources)[order],
            listed_as[order],
            bytes(self._texts),
            msgspec.json.encode(self._exceptions),
        )


class Origins:
    """The origins of the numbers of a snapshot; made by an `OriginsBuilder`, or by `read`."""

    __slots__ = (
        *("_added", "_decoded", "_exceptions", "_ids", "_listed_as", "_sources", "_texts"),
        *("_values", "_views"),
    )

    def __init__(
        self,
        values: NDArray[np.uint64],
        ids: NDArray[np.int64],
        added: NDArray[np.int64],
        sources: NDArray[np.uint16],
        listed_as: NDArray[np.uint64],
        texts: bytes | memoryview,
        exceptions: bytes | memoryview,
    ) -> None:
        self._values = values
        self._ids = ids
        self._added = added
        self._sources = sources
        self._listed_as = listed_as
        self._texts = texts
        self._exceptions = exceptions
        self._decoded: _Exceptions | None = None
        # Single numbers are looked up faster in these.
        self._views = values.data, sources.data, ids.data, added.data, listed_as.data

    def of(self, number: str) -> tuple[Origin, ...]:
        """Return the entries that have a number as a reading, by its E.164 text."""
        value = value_of(number)
        values, sources, ids, added, listed_as = self._views
        place = bisect_left(values, value)
        found = []
        while place < len(values) and values[place] == value:
            source = sources[place] & int(_PLACE)
            origin = self._origin(source, self._id(ids[place]), added[place])
            if listed_as[place]:
                origin = origin._replace(listed_as=f"+{listed_as[place]}")
            found.append(origin)
            place += 1
        return tuple(dict.fromkeys(found))

    def count_numbers(self) -> int:
        """Return how many different numbers there are."""
        values = self._values
        return min(len(values), 1) + int(np.count_nonzero(values[1:] != values[:-1]))

    def parts(self, source: str | None = None, *, size: int = 2**15) -> Iterator["OriginsPart"]:
        """Give all rows in the order of their numbers, some at a time.

        Args:
            source: the source whose rows to give; None for all.
            size: the most rows to give at a time.
        """
        names = [name for name, _ in self._others().sources]
        chosen = [place for place, name in enumerate(names) if source in (None, name)]
        for start in range(0, len(self._values), size):
            rows: slice | NDArray[np.intp] = slice(start, start + size)
            if source is not None:
                of_source = np.isin(self._sources[rows] & _PLACE, chosen)
                rows = np.flatnonzero(of_source) + start
                if not len(rows):
                    continue
            yield self._part(rows)

    def _part(self, rows: slice | NDArray[np.intp]) -> "OriginsPart":
        marked = self._sources[rows]
        return OriginsPart(
            self._values[rows],
            (marked & _FURTHER).astype(np.bool_),
            marked & _PLACE,
            self._ids[rows],
            self._added[rows],
        )

    def details(self, part: "OriginsPart") -> "PartDetails":
        """Return the sources, ids and times of a part's rows."""
        known = self._others().sources
        sources = np.array([name for name, _ in known], object)[part.sources].tolist()
        plain = part.ids >= 0
        if not any(word for _, word in known) and plain.all():
            return PartDetails(sources, part.ids.tolist(), _moments(part.added))
        words = [known[place][1] for place in part.sources.tolist()]
        ids = [
            f"{word} {id_}" if word and id_ is not None else id_
            for word, id_ in zip(words, map(self._id, part.ids.tolist()), strict=True)
        ]
        return PartDetails(sources, ids, _moments(part.added))

    @property
    def source_names(self) -> list[str]:
        """The name of each source, by its place in a part."""
        return [name for name, _ in self._others().sources]

    def rows_of(self, values: NDArray[np.uint64]) -> tuple[NDArray[np.intp], "OriginsPart"]:
        """Return all rows of some numbers; for each row also the place of its number there."""
        starts = np.searchsorted(self._values, values, "left")
        counts = np.searchsorted(self._values, values, "right") - starts
        places = np.repeat(np.arange(len(values)), counts)
        ends = np.cumsum(counts)
        rows = np.arange(len(places)) + np.repeat(starts - (ends - counts), counts)
        return places, self._part(rows)

    def unread(self, source: str | None = None) -> dict[str, tuple[Origin, ...]]:
        """Return the entries without a reading, by their digits.

        Args:
            source: the source whose entries to return; None for all.
        """
        found = {}
        for digits in self._others().numbers:
            origins = tuple(
                each for each in self.of_digits(digits) if source in (None, each.source)
            )
            if origins:
                found[digits] = origins
        return found

    def of_digits(self, digits: str) -> tuple[Origin, ...]:
        """Return the entries without a reading that have these digits."""
        return tuple(self._origin(*entry) for entry in self._others().numbers.get(digits, ()))

    def _id(self, id_: int) -> str | int | None:
        if id_ >= 0:
            return id_
        if id_ == NONE:
            return None
        start = -1 - id_
        end = start
        while self._texts[end] != ord("\n"):
            end += 1
        return msgspec.json.decode(self._texts[start:end], type=str | int)

    def _origin(self, source: int, id_: str | int | None, added: int) -> Origin:
        name, id_word = self._others().sources[source]
        if id_word and id_ is not None:
            id_ = f"{id_word} {id_}"
        if added == NONE:
            return Origin(name, id_)
        return Origin(name, id_, datetime.fromtimestamp(added, UTC))

    def _others(self) -> _Exceptions:
        if self._decoded is None:
            self._decoded = msgspec.json.decode(self._exceptions, type=_Exceptions)
        return self._decoded

    def image(self) -> list[bytes | memoryview]:
        """Return the bytes that `read` takes, in pieces."""
        return [
            _HEAD.pack(_MAGIC, len(self._values), len(self._texts), len(self._exceptions)),
            self._values.astype("<u8", copy=False).data,
            self._ids.astype("<i8", copy=False).data,
            self._added.astype("<i8", copy=False).data,
            self._listed_as.astype("<u8", copy=False).data,
            # Narrow columns come last, so that all lie at multiples of their width.
            self._sources.astype("<u2", copy=False).data,
            self._texts,
            self._exceptions,
        ]

    @classmethod
    def read(cls, image: bytes | memoryview) -> Self:
        """Return the origins whose `image()` the bytes are; they lie on these bytes.

        Raises:
            ValueError: the bytes are not such an image.
        """
        rest = memoryview(image)
        if len(rest) < _HEAD.size:
            raise ValueError("it is too short")
        magic, count, texts, exceptions = _HEAD.unpack_from(rest)
        if magic != _MAGIC:
            raise ValueError("it holds no origins")
        arrays = 8 * count, 8 * count, 8 * count, 8 * count, 2 * count
        sizes = _HEAD.size, *arrays, texts, exceptions
        ends = list(itertools.accumulate(sizes))
        if len(rest) != ends[-1]:
            raise ValueError("it is of another size")
        parts = [rest[start:end] for start, end in itertools.pairwise(ends)]
        return cls(
            np.frombuffer(parts[0], "<u8"),
            np.frombuffer(parts[1], "<i8"),
            np.frombuffer(parts[2], "<i8"),
            np.frombuffer(parts[4], "<u2"),
            np.frombuffer(parts[3], "<u8"),
            parts[5],
            parts[6],
        )


NO_ORIGINS = OriginsBuilder().origins()


def _moments(added: NDArray[np.int64]) -> NDArray[np.datetime64]:
    # numpy keeps NaT as the same integer.
    return added.astype("datetime64[s]")
