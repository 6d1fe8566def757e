"""SQL functions that ask the stop list, for connections of DuckDB and of SQLite.

The module is a plugin of sqlite-utils, too: every database that it opens has the functions.
"""

import contextlib
import importlib
import logging
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pluggy
from numpy.typing import NDArray

from suppress.default import default_suppressor
from suppress.errors import InvalidNumber, SuppressError
from suppress.numbers.mask import mask, mask_numbers
from suppress.screening.outcome import Outcome
from suppress.screening.recipients import taken
from suppress.screening.screening import outcomes_of
from suppress.screening.segment import INVALID, OUTCOMES, SUPPRESSED
from suppress.screening.tally import OutcomeTally
from suppress.suppressor import Suppressor

logger = logging.getLogger("suppress")


def register(
    connection: Any,
    *,
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> None:
    """Give a connection the SQL functions `is_suppressed` and `outcome`.

    `outcome(number, channel)` is `'allowed'`, `'suppressed'` or `'invalid'`, as `screen` says.
    `is_suppressed(number, channel)` is true or false, and null for an invalid number: neither
    `WHERE is_suppressed(...)` nor `WHERE NOT is_suppressed(...)` finds it. A query fails where
    the stop list is unavailable or no source serves the channel.

    Args:
        connection: a connection of `duckdb` or of `sqlite3`, or a `Database` of sqlite-utils.
        default_region: ISO 3166 region of numbers in national form, or `international`;
            None for the setting.
        suppressor: the one to ask; None for the default one, made by the first query.

    Raises:
        TypeError: it is a connection of something else.
        ImportError: DuckDB's connection needs pyarrow, which the extra `frames` installs.
    """
    functions = _Functions(default_region, suppressor)
    native = getattr(connection, "conn", connection)
    if isinstance(native, sqlite3.Connection):
        native.create_function("is_suppressed", 2, functions.is_suppressed)
        native.create_function("outcome", 2, functions.outcome)
    elif type(native).__name__ == "DuckDBPyConnection":
        _register_with_duckdb(native, functions)
    else:
        raise TypeError(
            f"A {type(connection).__name__} has no SQL functions. Pass a connection of duckdb or "
            "of sqlite3."
        )


@pluggy.HookimplMarker("sqlite_utils")
def prepare_connection(conn: sqlite3.Connection) -> None:
    """Give the functions to a database that sqlite-utils has opened."""
    register(conn)


def _register_with_duckdb(connection: Any, functions: "_Functions") -> None:
    importlib.import_module("pyarrow")
    duckdb = importlib.import_module("duckdb")
    for name, function, kind in (
        ("is_suppressed", functions.are_suppressed, "BOOLEAN"),
        ("outcome", functions.outcomes, "VARCHAR"),
    ):
        with contextlib.suppress(duckdb.InvalidInputException):
            connection.remove_function(name)
        # Without parameters, numbers of any type come as they are. The answer changes with the
        # list, and must not be kept with a prepared query.
        connection.create_function(
            name, function, None, kind, type="arrow", null_handling="special", side_effects=True
        )


@dataclass(frozen=True)
class _Functions:
    """The functions behind those of SQL.

    Attributes:
        default_region: the region of numbers in national form; None for the setting.
        suppressor: the one to ask; None for the default one.
    """

    default_region: str | None
    suppressor: Suppressor | None

    def outcome(self, number: object, channel: str) -> str:
        """Return the outcome for one number."""
        suppressed = self.is_suppressed(number, channel)
        if suppressed is None:
            return Outcome.INVALID.value
        return (Outcome.SUPPRESSED if suppressed else Outcome.ALLOWED).value

    def is_suppressed(self, number: object, channel: str) -> bool | None:
        """Return whether one number is suppressed; None where it is invalid."""
        one = self.suppressor or default_suppressor()
        try:
            return one.is_suppressed(number, channel, default_region=self.default_region)
        except InvalidNumber:
            return None
        except SuppressError as error:
            # SQLite says only that a function has failed.
            extra = {
                "code": "query_failed",
                "channel": mask(channel),
                "error": mask_numbers(str(error)),
            }
            logger.error(  # noqa: TRY400 - frames hold numbers
                "The SQL query failed. %s", error, extra=extra
            )
            raise

    def outcomes(self, numbers: Any, channels: Any) -> Any:
        """Return the outcomes for an Arrow array, as another."""
        pa = importlib.import_module("pyarrow")
        codes = self._codes(numbers, channels)
        return pa.array([each.value for each in OUTCOMES]).take(pa.array(codes))

    def are_suppressed(self, numbers: Any, channels: Any) -> Any:
        """Return for an Arrow array whether each is suppressed; null where it is invalid."""
        codes = self._codes(numbers, channels)
        array = importlib.import_module("pyarrow").array
        return array(codes == SUPPRESSED, mask=codes == INVALID)

    def _codes(self, numbers: Any, channels: Any) -> NDArray[np.uint8]:
        """Return the outcomes as codes."""
        named = channels.unique().to_pylist()
        if len(named) == 1:
            return self._codes_on(named[0], numbers)
        codes = np.zeros(len(numbers), np.uint8)
        of_each = np.array(channels.to_pylist(), object)
        for channel in named:
            chosen = of_each == channel
            some = numbers.filter(importlib.import_module("pyarrow").array(chosen))
            codes[chosen] = self._codes_on(channel, some)
        return codes

    def _codes_on(self, channel: str, numbers: Any) -> NDArray[np.uint8]:
        one = self.suppressor or default_suppressor()
        began = time.monotonic()
        snapshot, reader = one.snapshot(channel), one.reader(self.default_region)
        tally = OutcomeTally(channel, one.listeners, began=began)
        codes = outcomes_of(taken(numbers)[1], snapshot, reader)
        tally.add(codes)
        tally.tell()
        return codes
