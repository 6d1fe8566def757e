"""The span of days in which the same changes of numbering plans are in force."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

from suppress.numbers.readers import Readers
from suppress.serving.serving import Serving


@dataclass(frozen=True)
class Period:
    """A span of days, and the stop lists and recipients as their numbers are read in it.

    Attributes:
        begin: its begin (seconds since the epoch).
        end: its end.
        readers: what reads the numbers of recipients.
        serving: the stop lists.
    """

    begin: float
    end: float
    readers: Readers
    serving: Serving

    @classmethod
    def between(cls, first: date, end: date, readers: Readers, serving: Serving) -> "Period":
        """Return the period from the first day on until the other begins, in UTC."""
        return cls(_midnight(first), _midnight(end), readers, serving)


def _midnight(day: date) -> float:
    """Return when a day begins (seconds since the epoch); infinity for the first and last day."""
    if day in (date.min, date.max):
        return math.copysign(math.inf, day.year - date.max.year + 1)
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()
