"""The warnings of serving: a list that cannot be read, or cannot be stored."""

import logging
from collections.abc import Collection
from collections.abc import Set as AbstractSet

from suppress.errors import StopListUnavailable
from suppress.serving.status import moment
from suppress.stores.contract import Failure, Store, StoreError

logger = logging.getLogger("suppress")


def warn_not_stored(channels: Collection[str], store: Store, why: StoreError) -> None:
    """Log that stop lists stay in memory alone."""
    logger.warning(
        "The stop list of %s cannot be stored in %s (%s); it stays in memory alone. "
        "If this lasts, name another place in SUPPRESS_STORE.",
        " and ".join(sorted(channels)),
        store.describe(),
        why,
        extra={"code": "list_not_stored", "channels": sorted(channels), "error": str(why)},
    )


def warn_unreadable(channel: str, error: StoreError) -> None:
    """Log that the store cannot be read for a channel."""
    logger.warning(
        "The stored %s stop list cannot be read: %s.",
        channel,
        error,
        extra={"code": "store_unreadable", "channel": channel, "error": str(error)},
    )


def warn_failing(channel: str, failure: Failure, read_at: float, max_stale: float) -> None:
    """Log that an older snapshot is used, since the list cannot be read.

    Args:
        channel: the channel.
        failure: why not.
        read_at: when the snapshot was read (seconds since the epoch).
        max_stale: the age up to which it serves (seconds).
    """
    logger.warning(
        "The %s stop list has failed to refresh since %s; using the copy from %s, until it is %g s "
        "old. %s",
        channel,
        moment(failure.since),
        moment(read_at),
        max_stale,
        failure.message,
        extra={
            "code": "list_failing",
            "channel": channel,
            "since": moment(failure.since),
            "read_at": moment(read_at),
            "error": failure.message,
        },
    )


class UnavailableOnce:
    """Logs that nothing may be sent on a channel whose list is kept recent, since nobody may ask.

    Of any other list, whoever asks is told by an error.

    Args:
        channel: the channel.
        kept_recent: the channels whose lists are kept recent.
    """

    def __init__(self, channel: str, kept_recent: AbstractSet[str]) -> None:
        self._channel = channel
        self._kept_recent = kept_recent
        self._is_reported = self._is_slow_reported = False

    def report(self, error: StopListUnavailable, *, is_slow: bool = False) -> None:
        """Log why, once until `end`; a failure also after a warning that the reading is slow."""
        is_known = self._is_reported or (is_slow and self._is_slow_reported)
        if self._channel not in self._kept_recent or is_known:
            return
        if is_slow:
            self._is_slow_reported = True
        else:
            self._is_reported = True
        extra = {"code": "list_unavailable", "channel": self._channel, "error": str(error)}
        logger.warning("%s", error, extra=extra)

    def end(self) -> None:
        """Note that the list may serve."""
        self._is_reported = self._is_slow_reported = False
