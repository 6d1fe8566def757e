"""Where the numbers of a stop list come from: each one's source, its entry there, since when.

Nothing of this decides who is suppressed; it is looked up for those who are asked about.
It lies on arrays with a row for each entry, sorted by the numbers, in memory or in a
mapped file.
"""

import contextlib
import itertools
import struct
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.numbers.e164 import value_of
from suppress.numbers.mask import mask

_MAGIC = b"origins4"
_HEAD = struct.Struct("<8sQQQ")
_NONE = -(2**63)
_LONGEST_ID = 40
_LONGEST_KEPT_ID = 1000
_SHORTEST_PHONE = 10**8
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - taken from times without a zone
_UTC_EPOCH = _EPOCH.replace(tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _UTC_EPOCH) // _SECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _UTC_EPOCH) // _SECOND


class Origin(NamedTuple):
    """One entry that suppresses a number.

    Attributes:
        source: the name of the source that gave it; `opt-outs` for one that was added here.
        id: the source's own name for the entry, where known.
        added_at: when it came on the list (aware, UTC), where known; to the second.
        listed_as: the number that the entry has, in E.164 form, where it is another form of
            the same line.
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
    """Return what may be shown of an entry's id.

    A source may use the number itself, or anything else. But by its integer an entry is found
    again, and no provider's number is as short as most of these are.
    """
    if isinstance(id_, int) and 0 <= id_ < _SHORTEST_PHONE:
        return str(id_)
    return mask(id_, _LONGEST_ID)


class EntryDetails(NamedTuple):
    """What some entries say of themselves, on arrays.

    Attributes:
        ids: their ids; those that are no integers of 63 bits are among `texts`.
        texts: the other ids, by the entries' places.
        added: seconds since the epoch.
        id_word: what stands before the ids when they are shown; empty for nothing.
    """

    ids: NDArray[np.int64]
    texts: dict[int, str | int]
    added: NDArray[np.int64]
    id_word: str = ""

    @classmethod
    def of(
        cls,
        count: int,
        ids: Sequence[str | int | None] | None,
        added: Sequence[datetime | None] | None,
        id_word: str = "",
    ) -> Self:
        """The rows of so many entries with these ids and times; None where there are none."""
        numbers, texts = _ids(count, ids)
        return cls(numbers, texts, _times(count, added), id_word)


def _ids(
    count: int, ids: Sequence[str | int | None] | None
) -> tuple[NDArray[np.int64], dict[int, str | int]]:
    texts: dict[int, str | int] = {}
    numbers = np.full(count, _NONE, np.int64)
    if ids is None:
        return numbers, texts
    unread: Iterable[int] = range(count)
    if isinstance(ids, range) or set(map(type, ids)) == {int}:
        with contextlib.suppress(OverflowError):
            numbers = np.fromiter(cast("Sequence[int]", ids), np.int64, count)
            unread = np.flatnonzero(numbers < 0).tolist()
    for place in unread:
        each = ids[place]
        if type(each) is int and 0 <= each < 2**63:
            numbers[place] = each
        elif each is not None:
            numbers[place] = _NONE
            texts[place] = _kept(each)
    return numbers, texts


def _times(count: int, added: Sequence[datetime | None] | None) -> NDArray[np.int64]:
    if added is None:
        return np.full(count, _NONE, np.int64)
    try:
        seconds = [(each - _EPOCH) // _SECOND for each in added]  # type: ignore[operator]
    except TypeError:
        seconds = [_seconds(each) for each in added]
    times = np.array(seconds, np.int64)
    # With a time zone, the years 1 and 9999 reach beyond what a time in UTC can be.
    times[(times < _FIRST) | (times > _LAST)] = _NONE
    return times


class _Exceptions(msgspec.Struct):
    """What does not fit the arrays: the sources, and entries without a reading.

    A source stands here with what stands before the ids of its entries.
    """

    sources: list[tuple[str, str]] = []
    numbers: dict[str, list[tuple[int, str | int | None, int]]] = {}


class OriginsBuilder:
    """The origins of a channel's numbers, as far as they have been read."""

    def __init__(self) -> None:
        self._parts: list[
            tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]
        ] = []
        self._sources: list[NDArray[np.uint16]] = []
        self._texts = bytearray()
        self._odd = _Exceptions([], {})

    def add(
        self,
        source: str,
        values: NDArray[np.uint64],
        places: NDArray[np.int64],
        rows: EntryDetails,
        listed_as: NDArray[np.uint64] | None = None,
    ) -> None:
        """Add entries of a source.

        Args:
            source: its name.
            values: the digits of the numbers at the places.
            places: which of the rows.
            rows: what the entries say of themselves.
            listed_as: the digits that the entries have; 0 where they are the values, and
                None where all are.
        """
        if listed_as is None:
            listed_as = np.zeros(len(values), np.uint64)
        ids = rows.ids[places]
        if rows.texts:
            for row, place in enumerate(places.tolist()):
                if (text := rows.texts.get(place)) is not None:
                    # Negative: where its line of JSON begins.
                    ids[row] = -1 - len(self._texts)
                    self._texts += msgspec.json.encode(text) + b"\n"
        self._parts.append((values, ids, rows.added[places], listed_as))
        self._sources.append(np.full(len(values), self._source(source, rows), np.uint16))

    def add_odd(self, source: str, digits: str, place: int, rows: EntryDetails) -> None:
        """Add an entry without a reading, by its digits."""
        id_ = rows.texts.get(place)
        if id_ is None and (known := rows.ids.item(place)) != _NONE:
            id_ = known
        entry = self._source(source, rows), id_, rows.added.item(place)
        self._odd.numbers.setdefault(digits, []).append(entry)

    def _source(self, name: str, rows: EntryDetails) -> int:
        source = name, rows.id_word
        if source not in self._odd.sources:
            self._odd.sources.append(source)
        return self._odd.sources.index(source)

    def origins(self) -> "Origins":
        """Everything that was added."""
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
            msgspec.json.encode(self._odd),
        )


