"""The outcome of a screening for one recipient: allowed, suppressed or invalid."""

from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from suppress.lazy import cached_property
from suppress.numbers.mask import mask_numbers
from suppress.stop_list.origins import Origin

R = TypeVar("R")


class Outcome(StrEnum):
    """The outcome for a recipient."""

    ALLOWED = "allowed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"


class _Decision(NamedTuple, Generic[R]):
    recipient: R
    outcome: Outcome
    e164: str | None
    reason: str


class Decision(_Decision[R]):
    """The outcome for one recipient; a tuple of the first four.

    Attributes:
        recipient: what was handed in.
        outcome: allowed, suppressed or invalid.
        e164: its first reading; None where it has none.
        reason: why, in words.
        readings: all of its readings, in E.164 form.
        origins: the entries of stop lists that suppress it; none for the others.
        masked_reason: why, for logs and errors: the same with numbers in it masked.
    """

    readings: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()

    @cached_property
    def masked_reason(self) -> str:
        """The reason with every number in it masked; a screening sets it from the parts."""
        return mask_numbers(self.reason)
