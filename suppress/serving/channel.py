"""One channel's stop list as this process knows it: its snapshot, its opt-outs, its failure."""

import math
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import NamedTuple

from suppress.errors import StopListUnavailable
from suppress.serving.context import Context
from suppress.serving.freshness import (
    State,
    Step,
    current_failure,
    next_step,
    renewal_age,
    renewal_pause,
    state_of,
)
from suppress.serving.held import HeldSnapshot, hold
from suppress.serving.refusal import refused, still_being_read
from suppress.serving.single_flight import Snapshots
from suppress.serving.status import ChannelStatus
from suppress.serving.warnings import (
    UnavailableOnce,
    warn_failing,
    warn_not_stored,
    warn_unreadable,
)
from suppress.sources import ReadingFailed
from suppress.stop_list.opted_out import NO_OPT_OUTS
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure, Lease, StoreError


class Answer(NamedTuple):
    """A snapshot that answers without a question to anybody, until something may have changed.

    Attributes:
        snapshot: the snapshot, with the opt-outs that were made here.
        version: the store's version that it was found under.
        check_at: when to look at the store again, by the timer.
        begin: since when it is fresh (seconds since the epoch).
        end: until when.
    """

    snapshot: Snapshot
    version: int | None
    check_at: float
    begin: float
    end: float


