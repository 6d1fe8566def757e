"""The settings of the plugin, their bounds, and the limits that no user has to set."""

import re
from dataclasses import dataclass
from typing import Literal, get_args

from suppress import ConfigurationError, Secret

Durability = Literal["always", "everysec", "unchecked"]
"""Promises of a server for what it has acknowledged."""


@dataclass(frozen=True, kw_only=True)
class RedisSettings:
    """The table `[suppress.redis]`; each is also `SUPPRESS_REDIS_` and its name.

    Attributes:
        prefix: the name under which all keys stand on the server, as `{prefix}:...`. Machines
            that work together have the same.
        durability: the promise that is asked of a server before it may keep opt-outs. `always`:
            each is on its disk before it is acknowledged. `everysec`: a server that crashes may
            lose the last two seconds. `unchecked`: nothing is asked.
        timeout: seconds to wait for a connection, and for each answer.
        sentinel_password: the password of the sentinels, if they have one.
    """

    prefix: str = "suppress"
    durability: Durability = "always"
    timeout: float = 5.0
    sentinel_password: Secret | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch("[A-Za-z0-9_.-]{1,64}", self.prefix):
            _refuse("prefix", "must be 1 to 64 letters, digits, `_`, `.` and `-`")
        if self.durability not in get_args(Durability):
            _refuse("durability", f"must be one of {', '.join(get_args(Durability))}")
        if not 0 < self.timeout <= 60:  # noqa: PLR2004
            _refuse("timeout", "must be a number of seconds, more than 0 and at most 60")


@dataclass(frozen=True, kw_only=True)
class RedisLimits:
    """Limits that no user has to set.

    Attributes:
        retries: how often a command is repeated after the connection was lost.
        retry_delay: seconds before the first repetition; twice as many before each further one.
        longest_silence: seconds without a sign of life after which a holder loses its lease.
        poll: seconds between two tries to get a lease that another holds.
        look_every: seconds between two looks for a change whose message was missed.
        piece: bytes that are sent or read at once.
        upload_age: seconds after which a part goes that was not sent to its end.
        orphan_age: seconds after which a part goes that no head names any more.
        unused_age: seconds after which a snapshot goes that nobody renews.
        page: how many batches of changes are read at once.
        chunk: how many pending changes are kept as one value.
    """

    retries: int = 3
    retry_delay: float = 0.05
    longest_silence: float = 15.0
    poll: float = 0.05
    look_every: float = 0.5
    piece: int = 2**20
    upload_age: float = 600.0
    orphan_age: float = 300.0
    unused_age: float = 30 * 86400.0
    page: int = 500
    chunk: int = 1000


LIMITS = RedisLimits()


def _refuse(name: str, reason: str) -> None:
    raise ConfigurationError(
        f"SUPPRESS_REDIS_{name.upper()} (`{name}` in the table [suppress.redis]) {reason}."
    )
