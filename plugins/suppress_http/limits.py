"""The bounds within which the service answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HttpLimits:
    """The bounds within which the service answers.

    Attributes:
        head: the most bytes of a request before its body, and of what follows it.
        wait_for_head: seconds to wait for a request on a connection that has none.
        small_body: the most bytes of a request that is about a few people.
        wait_for_body: seconds to wait for the next piece of a body.
        in_memory: the bytes of an answer from which on it stays in a temporary file.
        batch: recipients that are screened together.
        checks: single checks, opt-outs and replies that are answered at once.
        screenings: lists that are screened at once; the others wait.
        tolerance: seconds by which the time of a signature may be off.
        log_pause: seconds between two records of replies that are refused for the same reason.
    """

    head: int = 2**16
    wait_for_head: float = 30.0
    small_body: int = 2**20
    wait_for_body: float = 60.0
    in_memory: int = 2**20
    batch: int = 4096
    checks: int = 32
    screenings: int = 4
    tolerance: float = 300.0
    log_pause: float = 60.0


LIMITS = HttpLimits()