class Channel:
    """The state of one channel.

    A caller holds its lock, but not for the methods that a reading calls: `already_read`,
    `repair`, `accept`, `publish`, `fail`, `or_latest`, `fallback`. These take it themselves.

    Args:
        name: the channel.
        key: what its snapshot is stored under.
        context: what all channels share.

    Attributes:
        lock: keeps other threads from the state.
        answer: what answers at once, if anything does.
        reports: the log of a list that is kept recent, and may not serve.
        slow: the reading that callers no longer wait for.
    """

    def __init__(self, name: str, key: str, context: Context) -> None:
        self.name = name
        self.key = key
        self.answer: Answer | None = None
        self._settings = context.settings
        self._limits = context.limits
        self._store = context.store
        self._opt_outs = context.opt_outs
        self._clock = context.clock
        self._timer = context.timer
        self._wake = context.wake
        self._kept_recent = context.kept_recent
        self._held: HeldSnapshot | None = None
        self._stored: Snapshot | None = None
        self._opted_out = NO_OPT_OUTS
        self._own_failure: Failure | None = None
        self._store_error: str | None = None
        self.reports = UnavailableOnce(name, context.kept_recent)
        self._asked_at = self._ended_at = -math.inf
        self._took = 0.0
        self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Forget what other threads were doing: none of them is in this process."""
        self.lock = threading.RLock()
        self.slow: Future[Snapshots] | None = None
        self.invalidate()

    def invalidate(self) -> None:
        """Look at the store and the opt-outs before the next answer."""
        self.answer = None
        self._version: int | None = None
        self._check_at = -math.inf

    @property
    def latest(self) -> Snapshot | None:
        """The latest snapshot, however old, with the opt-outs that were made here."""
        return None if self._held is None else self.with_opt_outs(self._held.snapshot)

    @property
    def state(self) -> State:
        """The state of the latest snapshot."""
        return state_of(self._age(), self._settings.ttl, self._settings.max_stale)

    @property
    def may_serve(self) -> bool:
        """True if the latest snapshot may answer while its source fails."""
        return self.state.may_serve

    @property
    def is_kept_recent(self) -> bool:
        """True if the list is renewed even if nobody asks."""
        return self.name in self._kept_recent

    @property
    def max_wait(self) -> float | None:
        """The seconds that a caller waits for a reading; None for as long as the reading takes."""
        return self._limits.max_wait if self.may_serve or self.is_kept_recent else None

    def with_opt_outs(self, snapshot: Snapshot) -> Snapshot:
        """Return a snapshot of the channel with the opt-outs that were made here."""
        return snapshot.with_opted_out(self._opted_out)

    def sync(self) -> None:
        """Take over the changes in the store and in the opt-outs.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        # Taken first, so that a change during the look is seen the next time.
        version = self._store.version()
        if version == self._version and self._timer() < self._check_at:
            return
        self.answer = None
        if self._opt_outs is not None:
            self._opted_out = self._opt_outs.of(self.name)
        try:
            stored = self._store.latest(self.key)
        except StoreError as error:  # it may pass: the next look tries again
            if str(error) != self._store_error:
                warn_unreadable(self.name, error)
            self._store_error = str(error)
        else:
            if stored is not None and stored is not self._stored:
                self._accept(stored)
            self._stored, self._store_error = stored, None
        self._version = version
        self._check_at = self._timer() + self._limits.store_check

    def next_step(self, reading: Future[Snapshots] | None) -> Step:
        """Return the next step for a caller.

        Args:
            reading: the reading of the channel that is under way.

        Raises:
            StopListUnavailable: nothing may answer, and reading has just failed, or takes long.
        """
        failure = self.failure()
        step = next_step(
            self.state,
            self._ago(failure),
            reading=reading is not None,
            slow=reading is not None and reading is self.slow,
            kept_recent=self.is_kept_recent,
            limits=self._limits,
        )
        if step is Step.REFUSE:
            slow = still_being_read(self.name, self._limits.max_wait)
            raise self._unavailable(str(slow) if failure is None else failure.message)
        return step

    def asked(self) -> None:
        """Note that somebody asks for the channel, so that it is renewed."""
        self._asked_at = self._timer()

    def fresh(self) -> Snapshot | None:
        """Return the latest snapshot if it is fresh; it answers until the next look."""
        if self._held is None or self.state is not State.FRESH:
            return None
        ttl = self._settings.ttl
        self.answer = Answer(
            self.with_opt_outs(self._held.snapshot),
            self._version,
            min(self._check_at, self._held.started + ttl),
            self._held.read_at,
            self._held.read_at + ttl,
        )
        return self.answer.snapshot

    def or_latest(self, snapshot: Snapshot) -> Snapshot:
        """Return the latest snapshot, or the one given if it was begun later."""
        with self.lock:
            self.sync()  # there may be new opt-outs since the reading began
            held, now, ticks = self._held, self._clock(), self._timer()
            if held is not None:
                snapshot = held.or_later(snapshot, now, ticks).snapshot
            return self.with_opt_outs(snapshot)

    def fallback(self, error: StopListUnavailable) -> Snapshot:
        """Return the latest snapshot for a caller who waited for a new one, and got none.

        Raises:
            StopListUnavailable: it may not serve.
        """
        with self.lock:
            self.sync()
            if self.may_serve and (latest := self.latest) is not None:
                return latest
            raise self._unavailable(str(error)) from error

    def _unavailable(self, why: str) -> StopListUnavailable:
        return refused(why, self._age(), self._settings.max_stale)

    def already_read(self, newer_than: float) -> Snapshot | None:
        """Return the latest snapshot if it is fresh, and its reading began later than that.

        Args:
            newer_than: seconds since the epoch.
        """
        with self.lock:
            self.sync()
            if self._held is None or self.state is not State.FRESH:
                return None
            return self._held.snapshot if self._held.read_at > newer_than else None

    def repair(self, lease: Lease) -> None:
        """Set aside what is damaged in the store, before it is read again."""
        with suppress(StoreError):
            self._store.repair(self.key, lease)

    def accept(self, snapshot: Snapshot, *, took: float) -> None:
        """Let a snapshot answer that was just read.

        Args:
            snapshot: the snapshot.
            took: the seconds that its reading took.
        """
        with self.lock:
            self._took = took
            self._own_failure = None
            self._accept(snapshot)

    def publish(self, snapshot: Snapshot, lease: Lease) -> None:
        """Store a snapshot that was just read, under the lease of the channel."""
        try:
            stored = self._store.publish(self.key, snapshot, lease)
        except StoreError as error:
            warn_not_stored((self.name,), self._store, error)
            return
        with self.lock:
            self._accept(stored)
            self._stored = stored

    def _accept(self, snapshot: Snapshot) -> None:
        """Let a snapshot answer, unless a later one does already."""
        now, ticks, held = self._clock(), self._timer(), self._held
        self._held = (
            hold(snapshot, now, ticks) if held is None else held.or_later(snapshot, now, ticks)
        )
        if self._held is not held:
            self.answer = None
            self._wake()

    def failure(self) -> Failure | None:
        """Return why the list could not be read since its snapshot, here or in another process."""
        read_at = None if self._held is None else self._held.read_at
        known = (self._own_failure, self._store.failure(self.key))
        return current_failure(known, read_at, self._clock())

    def fail(self, began: float, error: StopListUnavailable, *, warn: bool) -> None:
        """Note that a reading failed.

        Args:
            began: when it began (seconds since the epoch).
            error: why.
            warn: whether to log what follows from it, since nobody gets it as an error.
        """
        with self.lock:
            before = self.failure()
            since = began if before is None else before.since
            failure = Failure(since, began, self._clock(), str(error))
            self._own_failure = failure
            held, serves = self._held, self.may_serve
        # Other errors are known to other processes already, or do not concern them.
        if isinstance(error, ReadingFailed):
            with suppress(StoreError):
                self._store.fail(self.key, failure)
        if warn and held is not None and serves:
            warn_failing(self.name, failure, held.read_at, self._settings.max_stale)
        elif warn:
            self.reports.report(self._unavailable(str(error)))

    def ended(self) -> None:
        """Note that a reading has ended."""
        self._ended_at = self._timer()

    def renewal_pause(self) -> float:
        """Return the seconds until the list is to be read in the background; 0 or less for now.

        A channel that nobody asks for, and that is not kept recent, is not renewed: infinity.
        """
        wanted_for = max(self._settings.ttl, self._settings.max_stale)
        if not self.is_kept_recent and self._timer() - self._asked_at >= wanted_for:
            return math.inf
        self.sync()
        if self.may_serve:
            self.reports.end()
        return renewal_pause(
            self._age(),
            self._ago(self.failure()),
            self._timer() - self._ended_at,
            renew_after=self._renewal_age(),
            limits=self._limits,
        )

    def renewal_newer_than(self) -> float:
        """Return the time after which a reading by another process makes a renewal unnecessary."""
        newer_than, failure = self._clock() - self._renewal_age(), self.failure()
        return newer_than if failure is None else max(newer_than, failure.began)

    def status(self) -> ChannelStatus:
        """Return the state of the list."""
        age = self._age()
        return ChannelStatus(
            channel=self.name,
            state=state_of(age, self._settings.ttl, self._settings.max_stale),
            age=age,
            ttl=self._settings.ttl,
            max_stale=self._settings.max_stale,
            failure=self.failure(),
            snapshot=self.latest,
        )

    def _age(self) -> float | None:
        return None if self._held is None else self._held.age(self._clock(), self._timer())

    def _ago(self, failure: Failure | None) -> float | None:
        return None if failure is None else self._clock() - failure.ended

    def _renewal_age(self) -> float:
        return renewal_age(self._settings.ttl, self._took, self._limits)
