"""The outbox of a record: what the sources have not been told yet, in chunks of consecutive ids.

A chunk has up to a thousand numbers of one destination, action and channel. One that was told is
taken out of it. What was told and not taken has a note beside it.
"""

import itertools
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec

from suppress import Backlog, Changes, Destination, PendingChange
from suppress_redis.batches import RedisRecordState, packed, unpacked
from suppress_redis.pending import OutboxChunk, OutboxNote, backlog_of
from suppress_redis.server import Client, RedisConnections
from suppress_redis.state import Queue, RedisState, digest_of, explained

CHUNK = 1000
"""Numbers of a chunk at most; part of the layout."""

_CHUNKS_AT_ONCE = 64

Notes = Mapping[int, OutboxNote | None]
"""Notes by the ids of their changes; None for a change that goes."""


class RedisOutbox:
    """The outbox of a record; see `suppress.Record`.

    Args:
        connections: those to the server.
    """

    def __init__(self, connections: RedisConnections) -> None:
        self._connections = connections
        self._state = RedisState(connections)

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
        with explained():
            resting: dict[tuple[str, str], int] = {}
            if refused_before is not None:
                for id_, note in sorted(self._refused(destination).items()):
                    if note.tried_at is not None and refused_before < note.tried_at <= now:
                        resting.setdefault((note.channel, note.number), id_)
            waiting = (
                each
                for each in self._waiting(destination, after)
                if (channels is None or each.channel in channels)
                and each.id < resting.get((each.channel, each.number), each.id + 1)
            )
            page = list(itertools.islice(waiting, limit))
            notes = self._notes([each.id for each in page])
            return [notes[each.id].on(each) if each.id in notes else each for each in page]

    def next_refused(
        self, destination: Destination, *, channels: Collection[str], now: float
    ) -> float | None:
        """Return when the earliest refusal up to now was; None where there is none."""
        with explained():
            moments = [
                note.tried_at
                for note in self._refused(destination).values()
                if note.channel in channels and note.tried_at is not None and note.tried_at <= now
            ]
            return min(moments, default=None)

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        """Return those numbers of which a destination has not been told something yet."""
        with explained():
            waiting = {
                each.number for each in self._waiting(destination) if each.channel == channel
            }
        return waiting.intersection(numbers)

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Remove from the outbox what was told and taken."""
        self._edit(lambda: dict.fromkeys(ids))

    def reject(self, ids: Sequence[int], error: str, now: float, *, refused: bool) -> None:
        """Note that something was not taken, and why."""

        def noted() -> Notes:
            found: dict[int, OutboxNote | None] = {}
            notes = self._notes(ids)
            for change in self._changes_at(ids):
                note = notes.get(change.id) or OutboxNote.of(change)
                found[change.id] = note.after(error, now, refused=refused)
            return found

        self._edit(noted)

    def destinations(self) -> list[Destination]:
        """Return those for whom something waits, in order."""
        with explained():
            return [
                each
                for each in self._destinations()
                if self._client.zcard(self._state.outbox_of(each))
            ]

    def backlog(self) -> list[Backlog]:
        """Count what waits, by destination, action and channel, in order."""
        with explained():
            kinds: dict[tuple[str, ...], list[OutboxChunk]] = {}
            firsts: dict[tuple[str, ...], int] = {}
            for destination in self._destinations():
                for first, chunk in self._chunks(destination):
                    kinds.setdefault(chunk.kind, []).append(chunk)
                    firsts.setdefault(chunk.kind, first)
            notes: dict[tuple[str, ...], list[OutboxNote]] = {}
            for note in self._all_notes():
                if note.tries:
                    notes.setdefault(note.kind, []).append(note)
        return [
            backlog_of(kinds[kind], notes.get(kind, ()))
            for kind in sorted(kinds, key=lambda each: firsts[each])
        ]

    def _put_into_outbox(
        self, changes: Sequence[Changes], state: RedisRecordState
    ) -> tuple[Callable[[Client], None], int]:
        """Return what queues that the destinations are to be told, and the last id then."""
        chunks: dict[int, OutboxChunk] = {}
        dropped: dict[int, OutboxNote | None] = {}
        last_id = state.last_id
        refused = self._refused() if any(each.tell for each in changes) else {}
        for each in changes:
            if each.action == "forget":
                continue
            opposite = "remove" if each.action == "add" else "add"
            for destination, numbers in each.tell.items():
                kind, told = (*destination, opposite, each.channel), numbers
                if refused:
                    wanted = frozenset(numbers)
                    over = {
                        id_: note.number
                        for id_, note in refused.items()
                        if note.kind == kind and note.number in wanted
                    }
                    dropped |= dict.fromkeys(over)
                    # One that it never had, it need not remove.
                    never_had = set(over.values()) if each.action == "remove" else ()
                    told = [number for number in numbers if number not in never_had]
                for start in range(0, len(told), CHUNK):
                    some = list(told[start : start + CHUNK])
                    chunks[last_id + 1] = OutboxChunk(
                        *(*destination, each.action, each.channel, each.made_at, some)
                    )
                    last_id += len(some)
        edit = self._planned(dropped)

        def queue(step: Client) -> None:
            edit(step)
            for first, chunk in chunks.items():
                step.hset(self._state.outbox, str(first), packed(chunk))
                step.zadd(self._state.outbox_order, {str(first): first})
                step.zadd(self._state.outbox_of(chunk.destination), {str(first): first})
                name = digest_of(chunk.destination)
                step.hset(self._state.destinations, name, msgspec.msgpack.encode(chunk.destination))

        return queue, last_id

    def _forget_in_outbox(self, numbers: Collection[str]) -> Callable[[Client], None]:
        """Return what queues that refused changes of some numbers go, and the others will."""
        notes: dict[int, OutboxNote | None] = {}
        for destination in self._destinations():
            for change in self._waiting(destination):
                if change.number in numbers:
                    notes[change.id] = OutboxNote.of(change, forgotten=True)
        for id_, note in self._notes(list(notes)).items():
            notes[id_] = None if note.refused else msgspec.structs.replace(note, forgotten=True)
        return self._planned(notes)

    def _edit(self, notes: Callable[[], Notes]) -> None:
        """Change notes in one step."""

        def plan(state: RedisRecordState) -> Queue:
            edit = self._planned(notes())

            def queue(step: Client) -> RedisRecordState:
                edit(step)
                return state

            return queue

        with explained():
            self._state.change(plan)

    def _planned(self, notes: Notes) -> Callable[[Client], None]:
        """Return what queues that notes are written; None for a change that goes with its note."""
        gone = [id_ for id_, note in notes.items() if note is None]
        kept = {id_: note for id_, note in notes.items() if note is not None}
        refused = [id_ for id_, note in kept.items() if note.refused]
        others = [id_ for id_ in notes if id_ not in set(refused)]
        chunks = self._chunks_with(gone)

        def queue(step: Client) -> None:
            for first, chunk in chunks.items():
                left = chunk.without(gone, first)
                if any(left.numbers):
                    step.hset(self._state.outbox, str(first), packed(left))
                else:
                    step.hdel(self._state.outbox, str(first))
                    step.zrem(self._state.outbox_order, str(first))
                    step.zrem(self._state.outbox_of(chunk.destination), str(first))
            if gone:
                step.hdel(self._state.notes, *map(str, gone))
            if kept:
                values = {str(id_): packed(note) for id_, note in kept.items()}
                step.hset(self._state.notes, mapping=values)
            if refused:
                step.sadd(self._state.refused, *refused)
            if others:
                step.srem(self._state.refused, *others)

        return queue

    @property
    def _client(self) -> Client:
        return self._connections.client

    def _waiting(self, destination: Destination, after: int = 0) -> Iterator[PendingChange]:
        """Give what waits for a destination behind an id, without notes."""
        for first, chunk in self._chunks(destination, after):
            yield from (each for each in chunk.changes(first) if each.id > after)

    def _chunks(
        self, destination: Destination, after: int = 0
    ) -> Iterator[tuple[int, OutboxChunk]]:
        """Give the chunks of a destination that may have an id behind that."""
        name, least = self._state.outbox_of(destination), after - CHUNK + 1
        while firsts := self._firsts(name, least, num=_CHUNKS_AT_ONCE):
            # One that was told meanwhile is gone.
            yield from self._chunks_at(firsts).items()
            least = firsts[-1] + 1

    def _chunks_with(self, ids: Collection[int]) -> dict[int, OutboxChunk]:
        """Return the chunks that have some ids, by their first ids."""
        if not ids:
            return {}
        name, wanted = self._state.outbox_order, sorted(ids)
        firsts = self._firsts(name, wanted[0] - CHUNK + 1, wanted[-1])
        places = {bisect_right(firsts, id_) - 1 for id_ in wanted}
        return self._chunks_at([firsts[place] for place in sorted(places) if place >= 0])

    def _changes_at(self, ids: Collection[int]) -> list[PendingChange]:
        """Return those of some changes that still wait, without notes."""
        wanted = frozenset(ids)
        chunks = self._chunks_with(wanted).items()
        return [
            each for first, chunk in chunks for each in chunk.changes(first) if each.id in wanted
        ]

    def _firsts(
        self, name: str, least: int, most: int | None = None, num: int | None = None
    ) -> list[int]:
        """Return the first ids of chunks, in order."""
        most_of = "+inf" if most is None else most
        start = None if num is None else 0
        found = self._client.zrangebyscore(name, least, most_of, start=start, num=num)
        return [int(each) for each in found]

    def _chunks_at(self, firsts: Sequence[int]) -> dict[int, OutboxChunk]:
        if not firsts:
            return {}
        values = self._client.hmget(self._state.outbox, [str(each) for each in firsts])
        return {
            first: unpacked(value, OutboxChunk)
            for first, value in zip(firsts, values, strict=True)
            if value is not None
        }

    def _refused(self, destination: Destination | None = None) -> dict[int, OutboxNote]:
        """Return the notes of what was refused, by a destination or by all."""
        notes = self._notes(
            sorted(int(each) for each in self._client.smembers(self._state.refused))
        )
        return {
            id_: note
            for id_, note in notes.items()
            if destination in (None, Destination(note.source, note.account))
        }

    def _notes(self, ids: Sequence[int]) -> dict[int, OutboxNote]:
        """Return the notes of some changes, as far as there are any."""
        if not ids:
            return {}
        values = self._client.hmget(self._state.notes, [str(each) for each in ids])
        return {
            id_: unpacked(value, OutboxNote)
            for id_, value in zip(ids, values, strict=True)
            if value is not None
        }

    def _all_notes(self) -> list[OutboxNote]:
        return [unpacked(each, OutboxNote) for each in self._client.hvals(self._state.notes)]

    def _destinations(self) -> list[Destination]:
        """Return those who were ever to be told anything, in order."""
        found = self._client.hvals(self._state.destinations)
        return sorted(Destination(*msgspec.msgpack.decode(each)) for each in found)
