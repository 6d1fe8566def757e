"""Delays and limits of serving, as one value, so that tests need not wait."""

from typing import NamedTuple


class ServingLimits(NamedTuple):
    """Delays and limits of serving, in seconds.

    Attributes:
        store_check: how long an answer stands until the store is looked at, should nobody have
            notified of a change.
        retry_delay: how long a source that failed is left alone.
        max_wait: how long a caller waits for a new snapshot while the stale one could serve, or
            where the list is kept recent. Elsewhere it waits for as long as the reading takes: a
            script that did not would end, and the reading with it.
        renew_at: the part of `ttl` after which a snapshot is renewed in the background.
        min_pause: the least time between two readings in the background, however short `ttl` is.
        poll: how often to look whether another process has finished reading.
        record_retry: how long the background waits when opt-outs cannot be read, unless the list
            is kept recent.
    """

    store_check: float = 0.5
    retry_delay: float = 5.0
    max_wait: float = 10.0
    renew_at: float = 0.8
    min_pause: float = 1.0
    poll: float = 0.05
    record_retry: float = 60.0


LIMITS = ServingLimits()
