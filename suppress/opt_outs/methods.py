"""The methods of a `Suppressor` that opt people out, and show and deliver what was done."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Unpack

from suppress.errors import ConfigurationError, StopListUnavailable
from suppress.events import Listeners, OptOutsChanged
from suppress.numbers.bulk import Reader
from suppress.opt_outs.contract import Backlog, Change, PendingChange
from suppress.opt_outs.delivery import Delivery
from suppress.opt_outs.evidence import Details, Evidence, moment_of
from suppress.opt_outs.people import read_exactly
from suppress.opt_outs.record import OptOuts
from suppress.stop_list.snapshot import Snapshot
from suppress.tracebacks import without_frames


class Kept(NamedTuple):
    """The opt-outs of a store, and their delivery."""

    opt_outs: OptOuts
    delivery: Delivery


class OptOutMethods(ABC):
    """The methods that opt people out, for whoever has the opt-outs of a store and can read.

    Attributes:
        channels: the channels that are served.
        listeners: those who are told of events.
    """

    channels: tuple[str, ...]
    listeners: Listeners
    _clock: Callable[[], float]

    @abstractmethod
    def reader(self, default_region: str | None = None) -> Reader:
        """Return the reader of numbers for a region."""

    @abstractmethod
    def snapshot(self, channel: str) -> Snapshot:
        """Return the snapshot that answers for the channel now."""

    @abstractmethod
    def _known(self, channel: str) -> None:
        """Refuse a channel that no source serves."""

    @abstractmethod
    def _announce(self) -> None:
        """Have everybody look at the opt-outs before the next answer, and deliver them."""

    @property
    @abstractmethod
    def _store_of_opt_outs(self) -> Kept | None:
        """The opt-outs and their delivery; None where there is no store for them."""

    @without_frames
    def add(self, numbers: Iterable[Any], channel: str, **details: Unpack[Details]) -> int:
        """Opt people out of a channel, for good, in every process that shares the store.

        It holds when this returns, for all readings of the numbers, whatever the sources say.
        The sources that take opt-outs are told in the background of the first reading; until
        they have been, it waits on disk. See `pass_on`.

        Args:
            numbers: any iterable of numbers, as for `filter_recipients`.
            channel: the channel on which they must not be messaged any more.
            details: `default_region`, as for `filter_recipients`; `reason`, why; `by`, who
                did it; `via`, how it came, in one word: `reply`, `form`, `phone`, `import`,
                `api`, ...; `reference`, one of your own, such as a message id; `at`, when the
                person asked for it (an aware datetime). They are kept in the history.

        Returns:
            How many of them were not opted out here before.

        Raises:
            InvalidNumber: one of them is not exactly one phone number; nobody was opted out.
            UnknownChannel: no source serves the channel.
            StoreUnavailable: it cannot be kept: it holds in this process alone.
            InvalidArgument: a detail makes no sense; nobody was opted out.
            ConfigurationError: there is no store, or the default region is unknown.
        """
        return self.add_to_channels(numbers, [channel], **details)[channel]

    @without_frames
    def add_to_channels(
        self, numbers: Iterable[Any], channels: Collection[str], **details: Unpack[Details]
    ) -> dict[str, int]:
        """Opt people out of several channels in one step, as `add` does; count by channel."""
        opt_outs, delivery = self._kept(*channels)
        evidence = Evidence.given(details, self._clock())
        people = read_exactly(numbers, self.reader(details.get("default_region")))
        names, told = list(dict.fromkeys(channels)), delivery.destinations
        try:
            added = opt_outs.add(people, names, told, now=self._clock(), evidence=evidence)
        finally:
            self._announce()
        tell_added(self.listeners, added)
        return added

    @without_frames
    def remove(
        self,
        numbers: Iterable[Any],
        channel: str,
        *,
        correction: bool = False,
        **details: Unpack[Details],
    ) -> dict[str, tuple[str, ...]]:
        """Take opt-outs back.

        Those that were added here are taken back, under every form of the same line. The
        sources that take opt-outs are told in the background, as for `add`; the others go on
        listing whom they list, and whoever is listed by a source stays suppressed.

        Args:
            numbers: as for `add`. An opt-out that has no reading any more is named by its
                number, or as `suppress status` lists it.
            channel: the channel on which they may be messaged again.
            correction: whether the opt-out was a mistake; else the people have opted in again.
            details: as for `add`.

        Returns:
            For each of the numbers, by its first reading, the sources that listed it when they
            were last read; `opt-outs` for another opt-out that may mean the same number.

        Raises:
            StopListUnavailable: nobody can say which sources list them; nothing was done.
            InvalidNumber, UnknownChannel, StoreUnavailable, InvalidArgument,
                ConfigurationError: as for `add`; nothing was done.
        """
        opt_outs, delivery = self._kept(channel)
        evidence = Evidence.given(details, self._clock())
        reader = self.reader(details.get("default_region"))
        people = read_exactly(numbers, reader, self.unread())
        try:
            snapshot = self.snapshot(channel)
        except StopListUnavailable as error:
            raise StopListUnavailable(
                f"Nothing was taken back: it is unknown which sources list the numbers. {error}"
            ) from error
        opt_outs.remove(
            *(people, channel, delivery.destinations),
            now=self._clock(),
            evidence=evidence,
            correction=correction,
        )
        self._announce()
        self.listeners.tell(OptOutsChanged(channel, "remove", len(people.numbers)))
        lists = snapshot.with_opted_out(opt_outs.of(channel))
        return {
            number: tuple(
                dict.fromkeys(origin.source for origin in lists.why(reader.read(text), text))
            )
            for number, text in zip(people.numbers, people.texts, strict=True)
        }

    @without_frames
    def history(
        self, number: object, channel: str | None = None, *, default_region: str | None = None
    ) -> list[Change]:
        """Return the changes that are about a person, under every form of the line, oldest first.

        Of somebody who was forgotten there is only that: a change `forget` without a number,
        for each channel on which an opt-out is still in force.

        Args:
            number: the person's number.
            channel: the channel; None for all.
            default_region: as for `add`.

        Raises:
            InvalidNumber: it is not exactly one phone number.
            UnknownChannel: no source serves the channel.
            StoreUnavailable: the history cannot be read.
            ConfigurationError: the default region is unknown.
        """
        if channel is not None:
            self._known(channel)
        person = read_exactly([number], self.reader(default_region), self.unread())
        kept = self._store_of_opt_outs
        return [] if kept is None else kept.opt_outs.history(person, channel)

    @without_frames
    def opt_outs(
        self,
        channel: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        via: str | None = None,
    ) -> Iterator[Change]:
        """Give the opt-outs that are in force here: the newest addition of each person.

        They come in the order in which they were made, without those who were forgotten.

        Args:
            channel: the channel; None for all.
            since: the earliest time at which they were wished or, where that is not known,
                made (aware); None for any.
            until: the latest.
            via: how they came; None for any way.

        Raises:
            UnknownChannel, StoreUnavailable: as for `history`.
            InvalidArgument: a time has no time zone.
        """
        if channel is not None:
            self._known(channel)
        kept = self._store_of_opt_outs
        if kept is None:
            return iter(())
        return kept.opt_outs.in_force(
            channel,
            since=None if since is None else moment_of("since", since),
            until=None if until is None else moment_of("until", until),
            via=via,
        )

    @without_frames
    def forget(self, number: object, *, default_region: str | None = None) -> int:
        """Remove a person's number and history from here, as the law may ask for.

        Where an opt-out is in force, a keyed hash of the number stays, so that it goes on to
        hold; `remove` takes that back. What a source has not been told yet is kept until it
        was told. The lists of the sources are theirs.

        Args:
            number: the person's number.
            default_region: as for `add`.

        Returns:
            How many changes were removed.

        Raises:
            InvalidNumber: it is not exactly one phone number.
            StoreUnavailable: the record cannot be read or written; nothing was removed.
            ConfigurationError: there is no store, or the default region is unknown.
        """
        opt_outs, _ = self._kept()
        count = opt_outs.forget(
            read_exactly([number], self.reader(default_region)), now=self._clock()
        )
        self._announce()
        return count

    def unread(self) -> tuple[str, ...]:
        """Return the numbers of opt-outs without a reading, which an earlier version has kept.

        They suppress the recipients who have the same digits. Take them back with `remove`,
        and add the right numbers.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        kept = self._store_of_opt_outs
        if kept is None:
            return ()
        found = {digits for each in self.channels for digits in kept.opt_outs.of(each).unread}
        return tuple(f"+{digits}" for digits in sorted(found))

    def reset_opt_outs(self) -> bool:
        """Accept that the opt-outs that were made here are gone, if their record is.

        Once opt-outs were made in a store, nothing is screened without their record. Say with
        this that it is gone for good, or that the one in its place is right; then restart what
        runs. No record is removed.

        Returns:
            Whether there was anything to be accepted.

        Raises:
            StoreUnavailable: there is a record, and it cannot be read.
        """
        kept = self._store_of_opt_outs
        return kept is not None and kept.opt_outs.reset()

    def pass_on(self, *, patience: float | None = None) -> None:
        """Tell the sources now of what was opted out here, and of what was taken back.

        What they do not take stays, and is told again later: see `waiting`.

        Args:
            patience: seconds after which a source that does not answer is given up, for each
                call. Another process or thread that is telling a source is not waited for
                then: it tells the rest as well. None to wait for both.

        Raises:
            StoreUnavailable: what waits cannot be read, or what was taken cannot be noted.
        """
        if (kept := self._store_of_opt_outs) is not None:
            kept.delivery.deliver_now(patience)

    def waiting(self) -> list[PendingChange]:
        """Return the changes that the sources have not been told yet, by source and in order.

        There may be many: `backlog` counts them.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        kept = self._store_of_opt_outs
        return [] if kept is None else kept.delivery.waiting()

    def backlog(self) -> list[Backlog]:
        """Count the changes that wait, by source, action and channel.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        kept = self._store_of_opt_outs
        return [] if kept is None else kept.delivery.backlog()

    def _kept(self, *channels: str) -> Kept:
        for channel in channels:
            self._known(channel)
        kept = self._store_of_opt_outs
        if kept is None:
            raise ConfigurationError(
                "There is nowhere to keep an opt-out, which would be lost with this process: "
                "SUPPRESS_STORE (`store` in the table [suppress]) names no folder, nor a server."
            )
        return kept


def tell_added(listeners: Listeners, added: Mapping[str, int]) -> None:
    """Tell listeners how many opt-outs are new, by channel."""
    for channel, count in added.items():
        if count:
            listeners.tell(OptOutsChanged(channel, "add", count))
