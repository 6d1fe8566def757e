"""The limits of an exchange with the API, and of the reading of a list."""

from dataclasses import dataclass

from suppress import ExchangeLimits


@dataclass(frozen=True, kw_only=True)
class BsgLimits(ExchangeLimits):
    """Limits that no user has to set.

    Attributes:
        page_size: entries of a page. The API gives 500 at most.
        max_extra_pages: pages that one read may fetch beyond the planned ones, to bridge edits
            of the list.
        looks: how often the newest end of the list is read, until one answer has all that is
            new.
        reads: how often the whole list is read before the reading fails.
    """

    page_size: int = 500
    max_extra_pages: int = 50
    looks: int = 3
    reads: int = 3


DEFAULT_LIMITS = BsgLimits()
