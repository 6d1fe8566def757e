"""The state of several suppressors in one view, for metrics and health."""

import weakref
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from suppress.errors import SuppressError
from suppress.opt_outs.contract import Action, Backlog
from suppress.serving.status import ChannelStatus
from suppress.suppressor import Suppressor


class Waiting(NamedTuple):
    """The changes of one kind that a source has not taken yet.

    Attributes:
        source: the name of the source; all its accounts count together.
        channel: the channel.
        action: `add` or `remove`.
        waiting: how many wait to be delivered.
        refused: how many the source has refused.
        since: when the oldest of all was made (seconds since the epoch).
    """

    source: str
    channel: str
    action: Action
    waiting: int
    refused: int
    since: float


class Overview(NamedTuple):
    """The state of all that is watched, at one moment.

    Attributes:
        channels: the state of each channel that was read here at least once, has failed to be, or
            is kept recent.
        waiting: what waits for the sources.
        is_readable: whether all opt-outs that were made here can be read; None if nothing is
            watched.
    """

    channels: tuple[ChannelStatus, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    is_readable: bool | None = None


class Watched:
    """Suppressors that are watched together.

    Args:
        suppressors: some to begin with. None of them is kept alive by this.
    """

    def __init__(self, *suppressors: Suppressor) -> None:
        self._suppressors = weakref.WeakSet(suppressors)

    def add(self, suppressor: Suppressor) -> bool:
        """Watch another one; return False if it is watched already."""
        if suppressor in self._suppressors:
            return False
        self._suppressors.add(suppressor)
        return True

    def overview(self) -> Overview:
        """Return the state of all, without asking a source.

        Each channel comes once: where several serve it, the one in the worst state is shown. What
        waits comes once too, as those that share a store have the same. Never raises a
        `SuppressError`: an overview that failed would hide the state of the rest.
        """
        channels: dict[str, ChannelStatus] = {}
        waiting: dict[tuple[str, str, Action], Waiting] = {}
        suppressors = list(self._suppressors)
        is_readable = True if suppressors else None
        for each in suppressors:
            try:
                status, backlog = each.status(), each.backlog()
            except SuppressError:
                is_readable = False
                continue
            for name, channel in status.channels.items():
                if _is_needed(channel) and (
                    name not in channels or _badness(channel) > _badness(channels[name])
                ):
                    channels[name] = channel
            for kind in _by_kind(backlog):
                waiting[kind[:3]] = max(kind, waiting.get(kind[:3], kind))
        return Overview(tuple(channels.values()), tuple(waiting.values()), is_readable)


def _is_needed(status: ChannelStatus) -> bool:
    """Tell whether anybody asked for the list; all others are of no account here."""
    was_tried = status.snapshot is not None or status.failure is not None
    return was_tried or status.is_kept_recent


def _badness(status: ChannelStatus) -> tuple[int, float]:
    return status.health.value, -1.0 if status.age is None else status.age


def _by_kind(backlog: Iterable[Backlog]) -> Iterable[Waiting]:
    found = defaultdict[tuple[str, str, Action], list[Backlog]](list)
    for each in backlog:
        found[each.source, each.channel, each.action].append(each)
    for key, some in found.items():
        refused = sum(each.refused for each in some)
        count = sum(each.count for each in some)
        yield Waiting(*key, count - refused, refused, min(each.since for each in some))
