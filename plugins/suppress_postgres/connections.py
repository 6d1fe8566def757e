"""Connections to a database: made when they are needed, kept for a while, and never waited on.

A connection that does not answer within the timeout is ended, whatever the network does. On the
server's side, the same holds: it ends a transaction whose client is silent, and with it its
locks, and a connection that is not used any more.
"""

import contextlib
import logging
import math
import os
import select
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict

from suppress import ConfigurationError, ServerUrl, mask_numbers
from suppress_postgres.migrations import prepare
from suppress_postgres.settings import LIMITS, PostgresLimits, PostgresSettings

logger = logging.getLogger("suppress")

OLDEST_SERVER = 140000
"""The first that ends a session which is idle: leases need that."""

_SESSION = (
    "SELECT set_config('search_path', %s, false), set_config('lock_timeout', %s, false), "
    "set_config('default_transaction_isolation', 'read committed', false), "
    # Whoever was told that an opt-out is kept has to be right after a power failure.
    "CASE WHEN current_setting('synchronous_commit') = 'off' "
    "THEN set_config('synchronous_commit', 'on', false) END"
)

_ENDED = {
    *("57P01", "57P02", "57P03"),  # the server ends, has crashed, or starts
    *("57P05", "25P03"),  # the client was idle, in a transaction or without one
}


class PostgresConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that ends if the server does not answer within `answer_within` seconds."""

    answer_within = 10.0

    def wait(self, gen: PQGen[Any], *args: Any, **kwargs: Any) -> Any:
        """Consume a generator of psycopg, which is resumed every so often."""
        return super().wait(self._bounded(gen), *args, **kwargs)

    def _bounded(self, gen: PQGen[Any]) -> PQGen[Any]:
        end = time.monotonic() + self.answer_within
        try:
            awaited = next(gen)
            while True:
                ready = yield awaited
                if not ready and time.monotonic() >= end:
                    self.close()
                    raise psycopg.OperationalError(
                        f"the server has not answered for {self.answer_within:g} seconds"
                    )
                awaited = gen.send(ready)
        except StopIteration as done:
            return done.value

    def idles(self, seconds: float, in_transaction: float) -> None:
        """Let the server end the connection when it is not used for some time; 0 for never."""
        self.execute(
            "SELECT set_config('idle_session_timeout', %s, false), "
            "set_config('idle_in_transaction_session_timeout', %s, false)",
            [_milli(seconds), _milli(in_transaction)],
        )


class PostgresConnections:
    """The connections of one user of a database. Thread-safe.

    Args:
        url: the database.
        settings: the schema, and how long to wait.
        limits: the delays.

    Raises:
        ConfigurationError: the URL cannot be used.
    """

    def __init__(
        self,
        url: ServerUrl,
        settings: PostgresSettings,
        limits: PostgresLimits = LIMITS,
    ) -> None:
        self.url = url
        self.schema = settings.schema
        self.limits = limits
        self.timeout = settings.timeout
        self._added = _parameters(url, settings)
        self._process = os.getpid()
        self._lock = threading.Lock()
        # The latest one last, with when it was used.
        self._idle: list[tuple[PostgresConnection, float]] = []
        self._all: weakref.WeakSet[PostgresConnection] = weakref.WeakSet()
        self._of_parents: list[PostgresConnection] = []

    @contextlib.contextmanager
    def borrowed(self) -> Iterator[PostgresConnection]:
        """Give a connection outside a transaction, for one thread.

        Raises:
            psycopg.Error: none can be made. One that an error has left in an unknown
                state is ended.
        """
        connection = self._usable() or self.connected()
        try:
            yield connection
        except BaseException:
            if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                connection.close()
            raise
        finally:
            if not connection.closed:
                with self._lock:
                    self._idle.append((connection, time.monotonic()))

    def connected(self) -> PostgresConnection:
        """Return a new connection, to a schema of today's version.

        Raises:
            psycopg.Error: it cannot be made.
            ConfigurationError: the server or the schema is of a version that cannot be used.
        """
        connection = PostgresConnection.connect(
            self.url.reveal(), autocommit=True, prepare_threshold=None, **self._added
        )
        try:
            self._all.add(connection)
            connection.answer_within = self.timeout
            self._refuse_old(connection)
            # Less than the time to wait for an answer, so that the answer says what is awaited.
            patience = _milli(0.8 * self.timeout)
            connection.execute(_SESSION, [f"{self.schema}, pg_temp", patience])
            connection.idles(self.limits.idle, self.timeout)
            prepare(connection, self.schema)
        except BaseException:
            connection.close()
            raise
        return connection

    def after_fork_in_child(self) -> None:
        """Forget the connections of the parent, which go on there."""
        of_parent = list(self._all)
        self._lock = threading.Lock()
        self._idle = []
        self._all = weakref.WeakSet()
        is_child, self._process = self._process != os.getpid(), os.getpid()
        for connection in of_parent:
            if not is_child:
                connection.close()
                continue
            # To close it would tell the server that the parent ends it. But the server is to
            # notice when the parent is killed, so its socket is not held open here.
            with contextlib.suppress(psycopg.Error, OSError):
                os.close(connection.fileno())
            self._of_parents.append(connection)

    def close(self) -> None:
        """End all connections. Another thread that uses one gets an error."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection, _ in idle:
            connection.close()
        for connection in list(self._all):
            # It is for the thread that uses it to close it.
            with (
                contextlib.suppress(psycopg.Error, OSError),
                socket.socket(fileno=os.dup(connection.fileno())) as used,
            ):
                used.shutdown(socket.SHUT_RDWR)

    def _refuse_old(self, connection: PostgresConnection) -> None:
        if connection.info.server_version < OLDEST_SERVER:
            raise ConfigurationError(
                f"{self.url} is served by a PostgreSQL of before version 14. Use a newer one."
            )

    def _usable(self) -> PostgresConnection | None:
        """Return a connection that was used before, and still works; None if there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection, used_at = self._idle.pop()
            try:
                # The server sends nothing unasked but that it ends the connection.
                if not select.select([connection.fileno()], [], [], 0)[0]:
                    if time.monotonic() - used_at > self.limits.ping_after:
                        connection.execute("SELECT")
                    return connection
            except (psycopg.Error, OSError, ValueError) as error:
                logger.debug("A connection to %s was lost: %s", self.url, type(error).__name__)
            connection.close()


def in_words(error: psycopg.Error) -> str:
    """Return why something failed, in a line, without the data that it failed for."""
    if (said := error.diag.message_primary) is not None:
        return mask_numbers(said)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "; ".join(line.strip() for line in lines[:3])


def is_lost(error: psycopg.Error) -> bool:
    """Tell whether the connection is lost, and not only a statement refused."""
    if (state := error.sqlstate) is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state in _ENDED or state.startswith("08")


def _parameters(url: ServerUrl, settings: PostgresSettings) -> dict[str, Any]:
    """Return the parameters of a connection that the URL leaves open.

    Raises:
        ConfigurationError: the URL has a part that libpq does not know.
    """
    try:
        given = conninfo_to_dict(url.reveal())
    except psycopg.Error:
        # Its text may have the password in it.
        raise ConfigurationError(
            f"The URL {url} cannot be used: a parameter in it is unknown or misspelt. It has the "
            "form postgresql://user@host:port/database?parameter=value."
        ) from None
    wait = max(round(settings.timeout), 2)
    added = {
        "fallback_application_name": "suppress",
        "client_encoding": "UTF8",
        "connect_timeout": wait,
        "target_session_attrs": "read-write",
        "keepalives_idle": wait,
        "keepalives_interval": wait,
        "keepalives_count": 3,
        "tcp_user_timeout": 3000 * wait,
    }
    if not (_is_local(given) or os.environ.get("PGSSLMODE") or os.environ.get("PGSERVICE")):
        added["sslmode"] = "require"
    return {name: value for name, value in added.items() if name not in given}


def _is_local(given: dict[str, Any]) -> bool:
    """Tell whether a connection stays on this machine."""
    if "service" in given:
        return False
    places = str(given.get("hostaddr") or given.get("host") or os.environ.get("PGHOST") or "")
    return all(
        not each or each[0] in "/@" or each in ("localhost", "::1") or each.startswith("127.")
        for each in places.split(",")
    )


def _milli(seconds: float) -> str:
    return str(math.ceil(min(1000 * seconds, 2**31 - 1)))
