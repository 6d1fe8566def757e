"""The values of an outbox: chunks of pending changes, and notes of those that were not taken."""

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from typing import Self

import msgspec

from suppress import Action, Backlog, Destination, PendingChange


class OutboxChunk(msgspec.Struct, frozen=True, array_like=True):
    """Pending changes with consecutive ids; a number that was told is an empty text."""

    source: str
    account: str
    action: Action
    channel: str
    made_at: float
    numbers: Sequence[str]

    @property
    def destination(self) -> Destination:
        """The source to tell."""
        return Destination(self.source, self.account)

    @property
    def kind(self) -> tuple[str, ...]:
        """The source, the account, the action and the channel."""
        return self.source, self.account, self.action, self.channel

    def changes(self, first: int) -> Iterator[PendingChange]:
        """Give what still waits, given the id of the first."""
        for id_, number in enumerate(self.numbers, first):
            if number:
                yield PendingChange(
                    id_,
                    self.source,
                    self.account,
                    self.action,
                    self.channel,
                    number,
                    self.made_at,
                )

    def without(self, ids: Collection[int], first: int) -> Self:
        """Return the chunk without some changes."""
        numbers = ["" if id_ in ids else each for id_, each in enumerate(self.numbers, first)]
        return msgspec.structs.replace(self, numbers=numbers)


class OutboxNote(msgspec.Struct, frozen=True, array_like=True):
    """The attempts to tell a source of a change, and whether its person was forgotten."""

    source: str
    account: str
    action: Action
    channel: str
    number: str
    tries: int = 0
    tried_at: float | None = None
    error: str | None = None
    refused: bool = False
    forgotten: bool = False

    @classmethod
    def of(cls, change: PendingChange, *, forgotten: bool = False) -> Self:
        """Return the note of a change that was not tried."""
        kind = change.source, change.account, change.action, change.channel
        return cls(*kind, change.number, forgotten=forgotten)

    @property
    def kind(self) -> tuple[str, ...]:
        """The source, the account, the action and the channel."""
        return self.source, self.account, self.action, self.channel

    def after(self, error: str, now: float, *, refused: bool) -> Self | None:
        """Return the note after an attempt; None where the change goes with it."""
        if refused and self.forgotten:
            return None
        return msgspec.structs.replace(
            self, tries=self.tries + 1, tried_at=now, error=error, refused=refused
        )

    def on(self, change: PendingChange) -> PendingChange:
        """Return the change with what the note says of it."""
        return dataclasses.replace(
            change,
            tries=self.tries,
            tried_at=self.tried_at,
            error=self.error,
            refused=self.refused,
        )


def backlog_of(chunks: Sequence[OutboxChunk], notes: Sequence[OutboxNote]) -> Backlog:
    """Count what waits, given the chunks of one kind and the notes of what was tried of it."""
    last = max(notes, key=lambda each: each.tried_at or 0.0, default=None)
    return Backlog(
        chunks[0].source,
        chunks[0].account,
        chunks[0].action,
        chunks[0].channel,
        count=sum(sum(map(bool, each.numbers)) for each in chunks),
        refused=sum(each.refused for each in notes),
        since=min(each.made_at for each in chunks),
        tries=max((each.tries for each in notes), default=0),
        error=None if last is None else last.error,
    )
