"""The `Suppressor`: which snapshot answers now, and when it is read anew.

A snapshot younger than `ttl` answers without a question to the source. An older one is
read again; while that fails it still answers until it is `max_stale` old, with a
warning. After that nothing is answered: `StopListUnavailable`. However many threads
need a snapshot at once, it is read once.
"""

import hashlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar, Unpack

import cachetools
import phonenumbers

from suppress import sources
from suppress.errors import InvalidNumber, StopListUnavailable, UnknownChannel
from suppress.numbers import as_text, e164, known_region, mask, settled, why_invalid
from suppress.plugins import Plugins
from suppress.screening import Screening
from suppress.settings import Arguments, Settings
from suppress.snapshot import Snapshot
from suppress.store import Stamp, Store

logger = logging.getLogger("suppress")

R = TypeVar("R")

LOOK_EVERY = 0.5
"""Seconds between two looks at the store for a snapshot that another process has read."""

REST = 5.0
"""Seconds in which a source that failed is not asked again while a stale snapshot serves."""


class Suppressor:
    """Screens recipients against the stop lists of its sources.

    Thread-safe. Nothing is read until it is needed.

    Args:
        settings: what to do; None for `Settings.load()`: environment and settings file.
        plugins: plugins to use besides those that are installed.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        arguments: settings by name (`sources`, `ttl`, `max_stale`, `default_region`,
            `store`), which win over the environment and the file.

    Raises:
        ConfigurationError: the settings make no sense, or no source is configured.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        plugins: Iterable[object] = (),
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        **arguments: Unpack[Arguments],
    ) -> None:
        if settings is not None and arguments:
            raise TypeError("give settings, or single settings as arguments, not both")
        self.settings = Settings.load(**arguments) if settings is None else settings
        self.sources = Plugins(plugins).sources(self.settings)
        self.channels = tuple(sorted({name for each in self.sources for name in each.channels}))
        self._clock = clock
        self._timer = timer
        self._store = None if self.settings.store is None else Store(self.settings.store)
        self._lock = threading.Lock()
        self._loading: dict[str, Future[dict[str, Snapshot]]] = {}
        # The cache lets go of a snapshot when its time is over; while its source fails,
        # the latest one is still needed.
        self._cache: cachetools.TTLCache[str, Snapshot] = cachetools.TTLCache(
            math.inf, self.settings.ttl, timer
        )
        self._latest: dict[str, Snapshot] = {}
        # What was found fresh answers until the next look at the store without any of
        # this: the snapshot, until when by the timer, from when to when by the clock.
        self._answering: dict[str, tuple[Snapshot, float, float, float]] = {}
        self._stamps: dict[str, Stamp | None] = {}
        self._looked: cachetools.TTLCache[str, bool] = cachetools.TTLCache(
            math.inf, LOOK_EVERY, timer
        )
        self._resting: cachetools.TTLCache[str, bool] = cachetools.TTLCache(math.inf, REST, timer)

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
            numbers: any iterable of `str` or `int` (an international number without its
                plus), or of any objects with `key`.
            channel: the channel of the campaign, for example `"sms"`.
            default_region: ISO 3166 region of numbers in national form; None for the
                setting.
            key: takes the number from a recipient, as in `sorted`.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: no snapshot that is young enough, and none can be read.
            ConfigurationError: the default region is unknown.
        """
        return self.screen(numbers, channel, default_region=default_region, key=key).allowed

    def screen(
        self,
        numbers: Iterable[R],
        channel: str,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
    ) -> Screening[R]:
        """The outcome for each recipient; arguments and errors as for `filter_recipients`."""
        region = self.region(default_region)
        return Screening(numbers, self.snapshot(channel), default_region=region, key=key)

    def is_suppressed(
        self, number: str | int, channel: str, *, default_region: str | None = None
    ) -> bool:
        """Whether one number is on the stop list.

        Raises:
            InvalidNumber: it is no phone number; the rest as for `filter_recipients`.
        """
        region = self.region(default_region)
        snapshot = self.snapshot(channel)
        value = settled(number, region)
        if value and not snapshot.unparsed:
            return snapshot.numbers.has(value)
        canonical = e164(number, region)
        if canonical is None:
            shown = mask(number) if as_text(number) else "The number"
            raise InvalidNumber(f"{shown}: {why_invalid(number, region)}.")
        return snapshot.lists(canonical, number)

    def refresh(
        self,
        channel: str | Collection[str] | None = None,
        *,
        progress: Callable[[str, int, int | None], None] = lambda _name, _done, _total: None,
    ) -> dict[str, Snapshot]:
        """Read stop lists now, however young the snapshots are.

        Args:
            channel: one channel or several; None for all that are served.
            progress: called with a source's name, entries read, and entries in all
                where known.

        Raises:
            UnknownChannel: no source serves a channel.
            StopListUnavailable: a list cannot be read; the snapshots stay as they were.
        """
        if channel is None:
            channel = self.channels
        channels = (channel,) if isinstance(channel, str) else tuple(channel)
        for each in channels:
            self._known(each)
        future: Future[dict[str, Snapshot]] = Future()
        with self._lock:
            self._loading.update(dict.fromkeys(channels, future))
        return self._load(channels, future, progress)

    def snapshot(self, channel: str) -> Snapshot:
        """The snapshot that answers for the channel now, read first where need be.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: no snapshot that is young enough, and none can be read.
        """
        if (answering := self._answering.get(channel)) is not None:
            snapshot, look_again, begin, end = answering
            if begin <= self._clock() < end and self._timer() < look_again:
                return snapshot
        self._known(channel)
        with self._lock:
            self._look(channel)
            if (fresh := self._fresh(channel)) is not None:
                return fresh
            latest = self._latest.get(channel)
            if latest is not None and channel in self._resting and self._may_serve(latest):
                return latest
            loading = self._loading.get(channel)
            if loading is None:
                future: Future[dict[str, Snapshot]] = Future()
                self._loading[channel] = future
        try:
            if loading is not None:
                return loading.result()[channel]
            return self._load((channel,), future)[channel]
        except StopListUnavailable as error:
            return self._stale(channel, error)

    def stored(self, channel: str) -> Snapshot | None:
        """The latest snapshot that is at hand without asking a source, however old it is."""
        self._known(channel)
        with self._lock:
            self._look(channel)
            return self._latest.get(channel)

    def region(self, default_region: str | None = None) -> str | None:
        """The region of numbers in national form: the one given, else the setting.

        Raises:
            ConfigurationError: phonenumbers has no such region.
        """
        if default_region is None:
            return self.settings.default_region
        return known_region(default_region)

    def age(self, snapshot: Snapshot) -> float:
        """Seconds since the snapshot was read."""
        return self._clock() - snapshot.read_at.timestamp()

    def __repr__(self) -> str:
        names = ", ".join(source.name for source in self.sources)
        return f"<Suppressor: {names} for {', '.join(self.channels)}>"

    def _known(self, channel: str) -> None:
        if channel not in self.channels:
            raise UnknownChannel(
                f"No source serves the channel {channel!r}. Served are: {', '.join(self.channels)}."
            )

    def _fresh(self, channel: str) -> Snapshot | None:
        # The cache counts from when it was handed the snapshot. One that came from the
        # store was read before that, so its own age counts too.
        snapshot = self._cache.get(channel)
        if snapshot is None or not 0 <= self.age(snapshot) < self.settings.ttl:
            return None
        begin = snapshot.read_at.timestamp()
        look_again = self._timer() + LOOK_EVERY
        self._answering[channel] = snapshot, look_again, begin, begin + self.settings.ttl
        return snapshot

    def _may_serve(self, snapshot: Snapshot) -> bool:
        return 0 <= self.age(snapshot) <= self.settings.max_stale

    def _stale(self, channel: str, error: StopListUnavailable) -> Snapshot:
        with self._lock:
            latest = self._latest.get(channel)
            if latest is not None and self._may_serve(latest):
                self._resting[channel] = True
                logger.warning(
                    "%s The %s stop list of %s still serves, until it is %g s old.",
                    error,
                    channel,
                    latest.read_at.isoformat(timespec="seconds"),
                    self.settings.max_stale,
                )
                return latest
        if latest is None:
            raise error
        raise StopListUnavailable(
            f"{error} The last snapshot was read {self.age(latest):.0f} s ago, longer than "
            f"SUPPRESS_MAX_STALE ({self.settings.max_stale:g} s)."
        ) from error

    def _load(
        self,
        channels: tuple[str, ...],
        future: Future[dict[str, Snapshot]],
        progress: Callable[[str, int, int | None], None] = lambda _name, _done, _total: None,
    ) -> dict[str, Snapshot]:
        """Read the channels; whoever waits for the future gets the same outcome."""
        try:
            snapshots = sources.load(
                self.sources,
                channels,
                default_region=self.settings.default_region,
                clock=self._clock,
                progress=progress,
            )
            with self._lock:
                for snapshot in snapshots.values():
                    if self._adopt(snapshot):
                        self._save(snapshot)
            future.set_result(snapshots)
        except BaseException as error:
            own = isinstance(error, Exception)
            future.set_exception(
                error if own else StopListUnavailable("The reading was interrupted. Try again.")
            )
            raise
        finally:
            with self._lock:
                for channel in channels:
                    if self._loading.get(channel) is future:
                        del self._loading[channel]
        return snapshots

    def _adopt(self, snapshot: Snapshot) -> bool:
        """Let the snapshot answer, unless one that was begun later does already."""
        held = self._latest.get(snapshot.channel)
        # One from the future was read before the clock was set back.
        if held is not None and snapshot.read_at < held.read_at and self.age(held) >= 0:
            return False
        self._latest[snapshot.channel] = snapshot
        self._cache[snapshot.channel] = snapshot
        self._answering.pop(snapshot.channel, None)
        self._resting.pop(snapshot.channel, None)
        return True

    def _look(self, channel: str) -> None:
        """Take over what another process has put into the store, if it has."""
        if self._store is None or channel in self._looked:
            return
        self._looked[channel] = True
        key = self._key(channel)
        stamp = self._store.stamp(key)
        if stamp != self._stamps.get(channel):
            self._stamps[channel] = stamp
            if (snapshot := self._store.load(key)) is not None:
                self._adopt(snapshot)

    def _save(self, snapshot: Snapshot) -> None:
        if self._store is None:
            return
        key = self._key(snapshot.channel)
        try:
            self._store.save(key, snapshot)
        except OSError as error:
            logger.warning(
                "The %s snapshot cannot be stored in %s (%s); it stays in memory alone. "
                "SUPPRESS_STORE names another folder.",
                snapshot.channel,
                self._store.folder,
                error.strerror,
            )
        else:
            self._stamps[snapshot.channel] = self._store.stamp(key)

    def _key(self, channel: str) -> str:
        """Names what the snapshot was made from: a change of any of it makes another."""
        made_from = [
            phonenumbers.__version__,
            self.settings.default_region,
            *(
                [source.name, getattr(source, "identity", "")]
                for source in self.sources
                if channel in source.channels
            ),
        ]
        return f"{channel}-{hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]}"
