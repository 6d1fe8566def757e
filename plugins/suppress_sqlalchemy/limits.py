"""Limits of connections and of reading that no user has to set."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SqlLimits:
    """Limits of connections and of reading.

    Attributes:
        batch_rows: rows that are fetched, and given, together.
        connect_within: seconds to wait for a connection, and for a locked file of SQLite.
        silent_for: seconds without an answer after which a connection is taken for dead.
        opt_outs_at_once: numbers that are written together.
    """

    batch_rows: int = 10_000
    connect_within: float = 10.0
    silent_for: float = 30.0
    opt_outs_at_once: int = 500


DEFAULT_LIMITS = SqlLimits()
