"""Delivering opt-outs to the sources, in order, until each has been taken.

For one number, changes are delivered in the order in which they were made. What a source
refuses stays, and holds up nothing but what follows for the same number; when a source cannot
be reached, everything stays as it is. One process at a time delivers to a source. If it is
killed before it has noted what was taken, that is delivered once more.
"""

import contextlib
import dataclasses
import hashlib
import logging
import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, Protocol

from suppress.errors import Refused, SourceError, StoreUnavailable
from suppress.events import Listener, OptOutsDelivered, unheard
from suppress.hanging import Calls, Hanging, Overdue
from suppress.numbers.mask import mask_numbers
from suppress.opt_outs.contract import Backlog, Destination, PendingChange, Record, RecordError
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.record import unavailable
from suppress.sources import Source, TakesOptOuts, in_words
from suppress.stores.contract import Held, Lease, LeaseLost, StoreError

logger = logging.getLogger("suppress")


class _Taker(Source, TakesOptOuts, Protocol):
    """A source that takes opt-outs."""


Ids = Callable[[str, str, str], Sequence[str | int]]
"""Gives the ids of a number's entries, where known: of a source, a channel and a number."""

Exclusive = Callable[[str, float], AbstractContextManager[Lease]]
"""Keeps others from the same for a while: a name, and seconds to wait for them."""


def destination_of(source: Source) -> Destination:
    """Return the source, and which list of its, as far as that can be told without showing it."""
    identity = str(getattr(source, "identity", ""))
    return Destination(source.name, hashlib.sha256(identity.encode()).hexdigest()[:16])


class _How(NamedTuple):
    """The patience of a delivery.

    Attributes:
        forced: whether to try even those that could not be reached a moment ago.
        wait: seconds to wait for another process that delivers.
        max_wait: seconds after which a call of a source is given up; None for never.
    """

    forced: bool
    wait: float
    max_wait: float | None


