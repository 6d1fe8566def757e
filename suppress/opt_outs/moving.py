"""Opt-outs that come from elsewhere all at once, and numbers that one source is handed."""

import dataclasses
from abc import ABC
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from suppress.errors import ConfigurationError
from suppress.numbers.convention import Convention
from suppress.opt_outs.contract import Changes, Destination
from suppress.opt_outs.evidence import Evidence
from suppress.opt_outs.fold import Fold, united
from suppress.opt_outs.lookup import not_among
from suppress.opt_outs.methods import OptOutMethods, tell_added
from suppress.opt_outs.people import People, read_people
from suppress.stop_list.opted_out import NO_OPT_OUTS, OptedOut
from suppress.stop_list.run import Readings
from suppress.tracebacks import without_frames

_PUSHED = Evidence(via="push")


class Addition(NamedTuple):
    """People who opted out of a channel elsewhere, under the same circumstances.

    Attributes:
        channel: the channel.
        people: their numbers.
        evidence: how it came about.
    """

    channel: str
    people: People
    evidence: Evidence


class Added(NamedTuple):
    """The outcome of adding people who may be opted out already.

    Attributes:
        new: how many of them were not opted out.
        known: how many were, or came twice.
    """

    new: int
    known: int


class MovingMethods(OptOutMethods, ABC):
    """The methods that move opt-outs between systems."""

    @without_frames
    def opted_out(self, channel: str) -> OptedOut:
        """Return everyone who is opted out of a channel here.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        self._known(channel)
        kept = self._store_of_opt_outs
        return NO_OPT_OUTS if kept is None else kept.opt_outs.of(channel)

    @without_frames
    def take_over(
        self, additions: Sequence[Addition], *, tell: bool = True, dry_run: bool = False
    ) -> Mapping[str, Added]:
        """Opt out the people of another system, all or none, but for those who are already.

        Args:
            additions: the people, in the order in which the history is to have them.
            tell: whether the sources that take opt-outs are told of the new ones, as by `add`.
            dry_run: whether to count, and do nothing.

        Returns:
            How many are new and known, by channel.

        Raises:
            UnknownChannel: no source serves a channel.
            StoreUnavailable: the record cannot be read or written; nobody was opted out.
            ConfigurationError: there is no store.
        """
        channels = dict.fromkeys(each.channel for each in additions)
        opt_outs, delivery = self._kept(*channels)
        convention = self.reader().convention
        arrivals = [
            _Arrivals.of([each for each in additions if each.channel == name], convention)
            for name in channels
        ]
        added: dict[str, Added] = {}

        def changes(fold: Fold) -> list[Changes]:
            found = []
            for each in arrivals:
                destinations = delivery.destinations(each.channel) if tell else ()
                some = each.changes(fold.of(each.channel), self._clock(), destinations)
                new = sum(len(change.people.numbers) for change in some)
                added[each.channel] = Added(new, len(each.people.numbers) - new)
                found += some
            return [] if dry_run else found

        opt_outs.append(changes)
        if not dry_run:
            self._announce()
            tell_added(self.listeners, {name: each.new for name, each in added.items()})
        return MappingProxyType(added)

    @without_frames
    def tell(self, source: str, channel: str, numbers: Iterable[str]) -> int:
        """Have a source told of numbers that are on other lists, as of opt-outs that are made here.

        What does not reach it now waits on disk: see `pass_on`. Who is suppressed here stays the
        same.

        Args:
            source: the name of the source.
            channel: the channel of its list.
            numbers: E.164 texts.

        Returns:
            How many did not wait for it already.

        Raises:
            UnknownChannel: no source serves the channel.
            ConfigurationError: the source takes no opt-outs for the channel, or there is no store.
            StoreUnavailable: it cannot be kept; the source is told nothing.
        """
        opt_outs, _ = self._kept(channel)
        left: list[str] = []

        def changes(_fold: Fold) -> list[Changes]:
            left[:] = self.untold(source, channel, different)
            tell = {self._destination(source, channel): left}
            change = Changes("add", channel, made_at=self._clock(), evidence=_PUSHED, tell=tell)
            return [change] if left else []

        different = list(dict.fromkeys(numbers))
        opt_outs.append(changes)
        self._announce()
        return len(left)

    @without_frames
    def untold(self, source: str, channel: str, numbers: Sequence[str]) -> list[str]:
        """Return those numbers of which nothing waits for a source; arguments and errors as above.

        Something waits for it where it could not be reached, or has refused a number.
        """
        destination = self._destination(source, channel)
        return self._kept(channel).delivery.untold(destination, channel, numbers)

    def _destination(self, source: str, channel: str) -> Destination:
        destinations = self._kept(channel).delivery.destinations(channel)
        for each in destinations:
            if each.source == source:
                return each
        takers = ", ".join(each.source for each in destinations) or "none"
        raise ConfigurationError(
            f"The source {source!r} takes no opt-outs for {channel}. Those that do: {takers}."
        )


class _Arrivals(NamedTuple):
    """The people who arrive on one channel.

    Attributes:
        channel: the channel.
        additions: the people, each with the circumstances.
        people: all of them.
        readings: their readings.
    """

    channel: str
    additions: Sequence[Addition]
    people: People
    readings: Readings

    @classmethod
    def of(cls, additions: Sequence[Addition], convention: Convention) -> "_Arrivals":
        """Return the people of additions to one channel."""
        people = united([each.people for each in additions])
        return cls(additions[0].channel, additions, people, read_people(people, convention))

    def changes(
        self, opted_out: OptedOut, now: float, destinations: Collection[Destination]
    ) -> list[Changes]:
        """Return the additions of those who are not opted out yet, each person once."""
        new = self._new(opted_out)
        found: list[Changes] = []
        start = 0
        for channel, people, evidence in self.additions:
            places = np.flatnonzero(new[start : start + len(people.numbers)]).tolist()
            start += len(people.numbers)
            if places:
                some = people if len(places) == len(people.numbers) else people.chosen(places)
                found.append(Changes("add", channel, some, now, evidence))
        if found and destinations:
            numbers = [number for each in found for number in each.people.numbers]
            told = not_among(numbers, opted_out)
            # All at once: that is much faster than a few numbers with each change.
            found[-1] = dataclasses.replace(found[-1], tell=dict.fromkeys(destinations, told))
        return found

    def _new(self, opted_out: OptedOut) -> NDArray[np.bool_]:
        """Tell of each person whether anything would be missing without the addition.

        Somebody else's opt-out may cover all that the number may mean. So the line itself has to
        be opted out as well.
        """
        numbers, texts, regions = self.people
        count = len(numbers)
        places, values, _ = self.readings
        covered = np.ones(count, np.bool_)
        covered[places[~opted_out.have(values)]] = False
        firsts = np.zeros(count, np.uint64)
        firsts[places[::-1]] = values[::-1]
        shown = np.fromiter((int(each) for each in numbers), np.uint64, count)
        covered &= opted_out.have_firsts(firsts) | opted_out.have_firsts(shown)
        several = np.bincount(places, minlength=count) > 1
        seen: set[object] = set()
        new = ~covered
        for place in np.flatnonzero(new).tolist():
            person = (numbers[place], texts[place], regions[place])
            key: object = person if several[place] else numbers[place]
            new[place] = key not in seen
            seen.add(key)
        return new
