"""The opt-outs that are kept in a place: as they are read, and their delivery to the sources."""

import weakref
from collections.abc import Callable, Sequence

from suppress.events import Listener
from suppress.numbers.convention import Convention
from suppress.opt_outs.delivery import Delivery, Ids
from suppress.opt_outs.image import Images
from suppress.opt_outs.places import Place
from suppress.opt_outs.record import OptOuts
from suppress.sources import Source
from suppress.stop_list.snapshot import Snapshot


class Keeping:
    """The opt-outs of a place.

    Args:
        place: where their record is.
        sources: those that are told of opt-outs.
        stored: a bound method that gives a channel's list as it was last read; it is not kept
            alive by this.
        clock: gives the time, in seconds since the epoch.
        load_timeout: seconds that a source may take.
        tell: told of each delivery.

    Attributes:
        delivery: tells the sources.
        upkeep: keeps the copy of a shared record up to date; None where the record is here.
    """

    def __init__(
        self,
        place: Place,
        *,
        sources: Sequence[Source],
        stored: Callable[[str], Snapshot | None],
        clock: Callable[[], float],
        load_timeout: float,
        tell: Listener,
    ) -> None:
        self._place = place
        self.upkeep = place.upkeep
        self.delivery = Delivery(
            place.record,
            sources,
            exclusive=place.exclusive,
            ids=_ids_in(weakref.WeakMethod(stored)),
            clock=clock,
            load_timeout=load_timeout,
            tell=tell,
        )

    def opt_outs_under(self, convention: Convention, before: OptOuts | None) -> OptOuts:
        """Return the opt-outs as read under a convention, given those under another one."""
        folder = self._place.folder
        images = None if folder is None else Images(folder, convention)
        if before is None:
            return OptOuts(self._place.record, convention, images)
        return before.under(convention, images)

    def after_fork_in_child(self) -> None:
        """Forget calls and connections of the process that this one was forked from."""
        self.delivery.after_fork_in_child()
        if self.upkeep is not None:
            self.upkeep.after_fork_in_child()


def _ids_in(stored: "weakref.WeakMethod[Callable[[str], Snapshot | None]]") -> Ids:
    """Return a function that finds the ids of a number's entries on the list of a source."""

    def ids(source: str, channel: str, number: str) -> list[str | int]:
        method = stored()
        snapshot = None if method is None else method(channel)
        found = () if snapshot is None else snapshot.origins.of(number)
        return [each.id for each in found if each.source == source and each.id is not None]

    return ids
