"""The contract of a record of opt-outs: changes that are appended, and an outbox of them.

A record keeps what was changed, in order, and overwrites nothing: the changes are the
history, and who is opted out follows from them (see `suppress.opt_outs.fold`). What a
source has to be told is put into the outbox in the same step, and stays there until the
source has taken it. `suppress.testing.RecordContract` holds every record to this page.
"""

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from suppress.opt_outs.evidence import NO_EVIDENCE, Evidence
from suppress.opt_outs.people import NO_PEOPLE, People
from suppress.stop_list.forgotten import Forgotten

Action = Literal["add", "remove"]


class Destination(NamedTuple):
    """A source that is told of opt-outs, and which list of its own: see `Source.identity`."""

    source: str
    account: str


@dataclass(frozen=True, slots=True)
class Change:
    """One change of who is opted out, as the history shows it.

    Attributes:
        position: its place in the record; a later change has a higher one.
        action: `add` or `remove`; `forget` where the history of a person was removed on
            request, and a keyed hash keeps the opt-out in force.
        channel: the channel that it is about.
        number: the number in E.164 form (its first reading); empty for `forget`.
        text: the number as handed in; empty where an earlier version did not keep it.
        region: the default region that it was handed in with; empty for none.
        made_at: when it was made (aware, UTC).
        wished_at: when the person asked for it, where that is known (aware, UTC).
        by: who made it.
        reason: why it was made.
        via: how it came, in a word: `reply`, `form`, `phone`, `import`, `api`, ...
        reference: a reference of the caller's own, such as a message id or a campaign.
        correction: whether a removal mends a mistake, and is no wish of the person.
    """

    position: int
    action: Literal["add", "remove", "forget"]
    channel: str
    number: str
    text: str
    region: str
    made_at: datetime
    wished_at: datetime | None = None
    by: str | None = None
    reason: str | None = None
    via: str | None = None
    reference: str | None = None
    correction: bool = False


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change that a source has not taken yet.

    Attributes:
        id: its place in the order of the outbox.
        source: the name of the source to tell.
        account: which list of the source: see `Destination`.
        action: `add` or `remove`.
        channel: the channel of the list.
        number: the number in E.164 form.
        made_at: when the change was made (seconds since the epoch).
        tries: how often the source was told.
        tried_at: when it was told last (seconds since the epoch).
        error: why it did not take the change then.
        refused: whether it said that it will never take the change as it is.
        configured: whether the settings of today have this source and this list of it; else
            the change waits until they have them again.
    """

    id: int
    source: str
    account: str
    action: Action
    channel: str
    number: str
    made_at: float
    tries: int = 0
    tried_at: float | None = None
    error: str | None = None
    refused: bool = False
    configured: bool = True


@dataclass(frozen=True, slots=True)
class Backlog:
    """The changes of one kind that wait for one source, counted.

    Attributes:
        source: the name of the source.
        account: which list of the source.
        action: `add` or `remove`.
        channel: the channel of the list.
        count: how many wait.
        refused: how many of them the source has refused.
        since: when the oldest was made (seconds since the epoch).
        tries: how often one of them was tried, at most.
        error: the error of the one that was tried last.
        configured: as for `PendingChange`.
    """

    source: str
    account: str
    action: Action
    channel: str
    count: int
    refused: int
    since: float
    tries: int
    error: str | None
    configured: bool = True


@dataclass(frozen=True, eq=False)
class Changes:
    """Changes of one kind that are made together, of as many people as need be.

    Attributes:
        action: as for `Change`; `forget` is made by `Record.forget` alone.
        channel: the channel that they are about; empty for `forget`.
        people: whom they are about.
        made_at: when they were made (seconds since the epoch).
        evidence: how they came about.
        correction: as for `Change`.
        takes_back: the positions of the additions that are not in force any more; for
            `forget`, of the changes that are gone.
        releases: the positions of those who were forgotten and may be messaged again on the
            channel.
        tell: the numbers that each destination is to be told, which go into the outbox; see
            `Record.append`. A record does not give them back.
        positions: the positions of the people, as the record gives them.
        position: that of the last, before anybody was forgotten; where they are about nobody,
            the one that they take all the same.
    """

    action: Literal["add", "remove", "forget"]
    channel: str
    people: People = NO_PEOPLE
    made_at: float = 0.0
    evidence: Evidence = NO_EVIDENCE
    correction: bool = False
    takes_back: Sequence[int] = ()
    releases: Sequence[int] = ()
    tell: Mapping[Destination, Sequence[str]] = field(default_factory=lambda: MappingProxyType({}))
    positions: Sequence[int] = ()
    position: int = 0

    @property
    def size(self) -> int:
        """The number of positions that they take, which is at least one."""
        return max(len(self.people.numbers), 1)

    @property
    def since(self) -> float:
        """The time from which on they count, which is when they were wished if that is known."""
        moment = self.evidence.wished_at
        return self.made_at if moment is None else moment

    @property
    def changes_forgotten(self) -> bool:
        """True where they change who is opted out by a keyed hash."""
        return self.action == "forget" or bool(self.releases)

    def at(self, place: int) -> Change:
        """Return the change of one person."""
        wished_at = self.evidence.wished_at
        return Change(
            self.positions[place],
            self.action,
            self.channel,
            *self.people.at(place),
            datetime.fromtimestamp(self.made_at, UTC),
            None if wished_at is None else datetime.fromtimestamp(wished_at, UTC),
            by=self.evidence.by,
            reason=self.evidence.reason,
            via=self.evidence.via,
            reference=self.evidence.reference,
            correction=self.correction,
        )


def positioned(changes: Sequence[Changes], first: int) -> list[Changes]:
    """Return the changes with the positions that a record has given them, from the first on."""
    done = []
    for each in changes:
        behind = first + each.size
        positions = range(first, first + len(each.people.numbers))
        done.append(dataclasses.replace(each, positions=positions, position=behind - 1))
        first = behind
    return done


class RecordError(Exception):
    """A record cannot be read or written.

    Args:
        reason: why not.
        remedy: what to do about it, in sentences.
        last_resort: what to do where that does not help.
        to_read: what to do about it where the record need only be read, behind a colon; where it
            is empty, `remedy` says it.
        unknown: whether the record may be written all the same, since the connection was lost
            while it was.
    """

    def __init__(
        self,
        reason: str,
        remedy: str,
        last_resort: str = "",
        *,
        to_read: str = "",
        unknown: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.last_resort = last_resort
        self.to_read = to_read
        self.unknown = unknown


class Overtaken(Exception):
    """Others have changed the record: read their changes first."""


class Replaced(Exception):
    """The record has never had that position, as after a restore: read it from the beginning."""


class Record(Protocol):
    """A record of opt-outs. Thread-safe; every method may raise `RecordError`."""

    @property
    def where(self) -> str:
        """The name of the record, or its place, for messages."""

    def append(
        self,
        changes: Sequence[Changes],
        *,
        expected: int | None,
        prepare: Callable[[int], None] = lambda _position: None,
    ) -> int:
        """Append changes, all or none, and put what is to be told into the outbox.

        The people take consecutive positions in their order, the last of which is returned. A
        record skips positions between two appends by chance, so that no position is taken a
        second time after a restore.

        Where a destination has refused the opposite for one of the numbers of `tell`, that is
        removed from its outbox; of a removal it is not told then, since it never had the number.

        Args:
            changes: what to append.
            expected: the position of the last change that the caller has read; None where it
                has read none.
            prepare: called with the position that will be returned, before anybody can read
                the changes.

        Raises:
            Overtaken: there are later changes; nothing was appended.
        """

    def changes_since(self, position: int | None) -> Iterator[Changes]:
        """Give the changes behind a position, in order; from the beginning for None.

        Raises:
            Replaced: here or from the iterator: no change ended at that position.
        """

    def people(self, positions: Sequence[int]) -> People:
        """Return the people at some positions, in that order."""

    def changes_at(self, positions: Sequence[int]) -> list[Change]:
        """Return the changes at some positions, in that order, but for those that are gone."""

    def changes_ending(self, endings: Collection[str]) -> list[Change]:
        """Return the changes of numbers whose last digits are one of these, oldest first.

        However many others there are, none of them is kept in memory for it.

        Args:
            endings: `ENDING` digits each.
        """

    def forget(
        self,
        positions: Sequence[int],
        forgotten: Mapping[str, Mapping[int, bool]],
        *,
        made_at: float,
        expected: int | None,
    ) -> int:
        """Remove the people at some positions from every change, and remember keyed hashes.

        The evidence of changes that are about nobody any more goes with them. So do refused
        changes of theirs in the outbox; the others stay there until they were told, or are refused.

        Args:
            positions: the positions of the people.
            forgotten: the numbers of which a keyed hash is to keep the opt-out in force, by
                channel; and whether each is a form of the person's own line (see `Trace`).
            made_at: when it was made (seconds since the epoch).
            expected: as for `append`.

        Returns:
            The position of this change.

        Raises:
            Overtaken: there are later changes; nothing was done.
        """

    def forgotten(self) -> Mapping[str, Forgotten]:
        """Return the keyed hashes that keep opt-outs in force, by channel."""

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
        """Return a page of what a destination has not been told, in order.

        Args:
            destination: whom to tell.
            channels: the channels that it serves; None for all.
            refused_before: leave out what was refused from then to now, and what follows for
                the same number and channel; None to leave nothing out.
            now: the time (seconds since the epoch). A refusal from after it does not count: the
                clock was set back.
            after: the last id of the page before.
            limit: how many to return at most.
        """

    def next_refused(
        self, destination: Destination, *, channels: Collection[str], now: float
    ) -> float | None:
        """Return when the earliest refusal up to now was; None where there is none."""

    def waits(self, destination: Destination, channel: str, numbers: Sequence[str]) -> set[str]:
        """Return those numbers of which a destination has not been told something yet."""

    def acknowledge(self, ids: Sequence[int]) -> None:
        """Remove from the outbox what was told and taken."""

    def reject(self, ids: Sequence[int], error: str, now: float, *, refused: bool) -> None:
        """Note that something was not taken, and why."""

    def destinations(self) -> list[Destination]:
        """Return those for whom something waits, in order."""

    def backlog(self) -> list[Backlog]:
        """Count what waits, by destination, action and channel, in order."""

    def reset(self) -> bool:
        """Accept that the record is gone or another one, if it is; return whether it was so."""
