"""Changes of a record as they are read: pages of whole batches, each counted."""

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from suppress import Changes, Evidence, People, Replaced
from suppress_postgres.connections import PostgresConnection
from suppress_postgres.database import damaged, state_of

_BATCHES = 1000
"""The number of batches that are looked at for one page."""


def page_behind(
    connection: PostgresConnection, position: int | None, size: int
) -> tuple[list[Changes], bool]:
    """Return the changes behind a position, and whether these are the last.

    Args:
        connection: is in a transaction that sees one state of the record.
        position: where the page before ended; None for the beginning.
        size: how many people a page has at most, if that is more than one batch; and how many
            are read at a time.

    Raises:
        Replaced: no change ended at that position.
        RecordError: a batch, or somebody of it, is missing.
    """
    after, ordinal = _start(connection, position)
    batches = connection.execute(
        "SELECT * FROM batch WHERE position > %s ORDER BY position LIMIT %s", [after, _BATCHES]
    ).fetchall()
    end = ordinal + len(batches)
    is_last = len(batches) < _BATCHES
    if [batch[1] for batch in batches] != list(range(ordinal, end)) or (
        is_last and end != state_of(connection).made
    ):
        raise damaged("a batch of opt-outs is missing")
    people, chosen = 0, 0
    while chosen < len(batches) and (chosen == 0 or people + batches[chosen][3] <= size):
        people += batches[chosen][3]
        chosen += 1
    is_last &= chosen == len(batches)
    if not chosen:
        return [], True
    rows = _people(connection, after, batches[chosen - 1][0], size)
    found, start = [], 0
    for batch in batches[:chosen]:
        stop = bisect_right(rows, batch[0], start, key=itemgetter(0))
        if stop - start != batch[3]:
            raise damaged("somebody who was opted out is missing")
        found.append(_changes_of(batch, rows[start:stop]))
        start = stop
    return found, is_last


def text_of(number: str, handed_in: bytes | None) -> str:
    """Return a number as it was handed in."""
    return number if handed_in is None else bytes(handed_in).decode()


def _start(connection: PostgresConnection, position: int | None) -> tuple[int, int]:
    """Return the position that a page begins behind, and the ordinal of its first batch."""
    if position is None:
        return -1, 0
    row = connection.execute("SELECT ordinal FROM batch WHERE position = %s", [position]).fetchone()
    if row is None:
        raise Replaced
    return position, row[0] + 1


def _people(
    connection: PostgresConnection, after: int, last: int, size: int
) -> list[tuple[Any, ...]]:
    """Return the people of some batches, read by statements that each take a moment."""
    rows: list[tuple[Any, ...]] = []
    while True:
        some = connection.execute(
            "SELECT * FROM change WHERE position > %s AND position <= %s "
            "ORDER BY position LIMIT %s",
            [after, last, size],
        ).fetchall()
        rows += some
        if len(some) < size:
            return rows
        after = some[-1][0]


def _changes_of(batch: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Changes:
    position, _, _, _, action, channel, made_at, correction, takes_back, releases, *evidence = batch
    positions, numbers, handed_in, regions = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Changes(
        action,
        channel,
        People(numbers, tuple(map(text_of, numbers, handed_in)), regions),
        made_at,
        Evidence(*evidence),
        correction=correction,
        takes_back=takes_back,
        releases=releases,
        positions=positions,
        position=position,
    )
