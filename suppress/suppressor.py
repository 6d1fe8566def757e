"""The `Suppressor`: recipients screened, and people opted out, on the lists of some sources."""

import functools
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar, Unpack

from suppress.background import Background
from suppress.errors import (
    InvalidNumber,
    StopListUnavailable,
    UnknownChannel,
)
from suppress.forks import follow_forks
from suppress.numbers import equivalence
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import plain_readings, why_invalid
from suppress.numbers.handed_in import Numbers
from suppress.numbers.readers import Readers
from suppress.opt_outs.delivery import Delivery
from suppress.opt_outs.image import Images
from suppress.opt_outs.methods import Kept, OptOutMethods
from suppress.opt_outs.record import OptOuts
from suppress.opt_outs.sqlite import SqliteRecord
from suppress.plugin_manager import Plugins
from suppress.screening.recipients import taken
from suppress.screening.screening import Screening, allowed
from suppress.serving.context import Context
from suppress.serving.keys import key_of
from suppress.serving.limits import ServingLimits
from suppress.serving.load import Report
from suppress.serving.period import Period
from suppress.serving.serving import Serving
from suppress.serving.status import Status
from suppress.settings.settings import Arguments, Settings
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.choice import open_store
from suppress.stores.contract import Failure
from suppress.tracebacks import without_frames

logger = logging.getLogger("suppress")

R = TypeVar("R")

LOOK_EVERY = 60.0
"""Seconds after which the background looks for what other processes have left waiting."""


class Suppressor(OptOutMethods):
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
        limits: ServingLimits | None = None,
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
        self._record = self._delivery = None
        if self.settings.store is not None:
            lock = functools.partial(
                self._store.exclusive, "opt-outs", lease=math.inf, wait=math.inf
            )
            self._record = SqliteRecord(self.settings.store, lock)
            self._delivery = Delivery(
                self._record,
                self.sources,
                exclusive=lambda name, wait: self._store.exclusive(
                    name, self.settings.load_timeout, wait=wait
                ),
                ids=self._ids,
                clock=clock,
                load_timeout=self.settings.load_timeout,
            )
        self._delivering = None
        if background and self._delivery is not None:
            self._delivering = Background(self._delivery.deliver_later)
        self._timer = timer
        self._limits = limits or ServingLimits()
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
    ) -> tuple[Sequence[R], Numbers, Snapshot, Reader]:
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
        for background in (self._renewing, self._delivering):
            if background is not None:
                background.after_fork_in_child()
        if self._delivery is not None:
            self._delivery.after_fork_in_child()
        self._store.after_fork_in_child()
        self._period.serving.after_fork_in_child()

    def _known(self, channel: str) -> None:
        if channel not in self.channels:
            raise UnknownChannel(
                f"No source serves the channel {channel!r}. Served are: {', '.join(self.channels)}."
            )

    def _announce(self) -> None:
        # Where nobody can be told, this process knows all the same.
        self._serving.invalidate()
        self._store.notify()
        if self._delivering is not None:
            self._delivering.wake()

    @property
    def _store_of_opt_outs(self) -> Kept | None:
        if self._opt_outs is None or self._delivery is None:
            return None
        return Kept(self._opt_outs, self._delivery)

    def _ids(self, source: str, channel: str, number: str) -> list[str | int]:
        """Return the ids of a number's entries on the source's list, as it was last read."""
        snapshot = self._serving.stored(channel)
        found = () if snapshot is None else snapshot.origins.of(number)
        return [each.id for each in found if each.source == source and each.id is not None]

    def _renew(self) -> float:
        """Renew what is due; the seconds until something is due again."""
        if self._delivering is not None:
            self._delivering.wake(again=False)
        try:
            return self._serving.renew()
        except StopListUnavailable:
            return LOOK_EVERY  # whoever asks is told

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
        if self.settings.store is not None and self._record is not None:
            images = Images(self.settings.store, convention)
            self._opt_outs = (
                OptOuts(self._record, convention, images)
                if self._opt_outs is None
                else self._opt_outs.under(convention, images)
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
