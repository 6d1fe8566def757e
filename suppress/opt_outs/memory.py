"""A record of opt-outs in memory: for tests, and to show what the contract asks for."""

import dataclasses
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from suppress.forks import lock_that_forks_take
from suppress.opt_outs.contract import (
    Backlog,
    Change,
    Changes,
    Destination,
    Overtaken,
    PendingChange,
    Replaced,
    positioned,
)
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.people import ENDING, People
from suppress.stop_list.forgotten import Forgotten, Trace

# One for all records, which a fork takes too: a change is in the child whole or not at all.
_LOCK = lock_that_forks_take()


class MemoryRecord:
    """A record that ends with its process; see `suppress.opt_outs.contract.Record`."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._changes: list[Changes] = []
        self._traces: dict[str, dict[bytes, list[Trace]]] = {}
        self._outbox: dict[int, PendingChange] = {}
        self._forgotten: set[int] = set()
        self._last_id = 0

    @property
    def where(self) -> str:
        """The name of the record, for messages."""
        return "memory"

    def append(
        self,
        changes: Sequence[Changes],
        *,
        expected: int | None,
        prepare: Callable[[int], None] = lambda _position: None,
    ) -> int:
        """Append changes, all or none, and put what is to be told into the outbox."""
        with _LOCK:
            done = positioned(changes, self._next(expected))
            prepare(done[-1].position)
            for each in done:
                self._changes.append(dataclasses.replace(each, tell={}))
                traces = self._traces.get(each.channel, {})
                for hashed, some in list(traces.items()):
                    traces[hashed] = [it for it in some if it.position not in each.releases]
                    if not traces[hashed]:
                        del traces[hashed]
                self._put_into_outbox(each)
            return done[-1].position

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order."""
        with _LOCK:
            known = [each.position for each in self._changes]
            if position is not None and position not in known:
                raise Replaced
            start = 0 if position is None else known.index(position) + 1
            return iter(self._changes[start:])

    def people(self, positions: Sequence[int]) -> People:
        """Return the people at some positions, in that order."""
        with _LOCK:
            people = {
                at: person
                for each in self._changes
                for at, person in zip(each.positions, each.people.rows(), strict=True)
            }
        return People.of([people[at] for at in positions if at in people])

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        """Return the changes at some positions, in that order."""
        found = {each.position: each for each in self._of_people()}
        return [found[at] for at in positions if at in found]

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        """Return the changes of numbers whose last digits are one of these, oldest first."""
        return [each for each in self._of_people() if each.number[-ENDING:] in endings]

    def forget(
        self,
        positions: Sequence[int],
        forgotten: Mapping[str, Mapping[int, bool]],
        *,
        made_at: float,
        expected: int | None,
    ) -> int:
        """Remove the people at some positions, and remember keyed hashes of their readings."""
        gone = frozenset(positions)
        with _LOCK:
            position = self._next(expected)
            numbers: set[str] = set()
            for place, each in enumerate(self._changes):
                if not gone.isdisjoint(each.positions):
                    numbers |= {
                        number
                        for at, number in zip(each.positions, each.people.numbers, strict=True)
                        if at in gone
                    }
                    self._changes[place] = _without(each, gone)
            self._outbox = {
                id_: each
                for id_, each in self._outbox.items()
                if not (each.refused and each.number in numbers)
            }
            self._forgotten |= {id_ for id_, it in self._outbox.items() if it.number in numbers}
            hasher = Forgotten(self._key)
            for channel, values in forgotten.items():
                traces = self._traces.setdefault(channel, {})
                for value, is_line in values.items():
                    traces.setdefault(hasher.hashed(value), []).append(
                        Trace(position, made_at, is_line)
                    )
            forgetting = Changes(
                "forget", "", made_at=made_at, takes_back=tuple(positions), position=position
            )
            self._changes.append(forgetting)
            return position

    def forgotten(self) -> Mapping[str, Forgotten]:
        """Return the keyed hashes that keep opt-outs in force, by channel."""
        with _LOCK:
            return {
                channel: Forgotten(self._key, {each: tuple(some) for each, some in traces.items()})
                for channel, traces in self._traces.items()
                if traces
            }

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
        resting: set[tuple[str, str]] = set()
        page: list[PendingChange] = []
        for each in self._of(destination):
            if refused_before is not None and _is_refused(each, refused_before, now):
                resting.add((each.channel, each.number))
            is_wanted = channels is None or each.channel in channels
            if each.id > after and is_wanted and (each.channel, each.number) not in resting:
                page.append(each)
        return page[:limit]

    def next_refused(
        self, destination: Destination, *, channels: Collection[str], now: float
    ) -> float | None:
        """Return when the earliest refusal up to now was; None where there is none."""
        moments = [
            each.tried_at
            for each in self._of(destination)
            if each.channel in channels
            and each.refused
            and each.tried_at is not None
            and each.tried_at <= now
        ]
        return min(moments, default=None)

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        """Return those numbers of which a destination has not been told something yet."""
        waiting = {each.number for each in self._of(destination) if each.channel == channel}
        return waiting.intersection(numbers)

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Remove from the outbox what was told and taken."""
        with _LOCK:
            for each in ids:
                self._outbox.pop(each, None)

    def reject(self, ids: Sequence[int], error: str, now: float, *, refused: bool) -> None:
        """Note that something was not taken, and why."""
        with _LOCK:
            for each in ids:
                if refused and each in self._forgotten:
                    del self._outbox[each]
                    continue
                before = self._outbox[each]
                self._outbox[each] = dataclasses.replace(
                    before, tries=before.tries + 1, tried_at=now, error=error, refused=refused
                )

    def destinations(self) -> list[Destination]:
        """Return those for whom something waits, in order."""
        return sorted({Destination(each.source, each.account) for each in self._pending()})

    def backlog(self) -> list[Backlog]:
        """Count what waits, by destination, action and channel, in order."""
        waiting = self._pending()
        kinds = Counter((each.source, each.account, each.action, each.channel) for each in waiting)
        found = []
        for kind, count in kinds.items():
            some = [e for e in waiting if (e.source, e.account, e.action, e.channel) == kind]
            failed = [each for each in some if each.error is not None]
            last = max(failed, key=lambda each: each.tried_at or 0.0, default=None)
            found.append(
                Backlog(
                    *kind,
                    count,
                    sum(each.refused for each in some),
                    min(each.made_at for each in some),
                    max(each.tries for each in some),
                    None if last is None else last.error,
                )
            )
        return found

    def reset(self) -> bool:
        """Accept that the record is gone or another one: it never is."""
        return False

    def _of_people(self) -> list[Change]:
        with _LOCK:
            return [
                each.at(place) for each in self._changes for place in range(len(each.positions))
            ]

    def _next(self, expected: int | None) -> int:
        last = self._changes[-1].position if self._changes else None
        if last != expected:
            raise Overtaken
        return (last or 0) + 1 + secrets.randbelow(2**32)

    def _pending(self) -> list[PendingChange]:
        with _LOCK:
            return list(self._outbox.values())

    def _of(self, destination: Destination) -> list[PendingChange]:
        return [each for each in self._pending() if (each.source, each.account) == destination]

    def _put_into_outbox(self, changes: Changes) -> None:
        if changes.action == "forget":
            return
        opposite = "remove" if changes.action == "add" else "add"
        for destination, numbers in changes.tell.items():
            refused = {
                each.number: id_
                for id_, each in self._outbox.items()
                if (each.source, each.account, each.action, each.channel, each.refused)
                == (*destination, opposite, changes.channel, True)
            }
            for number in numbers:
                is_dropped = self._outbox.pop(refused.get(number, 0), None) is not None
                if not (is_dropped and changes.action == "remove"):
                    self._last_id += 1
                    kind = changes.action, changes.channel
                    self._outbox[self._last_id] = PendingChange(
                        self._last_id, *destination, *kind, number, changes.made_at
                    )


def _without(changes: Changes, gone: frozenset[int]) -> Changes:
    """Return changes without some people, and without the evidence where nobody is left."""
    places = [place for place, at in enumerate(changes.positions) if at not in gone]
    wished_at = changes.evidence.wished_at
    return dataclasses.replace(
        changes,
        people=changes.people.chosen(places),
        positions=[changes.positions[place] for place in places],
        evidence=changes.evidence if places else Evidence(wished_at),
    )


def _is_refused(change: PendingChange, since: float, until: float) -> bool:
    return change.refused and change.tried_at is not None and since < change.tried_at <= until
