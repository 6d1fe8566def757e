"""The connections of a client, which can all be ended at any time."""

import contextlib
import http.client
import socket
import threading
from http import HTTPStatus
from typing import Any, ClassVar
from weakref import WeakSet

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection


class _Final(http.client.HTTPResponse):
    """The final answer, without interim ones such as 103 (early hints).

    http.client skips 100 alone. It would take the final answer for that of the next request.
    """

    def begin(self) -> None:
        super().begin()
        while HTTPStatus.CONTINUE < self.status < HTTPStatus.OK:
            self.headers = None  # type: ignore[assignment]  # for it to begin again
            super().begin()


class _Watched(HTTPConnection):
    """A connection that reports each of its sockets at once: before TLS begins, and with it."""

    response_class = _Final
    connections: ClassVar["Connections"]
    _sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket | None:
        """The socket. `connect` sets it before anything is sent."""
        return self._sock

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._sock = connection
        if connection is not None:
            self.connections.watch(connection)


class Connections(HTTPAdapter):
    """All connections of a client, to end them together.

    A socket's timeout does not end a request whose answer comes a byte at a time.

    Args:
        count: how many connections are kept open.
    """

    def __init__(self, count: int) -> None:
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        super().__init__(pool_maxsize=count, max_retries=0)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Return the pool that a request takes its connection from."""
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        kind = pool.ConnectionCls
        if not issubclass(kind, _Watched):
            pool.ConnectionCls = type(kind.__name__, (_Watched, kind), {"connections": self})
        return pool

    def watch(self, connection: socket.socket) -> None:
        """Keep a connection in view, to end it with the others.

        Raises:
            ConnectionAbortedError: the connections have been ended already.
        """
        with self._lock:
            if self.ended.is_set():
                connection.close()
                raise ConnectionAbortedError
            self._sockets.add(connection)

    def end(self) -> None:
        """End every request that is under way, and let no other begin."""
        with self._lock:
            self.ended.set()
            sockets = list(self._sockets)
        for each in sockets:
            with contextlib.suppress(OSError):  # raised if it is closed already
                # The method of a TLS socket would go on reading without TLS.
                socket.socket.shutdown(each, socket.SHUT_RDWR)
