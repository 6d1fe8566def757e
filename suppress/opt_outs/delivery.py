"""Passing opt-outs on to the sources, in order, until each has been taken.

For one number, things are passed on in the order in which they were asked for. What a
source refuses stays, and holds up nothing but what follows for the same number; when a
source cannot be reached everything stays as it is. One process at a time passes on to a
source. If it is killed before it has noted what was taken, that is passed on once more.
"""

import contextlib
import hashlib
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from suppress.errors import Refused, SourceError, StoreUnavailable
from suppress.hanging import Calls, Hanging, Overdue
from suppress.opt_outs.sqlite import OptOuts, Target, Waiting
from suppress.sources import Source, TakesOptOuts, in_words
from suppress.stores.contract import Held, StoreError

logger = logging.getLogger("suppress")

FIRST_REST, LONGEST_REST = 30.0, 3600.0
"""Seconds until a source is asked again by itself: doubled after each time, up to the latter."""


class _Taker(Source, TakesOptOuts, Protocol):
    """A source that takes opt-outs."""


Ids = Callable[[str, str], Sequence[str | int]]
"""Gives the ids of a number's entries on a channel's list of the source, where known."""


HandOver = Callable[[str, Callable[[], None]], None]
"""Makes a call of the source of that name."""


def patiently(_name: str, call: Callable[[], None]) -> None:
    """Make a call of a source, however long it takes."""
    call()


def briefly(calls: Calls, seconds: float) -> HandOver:
    """Give what makes a call of a source, and gives it up when the time is over.

    Args:
        calls: those that hang.
        seconds: how long a call may take.
    """

    def hand_over(name: str, call: Callable[[], None]) -> None:
        try:
            calls.call(call, seconds, sources=[name], current=lambda: name)
        except Hanging as error:
            raise SourceError(str(error)) from None
        except Overdue:
            raise SourceError(
                f"it has not answered within {seconds:g} s; `suppress refresh` gives it longer."
            ) from None

    return hand_over


def target_of(source: Source) -> Target:
    """The source, and which list of its, as far as that can be told without showing it."""
    identity = str(getattr(source, "identity", ""))
    return Target(source.name, hashlib.sha256(identity.encode()).hexdigest()[:16])


def pass_on(
    source: Source,
    opt_outs: OptOuts,
    *,
    lock: Callable[[], AbstractContextManager[Any]],
    ids: Ids,
    clock: Callable[[], float],
    forced: bool,
    hand_over: HandOver,
) -> bool | None:
    """Pass on what waits for a source.

    Args:
        source: nothing waits for one that takes no opt-outs.
        opt_outs: where it waits.
        lock: makes a lock that keeps other processes from doing the same; where that cannot
            be had in time, the other process is left to it.
        ids: gives the ids that the source needs for removing.
        clock: gives the time, in seconds since the epoch.
        forced: try even what is at rest since the source could not be reached.
        hand_over: makes the calls of the source.

    Returns:
        Whether the source could be reached, as far as it was tried; None if another process
        is at it.

    Raises:
        StoreUnavailable: what waits cannot be read, or what was taken cannot be noted.
    """
    if not isinstance(source, TakesOptOuts):
        return True
    with contextlib.ExitStack() as locks:
        try:
            locks.enter_context(lock())
        except Held:
            return None
        except StoreError as error:
            raise StoreUnavailable(
                f"What waits for the source {source.name!r} cannot be passed on: its lock cannot "
                f"be had ({error}). SUPPRESS_STORE names another folder."
            ) from error
        waiting = waiting_for(source, opt_outs)
        if not forced and next_try(waiting, clock()) > clock():
            return True
        held = {
            (each.channel, each.number)
            for each in waiting
            if (each.refused or not forced) and _rests_until(each, clock()) > clock()
        }
        return all(
            _taken(batch, source, opt_outs, ids, clock, held, hand_over)
            for batch in _batches(waiting, source, held)
        )


def waiting_for(source: Source, opt_outs: OptOuts) -> list[Waiting]:
    """What waits for the source, on the channels that it serves now.

    Raises:
        StoreUnavailable: that cannot be read.
    """
    waiting = opt_outs.waiting(target_of(source))
    return [each for each in waiting if each.channel in source.channels]


def next_try(waiting: Sequence[Waiting], now: float) -> float:
    """When to pass on by itself (seconds since the epoch); infinity if nothing waits."""
    # What follows for the same number has to wait for the first.
    firsts: dict[tuple[str, str], Waiting] = {}
    for each in waiting:
        firsts.setdefault((each.channel, each.number), each)
    # One that was tried and not refused tells that the source could not be reached.
    down = max((_rests_until(each, now) for each in waiting if not each.refused), default=0.0)
    return max(down, min((_rests_until(each, now) for each in firsts.values()), default=math.inf))


def _rests_until(each: Waiting, now: float) -> float:
    # Where the clock was set back, nobody knows how long it has rested.
    if each.tried_at is None or each.tried_at > now:
        return 0.0
    rest = LONGEST_REST if each.refused else FIRST_REST * 2.0 ** min(each.tries - 1, 10)
    return each.tried_at + min(rest, LONGEST_REST)


def _batches(
    waiting: Sequence[Waiting], source: TakesOptOuts, held: set[tuple[str, str]]
) -> Iterator[list[Waiting]]:
    """Parts to hand over together: neighbours of one kind, no number twice."""
    most = {"add": source.add_at_once, "remove": source.remove_at_once}
    batch: list[Waiting] = []
    numbers: set[str] = set()
    for each in waiting:
        if batch and (
            (each.action, each.channel) != (batch[0].action, batch[0].channel)
            or each.number in numbers
            or len(batch) == most[each.action]
        ):
            yield batch
            batch, numbers = [], set()
        if (each.channel, each.number) not in held:
            batch.append(each)
            numbers.add(each.number)
    if batch:
        yield batch


def _taken(
    batch: Sequence[Waiting],
    source: _Taker,
    opt_outs: OptOuts,
    ids: Ids,
    clock: Callable[[], float],
    held: set[tuple[str, str]],
    hand_over: HandOver,
) -> bool:
    """Hand over a part, in halves where it is refused; whether the source can be reached."""
    action, channel = batch[0].action, batch[0].channel
    numbers = [each.number for each in batch]
    places = [each.id for each in batch]
    try:
        if action == "add":
            hand_over(source.name, lambda: source.add(numbers, channel))
        else:
            entries = {number: ids(channel, number) for number in numbers}
            hand_over(source.name, lambda: source.remove(entries, channel))
    except Refused as error:
        if len(batch) > 1:
            middle = len(batch) // 2
            return all(
                _taken(half, source, opt_outs, ids, clock, held, hand_over)
                for half in (batch[:middle], batch[middle:])
            )
        held.add((channel, numbers[0]))
        opt_outs.not_taken(places, str(error), clock(), refused=True)
        logger.warning(
            "The source %r refuses %s: %s `suppress status` shows it.",
            source.name,
            "an opt-out, which stays in force here" if action == "add" else "to remove a number",
            error,
        )
    except Exception as error:  # noqa: BLE001 - a source is a stranger's code
        opt_outs.not_taken(places, in_words(error), clock(), refused=False)
        logger.warning(
            "What was opted out here cannot be passed on to the source %r now, and waits: %s",
            source.name,
            in_words(error),
        )
        return False
    else:
        opt_outs.taken(places)
    return True
