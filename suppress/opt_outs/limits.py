"""The delays and limits of opt-outs."""

from typing import NamedTuple


class OptOutLimits(NamedTuple):
    """The delays and limits of opt-outs, in seconds where nothing else is said.

    Attributes:
        max_wait: how long to wait for another process that writes.
        retry_delay: after how long a source that could not be reached is told again; twice as
            long each time.
        max_retry_delay: the longest of these; after it, what was refused is told again too.
        min_pause: the shortest time after which the background delivers again.
        look_every: after how long the background looks for what other processes have left.
        rounds: how often a command delivers at most, where others add meanwhile.
        page: how many pending changes are read at a time.
        image_after: after how many changes an image is kept.
        look_after: after how long the copy of a shared record is compared with that, should no
            news have come.
        news_pause: the shortest time between two copies, so that many news are one.
        look_wait: how long a caller waits for that while the copy can serve.
        look_rest: how long nobody waits for a server that did not answer.
        lease: how long a machine that delivers, and gives no sign of life, keeps others waiting.
        silent_after: after how long without a sign of the process that copies another one does.
    """

    max_wait: float = 10.0
    retry_delay: float = 30.0
    max_retry_delay: float = 3600.0
    min_pause: float = 1.0
    look_every: float = 60.0
    rounds: int = 3
    page: int = 1000
    image_after: int = 10_000
    look_after: float = 1.0
    news_pause: float = 0.02
    look_wait: float = 2.0
    look_rest: float = 5.0
    lease: float = 30.0
    silent_after: float = 3.0


LIMITS = OptOutLimits()
