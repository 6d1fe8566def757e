"""A database: one consistent transaction to read in, one to write in, and errors in words."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from suppress import Secret, SourceError, mask_numbers, warn_if_others_write
from suppress_sqlalchemy.address import address_of, shown, without_secrets
from suppress_sqlalchemy.limits import SqlLimits

ISOLATION = MappingProxyType(
    {
        "mariadb": "REPEATABLE READ",
        "mssql": "SNAPSHOT",
        "mysql": "REPEATABLE READ",
        "oracle": "SERIALIZABLE",
        "postgresql": "REPEATABLE READ",
    }
)
"""Levels at which a transaction sees the database as it was at one moment, and locks nobody out.

SQLite's transactions always do. Elsewhere, it is left to the database: the list is one statement.
"""

_MOST_MILLISECONDS = 2**31 - 1


class SqlDatabase:
    """A database of the team's, with a new connection for each reading and each writing.

    Args:
        url: its URL.
        timeout: seconds that a statement may take.
        limits: the limits of connections.

    Attributes:
        address: its URL, with the driver in use.
    """

    def __init__(self, url: Secret, *, timeout: float, limits: SqlLimits) -> None:
        self.address = address_of(url)
        self._timeout = timeout
        self._file = _file_of(self.address)
        if self._file is not None:
            warn_if_others_write(self._file, "list")
        self._engine = sa.create_engine(
            self.address,
            # Nothing is left open between two readings, or in a process that was forked.
            poolclass=sa.NullPool,
            hide_parameters=True,
            connect_args=_arguments(self.address, timeout, limits),
        )

    @property
    def dialect(self) -> sa.Dialect:
        """The database's kind of SQL."""
        return self._engine.dialect

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees the database as it is at one moment, and changes nothing.

        Raises:
            SourceError: it cannot be reached, or what is done with the connection fails.
        """
        with self._connected() as connection:
            options: dict[str, Any] = {"postgresql_readonly": True}
            if (level := ISOLATION.get(self.dialect.name)) is not None:
                options["isolation_level"] = level
            connection.execution_options(**options)
            if self.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")  # Python's driver begins none to read
            self._limit(connection)
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are made together at the end of the block.

        Raises:
            SourceError: as for `reading`; nothing was changed, or it is uncertain.
        """
        with self._connected() as connection, connection.begin():
            self._limit(connection)
            yield connection

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection]:
        where = shown(self.address)
        if self._file is not None and not self._file.is_file():
            raise SourceError(f"{self._file} does not exist. Check `url`.")
        try:
            connection = self._engine.connect()
        except (sa.exc.SQLAlchemyError, OSError, TypeError, ValueError) as error:
            raise SourceError(
                f"{where} cannot be reached: {self._in_words(error)}. "
                "Check `url`, and that the server runs."
            ) from None
        with connection:
            try:
                yield connection
            except sa.exc.SQLAlchemyError as error:
                raise SourceError(
                    f"{where} answered with an error: {self._in_words(error)}. Check the table, "
                    "its columns, and the rights of the user."
                ) from None

    def _limit(self, connection: Connection) -> None:
        """Let no statement of the transaction take longer than the timeout."""
        if self.dialect.name == "postgresql":
            limit = min(math.ceil(1000 * self._timeout), _MOST_MILLISECONDS)
            connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")

    def _in_words(self, error: Exception) -> str:
        """Return an error without its statement, without a secret, and without a number."""
        said: object = error
        if isinstance(error, sa.exc.StatementError) and error.orig is not None:
            said = error.orig
        elif isinstance(error, sa.exc.SQLAlchemyError) and error.args:
            said = error.args[0]
        text = " ".join(str(said).split()).rstrip(".")
        return mask_numbers(without_secrets(text, self.address)) or type(said).__name__


def _file_of(address: URL) -> Path | None:
    """Return the file of a database of SQLite; None for any other."""
    database = address.database or ""
    if address.get_backend_name() != "sqlite" or database.startswith("file:"):
        return None
    return Path(database)


def _arguments(address: URL, timeout: float, limits: SqlLimits) -> dict[str, Any]:
    """Return the driver's arguments that bound each wait, as far as the URL has none of its own."""
    driver = address.get_driver_name()
    within = min(limits.connect_within, timeout)
    connect = max(1, math.ceil(within))
    answer = max(1, math.ceil(timeout))
    arguments: dict[str, Any] = {}
    if driver in ("psycopg", "psycopg2"):
        silent = max(1, math.ceil(limits.silent_for / 3))
        arguments = {
            "connect_timeout": connect,
            "keepalives_idle": silent,
            "keepalives_interval": silent,
            "keepalives_count": 2,
            "tcp_user_timeout": math.ceil(1000 * limits.silent_for),
        }
    elif driver in ("mysqldb", "pymysql"):
        arguments = dict.fromkeys(("read_timeout", "write_timeout"), answer)
        arguments["connect_timeout"] = connect
    elif driver == "pysqlite":
        arguments = {"timeout": within}
    return {name: value for name, value in arguments.items() if name not in address.query}
