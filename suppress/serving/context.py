"""The things from outside that serving depends on: settings, the store, the record, time."""

from collections.abc import Callable
from dataclasses import dataclass

from suppress.opt_outs.record import OptOuts
from suppress.serving.limits import ServingLimits
from suppress.settings.settings import Settings
from suppress.stores.contract import Store


@dataclass(frozen=True)
class Context:
    """The things from outside that all parts of serving share.

    Attributes:
        settings: for how long a snapshot serves, and how long a reading may take.
        limits: delays.
        store: where snapshots stay.
        opt_outs: the people who were opted out here; None where nobody can be.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        wake: called when there is something new for the background.
    """

    settings: Settings
    limits: ServingLimits
    store: Store
    opt_outs: OptOuts | None
    clock: Callable[[], float]
    timer: Callable[[], float]
    wake: Callable[[], None]
