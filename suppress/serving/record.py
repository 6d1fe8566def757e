"""The opt-outs that were made here, as long as they are known well enough to serve."""

from typing import TYPE_CHECKING

from suppress.opt_outs.contract import RecordError
from suppress.opt_outs.record import OptOuts, OptOutsUnreadable
from suppress.serving.context import Context
from suppress.serving.freshness import State, age_of, state_of
from suppress.serving.status import CopyStatus
from suppress.stop_list.opted_out import OptedOut

if TYPE_CHECKING:
    from suppress.opt_outs.upkeep import Upkeep


class ServedOptOuts:
    """The opt-outs of a record, or of its copy while that was seen to be whole lately enough.

    A copy may serve as a snapshot may: up to the age of `max_stale`.

    Args:
        opt_outs: the opt-outs.
        upkeep: keeps the copy up to date; None where there is only the record itself.
        context: the settings and time.
    """

    def __init__(self, opt_outs: OptOuts, upkeep: "Upkeep | None", context: Context) -> None:
        self._opt_outs = opt_outs
        self._upkeep = upkeep
        self._settings = context.settings
        self._clock = context.clock
        self._timer = context.timer

    def of(self, channel: str) -> OptedOut:
        """Return everyone who is opted out of the channel now: the same object while they are.

        Raises:
            OptOutsUnreadable: that cannot be read, or its copy is too old and cannot be renewed.
        """
        found = self._opt_outs.of(channel)
        if self._upkeep is None or self._state(self._age(self._upkeep)).may_serve:
            return found
        try:
            self._upkeep.look(forced=True)
        except RecordError as error:
            raise OptOutsUnreadable(self._too_old(self._age(self._upkeep), error)) from error
        return self._opt_outs.of(channel)

    def status(self) -> CopyStatus | None:
        """Return the state of the copy, where a server keeps the opt-outs."""
        if self._upkeep is None or (age := self._age(self._upkeep)) is None:
            return None
        return CopyStatus(self._opt_outs.record.where, age, self._upkeep.failure)

    def _age(self, upkeep: "Upkeep") -> float | None:
        sighting = upkeep.sighting
        if sighting is None:
            return None
        return age_of(sighting.at, self._clock(), self._timer() - sighting.ticks)

    def _state(self, age: float | None) -> State:
        return state_of(age, self._settings.ttl, self._settings.max_stale)

    def _too_old(self, age: float | None, error: RecordError) -> str:
        when = "at a time that is still to come" if age is None or age < 0 else f"{age:.0f} s ago"
        return (
            f"The opt-outs in {self._opt_outs.record.where} were copied to this machine {when}, "
            f"and SUPPRESS_MAX_STALE is {self._settings.max_stale:g} s. Somebody may have opted "
            f"out since, and they cannot be copied now ({error.reason}). Nothing may be sent "
            f"until they can. {error.remedy}"
        )
