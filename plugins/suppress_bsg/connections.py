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
    """The answer itself, and none of those that may come before it, such as 103 (early hints).

    http.client passes over 100 alone, and would take the answer for that of the next request.
    """

    def begin(self) -> None:
        super().begin()
        while HTTPStatus.CONTINUE < self.status < HTTPStatus.OK:
            self.headers = None  # type: ignore[assignment]  # for it to begin again
            super().begin()


class _Watched(HTTPConnection):
    """A connection that shows each socket as soon as it has it: before TLS, and under it."""

    response_class = _Final
    connections: ClassVar["Connections"]
    _sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket | None:
        """The socket, which `connect` sets before it begins to speak."""
        return self._sock

    @sock.setter
    def sock(self, connection: socket.socket | None) -> None:
        self._sock = connection
        if connection is not None:
            self.connections.watch(connection)


class Connections(HTTPAdapter):
    """All connections, so that they can be ended together.

    No timeout of a socket ends a request whose answer comes a byte at a time.
    """

    def __init__(self, most: int) -> None:
        self.ended = threading.Event()
        self._lock = threading.Lock()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        super().__init__(pool_maxsize=most, max_retries=0)

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
            ConnectionAbortedError: it comes too late.
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
            with contextlib.suppress(OSError):  # raised for one that is closed already
                # Not the method of a TLS socket, which would go on reading without TLS.
                socket.socket.shutdown(each, socket.SHUT_RDWR)
