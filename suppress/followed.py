"""The stop list of a channel, followed while the recipients of a long campaign come in."""

import time
from collections.abc import Callable

from suppress.screening.campaign import View
from suppress.serving.freshness import State, state_of
from suppress.suppressor import Suppressor


class FollowedList:
    """A stop list that is looked at again for each batch of recipients.

    However small `ttl` is, the sources are asked no more often than every `pause` seconds, as
    long as the list is not older than `max_stale`. Opt-outs that are made here are known at once.

    Args:
        suppressor: reads the stop list.
        channel: the channel.
        default_region: the region of numbers in national form; None for that of the settings.
        pause: seconds between two questions to the sources.
        timer: counts the seconds.

    Attributes:
        snapshot: the stop list as it was when it was last looked at.

    Raises:
        UnknownChannel: no source serves the channel.
        StopListUnavailable: the stop list cannot be read.
    """

    def __init__(
        self,
        suppressor: Suppressor,
        channel: str,
        *,
        default_region: str | None = None,
        pause: float = 10.0,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._suppressor = suppressor
        self._channel = channel
        self._region = suppressor.reader(default_region).convention.region
        self._pause = pause
        self._timer = timer
        self.snapshot = suppressor.snapshot(channel)
        self._asked = timer()

    def look(self) -> View:
        """Return the stop list as it is now; it is read again if it is too old.

        Raises:
            StopListUnavailable: it is too old, and cannot be read; or the opt-outs that were
                made here cannot.
        """
        suppressor, settings = self._suppressor, self._suppressor.settings
        state = state_of(suppressor.age(self.snapshot), settings.ttl, settings.max_stale)
        may_ask = self._timer() - self._asked >= self._pause
        found = None
        if state is State.STALE and not may_ask:
            found = suppressor.stored(self._channel)
        if found is None:
            found = suppressor.snapshot(self._channel)
            if state is not State.FRESH:
                self._asked = self._timer()
        before = self.snapshot
        # An unchanged list keeps what was computed for it, such as its digest.
        if found.numbers is not before.numbers or found.opted_out is not before.opted_out:
            self.snapshot = found
        reader = suppressor.reader(self._region)
        return View(
            self.snapshot,
            reader,
            suppressor.now(),
            changes_at=suppressor.changes_at,
            listeners=suppressor.listeners,
        )
