"""The state of each channel's stop list, for people and for machines that watch over it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum

from suppress.errors import UnknownChannel
from suppress.serving.freshness import State
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Failure


class Health(IntEnum):
    """The worst that was found, as the exit status of `suppress status --check`.

    Values compare: of two, the greater is the worse.
    """

    READY = 0
    """Every channel has a fresh snapshot, and none fails."""

    STALE = 1
    """A snapshot is stale."""

    UNAVAILABLE = 3
    """A stop list is missing, has expired, or fails to be read, even if the last one still answers;
    or a server's opt-outs do."""


@dataclass(frozen=True)
class ChannelStatus:
    """The state of a channel's stop list, as an answer on the channel would find it now.

    Attributes:
        channel: the channel.
        state: whether its snapshot may answer.
        age: seconds since it was read; below 0 if the clock was set back since. None where
            there is none.
        ttl: the age in seconds up to which it is fresh.
        max_stale: the age in seconds up to which it may answer while its source fails.
        failure: why the list could not be read since, if it could not.
        snapshot: the latest snapshot, however old.
        is_kept_recent: whether this process reads it even if nobody asks.
        is_being_read: whether this process is reading it.
    """

    channel: str
    state: State
    age: float | None
    ttl: float
    max_stale: float
    failure: Failure | None = None
    snapshot: Snapshot | None = field(default=None, repr=False)
    is_kept_recent: bool = False
    is_being_read: bool = False

    @property
    def count(self) -> int:
        """The number of different numbers listed; 0 where nothing was read."""
        return 0 if self.snapshot is None else self.snapshot.count

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources that were read."""
        return () if self.snapshot is None else self.snapshot.sources

    @property
    def read_at(self) -> datetime | None:
        """The time at which the reading began (aware, UTC)."""
        return None if self.snapshot is None else self.snapshot.read_at

    @property
    def digest(self) -> str | None:
        """SHA-256 of the numbers, in hexadecimal."""
        return None if self.snapshot is None else self.snapshot.digest

    @property
    def may_serve(self) -> bool:
        """True if the list answers now, be it fresh or stale."""
        return self.state.may_serve

    @property
    def health(self) -> Health:
        """The judgement of the channel."""
        if self.failure is not None or self.state in (State.EXPIRED, State.MISSING):
            return Health.UNAVAILABLE
        return Health.READY if self.state is State.FRESH else Health.STALE


@dataclass(frozen=True)
class CopyStatus:
    """The state of this machine's copy of the opt-outs that a server keeps.

    Attributes:
        where: the server.
        age: seconds since the copy had all that the server has; below 0 if the clock was set
            back since.
        failure: why it could not be copied since, if it could not.
    """

    where: str
    age: float
    failure: str | None = None


@dataclass(frozen=True)
class Status:
    """The state of all channels that are served.

    Attributes:
        ttl: the age in seconds up to which a snapshot is fresh.
        max_stale: the age in seconds up to which one may answer while its source fails.
        channels: the state of each channel, by its name.
        opt_outs: the state of the copy of the opt-outs; None where no server keeps them.
    """

    ttl: float
    max_stale: float
    channels: Mapping[str, ChannelStatus]
    opt_outs: CopyStatus | None = None

    def health(self, channels: Collection[str] = ()) -> Health:
        """Judge some channels, and the copy of the opt-outs: the worst of them counts.

        Args:
            channels: which; if empty, those that were read here at least once. Where none ever
                was, the answer is `UNAVAILABLE`.

        Raises:
            UnknownChannel: no source serves one of them.
        """
        for name in channels:
            if name not in self.channels:
                raise UnknownChannel.among(name, self.channels)
        if self.opt_outs is not None and self.opt_outs.failure is not None:
            return Health.UNAVAILABLE
        judged = channels or [
            name for name, each in self.channels.items() if each.state is not State.MISSING
        ]
        return max((self.channels[name].health for name in judged), default=Health.UNAVAILABLE)


def moment(seconds: float) -> str:
    """Return a time (seconds since the epoch) as text, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
