"""The `Suppressor`: recipients screened, and people opted out, on the lists of some sources."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar, Unpack

import numpy as np
from numpy.typing import NDArray

from suppress.background import PAUSE_AFTER_FORK, Background
from suppress.errors import InvalidNumber
from suppress.events import Listeners
from suppress.forks import follow_forks
from suppress.numbers.bulk import Reader
from suppress.numbers.e164 import plain_readings, why_invalid
from suppress.numbers.handed_in import Numbers
from suppress.opt_outs.contract import Change, Record
from suppress.opt_outs.keeping import Keeping
from suppress.opt_outs.methods import Kept
from suppress.opt_outs.moving import MovingMethods
from suppress.opt_outs.places import open_record
from suppress.opt_outs.record import OptOuts
from suppress.plugin_manager import Plugins
from suppress.screening.recipients import taken
from suppress.screening.screening import Screening, allowed
from suppress.screening.tally import OutcomeTally, teller_of_one
from suppress.serving.context import Context
from suppress.serving.limits import LIMITS, ServingLimits
from suppress.serving.methods import ServingMethods
from suppress.serving.period import Calendar
from suppress.serving.serving import Serving
from suppress.settings.settings import Arguments, Settings
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.choice import open_store
from suppress.tracebacks import without_frames

R = TypeVar("R")


class Suppressor(ServingMethods, MovingMethods):
    """Screens recipients against the stop lists of its sources.

    Thread-safe, and usable on both sides of a fork. Nothing is read until it is needed.

    Args:
        settings: the settings; None for `Settings.load()`: environment and settings file.
        plugins: plugins to use besides those that are installed.
        background: whether threads of its own renew snapshots before their time is over, and
            deliver opt-outs, as long as it is asked for something or has to `keep_recent`.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        limits: delays of serving.
        record: keeps the opt-outs that are made here; None for what the settings name.
        arguments: settings by name (`sources`, `ttl`, `max_stale`, `load_timeout`,
            `default_region`, `possible_only`, `renumbering`, `max_shrink`, `store`,
            `opt_outs`, `local_copy`, `stop_scope`), which win over the environment and the file.

    Raises:
        ConfigurationError: a setting is invalid, or no source is configured.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        plugins: Iterable[object] = (),
        background: bool = True,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        limits: ServingLimits = LIMITS,
        record: Record | None = None,
        **arguments: Unpack[Arguments],
    ) -> None:
        if settings is not None and arguments:
            raise TypeError("give settings, or single settings as arguments, not both")
        self.settings = Settings.load(**arguments) if settings is None else settings
        found = Plugins(plugins)
        self.sources = found.sources(self.settings)
        self.channels = tuple(sorted({name for each in self.sources for name in each.channels}))
        self.listeners = Listeners()
        self._clock = clock
        folder = self.settings.folder_of(self.settings.store)
        self._store = open_store(folder, found.remote(self.settings))
        # A source that takes its time with opt-outs holds up no renewal.
        self._renewing = Background(self._renew) if background else None
        self._kept_recent = set()
        self._delivering: Background | None = None
        self._keeping: Keeping | None = None
        place = open_record(
            self.settings,
            found.record(self.settings),
            given=record,
            store=self._store,
            clock=clock,
            timer=timer,
            in_background=background,
        )
        if place is not None:
            self._keeping = Keeping(
                place,
                sources=self.sources,
                stored=self.stored,
                clock=clock,
                load_timeout=self.settings.load_timeout,
                tell=self.listeners.tell,
            )
            if background:
                self._delivering = Background(self._keeping.delivery.deliver_later)
        context = Context(
            settings=self.settings,
            limits=limits,
            store=self._store,
            opt_outs=None,
            clock=clock,
            timer=timer,
            wake=(lambda: None) if self._renewing is None else self._renewing.wake,
            tell=self.listeners.tell,
            kept_recent=self._kept_recent,
        )
        self._calendar = Calendar(self.sources, self.channels, context, self._keeping)
        follow_forks(self)
        self.listeners.add(found.listeners(self))

    @without_frames
    def filter_recipients(
        self,
        numbers: Iterable[R],
        channel: str,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
    ) -> list[R]:
        """Return the recipients that may be messaged: the same objects, in order, repeats kept.

        Arguments and errors as for `suppress.filter_recipients`.
        """
        tally = OutcomeTally(channel, self.listeners)
        found = allowed(*self._prepared(numbers, channel, default_region, key), tally)
        tally.tell()
        return found

    @without_frames
    def screen(
        self,
        numbers: Iterable[R],
        channel: str,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
    ) -> Screening[R]:
        """Return the outcome for each recipient: allowed, suppressed or invalid, and why.

        All recipients are read before the stop list is looked at: everybody who opts out
        until the last one has come is suppressed. Arguments and errors as for
        `filter_recipients`.
        """
        tally = OutcomeTally(channel, self.listeners)
        recipients, taken_numbers, snapshot, reader = self._prepared(
            numbers, channel, default_region, key
        )
        screening = Screening(
            recipients, snapshot, numbers=taken_numbers, screened_at=self.now(), reader=reader
        )
        tally.add(screening.codes)
        tally.tell()
        return screening

    def _prepared(
        self,
        numbers: Iterable[R],
        channel: str,
        default_region: str | None,
        key: Callable[[R], Any] | None,
    ) -> tuple[Sequence[R], Numbers, Snapshot, Reader]:
        """Return the recipients and their numbers, then the list and reader to screen with."""
        self._known(channel)
        self.reader(default_region)  # before a list is taken from whoever gives it
        recipients, taken_numbers = taken(numbers, key)
        period = self._calendar.current
        snapshot = period.serving.current(channel)
        return recipients, taken_numbers, snapshot, period.readers.of(default_region)

    @without_frames
    def is_suppressed(
        self, number: object, channel: str, *, default_region: str | None = None
    ) -> bool:
        """Return whether any reading of a number is on the stop list.

        Raises:
            InvalidNumber: it is not listed, and is not a number that may be messaged. Other
                errors as for `filter_recipients`.
        """
        tell = teller_of_one(channel, self.listeners) if self.listeners.present else None
        self._known(channel)
        period = self._calendar.current
        reader = period.readers.of(default_region)
        snapshot = period.serving.current(channel)
        values = plain_readings(number, reader.convention)
        if values is not None and not snapshot.all_unread:
            found = snapshot.has(values[0]) or (
                len(values) > 1 and any(map(snapshot.has, values[1:]))
            )
        else:
            meaning = reader.read(number)
            found = snapshot.lists(meaning, number)
            if not found and meaning.problem is not None:
                if tell is not None:
                    tell(None)
                raise InvalidNumber(why_invalid(number, meaning))
        if tell is not None:
            tell(found)
        return found

    def changes_at(self, positions: NDArray[np.int64]) -> list[Change]:
        """Return the changes at some positions of the record, but for those that are gone.

        Args:
            positions: the positions, as `Change.position` has them.

        Raises:
            StoreUnavailable: they cannot be read.
        """
        return [] if self._opt_outs is None else self._opt_outs.changes_at(positions)

    def reader(self, default_region: str | None = None) -> Reader:
        """Return the reader of numbers for the region given, else for that of the setting.

        Raises:
            ConfigurationError: there is no such region.
        """
        return self._calendar.current.readers.of(default_region)

    def now(self) -> datetime:
        """Return the time by the clock (aware, UTC)."""
        return datetime.fromtimestamp(self._clock(), UTC)

    def age(self, snapshot: Snapshot) -> float:
        """Return the seconds since the snapshot was read."""
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
        if self._keeping is not None:
            self._keeping.after_fork_in_child()
        self._store.after_fork_in_child()
        self._calendar.after_fork_in_child()
        if self._renewing is not None and self._kept_recent:
            self._renewing.wake(after=PAUSE_AFTER_FORK)

    def _announce(self) -> None:
        # This process knows even if no other can be told.
        self._serving.invalidate()
        self._store.notify()
        if self._delivering is not None:
            self._delivering.wake()

    @property
    def _store_of_opt_outs(self) -> Kept | None:
        opt_outs, keeping = self._opt_outs, self._keeping
        return None if opt_outs is None or keeping is None else Kept(opt_outs, keeping.delivery)

    def _renew(self) -> float:
        """Renew what is due; return the seconds until something is due again."""
        if self._delivering is not None:
            self._delivering.wake(again=False)
        return self._serving.renew()

    @property
    def _serving(self) -> Serving:
        return self._calendar.current.serving

    @property
    def _opt_outs(self) -> OptOuts | None:
        return self._calendar.current.opt_outs
