"""The upkeep of the copy of a shared record: what is new there is here within a second.

One process of a machine waits for news and copies them; the others find them in the copy. While
the server cannot be reached, the copy stays as it is, and it is noted when it was last seen to be
whole. For how long it may serve then is not decided here.
"""

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from suppress.background import Background
from suppress.hanging import Calls, Hanging, Overdue
from suppress.opt_outs.contract import Changes, Overtaken, RecordError
from suppress.opt_outs.copying import Copying, explained
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.seen import Noted
from suppress.stores.contract import Held, Store, StoreError

logger = logging.getLogger("suppress")


class Sighting(NamedTuple):
    """The moment at which the copy was last seen to be whole.

    Attributes:
        at: by the clock (seconds since the epoch).
        ticks: by the timer of this process, as far as is known.
    """

    at: float
    ticks: float


class Upkeep:
    """Keeps the copy of a shared record up to date. Thread-safe.

    Args:
        copying: copies the record.
        store: its locks are those of this machine.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        in_background: whether a thread of its own waits for news, once somebody looks at the
            copy; else every look has to see to it that the copy is not old.
        limits: the delays.
    """

    def __init__(
        self,
        copying: Copying,
        *,
        store: Store,
        clock: Callable[[], float],
        timer: Callable[[], float],
        in_background: bool,
        limits: OptOutLimits = LIMITS,
    ) -> None:
        self._copying = copying
        self._store = store
        self._clock = clock
        self._timer = timer
        self._following = Background(self._follow) if in_background else None
        self._limits = limits
        self._sighting: tuple[Noted, float] | None = None
        self._known = 0
        self._failure: RecordError | None = None
        self._failed_at = 0.0
        self.after_fork_in_child()
        # At the end of the process, connections end anyway.
        weakref.finalize(self, copying.shared.close).atexit = False

    def after_fork_in_child(self) -> None:
        """Forget threads and connections of the process that this one was forked from."""
        self._copying.shared.after_fork_in_child()
        if self._following is not None:
            self._following.after_fork_in_child()
        self._calls = Calls()
        self._looking = threading.Lock()
        self._one_at_a_time = threading.Lock()
        self._has_looked = False

    @property
    def sighting(self) -> Sighting | None:
        """The moment at which the copy was last seen to be whole; None where it is not whole."""
        seen = self._copying.note.read()
        if seen is None:
            return None
        known, started = self._sighting or (None, 0.0)
        if seen != known:
            started = self._timer() - max(self._clock() - seen.at, 0.0)
            self._sighting = seen, started
        return Sighting(seen.at, started)

    @property
    def failure(self) -> str | None:
        """The reason why the record cannot be copied, if this process has failed to."""
        failure = self._failure
        return None if failure is None else failure.reason

    def now(self) -> float:
        """Return the time by the clock of this machine (seconds since the epoch)."""
        return self._clock()

    def knows_of(self, position: int) -> None:
        """Note that the record has a change at a position: without it the copy is not whole."""
        self._known = max(self._known, position)

    def look(self, *, forced: bool = False) -> None:
        """See to it that the copy is whole, and not old.

        While it is whole and the server cannot be reached, it stays as it is.

        Args:
            forced: ask the server in any case, and raise what goes wrong.

        Raises:
            RecordError: the copy is not whole, or nobody can say so.
        """
        if self._following is not None:
            # Where no thread can be started, the next look tries again.
            self._following.wake(again=False)
        has_to_look = forced or self._has_to_look()
        # From now on the thread does it.
        self._has_looked = True
        if not has_to_look:
            return
        with self._looking:
            is_whole = self._is_whole()
            if not forced and is_whole and self._age() < self._limits.look_after:
                return
            may_serve = is_whole and not forced
            if (resting := self._resting()) is not None:
                if may_serve:
                    return
                raise resting
            try:
                self._sync_within(self._limits.look_wait if may_serve else self._limits.max_wait)
            except RecordError as error:
                self._note_failure(error)
                if not may_serve:
                    raise

    def replace_damaged(self, error: RecordError) -> None:
        """Copy the whole record again, since its copy cannot be read.

        Raises:
            RecordError: that cannot be done.
        """
        logger.warning(
            "The copy of the opt-outs in %s cannot be read (%s); it is made again from %s.",
            self._copying.folder,
            error.reason,
            self._copying.shared.where,
            extra={"code": "opt_outs_copy_damaged", "error": error.reason},
        )
        self._copying.is_damaged = True
        self._sync_within(self._limits.max_wait)

    def _follow(self) -> float:
        """Wait for news and copy it; return the seconds until this has to be called again."""
        try:
            with self._store.exclusive("opt-outs-news", self._limits.max_wait):
                self._copying.shared.news(self._limits.look_after)
                self.sync()
        except Held:
            # Another process of this machine does it, unless it was stopped.
            if self._age() > self._limits.silent_after:
                self._sync_quietly()
            return self._limits.look_after / 2
        except StoreError:
            self._sync_quietly()
            return self._limits.look_after / 2
        except RecordError as error:
            self._note_failure(error)
            return self._limits.look_after
        return self._limits.news_pause

    def sync(self) -> None:
        """Copy what is new in the shared record.

        Raises:
            RecordError: it cannot be read, is another one than before, or cannot be copied.
        """
        with self._one_at_a_time:
            while True:
                began = self._clock()
                with suppress(Overtaken):
                    position = self._copying.copy_news()
                    break
            self._saw(Noted(position, began))
            self._copying.is_damaged = False
        if self._failure is not None:
            self._failure = None
            where = self._copying.shared.where
            logger.warning(
                "The opt-outs in %s can be copied again.",
                where,
                extra={"code": "opt_outs_available", "where": where},
            )

    def take_over(self, changes: Sequence[Changes], expected: int | None, began: float) -> None:
        """Copy what this process has just appended to the shared record.

        Args:
            changes: the changes, with their positions.
            expected: the position of the last change before them.
            began: when they were about to be appended (seconds since the epoch).

        Raises:
            RecordError: it cannot be copied.
        """
        self.knows_of(changes[-1].position)
        with self._one_at_a_time, suppress(Overtaken, RecordError):
            copied = self._copying.copy.copied()
            if copied is not None and copied.position is not None and copied.position == expected:
                self._copying.extend(changes, copied)
                self._saw(Noted(changes[-1].position, began))
                return
        self.sync()

    def _has_to_look(self) -> bool:
        if self._following is not None and self._has_looked:
            return not self._is_whole()
        return self._age() >= self._limits.look_after or not self._is_whole()

    def _age(self) -> float:
        """Return the seconds since the copy was seen to be whole; infinity where it is not."""
        sighting = self.sighting
        if sighting is None or sighting.at > self._clock():
            return float("inf")
        return max(self._clock() - sighting.at, self._timer() - sighting.ticks)

    def _is_whole(self) -> bool:
        """Tell whether the copy has every change that it has to have."""
        seen = self._copying.note.read()
        if seen is None or self._copying.is_damaged:
            return False
        needed = max(seen.position, self._known)
        try:
            copied = self._copying.copy.copied()
        except RecordError as error:
            logger.debug("The copy of the opt-outs cannot be read: %s", error.reason)
            return False
        return (0 if copied is None else copied.position or 0) >= needed

    def _sync_within(self, seconds: float) -> None:
        """Copy what is new, and wait for that no longer than some seconds."""
        where = self._copying.shared.where
        try:
            self._calls.call(self.sync, seconds, sources=[where], current=lambda: where)
        except Overdue:
            reason = f"it has not answered within {seconds:g} s"
        except Hanging:
            reason = "it does not answer"
        except RuntimeError as error:
            reason = str(error)
        else:
            return
        raise RecordError(reason, "See that the server runs and can be reached from here.")

    def _sync_quietly(self) -> None:
        try:
            self.sync()
        except RecordError as error:
            self._note_failure(error)

    def _resting(self) -> RecordError | None:
        """Return what went wrong a moment ago: nobody waits for a server that does not answer."""
        failure = self._failure
        rest = self._failed_at + self._limits.look_rest - self._timer()
        if failure is None or not 0 < rest <= self._limits.look_rest:
            return None
        return RecordError(failure.reason, failure.remedy, failure.last_resort)

    def _note_failure(self, error: RecordError) -> None:
        if self._failure is None:
            where = self._copying.shared.where
            logger.warning(
                "The opt-outs in %s cannot be copied to this machine (%s). Until they can, the "
                "last copy answers as long as it is not too old. %s",
                where,
                error.reason,
                error.remedy,
                extra={"code": "opt_outs_unavailable", "where": where, "error": error.reason},
            )
        self._failure, self._failed_at = error, self._timer()

    def _saw(self, seen: Noted) -> None:
        self.knows_of(seen.position)
        # Where it cannot be noted, this process has seen it all the same, but knows it no longer.
        with explained(self._copying.folder):
            try:
                self._copying.note.write(seen)
            except FileNotFoundError:
                with self._copying.locked():
                    self._copying.note.write(seen)
