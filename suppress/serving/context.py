"""The things from outside that serving depends on: settings, the store, the record, time."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import NamedTuple, Protocol

from suppress.events import Listener, unheard
from suppress.serving.limits import ServingLimits
from suppress.serving.status import CopyStatus
from suppress.settings.settings import Settings
from suppress.stop_list.opted_out import OptedOut
from suppress.stores.contract import Store


class KnowsOptOuts(Protocol):
    """Knows who was opted out here."""

    def of(self, channel: str) -> OptedOut:
        """Return everyone who is opted out of the channel now.

        Raises:
            OptOutsUnreadable: nobody can say so.
        """

    def status(self) -> CopyStatus | None:
        """Return the state of the copy, where a server keeps them."""


class Context(NamedTuple):
    """The things from outside that all parts of serving share.

    Attributes:
        settings: for how long a snapshot serves, and how long a reading may take.
        limits: delays.
        store: where snapshots stay.
        opt_outs: the people who were opted out here; None where nobody can be.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        wake: called when there is something new for the background.
        tell: told of each list that is read, or cannot be read.
        kept_recent: the channels whose lists are renewed even if nobody asks; more may come.
    """

    settings: Settings
    limits: ServingLimits
    store: Store
    opt_outs: KnowsOptOuts | None
    clock: Callable[[], float]
    timer: Callable[[], float]
    wake: Callable[[], object]
    tell: Listener = unheard
    kept_recent: AbstractSet[str] = frozenset()
