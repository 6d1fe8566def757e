"""A shared record as one machine sees it: read from its copy here, written to on the server."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeVar

from suppress.opt_outs.contract import (
    Backlog,
    Change,
    Changes,
    Destination,
    Overtaken,
    PendingChange,
    RecordError,
    Replaced,
    positioned,
)
from suppress.opt_outs.copying import Copying
from suppress.opt_outs.people import People
from suppress.opt_outs.upkeep import Upkeep
from suppress.stop_list.forgotten import Forgotten

T = TypeVar("T")

logger = logging.getLogger("suppress")


class Replica:
    """A record whose copy answers; see `suppress.opt_outs.contract.Record`.

    What is appended is in force once the server has it, on the other machines as soon as they
    have copied it. What the sources have to be told is asked of the server.

    Args:
        copying: copies the shared record.
        upkeep: keeps the copy up to date.
    """

    def __init__(self, copying: Copying, upkeep: Upkeep) -> None:
        self._shared = copying.shared
        self._copy = copying.copy
        self._reset = copying.reset
        self._upkeep = upkeep

    @property
    def where(self) -> str:
        """The URL of the server."""
        return self._shared.where

    def append(
        self,
        changes: Sequence[Changes],
        *,
        expected: int | None,
        prepare: Callable[[int], None] = lambda _position: None,
    ) -> int:
        """Append changes on the server, all or none, and copy them."""
        prepared: list[int] = []
        began = self._upkeep.now()

        def note(position: int) -> None:
            prepared.append(position)
            prepare(position)

        try:
            position = self._shared.append(changes, expected=expected, prepare=note)
        except Overtaken:
            self._upkeep.sync()  # else the caller would find the same again
            raise
        except RecordError as error:
            if not prepared:
                raise
            position = prepared[-1]
            if not self._is_there(position, error):
                raise
        done = positioned(changes, position + 1 - sum(each.size for each in changes))
        self._copy_over(lambda: self._upkeep.take_over(done, expected, began), position)
        return position

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order."""
        found = self._read(lambda: list(self._copy.changes_since(position)))
        last = found[-1].position if found else position
        if last is not None:
            # Another process may put a copy in its place that was read a moment earlier.
            self._upkeep.knows_of(last)
        return iter(found)

    def people(self, positions: Sequence[int]) -> People:
        """Return the people at some positions, in that order."""
        return self._read(lambda: self._copy.people(positions))

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        """Return the changes at some positions, in that order."""
        return self._read(lambda: self._copy.changes_at(positions))

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        """Return the changes of numbers whose last digits are one of these, oldest first."""
        return self._read(lambda: self._copy.changes_ending(endings))

    def forget(
        self,
        positions: Sequence[int],
        forgotten: Mapping[str, Mapping[int, bool]],
        *,
        made_at: float,
        expected: int | None,
    ) -> int:
        """Remove the people at some positions from the server, and from the copy.

        Other machines remove them from their copies with the next news.
        """
        try:
            position = self._shared.forget(positions, forgotten, made_at=made_at, expected=expected)
        except Overtaken:
            self._upkeep.sync()
            raise
        self._copy_over(self._upkeep.sync, position)
        return position

    def forgotten(self) -> Mapping[str, Forgotten]:
        """Return the keyed hashes that keep opt-outs in force, by channel."""
        return self._read(self._copy.forgotten)

    def pending(
        self,
        destination: Destination,
        *,
        channels: Collection[str] | None = None,
        refused_before: float | None = None,
        now: float = 0.0,
        after: int = 0,
        limit: int = 1000,
    ) -> list[PendingChange]:
        """Return a page of what a destination has not been told, in order."""
        return self._shared.pending(
            destination,
            channels=channels,
            refused_before=refused_before,
            now=now,
            after=after,
            limit=limit,
        )

    def next_refused(
        self, destination: Destination, *, channels: Collection[str], now: float
    ) -> float | None:
        """Return when the earliest refusal up to now was; None where there is none."""
        return self._shared.next_refused(destination, channels=channels, now=now)

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        """Return those numbers of which a destination has not been told something yet."""
        return self._shared.waits(destination, channel, numbers)

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Remove from the outbox what was told and taken."""
        self._shared.acknowledge(ids)

    def reject(self, ids: Sequence[int], error: str, now: float, *, refused: bool) -> None:
        """Note that something was not taken, and why."""
        self._shared.reject(ids, error, now, refused=refused)

    def destinations(self) -> list[Destination]:
        """Return those for whom something waits, in order."""
        return self._shared.destinations()

    def backlog(self) -> list[Backlog]:
        """Count what waits, by destination, action and channel, in order."""
        return self._shared.backlog()

    def reset(self) -> bool:
        """Accept that the shared record is gone or another one, if it is."""
        return self._reset()

    def _read(self, read: Callable[[], T]) -> T:
        """Read the copy, which is made again where it is damaged."""
        self._upkeep.look()
        try:
            return read()
        except RecordError as error:
            self._upkeep.replace_damaged(error)
            return read()

    def _is_there(self, position: int, error: RecordError) -> bool:
        """Tell whether the server has written a change, as it seems that it has not.

        Raises:
            RecordError: nobody can say.
        """
        try:
            next(iter(self._shared.changes_since(position)), None)
        except Replaced:
            return False
        except RecordError:
            raise RecordError(error.reason, error.remedy, unknown=True) from error
        return True

    def _copy_over(self, copy: Callable[[], None], position: int) -> None:
        """Copy what the server has written. Where that fails, nobody is screened until it is."""
        self._upkeep.knows_of(position)
        try:
            copy()
        except RecordError as error:
            logger.warning(
                "An opt-out is in force, but cannot be copied to this machine (%s). %s",
                error.reason,
                error.remedy,
                extra={"code": "opt_out_not_copied", "error": error.reason},
            )
