"""Which snapshot answers for a channel now.

One that is younger than `ttl` answers without a question to the source; it is renewed
before that time is over. An older one is read again; while that fails it still answers
until it is `max_stale` old, with a warning. After that nothing is answered:
`StopListUnavailable`. However many threads need a snapshot at once, it is read once: the
others wait and use it, or get the same error.
"""

import functools
import logging
import math
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

import cachetools

from suppress.errors import StopListUnavailable
from suppress.numbers.convention import Convention
from suppress.opt_outs.sqlite import OptOuts, OptOutsUnreadable
from suppress.serving.freshness import state_of
from suppress.serving.load import Reader, Report
from suppress.serving.status import ChannelStatus
from suppress.settings.settings import Settings
from suppress.sources import ReadingFailed, Source
from suppress.stop_list.plausible import doubt
from suppress.stop_list.snapshot import NO_OPT_OUTS, Snapshot
from suppress.stores.contract import Failure, Lease, Store, StoreError

logger = logging.getLogger("suppress")

LOOK_EVERY = 0.5
"""Seconds between two looks at the store, should nobody have told of a change."""

REST = 5.0
"""Seconds in which a source that failed is not asked again while a stale snapshot serves."""

PATIENCE = 10.0
"""Seconds that a caller waits for a new snapshot while the stale one could still serve."""

RENEW = 0.8
"""The part of `ttl` after which a snapshot is renewed in the background."""

LOWEST_PAUSE = 1.0
"""Seconds between two readings in the background at least, however short `ttl` is."""


_NO_LEASES: Mapping[str, Lease] = MappingProxyType({})


def _silent(_name: str, _done: int, _total: int | None) -> None:
    pass


class _Answer(NamedTuple):
    """A snapshot that answers until something may have changed."""

    snapshot: Snapshot
    version: int
    look_again: float
    begin: float
    end: float


