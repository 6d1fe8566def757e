"""The state of a record, which changes in one step with whatever it is about.

It is one small value. Who changes anything of the record watches it, and the server takes the
whole change only if nobody else was faster.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import redis

from suppress import Destination, RecordError
from suppress_redis.batches import FORMAT, RecordDamaged, RedisRecordState, packed, unpacked
from suppress_redis.server import Client, RedisConnections, in_words

Queue = Callable[[Client], RedisRecordState]
"""Queues the commands of a change, and returns the state that belongs to them."""

_DO_WITHOUT = (
    "If you can do without the opt-outs in it, delete its keys `{...}:1:opt-outs:*` and run "
    "`suppress reset-opt-outs` on each machine."
)


class RedisState:
    """The state of a record, and the names of all its keys.

    Args:
        connections: those to the server.

    Attributes:
        order: the positions of batches, in hexadecimal, so that they sort as texts.
        batches: the batches, by their positions.
        forgettings: the positions of those that have forgotten somebody.
        outbox: chunks of pending changes, by their first ids.
        outbox_order: these ids.
        notes: what is known of pending changes that were not taken, by their ids.
        refused: the ids of those that were refused.
        destinations: the sources that were ever told anything, by their digests.
    """

    def __init__(self, connections: RedisConnections) -> None:
        self._connections = connections
        self._key = connections.key("opt-outs", "state")
        self.order = connections.key("opt-outs", "order")
        self.batches = connections.key("opt-outs", "batches")
        self.forgettings = connections.key("opt-outs", "forgettings")
        self.outbox = connections.key("opt-outs", "outbox")
        self.outbox_order = connections.key("opt-outs", "outbox-order")
        self.notes = connections.key("opt-outs", "notes")
        self.refused = connections.key("opt-outs", "refused")
        self.destinations = connections.key("opt-outs", "destinations")

    def outbox_of(self, destination: Destination) -> str:
        """Return the name of the ids of chunks for one destination."""
        return self._connections.key("opt-outs", "outbox", digest_of(destination))

    def read(self, client: Client | None = None) -> RedisRecordState | None:
        """Return the state; None where no record was ever made.

        Args:
            client: the connection to use; None for any.

        Raises:
            RecordDamaged: something of the record is there, and no state.
        """
        client = client or self._connections.client
        state = self.of_value(client.get(self._key))
        if state is None and client.exists(self.batches, self.order, self.outbox):
            # Another may have made the record between these two questions.
            state = self.of_value(client.get(self._key))
            if state is None:
                raise RecordDamaged
        return state

    def queue_read(self, step: Client) -> None:
        """Queue that the state is read; `of_value` understands the answer."""
        step.get(self._key)

    @staticmethod
    def of_value(value: object) -> RedisRecordState | None:
        """Return the state in an answer of the server; None where there is none.

        Raises:
            RecordDamaged: it is not as it was written.
            RecordError: it was written by a newer version of suppress.
        """
        if not isinstance(value, bytes):
            return None
        state = unpacked(value, RedisRecordState)
        if state.format > FORMAT:
            raise RecordError(
                "a newer version of suppress has written them", "Use that version on each machine."
            )
        return state

    def change(self, plan: Callable[[RedisRecordState], Queue | None]) -> None:
        """Change the record in one step, planned again as long as others are faster.

        Args:
            plan: reads what it needs, given the state of the moment, and returns what queues the
                change; None for no change.
        """
        with self._connections.client.pipeline() as step:
            while True:
                try:
                    step.watch(self._key)
                    state = self.read(step) or RedisRecordState(
                        FORMAT, secrets.token_hex(16), secrets.token_bytes(32)
                    )
                    queue = plan(state)
                    if queue is None:
                        return
                    step.multi()
                    after = queue(step)
                    after = msgspec.structs.replace(after, revision=state.revision + 1)
                    step.set(self._key, packed(after))
                    step.execute()
                except redis.WatchError:
                    continue
                return


@contextmanager
def explained() -> Iterator[None]:
    """Raise what goes wrong with a server as an error that says what to do.

    Raises:
        RecordError: the record cannot be read or written.
    """
    try:
        yield
    except redis.RedisError as error:
        raise RecordError(
            in_words(error), "See that the Redis server runs and can be reached."
        ) from error
    except (RecordDamaged, msgspec.DecodeError) as error:
        raise RecordError(
            "a part of them is damaged or gone",
            "Restore the server's files from a backup.",
            _DO_WITHOUT,
        ) from error


def digest_of(destination: Destination) -> str:
    """Return a name for a destination that can stand in a key."""
    return hashlib.sha256("\0".join(destination).encode()).hexdigest()[:16]
