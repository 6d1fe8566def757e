"""The limits of the exchange with the API, and of the reading of a list."""

from dataclasses import dataclass

from suppress import ExchangeLimits


@dataclass(frozen=True, kw_only=True)
class TelnyxLimits(ExchangeLimits):
    """Limits that no user has to set.

    Attributes:
        page_size: opt-outs of a page. The API gives 250 at most.
        reads: how often the list is read until two reads in a row are equal.
    """

    page_size: int = 250
    reads: int = 5


DEFAULT_LIMITS = TelnyxLimits()
