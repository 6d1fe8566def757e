"""The opt-outs made here: kept in a record, and in force as the fold of its changes."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from suppress.errors import StopListUnavailable, StoreUnavailable
from suppress.numbers.convention import Convention
from suppress.opt_outs.contract import (
    Change,
    Changes,
    Destination,
    Overtaken,
    Record,
    RecordError,
)
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.fold import Fold
from suppress.opt_outs.folded import FoldedRecord
from suppress.opt_outs.history import changes_at, changes_of, forgettings_of
from suppress.opt_outs.image import Images
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.lookup import find, not_among
from suppress.opt_outs.people import People, Person, Sought, lines_of, read_people
from suppress.stop_list.opted_out import OptedOut
from suppress.stop_list.run import Run

Destinations = Callable[[str], Sequence[Destination]]
"""Gives those who are to be told of a channel's changes."""


class OptOutsUnreadable(StopListUnavailable):
    """Nobody can say who was opted out here."""


class OptOuts:
    """The people who are opted out, and the ways to change that.

    Args:
        record: where the changes are kept.
        convention: how numbers are to be read.
        images: keeps images of the fold; None for none.
        limits: when an image is kept.

    Attributes:
        record: see the arguments.
    """

    def __init__(
        self,
        record: Record,
        convention: Convention,
        images: Images | None = None,
        *,
        limits: OptOutLimits = LIMITS,
    ) -> None:
        self.record = record
        self._convention = convention
        self._limits = limits
        self._folded = FoldedRecord(record, convention, images, limits)
        self._unkept: dict[str, dict[Person, float]] = {}

    def under(self, convention: Convention, images: Images | None) -> "OptOuts":
        """Return the same opt-outs, read under another convention."""
        same = OptOuts(self.record, convention, images, limits=self._limits)
        same._unkept = self._unkept
        return same

    def of(self, channel: str) -> OptedOut:
        """Return everyone who is opted out of the channel now: the same object while they are.

        Raises:
            OptOutsUnreadable: that cannot be read.
        """
        try:
            found = self._folded.now().of(channel)
        except RecordError as error:
            raise OptOutsUnreadable(unreadable(self.record, error)) from error
        unkept = self._unkept.get(channel)
        if not unkept:
            return found
        return found.and_run(self._run_of_unkept(dict(unkept)))

    def add(
        self,
        people: People,
        channels: Sequence[str],
        destinations: Destinations,
        *,
        now: float,
        evidence: Evidence,
    ) -> dict[str, int]:
        """Opt people out of some channels in one step; return how many of them are new on each.

        Args:
            people: their numbers, each text once.
            channels: the channels on which they must not be messaged.
            destinations: gives the sources to tell of the new ones.
            now: seconds since the epoch.
            evidence: how it came about.

        Raises:
            StoreUnavailable: it cannot be written; the opt-outs hold in this process alone.
        """
        if not people.numbers:
            return dict.fromkeys(channels, 0)
        new: dict[str, list[str]] = {}

        def additions(fold: Fold) -> list[Changes]:
            new.update((name, not_among(people.numbers, fold.of(name))) for name in channels)
            return [
                Changes(
                    *("add", name, people, now, evidence),
                    tell=dict.fromkeys(destinations(name) if new[name] else (), new[name]),
                )
                for name in channels
            ]

        try:
            self._folded.append(additions)
        except RecordError as error:
            for name in channels:
                self._unkept.setdefault(name, {}).update(dict.fromkeys(people.rows(), now))
            count = len(people.numbers)
            what = "the opt-out holds" if count == 1 else f"the {count:,} opt-outs hold"
            raise StoreUnavailable(
                f"{unavailable(self.record, error)} For now {what} in this process alone. Then "
                f"add {'it' if count == 1 else 'them'} again."
            ) from error
        for name in channels:
            self._forget_unkept(name, people.rows())
        return {name: len(new[name]) for name in channels}

    def append(self, make: Callable[[Fold], Sequence[Changes]]) -> None:
        """Append the changes that are made of who is opted out now, all or none.

        Args:
            make: makes the changes; called again where others were faster.

        Raises:
            StoreUnavailable: the record cannot be read or written; nothing was appended.
        """
        with self._explained():
            self._folded.append(make)

    def remove(
        self,
        people: People,
        channel: str,
        destinations: Destinations,
        *,
        now: float,
        evidence: Evidence,
        correction: bool,
    ) -> None:
        """Take opt-outs back, under every form of the same lines.

        Arguments as for `add`.

        Args:
            people: see `add`.
            channel: the channel on which they may be messaged again.
            destinations: see `add`.
            now: see `add`.
            evidence: see `add`.
            correction: whether this mends a mistake, and is no wish of the people.

        Raises:
            StoreUnavailable: it cannot be read or written; nothing was written.
        """
        if not people.numbers:
            return
        sought = Sought(people, self._convention)

        def removals(fold: Fold) -> list[Changes]:
            found, kept = find(sought, fold.of(channel), self.record.people)
            forgotten = fold.of(channel).forgotten
            released = forgotten.traces_of_line(sought.values.tolist()) if forgotten else ()
            numbers = list(dict.fromkeys([*people.numbers, *sorted(set(kept))]))
            told = destinations(channel)
            tell = dict.fromkeys(told, numbers)
            # Another account that has not been told of a number yet would list it later on.
            for other in self.record.destinations():
                if other not in told and (late := self.record.waits(other, channel, numbers)):
                    tell[other] = [each for each in numbers if each in late]
            return [
                Changes(
                    *("remove", channel, people, now, evidence, correction),
                    takes_back=found,
                    releases=sorted({each.position for each in released}),
                    tell=tell,
                )
            ]

        self.append(removals)
        unkept = list(self._unkept.get(channel, {}))
        if unkept:
            run = self._run_of_unkept(dict.fromkeys(unkept, now))
            places, _ = find(sought, OptedOut((run,)), People.of(unkept).chosen)
            self._forget_unkept(channel, [unkept[place] for place in places])

    def history(self, person: People, channel: str | None) -> list[Change]:
        """Return all changes that are about one person, oldest first.

        Args:
            person: the person.
            channel: the channel to look at; None for all.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        sought = Sought(person, self._convention)
        with self._explained():
            found = changes_of(sought, self.record, self._convention)
            found += forgettings_of(sought, self.record.forgotten())
        about = [each for each in found if channel in (None, each.channel)]
        return sorted(about, key=lambda change: (change.position, change.channel))

    def in_force(
        self, channel: str | None, *, since: float | None, until: float | None, via: str | None
    ) -> Iterator[Change]:
        """Give the additions that are in force, the newest of each person, oldest first.

        Args:
            channel: the channel; None for all.
            since: from when on people opted out (seconds since the epoch); None for any time.
            until: up to when; None for any time.
            via: how the opt-outs came; None for any way.

        Raises:
            StoreUnavailable: they cannot be read; also from the iterator.
        """
        limits = -math.inf if since is None else since, math.inf if until is None else until
        with self._explained():
            channels = self._folded.now().channels
        newest = [
            each.newest(*limits) for name, each in channels.items() if channel in (None, name)
        ]
        positions = np.sort(np.concatenate([np.zeros(0, np.int64), *newest]))
        return self._at(positions, via)

    def _at(self, positions: NDArray[np.int64], via: str | None) -> Iterator[Change]:
        with self._explained():
            for each in changes_at(positions, self.record):
                if via in (None, each.via):
                    yield each

    def changes_at(self, positions: NDArray[np.int64]) -> list[Change]:
        """Return the changes at some positions, in that order, but for those that are gone.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        with self._explained():
            return list(changes_at(positions, self.record))

    def forget(self, person: People, *, now: float) -> int:
        """Remove a person from every change, and keep the opt-outs in force by keyed hashes.

        Args:
            person: the person.
            now: seconds since the epoch.

        Returns:
            How many changes are removed.

        Raises:
            StoreUnavailable: it cannot be read or written; nothing was removed.
        """
        sought = Sought(person, self._convention)
        with self._explained():
            while True:
                fold = self._folded.now()
                about = changes_of(sought, self.record, self._convention)
                if not about:
                    return 0
                self._folded.remove_images()
                with contextlib.suppress(Overtaken):
                    self.record.forget(
                        [each.position for each in about],
                        {name: self._traces(sought, each) for name, each in fold.channels.items()},
                        made_at=now,
                        expected=fold.position,
                    )
                    break
            # Another process may have made one in between.
            self._folded.remove_images()
            self._folded.keep_image()
        return len(about)

    def reset(self) -> bool:
        """Accept that the record is gone or another one, if it is; return whether it was so.

        Raises:
            StoreUnavailable: there is a record that cannot be read.
        """
        with self._explained():
            return self.record.reset()

    def _traces(self, sought: Sought, opted_out: OptedOut) -> dict[int, bool]:
        """Return the readings of a person that are to be suppressed, and which are the line's."""
        found, numbers = find(sought, opted_out, self.record.people)
        if not found:
            return {}
        positions = np.array(found, np.int64)
        values = {
            value: False
            for run in opted_out.runs
            for value in run.values_of(np.flatnonzero(np.isin(run.positions, positions))).tolist()
        }
        lines = [*sought.values.tolist(), *lines_of(numbers, self._convention).values.tolist()]
        return {**values, **dict.fromkeys(lines, True)}

    def _run_of_unkept(self, unkept: Mapping[Person, float]) -> Run:
        """Return those who could not be kept as a run; their positions are their places."""
        people = People.of(list(unkept))
        readings = read_people(people, self._convention)
        return Run.of(range(len(unkept)), list(unkept.values()), people.numbers, readings)

    def _forget_unkept(self, channel: str, people: Iterable[Person]) -> None:
        if unkept := self._unkept.get(channel):
            for each in people:
                unkept.pop(each, None)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except RecordError as error:
            raise StoreUnavailable(unavailable(self.record, error)) from error


def unavailable(record: Record, error: RecordError) -> str:
    """Say that a record cannot be read or written, and what to do."""
    found = f"The opt-outs in {record.where} cannot be read or written ({error.reason})."
    if error.unknown:
        found += " They may be written all the same: the connection was lost meanwhile."
    return f"{found} {error.remedy}"


def unreadable(record: Record, error: RecordError) -> str:
    """Say that nothing may be sent since a record cannot be read, and what to do."""
    remedy = f": {error.to_read}" if error.to_read else f". {error.remedy}"
    return (
        f"The opt-outs in {record.where} cannot be read ({error.reason}), and somebody may be "
        f"among them. Nothing may be sent until they can{remedy} {error.last_resort}".rstrip()
    )
