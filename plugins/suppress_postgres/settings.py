"""The settings of the plugin, and the delays that no user has to set."""

import re
from dataclasses import dataclass

from suppress import ConfigurationError

_SCHEMA = re.compile("[a-z_][a-z0-9_]{0,39}")
"""Names that need no quotes; a channel of news adds some letters, and has 63 at most."""


@dataclass(frozen=True, kw_only=True)
class PostgresSettings:
    """The table `[suppress.postgres]`; each is also `SUPPRESS_POSTGRES_` and its name.

    Attributes:
        schema: the schema of the database that everything lies in.
        timeout: seconds to wait for a connection, and for the answer to a statement.
    """

    schema: str = "suppress"
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not _SCHEMA.fullmatch(self.schema) or self.schema.startswith("pg_"):
            raise ConfigurationError(
                "SUPPRESS_POSTGRES_SCHEMA (`schema` in the table [suppress.postgres]) must have "
                "up to 40 lower-case letters, digits and _, and begin with a letter, not with pg_."
            )
        if not 1 <= self.timeout <= 600:  # noqa: PLR2004
            raise ConfigurationError(
                "SUPPRESS_POSTGRES_TIMEOUT (`timeout` in the table [suppress.postgres]) must be a "
                "number of seconds from 1 to 600."
            )


@dataclass(frozen=True, kw_only=True)
class PostgresLimits:
    """Delays, in seconds, and sizes.

    Attributes:
        idle: how long the server keeps a connection that is not used.
        ping_after: after how long a connection that was not used is tried before it is used.
        listening_ping: how often a silent connection that waits for news is tried.
        lock_slice: how long one statement waits for another holder of a lease.
        chunk: the bytes of a part that are sent and read at a time.
        people: how many people of a record are sent and read at a time.
        orphan_age: after how long a part goes that no head names.
        unused_age: after how long a key goes that nobody publishes.
    """

    idle: float = 60.0
    ping_after: float = 1.0
    listening_ping: float = 5.0
    lock_slice: float = 5.0
    chunk: int = 2**20
    people: int = 20_000
    orphan_age: float = 600.0
    unused_age: float = 30 * 86400.0


LIMITS = PostgresLimits()