class Delivery:
    """Delivers what waits in the outbox of a record to the sources.

    Args:
        record: has the outbox.
        sources: those of today; nothing waits for one that takes no opt-outs.
        exclusive: keeps other processes from delivering to the same source.
        ids: gives the ids that a source needs for removing.
        clock: gives the time, in seconds since the epoch.
        load_timeout: seconds to wait for another process that delivers.
        timer: gives seconds that never run backwards.
        tell: told of each delivery.
        limits: the delays.
    """

    def __init__(
        self,
        record: Record,
        sources: Collection[Source],
        *,
        exclusive: Exclusive,
        ids: Ids,
        clock: Callable[[], float],
        load_timeout: float,
        timer: Callable[[], float] = time.monotonic,
        tell: Listener = unheard,
        limits: OptOutLimits = LIMITS,
    ) -> None:
        self._record = record
        self._takers = [each for each in sources if isinstance(each, TakesOptOuts)]
        self._configured = {destination_of(each) for each in sources}
        self._exclusive = exclusive
        self._ids = ids
        self._clock = clock
        self._load_timeout = load_timeout
        self._timer = timer
        self._tell = tell
        self._limits = limits
        self._rests: dict[Destination, float] = {}
        self._calls = Calls()

    def destinations(self, channel: str) -> list[Destination]:
        """Return those who are to be told of a channel's changes."""
        return [destination_of(each) for each in self._takers if channel in each.channels]

    def untold(self, destination: Destination, channel: str, numbers: Sequence[str]) -> list[str]:
        """Return those numbers of which nothing waits for a destination.

        Raises:
            StoreUnavailable: what waits cannot be read.
        """
        with self._explained():
            waiting = self._record.waits(destination, channel, numbers)
        return [each for each in numbers if each not in waiting]

    def deliver_now(self, max_wait: float | None = None) -> None:
        """Deliver what waits, even to those that could not be reached a moment ago.

        Args:
            max_wait: seconds after which a call of a source is given up. Another process that
                delivers is not waited for then: it delivers the rest as well. None to wait.

        Raises:
            StoreUnavailable: what waits cannot be read, or what was taken cannot be noted.
        """
        # Another may have looked at what waits before this was there, and then be done.
        for _ in range(self._limits.rounds):
            pause = self.deliver(forced=True, max_wait=max_wait)
            if max_wait is None or pause > self._limits.min_pause:
                return

    def deliver_later(self) -> float:
        """Deliver what is due; return the seconds until something is due again."""
        try:
            return min(self._limits.look_every, self.deliver(forced=False))
        except StoreUnavailable as error:
            extra = {"code": "delivery_unavailable", "error": str(error)}
            logger.warning("%s", error, extra=extra)
            return self._limits.look_every

    def deliver(self, *, forced: bool, max_wait: float | None = None) -> float:
        """Deliver what waits; return the seconds until some of it may be delivered again.

        Args:
            forced: whether to try even those that could not be reached a moment ago.
            max_wait: as for `deliver_now`.

        Raises:
            StoreUnavailable: as for `deliver_now`.
        """
        wait = self._load_timeout if forced and max_wait is None else 0.0
        with self._explained():
            pauses = [self._deliver_to(each, _How(forced, wait, max_wait)) for each in self._takers]
        return max(min(pauses, default=math.inf), self._limits.min_pause)

    def waiting(self) -> list[PendingChange]:
        """Return all that waits, by destination and in order.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with self._explained():
            return [
                dataclasses.replace(each, configured=destination in self._configured)
                for destination in self._record.destinations()
                for page in self._pages(destination)
                for each in page
            ]

    def backlog(self) -> list[Backlog]:
        """Return how much waits, by destination, action and channel.

        Raises:
            StoreUnavailable: it cannot be read.
        """
        with self._explained():
            return [
                dataclasses.replace(
                    each, configured=Destination(each.source, each.account) in self._configured
                )
                for each in self._record.backlog()
            ]

    def after_fork_in_child(self) -> None:
        """Forget the calls of the process that this one was forked from."""
        self._calls = Calls()

    def _deliver_to(self, source: _Taker, how: _How) -> float:
        """Deliver to one source; return the seconds until there may be more to deliver to it."""
        destination = destination_of(source)
        rest = self._rests.get(destination, 0.0) - self._clock()
        if not how.forced and 0 < rest <= self._limits.max_retry_delay:
            return rest
        if not self._record.pending(destination, limit=1):
            return math.inf
        name = f"delivery-{destination.source}-{destination.account}"
        try:
            with self._exclusive(name, how.wait) as lease:
                return self._deliver_all(source, destination, how, lease)
        except Held:
            return self._limits.look_every
        except LeaseLost:
            # This machine was stopped for a while, and another one may deliver by now.
            return self._limits.min_pause
        except StoreError as error:
            raise StoreUnavailable(
                f"Pending opt-outs for the source {source.name!r} cannot be delivered: the lock "
                f"is unavailable ({error}). See that {self._record.where} can be reached and "
                "written."
            ) from error

    def _deliver_all(
        self, source: _Taker, destination: Destination, how: _How, lease: Lease
    ) -> float:
        refused: set[tuple[str, str]] = set()
        size = max(self._limits.page, source.add_at_once, source.remove_at_once)
        after = 0
        while page := self._page(source, destination, after, size):
            if not how.forced and (rest := self._rest_of(page[0])) > 0:
                self._rests[destination] = self._clock() + rest
                return rest
            batches = _batches(page, source)
            if len(page) == size and len(batches) > 1:
                batches.pop()  # more may belong to it
            for batch in batches:
                some = [each for each in batch if (each.channel, each.number) not in refused]
                lease.check()
                if some and not self._hand_over(some, source, refused, how.max_wait):
                    delay = self._delay(some[0].tries + 1)
                    self._rests[destination] = self._clock() + delay
                    return delay
            after = batches[-1][-1].id
        self._rests.pop(destination, None)
        now = self._clock()
        earliest = self._record.next_refused(destination, channels=source.channels, now=now)
        return math.inf if earliest is None else earliest + self._limits.max_retry_delay - now

    def _page(
        self, source: _Taker, destination: Destination, after: int, limit: int
    ) -> list[PendingChange]:
        """Return what is next for a source, without what was refused lately and its followers."""
        now = self._clock()
        return self._record.pending(
            destination,
            channels=source.channels,
            refused_before=now - self._limits.max_retry_delay,
            now=now,
            after=after,
            limit=limit,
        )

    def _pages(self, destination: Destination) -> Iterator[list[PendingChange]]:
        after = 0
        while page := self._record.pending(destination, after=after, limit=self._limits.page):
            yield page
            after = page[-1].id

    def _rest_of(self, change: PendingChange) -> float:
        """Return the seconds for which a source is left alone since it could not be reached."""
        now = self._clock()
        # Where the clock was set back, nobody knows how long it has rested.
        if change.refused or change.tried_at is None or change.tried_at > now:
            return 0.0
        return change.tried_at + self._delay(change.tries) - now

    def _delay(self, tries: int) -> float:
        return min(
            self._limits.retry_delay * 2.0 ** min(tries - 1, 10), self._limits.max_retry_delay
        )

    def _hand_over(
        self,
        batch: Sequence[PendingChange],
        source: _Taker,
        refused: set[tuple[str, str]],
        max_wait: float | None,
    ) -> bool:
        """Hand over a batch, in halves where it is refused; whether the source can be reached."""
        action, channel = batch[0].action, batch[0].channel
        numbers = [each.number for each in batch]
        places = [each.id for each in batch]
        began = self._timer()
        try:
            if action == "add":
                self._call(source, lambda: source.add(numbers, channel), max_wait)
            else:
                entries = {each: self._ids(source.name, channel, each) for each in numbers}
                self._call(source, lambda: source.remove(entries, channel), max_wait)
        except Refused as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                return all(
                    self._hand_over(half, source, refused, max_wait)
                    for half in (batch[:middle], batch[middle:])
                )
            refused.add((channel, numbers[0]))
            self._record.reject(places, str(error), self._clock(), refused=True)
            self._told("refused", batch, source, began, str(error))
            logger.warning(
                "The source %r refuses %s: %s `suppress status` shows it.",
                source.name,
                "an opt-out, which stays in force here"
                if action == "add"
                else "to remove a number",
                error,
                extra=_fields("delivery_refused", batch, source, str(error)),
            )
        except (StoreUnavailable, RecordError):
            raise
        except Exception as error:  # noqa: BLE001 - a source is a stranger's code
            self._record.reject(places, in_words(error), self._clock(), refused=False)
            self._told("failed", batch, source, began, in_words(error))
            logger.warning(
                "What was opted out here cannot be delivered to the source %r now, and waits: %s",
                source.name,
                in_words(error),
                extra=_fields("delivery_failed", batch, source, in_words(error)),
            )
            return False
        else:
            self._record.acknowledge(places)
            self._told("taken", batch, source, began)
        return True

    def _told(
        self,
        outcome: Literal["taken", "refused", "failed"],
        batch: Sequence[PendingChange],
        source: _Taker,
        began: float,
        error: str | None = None,
    ) -> None:
        """Tell listeners of the outcome for a batch."""
        kind, took, why = batch[0], self._timer() - began, error and mask_numbers(error)
        self._tell(
            OptOutsDelivered(source.name, kind.channel, kind.action, outcome, len(batch), took, why)
        )

    def _call(self, source: _Taker, call: Callable[[], None], max_wait: float | None) -> None:
        """Call a source, and give the call up where it takes too long."""
        if max_wait is None:
            call()
            return
        try:
            self._calls.call(call, max_wait, sources=[source.name], current=lambda: source.name)
        except Hanging as error:
            raise SourceError(str(error)) from None
        except Overdue:
            raise SourceError(
                f"it has not answered within {max_wait:g} s; `suppress refresh` gives it longer."
            ) from None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except RecordError as error:
            raise StoreUnavailable(unavailable(self._record, error)) from error


def _fields(
    code: str, batch: Sequence[PendingChange], source: Source, error: str
) -> dict[str, object]:
    """Return the fields of a log record about a batch."""
    kind, names = batch[0], {"code": code, "source": source.name, "error": mask_numbers(error)}
    return {**names, "channel": kind.channel, "action": kind.action, "count": len(batch)}


def _batches(changes: Sequence[PendingChange], source: TakesOptOuts) -> list[list[PendingChange]]:
    """Return parts to hand over together: neighbours of one kind, no number twice."""
    most = {"add": source.add_at_once, "remove": source.remove_at_once}
    batches: list[list[PendingChange]] = []
    numbers: set[str] = set()
    for each in changes:
        first = batches[-1][0] if batches else None
        if (
            first is None
            or (each.action, each.channel) != (first.action, first.channel)
            or each.number in numbers
            or len(batches[-1]) == most[each.action]
        ):
            batches.append([])
            numbers = set()
        batches[-1].append(each)
        numbers.add(each.number)
    return batches
