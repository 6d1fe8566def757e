"""The `Suppressor`: recipients screened, and people opted out, on the lists of some sources."""

import functools
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar, Unpack

from suppress.background import Background
from suppress.errors import (
    ConfigurationError,
    InvalidNumber,
    StopListUnavailable,
    StoreUnavailable,
    UnknownChannel,
)
from suppress.forks import follow_forks
from suppress.hanging import Calls
from suppress.numbers import equivalence
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import plain_readings, why_invalid
from suppress.numbers.readers import Readers
from suppress.numbers.readings import as_text
from suppress.opt_outs.delivery import (
    LONGEST_REST,
    briefly,
    next_try,
    pass_on,
    patiently,
    target_of,
    waiting_for,
)
from suppress.opt_outs.record import Person, kept_as
from suppress.opt_outs.sqlite import OptOuts, Target, Waiting
from suppress.plugin_manager import Plugins
from suppress.screening.screening import Screening, allowed, taken
from suppress.serving.context import Context
from suppress.serving.keys import key_of
from suppress.serving.limits import Limits
from suppress.serving.load import Report
from suppress.serving.period import Period
from suppress.serving.serving import Serving
from suppress.serving.status import Status
from suppress.settings.settings import Arguments, Settings
from suppress.sources import TakesOptOuts
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.choice import open_store
from suppress.stores.contract import Failure
from suppress.tracebacks import without_frames

logger = logging.getLogger("suppress")

R = TypeVar("R")

TURNS = 3
"""How often a command tells sources at most, of what others have added meanwhile."""

SHORTEST_PAUSE = 1.0
"""Seconds until the background looks again for what waits, where there is more."""

LOOK_EVERY = 60.0
"""Seconds after which the background looks for what other processes have left waiting."""


