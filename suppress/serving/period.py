"""The span of days in which the same changes of numbering plans are in force."""

import math
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from suppress.numbers import equivalence
from suppress.numbers.convention import Convention
from suppress.numbers.readers_by_region import ReadersByRegion
from suppress.opt_outs.keeping import Keeping
from suppress.opt_outs.record import OptOuts
from suppress.serving.context import Context
from suppress.serving.keys import key_of
from suppress.serving.record import ServedOptOuts
from suppress.serving.serving import Serving
from suppress.sources import Source


class Period(NamedTuple):
    """A span of days, and all that depends on how numbers are read in it.

    Attributes:
        begin: its begin (seconds since the epoch).
        end: its end.
        readers: the readers of recipients' numbers.
        opt_outs: the opt-outs that were made here; None where there can be none.
        serving: the stop lists.
    """

    begin: float
    end: float
    readers: ReadersByRegion
    opt_outs: OptOuts | None
    serving: Serving


class Calendar:
    """Gives the period of now. The next one begins when a change of a plan comes into force.

    Args:
        sources: where stop lists are read.
        channels: the channels that they serve.
        context: what serving depends on, but for the opt-outs.
        keeping: the record of opt-outs; None where there is none.
        before: the opt-outs as another calendar has them; None where there is none.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        channels: Collection[str],
        context: Context,
        keeping: Keeping | None,
        before: OptOuts | None = None,
    ) -> None:
        self._sources = sources
        self._channels = channels
        self._context = context
        self._clock = context.clock
        self._keeping = keeping
        self._renumbering = equivalence.chosen(context.settings.renumbering)
        self._current = self._begin(before)

    @property
    def current(self) -> Period:
        """The period of now."""
        period = self._current
        if not period.begin <= self._clock() < period.end:
            period = self._current = self._begin(period.opt_outs)
            if self._context.kept_recent:
                self._context.wake()  # its lists are not read yet
        return period

    def reading(self, sources: Sequence[Source]) -> "Calendar":
        """Return a calendar with the same opt-outs, whose stop lists come from other sources."""
        before = self.current.opt_outs
        return Calendar(sources, self._channels, self._context, self._keeping, before)

    def after_fork_in_child(self) -> None:
        """Forget what other threads were doing: none of them is in this process."""
        self._current.serving.after_fork_in_child()

    def _begin(self, before: OptOuts | None) -> Period:
        settings, digest = self._context.settings, self._renumbering.digest
        today = datetime.fromtimestamp(self._clock(), UTC).date()
        convention = Convention(
            settings.default_region, settings.possible_only, self._renumbering.in_force(today)
        )
        opt_outs = served = None
        if self._keeping is not None:
            opt_outs = self._keeping.opt_outs_under(convention, before)
            served = ServedOptOuts(opt_outs, self._keeping.upkeep, self._context)
        keys = {name: key_of(name, self._sources, convention, digest) for name in self._channels}
        context = self._context._replace(opt_outs=served)
        first, end = self._renumbering.period(today)
        return Period(
            _midnight(first),
            _midnight(end),
            ReadersByRegion(convention),
            opt_outs,
            Serving(self._sources, convention, keys, context),
        )


def _midnight(day: date) -> float:
    """Return when a day begins (seconds since the epoch); infinity for the first and last day."""
    if day in (date.min, date.max):
        return math.copysign(math.inf, day.year - date.max.year + 1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
