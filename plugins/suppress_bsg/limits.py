"""The limits of an exchange with the API, and of the reading of a list."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BsgLimits:
    """Limits that no user has to set.

    Attributes:
        retries: how often a request is repeated.
        retry_delay: seconds before the first repetition; twice as many before each further one.
        max_wait: seconds that a `Retry-After` can ask for at most.
        largest_answer: bytes of an answer, unpacked. A page of 500 entries has about 60,000.
        page_size: entries of a page. The API gives 500 at most.
        max_extra_pages: pages that one read may fetch beyond the planned ones, to bridge edits
            of the list.
        looks: how often the newest end of the list is read, until one answer has all that is
            new.
        reads: how often the whole list is read before the reading fails.
    """

    retries: int = 5
    retry_delay: float = 0.25
    max_wait: float = 60.0
    largest_answer: int = 2 * 2**20
    page_size: int = 500
    max_extra_pages: int = 50
    looks: int = 3
    reads: int = 3


DEFAULT_LIMITS = BsgLimits()
