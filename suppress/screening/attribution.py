"""The attribution of suppressed recipients: which entries of which sources suppress them."""

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from suppress.screening.screening import Screening
from suppress.stop_list.entry_details import NONE
from suppress.stop_list.origins import Origin
from suppress.stop_list.snapshot import OPTED_OUT

NO_POSITION = -1
"""In place of a position: the entry is not an opt-out that was made here, or has none."""

FORGOTTEN = -2
"""In place of a position: the person was forgotten on request."""


class Attribution(NamedTuple):
    """Rows with a suppressed recipient and an entry that suppresses it.

    Attributes:
        places: the places of the recipients.
        names: the names of the sources.
        sources: for each row, the place of its source among the names.
        added: when the entries came on the list (seconds since the epoch); `NONE` for unknown.
        positions: their positions in the record of opt-outs, for those that were made here.
        firsts: the first reading of each of those, as an integer; 0 for the others.
    """

    places: NDArray[np.intp]
    names: list[str]
    sources: NDArray[np.intp]
    added: NDArray[np.int64]
    positions: NDArray[np.int64]
    firsts: NDArray[np.uint64]

    @classmethod
    def of(cls, screening: Screening[Any]) -> Self:
        """Return the attribution of all suppressed recipients of a screening."""
        (places, values), by_digits = screening.matches()
        snapshot = screening.snapshot
        names: list[str] = [OPTED_OUT]
        parts = []
        rows, part = snapshot.origins.rows_of(values)
        codes = np.array([_code(names, each) for each in snapshot.origins.source_names], np.intp)
        if len(rows):
            parts.append(_Attributed(places[rows], codes[part.sources], part.added))
        additions = snapshot.opted_out.additions_of(values)
        since = additions.since.astype(np.int64)
        found = _Attributed(places[additions.asked], np.zeros(len(since), np.intp), since)
        parts.append(found._replace(positions=additions.positions, firsts=additions.firsts))
        if forgotten := snapshot.opted_out.forgotten:
            gone = places[forgotten.have(values)]
            unknown = np.full(len(gone), NONE)
            parts.append(
                _Attributed(
                    gone, np.zeros(len(gone), np.intp), unknown, np.full(len(gone), FORGOTTEN)
                )
            )
        if by_digits:
            parts.append(_of_origins(by_digits, names))
        columns = zip(*(each.filled() for each in parts), strict=True)
        at, sources, added, positions, firsts = map(np.concatenate, columns)
        return cls(at, names, sources, added, positions, firsts)


class _Attributed(NamedTuple):
    """Some rows; without positions and first readings where these are not known."""

    places: NDArray[np.intp]
    sources: NDArray[np.intp]
    added: NDArray[np.int64]
    positions: NDArray[np.int64] | None = None
    firsts: NDArray[np.uint64] | None = None

    def filled(self) -> tuple[NDArray[Any], ...]:
        count = len(self.places)
        positions, firsts = self.positions, self.firsts
        return (
            *self[:3],
            np.full(count, NO_POSITION) if positions is None else positions,
            np.zeros(count, np.uint64) if firsts is None else firsts,
        )


def _of_origins(by_digits: list[tuple[int, Origin]], names: list[str]) -> _Attributed:
    return _Attributed(
        np.array([place for place, _ in by_digits], np.intp),
        np.array([_code(names, origin.source) for _, origin in by_digits], np.intp),
        np.array(
            [
                NONE if origin.added_at is None else int(origin.added_at.timestamp())
                for _, origin in by_digits
            ],
            np.int64,
        ),
    )


def _code(names: list[str], name: str) -> int:
    """Return the place of a name, which is added where it is missing."""
    if name not in names:
        names.append(name)
    return names.index(name)
