"""The snapshot that answers now, for each channel.

A fresh snapshot answers without a question to the source; it is renewed before its time is
over. A stale one is read again; while that fails it still answers, with a warning. After that
nothing is answered: `StopListUnavailable`. However many threads and processes need a snapshot
at once, it is read once.
"""

import functools
import logging
import math
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from types import MappingProxyType

from suppress.errors import StopListUnavailable
from suppress.events import ListFailed, ListLoaded
from suppress.numbers.convention import Convention
from suppress.numbers.mask import mask_numbers
from suppress.opt_outs.record import OptOutsUnreadable
from suppress.serving.channel import Channel
from suppress.serving.context import Context
from suppress.serving.freshness import Step
from suppress.serving.load import Loader, Report
from suppress.serving.refusal import still_being_read
from suppress.serving.single_flight import SingleFlight, Snapshots
from suppress.serving.status import Status
from suppress.sources import ReadingFailed, Source
from suppress.stop_list.plausible import doubt
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Lease

logger = logging.getLogger("suppress")


def _silent(_name: str, _done: int, _total: int | None) -> None:
    pass


class Serving:
    """The stop lists of some sources. Thread-safe, and safe over a fork.

    Args:
        sources: where to read.
        convention: how numbers are to be read.
        keys: what the snapshot of each channel is stored under.
        context: settings, the store, opt-outs and time.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        convention: Convention,
        keys: Mapping[str, str],
        context: Context,
    ) -> None:
        self._settings = context.settings
        self._limits = context.limits
        self._store = context.store
        self._opt_outs = context.opt_outs
        self._clock = context.clock
        self._timer = context.timer
        self._wake = context.wake
        self._tell = context.tell
        self._awake = False
        self._flight = SingleFlight(keys, context)
        self._channels = {name: Channel(name, key, context) for name, key in keys.items()}
        self._loader = Loader(
            sources,
            convention=convention,
            timeout=context.settings.load_timeout,
            clock=context.clock,
        )

    def after_fork_in_child(self) -> None:
        """Forget what other threads were doing: none of them is in this process."""
        self._awake = False
        self._flight.after_fork_in_child()
        for each in self._channels.values():
            each.after_fork_in_child()

    def current(self, name: str) -> Snapshot:
        """Return the snapshot that answers for a channel now, read first where need be.

        Raises:
            StopListUnavailable: no snapshot is recent enough, and none can be read, or not within
                `max_wait` where the list is kept recent.
        """
        channel = self._channels[name]
        answer = channel.answer
        if (
            answer is not None
            and answer.begin <= self._clock() < answer.end
            and self._timer() < answer.check_at
            and answer.version == self._store.version()
        ):
            return answer.snapshot
        with channel.lock:
            found = self._answer_or_reading(channel)
            if isinstance(found, Snapshot):
                return found
            max_wait = channel.max_wait
        try:
            snapshot = found.result(max_wait)[name]
        except OptOutsUnreadable:
            raise
        except StopListUnavailable as error:
            return channel.fallback(error)
        except TimeoutError:
            channel.slow = found
            slow = still_being_read(name, self._limits.max_wait)
            latest = self._fallback(channel, slow)
            extra = {"code": "list_slow", "channel": name}
            logger.warning("%s Until then the last copy is used.", slow, extra=extra)
            return latest
        return channel.or_latest(snapshot)

    def _fallback(self, channel: Channel, slow: StopListUnavailable) -> Snapshot:
        """Return the latest snapshot while a reading takes long; log it if there is none."""
        try:
            return channel.fallback(slow)
        except StopListUnavailable as error:
            with channel.lock:  # of many who wait, one reports it
                channel.reports.report(error, is_slow=True)
            raise

    def _answer_or_reading(self, channel: Channel) -> Snapshot | Future[Snapshots]:
        """Return the snapshot that answers, or the reading that has to be waited for.

        Raises:
            StopListUnavailable: none answers, and reading has failed a moment ago.
        """
        channel.asked()
        if not self._awake:
            self._wake()
            self._awake = True
        channel.sync()
        if (fresh := channel.fresh()) is not None:
            return fresh
        reading = self._flight.running(channel.name)
        step, latest = channel.next_step(reading), channel.latest
        if step is Step.SERVE and latest is not None:
            return latest
        reading = reading or self._start((channel.name,), self._clock() - self._settings.ttl)
        return latest if step is Step.RENEW and latest is not None else reading

    def invalidate(self) -> None:
        """Look at the store and the opt-outs before the next answer."""
        for each in self._channels.values():
            with each.lock:
                each.invalidate()

    def refresh(
        self, names: Collection[str], progress: Report = _silent, *, force: bool = False
    ) -> Snapshots:
        """Read channels now, however recent their snapshots are.

        Args:
            names: the channels.
            progress: told how far it is.
            force: accept a list, however it differs from the last one.

        Raises:
            StopListUnavailable: a list cannot be read; the snapshots stay as they were.
        """
        reading = self._start(names, self._clock(), progress, warn=False, force=force)
        snapshots = reading.result()
        for name in names:
            with self._channels[name].lock:
                self._channels[name].sync()
        return {
            name: self._channels[name].with_opt_outs(snapshot)
            for name, snapshot in snapshots.items()
        }

    def stored(self, name: str) -> Snapshot | None:
        """Return the latest snapshot at hand without asking a source, however old it is."""
        channel = self._channels[name]
        with channel.lock:
            channel.sync()
            return channel.latest

    def status(self) -> Status:
        """Return the state of each channel's stop list, without asking a source.

        Raises:
            StopListUnavailable: the opt-outs that were made here cannot be read.
        """
        found = {}
        for name, channel in self._channels.items():
            with channel.lock:
                channel.sync()
                reading = self._flight.running(name)
                found[name] = replace(
                    channel.status(),
                    is_kept_recent=channel.is_kept_recent,
                    is_being_read=reading is not None,
                )
        return Status(
            self._settings.ttl,
            self._settings.max_stale,
            MappingProxyType(found),
            None if self._opt_outs is None else self._opt_outs.status(),
        )

    def renew(self) -> float:
        """Start to read what is due; return the seconds until something is due again.

        A channel is renewed before its snapshot's time is over, and as soon as a failing
        source has rested, as long as somebody asks for it, or it is kept recent.
        """
        return min((self._renew(*each) for each in self._channels.items()), default=math.inf)

    def _renew(self, name: str, channel: Channel) -> float:
        with channel.lock:
            try:
                pause = channel.renewal_pause()
            except OptOutsUnreadable as error:  # the next caller gets it
                if not channel.is_kept_recent:
                    return self._limits.record_retry
                channel.reports.report(error)
                return self._limits.retry_delay
            except Exception as error:
                if not channel.is_kept_recent:
                    raise
                # It may be over soon. The text of a stranger's error may quote a number.
                kind = type(error).__name__
                channel.reports.report(
                    StopListUnavailable(f"The {name} stop list cannot be kept recent ({kind}).")
                )
                return self._limits.retry_delay
            if pause > 0:
                return pause
            if self._flight.running(name) is None:
                self._start((name,), channel.renewal_newer_than())
        # A channel that is being read comes back here when it has been.
        return self._settings.load_timeout

    def _start(
        self,
        names: Collection[str],
        newer_than: float,
        progress: Report = _silent,
        *,
        warn: bool = True,
        force: bool = False,
    ) -> Future[Snapshots]:
        """Read channels in a thread of its own.

        Args:
            names: the channels.
            newer_than: a snapshot is good enough if its reading began later, in any process.
            progress: told how far it is.
            warn: whether to log a failure; not where a caller gets it as an error.
            force: as for `refresh`.
        """
        read = functools.partial(
            self._read_once, names, newer_than, progress, warn=warn, force=force
        )
        return self._flight.start(names, read)

    def _read_once(
        self,
        names: Collection[str],
        newer_than: float,
        progress: Report,
        *,
        warn: bool,
        force: bool,
    ) -> Snapshots:
        """Return the snapshots that another process has read since then, or read them now."""
        began = self._clock()
        try:
            return self._flight.exclusive(
                names,
                # With `force`, a refusal by another process does not count.
                math.inf if force else began,
                already_read=functools.partial(self._already_read, names, newer_than),
                read=functools.partial(self._read, names, progress, force=force),
            )
        except OptOutsUnreadable:
            raise
        except StopListUnavailable as error:
            for name in names:
                self._channels[name].fail(began, error, warn=warn)
            raise
        finally:
            for name in names:
                self._channels[name].ended()

    def _already_read(self, names: Collection[str], newer_than: float) -> Snapshots:
        """Return the snapshots of the channels, if all readings began later than that."""
        found = {}
        for name in names:
            snapshot = self._channels[name].already_read(newer_than)
            if snapshot is None:
                return {}
            found[name] = snapshot
        return found

    def _read(
        self,
        names: Collection[str],
        progress: Report,
        leases: Mapping[str, Lease],
        *,
        force: bool,
    ) -> Snapshots:
        """Read the channels from the sources; nobody else does so now."""
        for name, lease in leases.items():
            self._channels[name].repair(lease)
        started = self._timer()
        try:
            snapshots = self._load(names, progress, force=force)
        except StopListUnavailable as error:
            took = self._timer() - started
            for name in names:
                sources = tuple(self._loader.sources_of(name))
                self._tell(ListFailed(name, sources, mask_numbers(str(error)), took))
            raise
        took = self._timer() - started
        for name, snapshot in snapshots.items():
            self._channels[name].accept(snapshot, took=took)
        for name, lease in leases.items():
            self._channels[name].publish(snapshots[name], lease)
        for name in names:
            read = snapshots[name]
            self._tell(ListLoaded(name, read.sources, read.count, took))
        return snapshots

    def _load(self, names: Collection[str], progress: Report, *, force: bool) -> Snapshots:
        """Return the channels as the sources have them, if that is plausible."""
        snapshots = self._loader.load(names, progress)
        if not force:
            for name, snapshot in snapshots.items():
                why = doubt(snapshot, self._channels[name].latest, self._settings.max_shrink)
                if why is not None:
                    raise ReadingFailed(why)
        return snapshots
