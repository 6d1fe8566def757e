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

from suppress.numbers.mask import mask
from suppress.stop_list.number_set import value_of

_MAGIC = b"origins2"
_HEAD = struct.Struct("<8sQQQ")
_NONE = -(2**63)
_LONGEST_ID = 40
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - taken from times without a zone
_UTC_EPOCH = _EPOCH.replace(tzinfo=UTC)
_SECOND = timedelta(seconds=1)


class Origin(NamedTuple):
    """One entry that suppresses a number.

    Attributes:
        source: the name of the source that gave it; `opt-outs` for one that was added here.
        id: the source's own name for the entry, where known.
        added_at: when it came on the list (aware, UTC), where known; to the second.
    """

    source: str
    id: str | int | None = None
    added_at: datetime | None = None

    def __str__(self) -> str:
        details = []
        if isinstance(self.id, int):
            details.append(f"entry {self.id}")
        elif self.id is not None:
            # A source may use the number itself, or anything else.
            details.append("".join(filter(str.isprintable, mask(self.id)))[:_LONGEST_ID])
        if self.added_at is not None:
            details.append(f"since {self.added_at.date()}")
        return f"{self.source} ({', '.join(details)})" if details else self.source


class Rows(NamedTuple):
    """What some entries say of themselves, on arrays.

    Attributes:
        ids: their ids; those that are no integers of 63 bits are among `texts`.
        texts: the other ids, by the entries' places.
        added: seconds since the epoch.
    """

    ids: NDArray[np.int64]
    texts: dict[int, str | int]
    added: NDArray[np.int64]

    @classmethod
    def of(cls, ids: Sequence[str | int | None], added: Sequence[datetime | None]) -> Self:
        """The rows of entries with these ids and times."""
        texts: dict[int, str | int] = {}
        numbers = np.full(len(ids), _NONE, np.int64)
        unread: Iterable[int] = range(len(ids))
        if set(map(type, ids)) == {int}:
            with contextlib.suppress(OverflowError):
                numbers = np.fromiter(cast("Sequence[int]", ids), np.int64)
                unread = np.flatnonzero(numbers < 0).tolist()
        for place in unread:
            each = ids[place]
            if type(each) is int and 0 <= each < 2**63:
                numbers[place] = each
            elif each is not None:
                numbers[place] = _NONE
                texts[place] = int(each) if isinstance(each, int) else _encodable(str(each))
        try:
            seconds = [(each - _EPOCH) // _SECOND for each in added]  # type: ignore[operator]
        except TypeError:
            seconds = [_seconds(each) for each in added]
        return cls(numbers, texts, np.array(seconds, np.int64))


class _Exceptions(msgspec.Struct):
    """What does not fit the arrays: the sources' names, and numbers that are no integers."""

    sources: list[str] = []
    numbers: dict[str, list[tuple[int, str | int | None, int]]] = {}


class OriginsBuilder:
    """The origins of a channel's numbers, as far as they have been read."""

    def __init__(self) -> None:
        self._parts: list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]] = []
        self._sources: list[NDArray[np.uint16]] = []
        self._texts = bytearray()
        self._odd = _Exceptions([], {})

    def add(
        self, source: str, values: NDArray[np.uint64], places: NDArray[np.int64], rows: Rows
    ) -> None:
        """Add entries of a source.

        Args:
            source: its name.
            values: the digits of the numbers at the places.
            places: which of the rows.
            rows: what the entries say of themselves.
        """
        ids = rows.ids[places]
        if rows.texts:
            for row, place in enumerate(places.tolist()):
                if (text := rows.texts.get(place)) is not None:
                    # Negative: where its line of JSON begins.
                    ids[row] = -1 - len(self._texts)
                    self._texts += msgspec.json.encode(text) + b"\n"
        self._parts.append((values, ids, rows.added[places]))
        self._sources.append(np.full(len(values), self._source(source), np.uint16))

    def add_odd(self, source: str, number: str, place: int, rows: Rows) -> None:
        """Add an entry whose number is no integer of 64 bits, by its E.164 text or digits."""
        id_ = rows.texts.get(place)
        if id_ is None and (known := rows.ids.item(place)) != _NONE:
            id_ = known
        entry = self._source(source), id_, rows.added.item(place)
        self._odd.numbers.setdefault(number, []).append(entry)

    def _source(self, name: str) -> int:
        if name not in self._odd.sources:
            self._odd.sources.append(name)
        return self._odd.sources.index(name)

    def origins(self) -> "Origins":
        """Everything that was added."""
        if not self._parts:
            none = np.zeros(0, np.int64)
            self._parts.append((none.view(np.uint64), none, none))
            self._sources.append(none.astype(np.uint16))
        values, ids, added = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        order = np.argsort(values)
        return Origins(
            values[order],
            ids[order],
            added[order],
            np.concatenate(self._sources)[order],
            bytes(self._texts),
            msgspec.json.encode(self._odd),
        )


class Origins:
    """The origins of the numbers of a snapshot; made by a `OriginsBuilder`, or `read`."""

    __slots__ = ("_added", "_decoded", "_ids", "_odd", "_sources", "_texts", "_values", "_views")

    def __init__(
        self,
        values: NDArray[np.uint64],
        ids: NDArray[np.int64],
        added: NDArray[np.int64],
        sources: NDArray[np.uint16],
        texts: bytes | memoryview,
        odd: bytes | memoryview,
    ) -> None:
        self._values = values
        self._ids = ids
        self._added = added
        self._sources = sources
        self._texts = texts
        self._odd = odd
        self._decoded: _Exceptions | None = None
        # In these, single numbers are looked up faster.
        self._views = values.data, sources.data, ids.data, added.data

    def of(self, number: str) -> tuple[Origin, ...]:
        """The entries of a number, by its E.164 text."""
        value = value_of(number)
        if value is None:
            return self.of_text(number)
        values, sources, ids, added = self._views
        place = bisect_left(values, value)
        found = []
        while place < len(values) and values[place] == value:
            found.append(self._origin(sources[place], self._id(ids[place]), added[place]))
            place += 1
        return tuple(found)

    def of_text(self, number: str) -> tuple[Origin, ...]:
        """The entries of a number that is no integer of 64 bits: its E.164 text, or its digits."""
        return tuple(self._origin(*entry) for entry in self._others().numbers.get(number, ()))

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
        name = self._others().sources[source]
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
        sizes = _HEAD.size, 8 * count, 8 * count, 8 * count, 2 * count, texts, odd
        ends = list(itertools.accumulate(sizes))
        if len(rest) != ends[-1]:
            raise ValueError("it is of another size")
        parts = [rest[start:end] for start, end in itertools.pairwise(ends)]
        return cls(
            np.frombuffer(parts[0], "<u8"),
            np.frombuffer(parts[1], "<i8"),
            np.frombuffer(parts[2], "<i8"),
            np.frombuffer(parts[3], "<u2"),
            parts[4],
            parts[5],
        )


NO_ORIGINS = OriginsBuilder().origins()


def _encodable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


def _seconds(moment: datetime | None) -> int:
    if moment is None:
        return _NONE
    return (moment - (_EPOCH if moment.tzinfo is None else _UTC_EPOCH)) // _SECOND
