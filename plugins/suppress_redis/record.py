"""The record of opt-outs on a Redis server that keeps what it acknowledges.

A change is in force once the server has acknowledged it. Before each, the server is asked
whether it keeps what it acknowledges; and before what is new is read, whether it may remove keys:
then anybody might be missing.
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec

from suppress import (
    Change,
    Changes,
    Forgotten,
    Lease,
    Overtaken,
    People,
    Replaced,
    Trace,
)
from suppress_redis.batches import (
    KeptHash,
    RecordDamaged,
    RedisRecordState,
    StoredBatch,
    packed,
    unpacked_batches,
)
from suppress_redis.durability import refuse_evicting, refuse_forgetful
from suppress_redis.lease import exclusive
from suppress_redis.news import RedisNews
from suppress_redis.outbox import RedisOutbox
from suppress_redis.server import Client, RedisConnections
from suppress_redis.state import Queue, explained


class RedisRecord(RedisOutbox):
    """The record of opt-outs on a server; see `suppress.SharedRecord`.

    Args:
        connections: those to the server.
    """

    def __init__(self, connections: RedisConnections) -> None:
        super().__init__(connections)
        self._news = RedisNews(connections, "opt-outs", self._last)

    @property
    def where(self) -> str:
        """The URL of the server without the password."""
        return self._connections.describe()

    def append(
        self,
        changes: Sequence[Changes],
        *,
        expected: int | None,
        prepare: Callable[[int], None] = lambda _position: None,
    ) -> int:
        """Append changes, all or none, and put what is to be told into the outbox."""
        first = _next(expected)
        last = first - 1 + sum(each.size for each in changes)
        is_prepared = False

        def plan(state: RedisRecordState) -> Queue | None:
            nonlocal is_prepared
            if state.last != expected:
                # The answer to an earlier try may have been lost.
                if is_prepared and self._is_there(last):
                    return None
                raise Overtaken
            refuse_forgetful(self._execute, self._connections.settings.durability)
            batches, behind = [], first - 1
            for ordinal, each in enumerate(changes, state.batches):
                behind += each.size
                batches.append(StoredBatch.of(each, ordinal, behind))
            released = self._released(changes)
            tell, last_id = self._put_into_outbox(changes, state)
            if not is_prepared:
                prepare(last)
                is_prepared = True

            def queue(step: Client) -> RedisRecordState:
                self._write(step, [*released, *batches])
                tell(step)
                return msgspec.structs.replace(
                    state, last=last, batches=state.batches + len(batches), last_id=last_id
                )

            return queue

        with explained():
            self._state.change(plan)
        return last

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order."""
        with explained():
            refuse_evicting(self._execute)
            with self._client.pipeline() as step:
                self._state.queue_read(step)
                step.zcard(self._state.order)
                step.zrank(self._state.order, _name(position or 0))
                value, count, rank = step.execute()
            state = self._state.of_value(value)
            if count != (0 if state is None else state.batches):
                raise RecordDamaged
            if state is None and position is None:
                return iter(())
            if state is None or (position is not None and rank is None):
                raise Replaced
        first = 0 if position is None else rank + 1
        if first == state.batches:
            return iter(())
        return (
            each.changes for each in self._batches(None if first == 0 else position, first, state)
        )

    def people(self, positions: Sequence[int]) -> People:
        """Return the people at some positions, in that order."""
        found = {
            at: person
            for each in self._changes_with(positions)
            for at, person in zip(each.positions, each.people.rows(), strict=True)
        }
        return People.of([found[at] for at in positions if at in found])

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        """Return the changes at some positions, in that order."""
        wanted = frozenset(positions)
        found = {
            at: each.at(place)
            for each in self._changes_with(positions)
            for place, at in enumerate(each.positions)
            if at in wanted
        }
        return [found[at] for at in positions if at in found]

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        """Return the changes of numbers whose last digits are one of these, oldest first."""
        wanted = tuple(endings)
        return [
            each.at(place)
            for each in self.changes_since(None)
            for place, number in enumerate(each.people.numbers)
            if number.endswith(wanted)
        ]

    def forget(
        self,
        positions: Sequence[int],
        forgotten: Mapping[str, Mapping[int, bool]],
        *,
        made_at: float,
        expected: int | None,
    ) -> int:
        """Remove the people at some positions, and remember keyed hashes of their readings."""
        gone, last = frozenset(positions), _next(expected)
        is_tried = False

        def plan(state: RedisRecordState) -> Queue | None:
            nonlocal is_tried
            if state.last != expected:
                if is_tried and self._is_there(last):
                    return None
                raise Overtaken
            is_tried = True
            refuse_forgetful(self._execute, self._connections.settings.durability)
            before = self._batches_with(positions)
            numbers = {
                number
                for each in (batch.changes for batch in before)
                for at, number in zip(each.positions, each.people.numbers, strict=True)
                if at in gone
            }
            hasher = Forgotten(state.key)
            changes = Changes("forget", "", made_at=made_at, takes_back=positions)
            batch = StoredBatch.of(changes, state.batches, last).with_hashes(
                [
                    KeptHash(channel, hasher.hashed(value), is_line)
                    for channel, values in forgotten.items()
                    for value, is_line in values.items()
                ]
            )
            forget_in_outbox = self._forget_in_outbox(numbers)

            def queue(step: Client) -> RedisRecordState:
                self._write(step, [*(each.without(gone) for each in before), batch])
                step.rpush(self._state.forgettings, last)
                forget_in_outbox(step)
                return msgspec.structs.replace(
                    state,
                    last=last,
                    batches=state.batches + 1,
                    forgettings=state.forgettings + 1,
                )

            return queue

        with explained():
            self._state.change(plan)
        return last

    def forgotten(self) -> Mapping[str, Forgotten]:
        """Return the keyed hashes that keep opt-outs in force, by channel."""
        with explained():
            with self._client.pipeline() as step:
                self._state.queue_read(step)
                step.lrange(self._state.forgettings, 0, -1)
                value, positions = step.execute()
            state = self._state.of_value(value)
            if len(positions) != (0 if state is None else state.forgettings):
                raise RecordDamaged
            if state is None:
                return {}
            found: dict[str, dict[bytes, list[Trace]]] = {}
            for batch in self._batches_at([int(each) for each in positions]):
                for each in batch.hashes:
                    traces = found.setdefault(each.channel, {}).setdefault(each.hashed, [])
                    traces.append(Trace(batch.position, batch.made_at, each.is_line))
        return {channel: Forgotten(state.key, traces) for channel, traces in found.items()}

    def reset(self) -> bool:
        """Return False: each machine knows by itself which record is the right one."""
        return False

    def identity(self) -> str | None:
        """Return the name that the record gave itself when it was made; None where it was not."""
        with explained():
            state = self._state.read()
        return None if state is None else state.id

    def exclusive(
        self, name: str, lease: float, *, wait: float = 0.0
    ) -> AbstractContextManager[Lease]:
        """Be the only holder of a name, on all machines, while the block runs."""
        return exclusive(self._connections, name, lease, wait=wait, kind="lease-of-opt-outs")

    def news(self, timeout: float) -> bool:
        """Wait until somebody has changed the record, on any machine."""
        with explained():
            return self._news.wait(timeout)

    def after_fork_in_child(self) -> None:
        """Forget the connections of the process that this one was forked from."""
        self._connections.after_fork_in_child()
        self._news.after_fork_in_child()

    def close(self) -> None:
        """End the connections; a later call makes new ones."""
        self._news.close()
        self._connections.close()

    def _execute(self, *command: Any) -> Any:
        return self._client.execute_command(*command)

    def _last(self) -> int | None:
        state = self._state.read()
        return None if state is None else state.last

    def _is_there(self, position: int) -> bool:
        return self._client.zscore(self._state.order, _name(position)) is not None

    def _write(self, step: Client, batches: Sequence[StoredBatch]) -> None:
        """Queue that batches are written, and announced."""
        for each in batches:
            step.hset(self._state.batches, str(each.position), packed(each))
            step.zadd(self._state.order, {_name(each.position): 0})
        step.publish(self._news.channel, "")

    def _released(self, changes: Sequence[Changes]) -> list[StoredBatch]:
        """Return the batches of forgettings without the hashes that the changes release."""
        wanted = sorted({position for each in changes for position in each.releases})
        released = {(each.channel, position) for each in changes for position in each.releases}
        return [
            batch.with_hashes(
                [it for it in batch.hashes if (it.channel, batch.position) not in released]
            )
            for batch in self._batches_at(wanted)
        ]

    def _batches(
        self, position: int | None, first: int, state: RedisRecordState
    ) -> Iterator[StoredBatch]:
        """Give the batches behind a position, page by page.

        Args:
            position: the position; None for the beginning.
            first: how many are before.
            state: says how many there are.
        """
        while first < state.batches:
            with explained():
                page = min(self._connections.limits.page, state.batches - first)
                names = self._client.zrangebylex(
                    *(self._state.order, "-" if position is None else f"({_name(position)}", "+"),
                    start=0,
                    num=page,
                )
                batches = self._batches_at([int(each, 16) for each in names])
                if [each.ordinal for each in batches] != list(range(first, first + page)):
                    raise RecordDamaged
            yield from batches
            first, position = first + page, batches[-1].position

    def _changes_with(self, positions: Sequence[int]) -> list[Changes]:
        with explained():
            return [each.changes for each in self._batches_with(positions)]

    def _batches_with(self, positions: Sequence[int]) -> list[StoredBatch]:
        """Return the batches that took some positions, each once, in order."""
        if not positions:
            return []
        with self._client.pipeline() as step:
            for each in positions:
                step.zrangebylex(self._state.order, f"[{_name(each)}", "+", start=0, num=1)
            found = step.execute()
        return self._batches_at(sorted({int(name, 16) for names in found for name in names}))

    def _batches_at(self, positions: Sequence[int]) -> list[StoredBatch]:
        if not positions:
            return []
        values = self._client.hmget(self._state.batches, [str(each) for each in positions])
        return unpacked_batches(positions, values)


def _next(expected: int | None) -> int:
    """Return a position behind another, by chance, so that no restored server comes to it again."""
    return (expected or 0) + 1 + secrets.randbelow(2**32)


def _name(position: int) -> str:
    """Return a position as a text that sorts like it."""
    return f"{position:016x}"
