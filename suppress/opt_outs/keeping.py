"""The opt-outs that stay in a store's folder: their record, and its delivery to the sources."""

import functools
import math
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from suppress.numbers.convention import Convention
from suppress.opt_outs.delivery import Delivery, Ids
from suppress.opt_outs.image import Images
from suppress.opt_outs.record import OptOuts
from suppress.opt_outs.sqlite import SqliteRecord
from suppress.sources import Source
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.contract import Store


class Keeping:
    """The record of opt-outs in a folder.

    Args:
        folder: where the record is.
        store: keeps other processes from writing at the same time.
        sources: those that are told of opt-outs.
        stored: a bound method that gives a channel's list as it was last read; it is not kept
            alive by this.
        clock: gives the time, in seconds since the epoch.
        load_timeout: seconds that a source may take.

    Attributes:
        delivery: tells the sources.
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: Store,
        sources: Sequence[Source],
        stored: Callable[[str], Snapshot | None],
        clock: Callable[[], float],
        load_timeout: float,
    ) -> None:
        self._folder = folder
        lock = functools.partial(store.exclusive, "opt-outs", lease=math.inf, wait=math.inf)
        self._record = SqliteRecord(folder, lock)
        self.delivery = Delivery(
            self._record,
            sources,
            exclusive=lambda name, wait: store.exclusive(name, load_timeout, wait=wait),
            ids=_ids_in(weakref.WeakMethod(stored)),
            clock=clock,
            load_timeout=load_timeout,
        )

    def opt_outs_under(self, convention: Convention, before: OptOuts | None) -> OptOuts:
        """Return the opt-outs as read under a convention, given those under another one."""
        images = Images(self._folder, convention)
        if before is None:
            return OptOuts(self._record, convention, images)
        return before.under(convention, images)


def _ids_in(stored: "weakref.WeakMethod[Callable[[str], Snapshot | None]]") -> Ids:
    """Return a function that finds the ids of a number's entries on the list of a source."""

    def ids(source: str, channel: str, number: str) -> list[str | int]:
        method = stored()
        snapshot = None if method is None else method(channel)
        found = () if snapshot is None else snapshot.origins.of(number)
        return [each.id for each in found if each.source == source and each.id is not None]

    return ids
