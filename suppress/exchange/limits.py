"""The limits of an exchange, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ExchangeLimits:
    """Limits of the requests of a source that no user has to set.

    Attributes:
        retries: how often a request is repeated.
        retry_delay: seconds before the first repetition; twice as many before each further one.
        max_wait: seconds that a `Retry-After` can ask for at most.
        largest_answer: bytes of an answer, unpacked.
    """

    retries: int = 5
    retry_delay: float = 0.25
    max_wait: float = 60.0
    largest_answer: int = 2 * 2**20