class Origins:
    """The origins of the numbers of a snapshot; made by a `OriginsBuilder`, or `read`."""

    __slots__ = (
        *("_added", "_decoded", "_ids", "_listed_as", "_odd", "_sources", "_texts", "_values"),
        "_views",
    )

    def __init__(
        self,
        values: NDArray[np.uint64],
        ids: NDArray[np.int64],
        added: NDArray[np.int64],
        sources: NDArray[np.uint16],
        listed_as: NDArray[np.uint64],
        texts: bytes | memoryview,
        odd: bytes | memoryview,
    ) -> None:
        self._values = values
        self._ids = ids
        self._added = added
        self._sources = sources
        self._listed_as = listed_as
        self._texts = texts
        self._odd = odd
        self._decoded: _Exceptions | None = None
        # In these, single numbers are looked up faster.
        self._views = values.data, sources.data, ids.data, added.data, listed_as.data

    def of(self, number: str) -> tuple[Origin, ...]:
        """The entries that a number is a reading of, by its E.164 text."""
        value = value_of(number)
        values, sources, ids, added, listed_as = self._views
        place = bisect_left(values, value)
        found = []
        while place < len(values) and values[place] == value:
            origin = self._origin(sources[place], self._id(ids[place]), added[place])
            if listed_as[place]:
                origin = origin._replace(listed_as=f"+{listed_as[place]}")
            found.append(origin)
            place += 1
        return tuple(dict.fromkeys(found))

    def of_digits(self, digits: str) -> tuple[Origin, ...]:
        """The entries without a reading that have these digits."""
        return tuple(self._origin(*entry) for entry in self._others().numbers.get(digits, ()))

    def _id(self, id_: int) -> str | int | None:
        if id_ >= 0:
            return id_
        if id_ == _NONE:
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
        if added == _NONE:
            return Origin(name, id_)
        return Origin(name, id_, datetime.fromtimestamp(added, UTC))

    def _others(self) -> _Exceptions:
        if self._decoded is None:
            self._decoded = msgspec.json.decode(self._odd, type=_Exceptions)
        return self._decoded

    def image(self) -> list[bytes | memoryview]:
        """What `read` takes, in pieces."""
        return [
            _HEAD.pack(_MAGIC, len(self._values), len(self._texts), len(self._odd)),
            self._values.astype("<u8", copy=False).data,
            self._ids.astype("<i8", copy=False).data,
            self._added.astype("<i8", copy=False).data,
            self._listed_as.astype("<u8", copy=False).data,
            # Behind what is wider, so that all lie at multiples of their width.
            self._sources.astype("<u2", copy=False).data,
            self._texts,
            self._odd,
        ]

    @classmethod
    def read(cls, image: bytes | memoryview) -> Self:
        """The origins whose `image()` the bytes are; they lie on these bytes.

        Raises:
            ValueError: the bytes are no such image.
        """
        rest = memoryview(image)
        if len(rest) < _HEAD.size:
            raise ValueError("it is too short")
        magic, count, texts, odd = _HEAD.unpack_from(rest)
        if magic != _MAGIC:
            raise ValueError("it holds no origins")
        sizes = _HEAD.size, 8 * count, 8 * count, 8 * count, 8 * count, 2 * count, texts, odd
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


def _kept(id_: str | int) -> str | int:
    """An id as it is kept: a text that can be encoded, and fills no memory."""
    if isinstance(id_, int):
        return int(id_) if abs(id_) < 10**_LONGEST_KEPT_ID else mask(id_)
    return str(id_)[:_LONGEST_KEPT_ID].encode("utf-8", "backslashreplace").decode()


def _seconds(moment: datetime | None) -> int:
    if moment is None:
        return _NONE
    return (moment - (_EPOCH if moment.tzinfo is None else _UTC_EPOCH)) // _SECOND
