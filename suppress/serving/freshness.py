"""Fresh, stale or expired: whether a snapshot may answer at its age, and the next step.

A snapshot that is younger than `ttl` is fresh: it answers without a question to the source. An
older one is stale: it is read again, and answers only while that fails or takes long. One that is
older than `max_stale`, or from the future since the clock was set back, has expired: it never
answers.

These functions are pure. They read no clock, and know no lock and no disk; times and limits are
handed in. Answers, `status` and health all ask them, so that they agree whatever the clock does.
"""

import math
from collections.abc import Iterable
from enum import Enum, StrEnum

from suppress.serving.limits import ServingLimits
from suppress.stores.contract import Failure


class State(StrEnum):
    """The state of a channel's snapshot."""

    FRESH = "fresh"
    """Younger than `ttl`: it answers as it is."""

    STALE = "stale"
    """Up to `max_stale` old: it answers while its source fails."""

    EXPIRED = "expired"
    """Older than `max_stale`, or from the future: it does not answer."""

    MISSING = "missing"
    """The stop list was never read."""

    @property
    def may_serve(self) -> bool:
        """True if the snapshot may answer, even while its source fails."""
        return self in (State.FRESH, State.STALE)


class Step(Enum):
    """The next step for a caller who asks for a channel's snapshot."""

    SERVE = "serve the snapshot"
    RENEW = "serve the snapshot, and have it read in the background"
    WAIT = "have it read, and wait"
    REFUSE = "raise an error"


def age_of(read_at: float, now: float, elapsed: float) -> float:
    """Return how many seconds old a snapshot is; below 0 if it is from the future.

    Args:
        read_at: when its reading began (seconds since the epoch).
        now: the time by the same clock.
        elapsed: seconds since its reading began, by a timer that never runs backwards. They
            count where the clock was set back.
    """
    age = now - read_at
    return age if age < 0 else max(age, elapsed)


def state_of(age: float | None, ttl: float, max_stale: float) -> State:
    """Return the state of a snapshot.

    Args:
        age: as `age_of` has it; None if there is no snapshot.
        ttl: the setting.
        max_stale: the setting.
    """
    if age is None:
        return State.MISSING
    if age < 0:
        return State.EXPIRED
    if age < ttl:
        return State.FRESH
    return State.STALE if age <= max_stale else State.EXPIRED


def current_failure(
    failures: Iterable[Failure | None], read_at: float | None, now: float
) -> Failure | None:
    """Return the latest failure since the snapshot was read.

    Args:
        failures: those that are known.
        read_at: when the reading of the snapshot began; None if there is none.
        now: the time (seconds since the epoch).
    """
    # A snapshot from the future says nothing of what came after it.
    after = -math.inf if read_at is None or read_at > now else read_at
    later = [each for each in failures if each is not None and each.began > after]
    return max(later, key=lambda each: each.ended, default=None)


def next_step(
    state: State,
    failed_ago: float | None,
    *,
    reading: bool,
    slow: bool,
    kept_recent: bool,
    limits: ServingLimits,
) -> Step:
    """Return what to do for a caller who asks for the snapshot.

    Args:
        state: the state of the snapshot.
        failed_ago: seconds since the last reading failed; None if it did not.
        reading: whether the list is being read.
        slow: whether it has been for `max_wait`.
        kept_recent: whether the list is read even if nobody asks: then nobody has to wait for it.
        limits: the delays.
    """
    if state is State.FRESH:
        return Step.SERVE
    may_serve = state is State.STALE
    if slow and kept_recent and not may_serve:
        return Step.REFUSE
    if failed_ago is None:
        return Step.SERVE if may_serve and slow else Step.WAIT
    if not reading and 0 <= failed_ago < limits.retry_delay:
        return Step.SERVE if may_serve else Step.REFUSE
    # Nobody waits for a source that is known to fail.
    return Step.RENEW if may_serve else Step.WAIT


def renewal_age(ttl: float, took: float, limits: ServingLimits) -> float:
    """Return the age at which to renew a snapshot so that it is read before `ttl` is over.

    Args:
        ttl: the setting.
        took: how long the last reading took, in seconds.
        limits: the delays.
    """
    return max(ttl / 2, min(limits.renew_at * ttl, ttl - 2 * took))


def renewal_pause(
    age: float | None,
    failed_ago: float | None,
    ended_ago: float,
    *,
    renew_after: float,
    limits: ServingLimits,
) -> float:
    """Return the seconds until a snapshot is to be renewed in the background; 0 or less for now.

    Args:
        age: as `age_of` has it; None if there is no snapshot, and so one is due.
        failed_ago: seconds since the last reading failed; None if it did not.
        ended_ago: seconds since the last reading ended, however it did.
        renew_after: the age at which it is due, as `renewal_age` has it.
        limits: the delays.
    """
    if failed_ago is not None:
        pause = limits.retry_delay - failed_ago if failed_ago >= 0 else 0.0
    else:
        pause = renew_after - age if age is not None and age >= 0 else 0.0
    return max(pause, limits.min_pause - ended_ago)