class Snapshots:
    """The snapshots of the channels of some sources. Thread-safe, and safe over a fork.

    Args:
        sources: where to read.
        settings: for how long a snapshot serves.
        keys: what the snapshot of each channel is stored under.
        convention: how numbers are to be read.
        store: where snapshots stay.
        opt_outs: who was opted out here; None where nobody can be.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        wake: called when there is something new to be renewed later on.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        settings: Settings,
        *,
        keys: Mapping[str, str],
        convention: Convention,
        store: Store,
        opt_outs: OptOuts | None,
        clock: Callable[[], float],
        timer: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._reader = Reader(
            sources,
            settings,
            keys=keys,
            convention=convention,
            store=store,
            clock=clock,
            timer=timer,
        )
        self._settings = settings
        self._keys = keys
        self._store = store
        self._opt_outs = opt_outs
        self._clock = clock
        self._timer = timer
        self._wake = wake
        self._latest: dict[str, Snapshot] = {}
        # What was found answers without any of this until something may have changed.
        self._answers: dict[str, _Answer] = {}
        self._opted_out = dict.fromkeys(keys, NO_OPT_OUTS)
        self._stored: dict[str, Snapshot | None] = {}
        self._failures: dict[str, Failure] = {}
        self._took: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        # By the timer: when the latest, which was read at that time, was begun, as far as this
        # process knows; and when a reading ended.
        self._begun: dict[str, tuple[float, float]] = {}
        self._ended: dict[str, float] = {}
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what other threads are at: a process that was forked has none of them."""
        # The cache lets go of a snapshot when its time is over; while its source fails, the
        # latest one is still needed. It is made anew, since a thread may have been inside it.
        self._cache: cachetools.TTLCache[str, Snapshot] = cachetools.TTLCache(
            math.inf, self._settings.ttl, self._timer
        )
        self._cache.update(self._latest)
        self._lock = threading.RLock()
        self._loading: dict[str, Future[dict[str, Snapshot]]] = {}
        self._overdue: dict[str, Future[dict[str, Snapshot]]] = {}
        self._awake = False
        self._versions: dict[str, int] = {}
        self._looked: cachetools.TTLCache[str, bool] = cachetools.TTLCache(
            math.inf, LOOK_EVERY, self._timer
        )

    def now(self, channel: str) -> Snapshot:
        """The snapshot that answers for the channel now, read first where need be.

        Raises:
            StopListUnavailable: no snapshot that is young enough, and none can be read.
        """
        answer = self._answers.get(channel)
        if (
            answer is not None
            and answer.begin <= self._clock() < answer.end
            and self._timer() < answer.look_again
            and answer.version == self._store.version()
        ):
            return answer.snapshot
        with self._lock:
            found = self._at_hand(channel)
            if isinstance(found, Snapshot):
                return found
            patience = None if self._usable(channel) is None else PATIENCE
        try:
            snapshot = found.result(patience)[channel]
        except OptOutsUnreadable:
            raise
        except StopListUnavailable as error:
            return self._stale(channel, error)
        except TimeoutError:
            slow = StopListUnavailable(
                f"The {channel} stop list has not been read within {PATIENCE:g} s, and is still "
                "being read."
            )
            with self._lock:
                self._overdue[channel] = found
            logger.warning("%s The one that was read before serves until then.", slow)
            return self._stale(channel, slow)
        with self._lock:
            self._look(channel)  # somebody may have been opted out while it was read
            latest = self._latest.get(channel, snapshot)
            if latest.read_at > snapshot.read_at and self._age(latest) >= 0:
                snapshot = latest
            return snapshot.with_opted_out(self._opted_out[channel])

    def look_again(self) -> None:
        """Let no answer serve that was found before now."""
        with self._lock:
            self._answers.clear()
            self._looked.clear()

    def _at_hand(self, channel: str) -> Snapshot | Future[dict[str, Snapshot]]:
        """The snapshot that answers, or the reading that has to be waited for.

        Raises:
            StopListUnavailable: none answers, and reading has failed a moment ago.
        """
        self._asked[channel] = self._timer()
        if not self._awake:
            self._wake()
            self._awake = True
        self._look(channel)
        if (fresh := self._fresh(channel)) is not None:
            return self._answer(fresh)
        usable, failure = self._usable(channel), self._failure(channel)
        loading = self._loading.get(channel)
        if usable is not None and failure is not None:
            # Nobody waits for a source that is known to fail.
            if loading is None and not self._resting(failure):
                self._begin((channel,), self._oldest_fresh())
            return usable.with_opted_out(self._opted_out[channel])
        if failure is not None and loading is None and self._resting(failure):
            raise self._unavailable(channel, failure.message)
        if loading is None:
            return self._begin((channel,), self._oldest_fresh())
        if usable is not None and self._overdue.get(channel) is loading:
            return usable.with_opted_out(self._opted_out[channel])
        return loading

    def refresh(
        self, channels: Collection[str], progress: Report = _silent, *, force: bool = False
    ) -> dict[str, Snapshot]:
        """Read the channels now, however young their snapshots are.

        Args:
            channels: what to read.
            progress: told how far it is.
            force: whether to believe what is read, however it differs from the last reading.

        Raises:
            StopListUnavailable: a list cannot be read; the snapshots stay as they were.
        """
        with self._lock:
            loading = self._begin(channels, self._clock(), progress, asked_for=True, force=force)
        snapshots = loading.result()
        with self._lock:
            for channel in channels:
                self._look(channel)
            return {
                channel: snapshot.with_opted_out(self._opted_out[channel])
                for channel, snapshot in snapshots.items()
            }

    def stored(self, channel: str) -> Snapshot | None:
        """The latest snapshot that is at hand without asking a source, however old it is."""
        with self._lock:
            self._look(channel)
            latest = self._latest.get(channel)
            return None if latest is None else latest.with_opted_out(self._opted_out[channel])

    def failure(self, channel: str) -> Failure | None:
        """Why the channel's stop list cannot be read, if it could not be read last time."""
        with self._lock:
            return self._failure(channel)

    def status(self, channel: str) -> ChannelStatus:
        """Return the state of the channel's stop list, without asking a source.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        with self._lock:
            snapshot = self.stored(channel)
            age = None if snapshot is None else self._age(snapshot)
            return ChannelStatus(
                channel=channel,
                state=state_of(age, self._settings.ttl, self._settings.max_stale),
                age=age,
                ttl=self._settings.ttl,
                max_stale=self._settings.max_stale,
                failure=self._failure(channel),
                snapshot=snapshot,
            )

    def renew(self) -> float:
        """Begin to read what is due; the seconds until something is due again.

        A channel is renewed before its snapshot's time is over, and as soon as a failing
        source has rested, as long as somebody asks for it.
        """
        pauses = [math.inf]
        with self._lock:
            unused = max(self._settings.ttl, self._settings.max_stale)
            for channel, asked in self._asked.items():
                if self._timer() - asked >= unused:
                    continue
                self._look(channel)
                pause = max(
                    self._due(channel) - self._clock(),
                    self._ended.get(channel, -math.inf) + LOWEST_PAUSE - self._timer(),
                )
                if pause <= 0 and channel not in self._loading:
                    failure = self._failure(channel)
                    since = self._clock() - self._renew_after(channel)
                    self._begin((channel,), since if failure is None else max(since, failure.began))
                # One that is being read comes back here when it has been.
                pauses.append(pause if pause > 0 else self._settings.load_timeout)
        return min(pauses)

    def _due(self, channel: str) -> float:
        """When the channel is to be renewed (seconds since the epoch)."""
        failure, latest = self._failure(channel), self._latest.get(channel)
        if failure is not None:
            return failure.ended + REST
        if latest is None:
            return math.inf
        return latest.read_at.timestamp() + self._renew_after(channel)

    def _renew_after(self, channel: str) -> float:
        """The age at which a snapshot is renewed: early enough to be read in time."""
        ttl = self._settings.ttl
        return max(ttl / 2, min(RENEW * ttl, ttl - 2 * self._took.get(channel, 0.0)))

    def _oldest_fresh(self) -> float:
        return self._clock() - self._settings.ttl

    def _age(self, snapshot: Snapshot) -> float:
        """Seconds since it was read, below 0 if that is in the future; by the timer at least.

        The clock may have been set back since.
        """
        age = self._clock() - snapshot.read_at.timestamp()
        read_at, begun = self._begun.get(snapshot.channel, (math.nan, 0.0))
        if age < 0 or read_at != snapshot.read_at.timestamp():
            return age
        return max(age, self._timer() - begun)

    def _fresh(self, channel: str) -> Snapshot | None:
        # The cache counts from when it was handed the snapshot. One that came from the
        # store was read before that, so its own age counts too.
        snapshot = self._cache.get(channel)
        if snapshot is None or not 0 <= self._age(snapshot) < self._settings.ttl:
            return None
        return snapshot

    def _usable(self, channel: str) -> Snapshot | None:
        """The latest snapshot, if it may serve while its source fails."""
        latest = self._latest.get(channel)
        return latest if latest is not None and self._may_serve(latest) else None

    def _may_serve(self, snapshot: Snapshot) -> bool:
        return 0 <= self._age(snapshot) <= self._settings.max_stale

    def _resting(self, failure: Failure) -> bool:
        return 0 <= self._clock() - failure.ended < REST

    def _answer(self, fresh: Snapshot) -> Snapshot:
        """The snapshot with who was opted out here, which answers until the next look."""
        channel, begin = fresh.channel, fresh.read_at.timestamp()
        answer = _Answer(
            fresh.with_opted_out(self._opted_out[channel]),
            self._versions.get(channel, 0),
            self._timer() + LOOK_EVERY,
            begin,
            begin + self._settings.ttl,
        )
        self._answers[channel] = answer
        return answer.snapshot

    def _stale(self, channel: str, error: StopListUnavailable) -> Snapshot:
        with self._lock:
            self._look(channel)
            if (usable := self._usable(channel)) is not None:
                return usable.with_opted_out(self._opted_out[channel])
            raise self._unavailable(channel, str(error)) from error

    def _unavailable(self, channel: str, why: str) -> StopListUnavailable:
        """The error for who asks while no snapshot may serve."""
        latest = self._latest.get(channel)
        if latest is not None:
            why += (
                f" The last snapshot was read {self._age(latest):.0f} s ago, longer than "
                f"SUPPRESS_MAX_STALE ({self._settings.max_stale:g} s)."
            )
        return StopListUnavailable(f"{why} Nothing may be sent until the list can be read.")

    def _begin(
        self,
        channels: Collection[str],
        since: float,
        progress: Report = _silent,
        *,
        asked_for: bool = False,
        force: bool = False,
    ) -> Future[dict[str, Snapshot]]:
        """Read the channels in a thread of its own.

        Args:
            channels: what to read.
            since: a snapshot that was begun later than this, by whomever, will do.
            progress: told how far it is.
            asked_for: whether somebody will be told of a failure by an error.
            force: as for `refresh`.
        """
        future: Future[dict[str, Snapshot]] = Future()
        arguments = (channels, since, future, progress, asked_for, force)
        try:
            threading.Thread(target=self._load, args=arguments, daemon=True).start()
        except RuntimeError as error:
            future.set_exception(StopListUnavailable(f"The stop list cannot be read: {error}."))
        else:
            # It waits for the lock that is held here before it is done.
            self._loading.update(dict.fromkeys(channels, future))
        return future

    def _load(
        self,
        channels: Collection[str],
        since: float,
        future: Future[dict[str, Snapshot]],
        progress: Report,
        asked_for: bool,  # noqa: FBT001 - as `_begin` has it
        force: bool,  # noqa: FBT001
    ) -> None:
        try:
            snapshots = self._loaded(channels, since, progress, warn=not asked_for, force=force)
        except BaseException as error:  # noqa: BLE001 - it is handed to who waits for it
            tell = functools.partial(future.set_exception, error)
        else:
            tell = functools.partial(future.set_result, snapshots)
        with self._lock:
            for channel in channels:
                self._ended[channel] = self._timer()
                if self._loading.get(channel) is future:
                    del self._loading[channel]
        tell()
        self._wake()

    def _loaded(
        self,
        channels: Collection[str],
        since: float,
        progress: Report,
        *,
        warn: bool,
        force: bool,
    ) -> dict[str, Snapshot]:
        """The snapshots that another process has read since then, else those that are read now."""
        began = self._clock()
        found = functools.partial(self._found, channels, since)
        try:
            # What another process has refused to believe says nothing to who insists.
            with self._reader.turn(channels, math.inf if force else began, found) as (
                already,
                leases,
            ):
                return already or self._read(channels, progress, leases, force=force)
        except OptOutsUnreadable:
            raise
        except StopListUnavailable as error:
            self._note_failure(channels, began, error, warn=warn)
            raise

    def _found(
        self, channels: Collection[str], since: float, *, repair: Mapping[str, Lease] = _NO_LEASES
    ) -> dict[str, Snapshot]:
        """The snapshots of the channels, if all were begun since then."""
        with self._lock:
            for channel in channels:
                self._look(channel, repair=repair.get(channel))
            latest = {
                channel: self._latest[channel] for channel in channels if channel in self._latest
            }
        young = [
            snapshot.read_at.timestamp() > since
            and self._age(snapshot) >= 0
            and channel in self._cache
            for channel, snapshot in latest.items()
        ]
        return latest if len(young) == len(channels) and all(young) else {}

    def _read(
        self,
        channels: Collection[str],
        progress: Report,
        leases: Mapping[str, Lease],
        *,
        force: bool,
    ) -> dict[str, Snapshot]:
        """Read the channels from the sources; nobody else does so now."""
        began = self._timer()
        snapshots = self._reader.read(channels, progress)
        if not force:
            self._refuse_implausible(snapshots)
        with self._lock:
            for channel, snapshot in snapshots.items():
                self._took[channel] = self._timer() - began
                self._failures.pop(channel, None)
                self._adopt(snapshot)
        for channel, lease in leases.items():
            self._save(channel, snapshots[channel], lease)
        return snapshots

    def _refuse_implausible(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Refuse what differs too much from the last reading.

        Raises:
            ReadingFailed: something does.
        """
        for channel, snapshot in snapshots.items():
            why = doubt(snapshot, self._latest.get(channel), self._settings.max_shrink)
            if why is not None:
                raise ReadingFailed(why)

    def _adopt(self, snapshot: Snapshot) -> None:
        """Let the snapshot answer, unless one that was begun later does already."""
        held = self._latest.get(snapshot.channel)
        # One from the future was read before the clock was set back.
        if held is not None and snapshot.read_at < held.read_at and self._age(held) >= 0:
            return
        begun = self._timer() - max(self._age(snapshot), 0.0)
        self._begun[snapshot.channel] = snapshot.read_at.timestamp(), begun
        self._latest[snapshot.channel] = snapshot
        self._cache[snapshot.channel] = snapshot
        self._answers.pop(snapshot.channel, None)
        self._wake()

    def _look(self, channel: str, *, repair: Lease | None = None) -> None:
        """Take over what has changed in the store, and who was opted out.

        Raises:
            StopListUnavailable: who was opted out cannot be read.
        """
        # Taken before the look: what changes meanwhile is seen the next time.
        version = self._store.version()
        if channel in self._looked and repair is None and version == self._versions.get(channel):
            return
        self._answers.pop(channel, None)
        if self._opt_outs is not None:
            self._opted_out[channel] = self._opt_outs.of(channel)
        key = self._keys[channel]
        try:
            stored = self._store.latest(key)
            if stored is not None and stored is not self._stored.get(channel):
                self._adopt(stored)
            if repair is not None and channel not in self._latest:
                self._store.repair(key, repair)
        except StoreError as error:  # it may pass: tried again at the next look
            logger.warning("The stored snapshot %s cannot be read: %s", key, error)
        else:
            self._stored[channel] = stored
        self._versions[channel] = version
        self._looked[channel] = True

    def _save(self, channel: str, snapshot: Snapshot, lease: Lease) -> None:
        try:
            stored = self._store.publish(self._keys[channel], snapshot, lease)
        except StoreError as error:
            logger.warning(
                "The %s snapshot cannot be stored in %s (%s); it stays in memory alone. "
                "SUPPRESS_STORE names another folder.",
                channel,
                self._store.describe(),
                error,
            )
            return
        with self._lock:
            self._adopt(stored)
            self._stored[channel] = stored

    def _failure(self, channel: str) -> Failure | None:
        """Why the channel could not be read since its snapshot, here or elsewhere."""
        found = [self._failures.get(channel), self._store.failure(self._keys[channel])]
        latest = self._latest.get(channel)
        since = -math.inf if latest is None else latest.read_at.timestamp()
        failures = [each for each in found if each is not None and each.began > since]
        return max(failures, key=lambda each: each.ended, default=None)

    def _note_failure(
        self, channels: Collection[str], began: float, error: StopListUnavailable, *, warn: bool
    ) -> None:
        for channel in channels:
            with self._lock:
                before, latest = self._failure(channel), self._latest.get(channel)
                since = began if before is None else before.since
                failure = Failure(since, began, self._clock(), str(error))
                self._failures[channel] = failure
            # What another process has noted, or only this one met, is not noted again.
            if isinstance(error, ReadingFailed):
                with suppress(StoreError):
                    self._store.fail(self._keys[channel], failure)
            if warn and latest is not None and self._may_serve(latest):
                logger.warning(
                    "The %s stop list cannot be read since %s: %s The one that was read at %s "
                    "still serves, until it is %g s old.",
                    channel,
                    moment(since),
                    error,
                    latest.read_at.isoformat(timespec="seconds"),
                    self._settings.max_stale,
                )


def moment(seconds: float) -> str:
    """A time (seconds since the epoch) as text, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))
