"""The ids and times of entries, on arrays."""

import contextlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self, cast

import numpy as np
from numpy.typing import NDArray

from suppress.numbers.mask import mask

NONE = -(2**63)
"""Stands for no id, and for no time."""

_LONGEST_KEPT_ID = 1000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - taken from times without a zone
_UTC_EPOCH = _EPOCH.replace(tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _UTC_EPOCH) // _SECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _UTC_EPOCH) // _SECOND


class EntryDetails(NamedTuple):
    """The ids and times of some entries, on arrays.

    Attributes:
        ids: the ids that are integers of 63 bits.
        texts: the other ids, by the entries' places.
        added: the times, in seconds since the epoch.
        id_word: the word before the ids when they are shown; empty for none.
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
        """Return the details of so many entries with these ids and times, where they have any."""
        numbers, texts = _ids(count, ids)
        return cls(numbers, texts, _times(count, added), id_word)


def _ids(
    count: int, ids: Sequence[str | int | None] | None
) -> tuple[NDArray[np.int64], dict[int, str | int]]:
    texts: dict[int, str | int] = {}
    numbers = np.full(count, NONE, np.int64)
    if ids is None:
        return numbers, texts
    others: Iterable[int] = range(count)
    if isinstance(ids, range) or set(map(type, ids)) == {int}:
        with contextlib.suppress(OverflowError):
            numbers = np.fromiter(cast("Sequence[int]", ids), np.int64, count)
            others = np.flatnonzero(numbers < 0).tolist()
    for place in others:
        each = ids[place]
        if type(each) is int and 0 <= each < 2**63:
            numbers[place] = each
        elif each is not None:
            numbers[place] = NONE
            texts[place] = _kept(each)
    return numbers, texts


def _times(count: int, added: Sequence[datetime | None] | None) -> NDArray[np.int64]:
    if added is None:
        return np.full(count, NONE, np.int64)
    try:
        seconds = [(each - _EPOCH) // _SECOND for each in added]  # type: ignore[operator]
    except TypeError:
        seconds = [_seconds(each) for each in added]
    times = np.array(seconds, np.int64)
    # A time of the years 1 and 9999 in another zone may lie beyond the times of UTC.
    times[(times < _FIRST) | (times > _LAST)] = NONE
    return times


def _kept(id_: str | int) -> str | int:
    """Return an id as it is kept: a text that can be encoded, of bounded length."""
    if isinstance(id_, int):
        return int(id_) if abs(id_) < 10**_LONGEST_KEPT_ID else mask(id_)
    return str(id_)[:_LONGEST_KEPT_ID].encode("utf-8", "backslashreplace").decode()


def _seconds(moment: datetime | None) -> int:
    if moment is None:
        return NONE
    return (moment - (_EPOCH if moment.tzinfo is None else _UTC_EPOCH)) // _SECOND