class Suppressor:
    """Screens recipients against the stop lists of its sources.

    Thread-safe, and usable on both sides of a fork. Nothing is read until it is needed.

    Args:
        settings: what to do; None for `Settings.load()`: environment and settings file.
        plugins: plugins to use besides those that are installed.
        background: whether snapshots are renewed before their time is over, and opt-outs
            passed on, by a thread of its own, as long as it is asked for something.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        limits: delays of serving; None for the usual ones.
        arguments: settings by name (`sources`, `ttl`, `max_stale`, `load_timeout`,
            `default_region`, `possible_only`, `renumbering`, `max_shrink`, `store`), which win
            over the environment and the file.

    Raises:
        ConfigurationError: the settings make no sense, or no source is configured.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        plugins: Iterable[object] = (),
        background: bool = True,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        limits: Limits | None = None,
        **arguments: Unpack[Arguments],
    ) -> None:
        if settings is not None and arguments:
            raise TypeError("give settings, or single settings as arguments, not both")
        self.settings = Settings.load(**arguments) if settings is None else settings
        self.sources = Plugins(plugins).sources(self.settings)
        self.channels = tuple(sorted({name for each in self.sources for name in each.channels}))
        self._clock = clock
        self._store = open_store(self.settings.store)
        # A source that takes its time with opt-outs holds up no renewal.
        self._renewing = Background(self._renew) if background else None
        self._passing = Background(self._pass_on_later) if background else None
        self._rests: dict[Target, float] = {}
        self._calls = Calls()
        self._timer = timer
        self._limits = limits or Limits()
        self._renumbering = equivalence.chosen(self.settings.renumbering)
        self._opt_outs: OptOuts | None = None
        self._period = self._begin_period()
        follow_forks(self)

    @without_frames
    def filter_recipients(
        self,
        numbers: Iterable[R],
        channel: str,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
    ) -> list[R]:
        """Those who may be messaged: the same objects, in the same order, repeats kept.

        Args:
            numbers: any iterable of numbers: text, whole numbers of any type, or
                `phonenumbers.PhoneNumber`; or of any objects with `key`.
            channel: the channel of the campaign, for example `"sms"`.
            default_region: ISO 3166 region of numbers in national form, or `international`;
                None for the setting.
            key: takes the number from a recipient, as in `sorted`; or a tuple of numbers, of
                which none may be listed and one at least has to be valid.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: no snapshot that is young enough, and none can be read.
            ConfigurationError: the default region is unknown.
            TypeError: nothing among the numbers has a type that a number can have.
        """
        return allowed(*self._begun(numbers, channel, default_region, key))

    @without_frames
    def screen(
        self,
        numbers: Iterable[R],
        channel: str,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
    ) -> Screening[R]:
        """The outcome for each recipient; arguments and errors as for `filter_recipients`.

        All of them are read before the stop list is looked at: whoever opts out until the
        last of them has come is suppressed.
        """
        recipients, taken_numbers, snapshot, reader = self._begun(
            numbers, channel, default_region, key
        )
        return Screening(
            recipients, snapshot, numbers=taken_numbers, screened_at=self.now(), reader=reader
        )

    def _begun(
        self,
        numbers: Iterable[R],
        channel: str,
        default_region: str | None,
        key: Callable[[R], Any] | None,
    ) -> tuple[list[R], list[Any], Snapshot, Reader]:
        """The recipients and their numbers, and then what they are to be screened with."""
        self._known(channel)
        self.region(default_region)
        recipients, taken_numbers = taken(numbers, key)
        period = self._current
        snapshot = period.serving.current(channel)
        return recipients, taken_numbers, snapshot, period.readers.of(default_region)

    @without_frames
    def is_suppressed(
        self, number: object, channel: str, *, default_region: str | None = None
    ) -> bool:
        """Whether one number is on the stop list: any of its readings.

        Raises:
            InvalidNumber: it has no reading that may be messaged, and none is listed; the
                rest as for `filter_recipients`.
        """
        self._known(channel)
        period = self._current
        reader = period.readers.of(default_region)
        snapshot = period.serving.current(channel)
        values = plain_readings(number, reader.convention)
        if values is not None and not snapshot.without_reading:
            return snapshot.has(values[0]) or (
                len(values) > 1 and any(map(snapshot.has, values[1:]))
            )
        meaning = reader.read(number)
        if snapshot.lists(meaning, number):
            return True
        if meaning.problem is not None:
            raise InvalidNumber(why_invalid(number, meaning))
        return False

    @without_frames
    def refresh(
        self,
        channel: str | Collection[str] | None = None,
        *,
        force: bool = False,
        progress: Report = lambda _name, _done, _total: None,
    ) -> dict[str, Snapshot]:
        """Read stop lists now, however young the snapshots are.

        Where another process is at it, what that reads is used if it was begun later.

        Args:
            channel: one channel or several; None for all that are served.
            force: whether to believe what is read where it differs so much from the last
                reading that it may not be whole, or in another format.
            progress: called with a source's name, entries read, and entries in all
                where known.

        Raises:
            UnknownChannel: no source serves a channel.
            StopListUnavailable: a list cannot be read, or is not believed; the snapshots stay as
                they were.
        """
        if channel is None:
            channel = self.channels
        channels = (channel,) if isinstance(channel, str) else tuple(dict.fromkeys(channel))
        for each in channels:
            self._known(each)
        return self._serving.refresh(channels, progress, force=force)

    @without_frames
    def add(
        self, numbers: Iterable[Any], channel: str, *, default_region: str | None = None
    ) -> int:
        """Opt people out of a channel, for good, in every process that shares the store.

        It holds when this returns, for all readings of the numbers, whatever the sources say.
        The sources that take opt-outs are told in the background of the first reading; until
        they have been, it waits on disk. See `pass_on`.

        Args:
            numbers: any iterable of numbers, as for `filter_recipients`.
            channel: the channel on which they must not be messaged any more.
            default_region: ISO 3166 region of numbers in national form, or `international`;
                None for the setting.

        Returns:
            How many of them were not opted out here before.

        Raises:
            InvalidNumber: one of them is not exactly one phone number; nobody was opted out.
            UnknownChannel: no source serves the channel.
            StoreUnavailable: it cannot be kept: it holds in this process alone.
            ConfigurationError: there is no store, or the default region is unknown.
        """
        opt_outs = self._kept(channel)
        people = self._people(numbers, default_region)
        try:
            return opt_outs.add(people, channel, self._targets(channel), self._clock())
        finally:
            self._tell()

    @without_frames
    def remove(
        self, numbers: Iterable[Any], channel: str, *, default_region: str | None = None
    ) -> dict[str, tuple[str, ...]]:
        """Take opt-outs back.

        Those that were added here are taken back, under whichever form of the same line. The
        sources that take opt-outs are told in the background, as for `add`; the others go on
        listing whom they list, and whoever is listed by a source stays suppressed.

        Args:
            numbers: as for `add`. An opt-out that has no reading any more is named by its
                number, or as `suppress status` lists it.
            channel: the channel on which they may be messaged again.
            default_region: as for `add`.

        Returns:
            For each of the numbers, by its first reading, the sources that listed it when they
            were last read; `opt-outs` for another opt-out that may mean the same number.

        Raises:
            StopListUnavailable: nobody can say which sources list them; nothing was done.
            InvalidNumber, UnknownChannel, StoreUnavailable, ConfigurationError: as for
                `add`; nothing was done.
        """
        opt_outs = self._kept(channel)
        reader = self.reader(default_region)
        unread = self.unread()
        people = self._people(numbers, default_region, unread)
        try:
            snapshot = self.snapshot(channel)
        except StopListUnavailable as error:
            raise StopListUnavailable(
                f"Nothing was taken back, since nobody can say who lists the numbers. {error}"
            ) from error
        opt_outs.remove(people, channel, self._targets(channel), self._clock())
        self._tell()
        lists = snapshot.with_opted_out(opt_outs.of(channel))
        return {
            each.number: tuple(
                dict.fromkeys(
                    origin.source for origin in lists.why(reader.read(each.text), each.text)
                )
            )
            for each in people
        }

    def unread(self) -> tuple[str, ...]:
        """The numbers of opt-outs that have no reading, which an earlier version has kept.

        They suppress the recipients who have the same digits. Take them back with `remove`,
        and add the right numbers.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        if self._opt_outs is None:
            return ()
        found = [
            f"+{digits}" for each in self.channels for digits in self._opt_outs.of(each).unread
        ]
        return tuple(sorted(set(found)))

    def reset_opt_outs(self) -> bool:
        """Take it that the opt-outs that were made here are gone, if their record is.

        Once opt-outs were made in a store, nothing is screened without their record. This says
        that it is gone for good, and that the next one to be made, or the one that has taken
        its place, is right. No record is removed. Restart what runs.

        Returns:
            Whether there was anything to be taken so.

        Raises:
            StoreUnavailable: there is a record, and it cannot be read.
        """
        return self._opt_outs is not None and self._opt_outs.reset()

    def pass_on(self, *, patience: float | None = None) -> None:
        """Tell the sources now of what was opted out here, and of what was taken back.

        What they do not take stays, and is told again later: see `waiting`.

        Args:
            patience: seconds after which a source that does not answer is given up, for each
                call. Another process or thread that is telling a source is not waited for
                then: it tells the rest as well. None to wait for both.

        Raises:
            StoreUnavailable: what waits cannot be read, or what was taken not be noted.
        """
        # Another may have looked at what waits before this was there, and then be done.
        for _ in range(TURNS):
            pause = self._pass_on(forced=True, patience=patience)
            if patience is None or pause > SHORTEST_PAUSE:
                return

    def waiting(self) -> dict[str, list[Waiting]]:
        """What the sources have not been told yet, in order, by their names.

        A name has a question mark behind it where it is for another account or address
        than the settings have now: it waits until they have that one again.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        if self._opt_outs is None:
            return {}
        current = [target_of(source) for source in self.sources]
        found: dict[str, list[Waiting]] = {}
        for target in self._opt_outs.targets():
            name = target.source if target in current else f"{target.source}?"
            found.setdefault(name, []).extend(self._opt_outs.waiting(target))
        return found

    @without_frames
    def snapshot(self, channel: str) -> Snapshot:
        """The snapshot that answers for the channel now, read first where need be.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: no snapshot that is young enough, and none can be read.
        """
        self._known(channel)
        return self._serving.current(channel)

    def stored(self, channel: str) -> Snapshot | None:
        """The latest snapshot that is at hand without asking a source, however old it is.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        self._known(channel)
        return self._serving.stored(channel)

    def failure(self, channel: str) -> Failure | None:
        """Why the channel's stop list could not be read last time, if it could not."""
        self._known(channel)
        return self._serving.failure(channel)

    @without_frames
    def status(self) -> Status:
        """Return the state of each channel's stop list, without asking a source.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        return Status(
            ttl=self.settings.ttl,
            max_stale=self.settings.max_stale,
            channels=MappingProxyType(
                {channel: self._serving.status(channel) for channel in self.channels}
            ),
        )

    def region(self, default_region: str | None = None) -> str | None:
        """Return the region of numbers in national form: the one given, else the setting.

        Raises:
            ConfigurationError: there is no such region.
        """
        return self.reader(default_region).convention.region

    def reader(self, default_region: str | None = None) -> Reader:
        """Return the reader of numbers for the region given, else for that of the setting.

        Raises:
            ConfigurationError: there is no such region.
        """
        return self._current.readers.of(default_region)

    def now(self) -> datetime:
        """The time by its clock (aware, UTC)."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def age(self, snapshot: Snapshot) -> float:
        """Seconds since the snapshot was read."""
        return self._clock() - snapshot.read_at.timestamp()

    def __repr__(self) -> str:
        # One that could not be made may stand in a traceback.
        names = ", ".join(source.name for source in getattr(self, "sources", ()))
        return f"<Suppressor: {names} for {', '.join(getattr(self, 'channels', ()))}>"

    def after_fork_in_child(self) -> None:
        """Forget the threads of the process that this one was forked from."""
        for background in (self._renewing, self._passing):
            if background is not None:
                background.after_fork_in_child()
        self._store.after_fork_in_child()
        self._period.serving.after_fork_in_child()

    def _known(self, channel: str) -> None:
        if channel not in self.channels:
            raise UnknownChannel(
                f"No source serves the channel {channel!r}. Served are: {', '.join(self.channels)}."
            )

    def _kept(self, channel: str) -> OptOuts:
        self._known(channel)
        if self._opt_outs is None:
            raise ConfigurationError(
                "There is nowhere to keep an opt-out, which would be lost with this process: "
                "SUPPRESS_STORE (`store` in the table [suppress]) names no folder. Set it to one."
            )
        return self._opt_outs

    def _targets(self, channel: str) -> list[Target]:
        return [
            target_of(source)
            for source in self.sources
            if channel in source.channels and isinstance(source, TakesOptOuts)
        ]

    def _tell(self) -> None:
        # Where nobody can be told, this process knows all the same.
        self._serving.invalidate()
        self._store.notify()
        if self._passing is not None:
            self._passing.wake()

    def _pass_on(self, *, forced: bool, patience: float | None = None) -> float:
        """Tell the sources what waits for them; the seconds until some of it may be told again."""
        wait = 0.0
        if forced:
            wait = self.settings.load_timeout if patience is None else 0.0
        hand_over = patiently if patience is None else briefly(self._calls, patience)
        pauses = [math.inf]
        if self._opt_outs is not None:
            for source in self.sources:
                target = target_of(source)
                rest = self._rests.get(target, 0.0) - self._clock()
                if not forced and 0 < rest <= LONGEST_REST:
                    pauses.append(rest)
                    continue
                if not isinstance(source, TakesOptOuts) or not self._opt_outs.any_waiting(target):
                    continue
                lock = functools.partial(
                    self._store.exclusive,
                    f"passing-{target.source}-{target.account}",
                    lease=self.settings.load_timeout,
                    wait=wait,
                )
                reached = pass_on(
                    source,
                    self._opt_outs,
                    lock=lock,
                    ids=functools.partial(self._ids, source.name),
                    clock=self._clock,
                    forced=forced,
                    hand_over=hand_over,
                )
                if reached is None:
                    pauses.append(LOOK_EVERY)
                    continue
                now = self._clock()
                after = next_try(waiting_for(source, self._opt_outs), now)
                if reached:
                    self._rests.pop(target, None)
                else:
                    self._rests[target] = after
                pauses.append(after - now)
        return max(min(pauses), SHORTEST_PAUSE)

    def _ids(self, source: str, channel: str, number: str) -> list[str | int]:
        """The ids of a number's entries on the source's list, as it was last read."""
        snapshot = self._serving.stored(channel)
        found = () if snapshot is None else snapshot.origins.of(number)
        return [each.id for each in found if each.source == source and each.id is not None]

    def _renew(self) -> float:
        """Renew what is due; the seconds until something is due again."""
        if self._passing is not None:
            self._passing.wake(again=False)
        try:
            return self._serving.renew()
        except StopListUnavailable:
            return LOOK_EVERY  # whoever asks is told

    def _pass_on_later(self) -> float:
        """Pass on what is due; the seconds until something is due again."""
        try:
            return min(LOOK_EVERY, self._pass_on(forced=False))
        except StoreUnavailable as error:
            logger.warning("%s", error)
            return LOOK_EVERY

    @property
    def _current(self) -> Period:
        if not self._period.begin <= self._clock() < self._period.end:
            self._period = self._begin_period()
        return self._period

    @property
    def _serving(self) -> Serving:
        return self._current.serving

    def _begin_period(self) -> Period:
        """Make what depends on the changes of numbering plans that are in force today."""
        today = self.now().date()
        convention = Convention(
            self.settings.default_region,
            self.settings.possible_only,
            self._renumbering.in_force(today),
        )
        if self.settings.store is not None:
            lock = functools.partial(
                self._store.exclusive, "opt-outs", lease=math.inf, wait=math.inf
            )
            self._opt_outs = (
                OptOuts(self.settings.store, lock, convention)
                if self._opt_outs is None
                else self._opt_outs.under(convention)
            )
        keys = {
            channel: key_of(channel, self.sources, convention, self._renumbering.digest)
            for channel in self.channels
        }
        context = Context(
            settings=self.settings,
            limits=self._limits,
            store=self._store,
            opt_outs=self._opt_outs,
            clock=self._clock,
            timer=self._timer,
            wake=(lambda: None) if self._renewing is None else self._renewing.wake,
        )
        serving = Serving(self.sources, convention, keys, context)
        first, end = self._renumbering.period(today)
        return Period.between(first, end, Readers(convention), serving)

    def _people(
        self, numbers: Iterable[Any], default_region: str | None, unread: Collection[str] = ()
    ) -> list[Person]:
        """The numbers with their first readings.

        Args:
            numbers: as they were handed in.
            default_region: as for `add`.
            unread: the numbers of opt-outs without a reading that may be among them.

        Raises:
            InvalidNumber: one of them is not exactly one number.
        """
        if isinstance(numbers, str | bytes):
            raise TypeError("one number was given where a list of them belongs")
        given, reader = list(numbers), self.reader(default_region)
        people = []
        for start in range(0, len(given), BATCH_SIZE):
            some = given[start : start + BATCH_SIZE]
            found = reader.read_all(some)
            firsts: list[str | int] = reader.firsts(some, found).tolist()
            for place, why in reader.faults(some, found):
                kept = kept_as(some[place], unread)
                if kept is None:
                    raise InvalidNumber(why)
                firsts[place], some[place] = kept[1:], kept
            people += [
                Person.handed_in(f"+{first}", as_text(number)[0] or "", reader.convention.region)
                for first, number in zip(firsts, some, strict=True)
            ]
        return people
