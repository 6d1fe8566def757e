"""The sandbox's server: the endpoints over HTTP, on a port of 127.0.0.1."""

import http.server
import logging
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from suppress_bsg.sandbox.admission import Throttle, Tokens
from suppress_bsg.sandbox.endpoints import ROUTES, Service
from suppress_bsg.sandbox.request import Refusal, Request
from suppress_bsg.sandbox.stop_list import SandboxEntry, SandboxList, copied

LARGEST_BODY: Final = 1 << 20
LINGER_BYTES: Final = 16 << 20
LINGER_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class _Handler(http.server.BaseHTTPRequestHandler):
    """A connection: reads requests, and writes the service's answers as JSON."""

    server: "_Server"
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = 1 << 18  # larger than any answer, so that headers and body leave in one write

    def _serve(self) -> None:
        status, headers = HTTPStatus.OK, dict[str, str]()
        try:
            content = self.server.service.answer(self._request())
        except Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            content = {"message": refusal.message}
        self.server.closing.wait(self.server.latency)
        self._reply(status, content, headers)
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self._drain()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _request(self) -> Request:
        path, _, query = self.path.partition("?")
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        return Request(self.command, path, query, self._body(), token)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            raise self._ending(HTTPStatus.LENGTH_REQUIRED, "Send the body with its length.")
        if not re.fullmatch("[0-9]{1,18}", length):
            raise self._ending(HTTPStatus.BAD_REQUEST, "The length of the body is not a number.")
        if int(length) > LARGEST_BODY:
            raise self._ending(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise self._ending(HTTPStatus.BAD_REQUEST, "The body is incomplete.")
        return body

    def _ending(self, status: HTTPStatus, message: str) -> Refusal:
        self.close_connection = True  # the start of the next request is unknown
        return Refusal(status, message)

    def _reply(self, status: HTTPStatus, content: object, headers: Mapping[str, str]) -> None:
        body = msgspec.json.encode(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _drain(self) -> None:
        # A connection that is closed with unread bytes is reset: the client may lose the answer.
        self.connection.settimeout(LINGER_SECONDS)
        left = LINGER_BYTES
        while left > 0 and (chunk := self.rfile.read1(1 << 16)):
            left -= len(chunk)

    def handle_expect_100(self) -> bool:
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def send_error(
        self,
        code: int,
        message: str | None = None,  # noqa: ARG002 - it may quote the request
        explain: str | None = None,  # noqa: ARG002
    ) -> None:
        self.close_connection = True
        status = HTTPStatus(code)
        self._reply(status, {"message": f"{status.phrase}."}, {})

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002
        path = getattr(self, "path", "").partition("?")[0]
        logger.debug("%s answered with %s", path if path in ROUTES else "another path", code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: the messages quote the request line."""


class _Server(http.server.ThreadingHTTPServer):
    """Accepts connections, and ends every one of them when it closes."""

    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, port: int, service: Service, latency: float) -> None:
        self.service = service
        self.latency = latency
        self.closing = threading.Event()
        self._connections: dict[socket.socket, threading.Thread] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask DNS for the host's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        self._connections[request] = thread
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        self._connections.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        error = sys.exc_info()[1]
        level = logging.DEBUG if isinstance(error, OSError) else logging.ERROR
        logger.log(level, "a connection ended early: %s", type(error).__name__)

    def end(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        for connection, thread in self._connections.copy().items():
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                logger.debug("a connection was closed already")
            thread.join()


class Sandbox:
    """A stop list behind BSG's One-API, on a port of 127.0.0.1.

    It starts on entering a `with` block and closes on leaving it. It keeps its list and its
    port when it closes, so that starting it again looks like the end of an outage.

    Some behaviour of the live service is documented nowhere. Here, a search with
    `contact_group_id` answers as if every contact were in every group; `like` finds the value
    anywhere, unless the value has a `%`, which stands for any characters; after a refresh the
    old token still works; times are in UTC.

    Args:
        rows: the entries to begin with; they are copied.
        port: the port to listen on; 0 takes a free one.
        api_key: the only key that signs in; with None, every key that begins with `live_` or
            `test_` does.
        latency: seconds to wait before every answer.
        throttle_duplicates: seconds after an admitted request in which the same one (method,
            path and query, body, token) is answered with 429; 0 admits all.
        token_life: seconds until a token expires.
        clock: gives the time, in seconds since the epoch.

    Raises:
        ValueError: two entries share an id or a phone, or an entry is on no known channel.
    """

    def __init__(
        self,
        rows: Iterable[SandboxEntry] = (),
        *,
        port: int = 0,
        api_key: str | None = None,
        latency: float = 0.0,
        throttle_duplicates: float = 0.0,
        token_life: float = 30 * 86400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._port = port
        self._latency = latency
        self._stop_list = SandboxList(rows, clock)
        self._service = Service(
            self._stop_list,
            Tokens(token_life, clock),
            Throttle(throttle_duplicates, clock),
            api_key,
        )
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The base address, as in `"http://127.0.0.1:8080"`.

        Raises:
            RuntimeError: the port is still unknown, since the sandbox was never started.
        """
        if not self._port:
            raise RuntimeError("the sandbox has no port yet: call start() first")
        return f"http://127.0.0.1:{self._port}"

    @property
    def rows(self) -> tuple[SandboxEntry, ...]:
        """A copy of the entries, in the order of their ids."""
        with self._stop_list.reading() as rows:
            return tuple(map(copied, rows))

    def attach(self, phones: Iterable[int], channels: Iterable[str]) -> list[SandboxEntry]:
        """Put phones on the lists of channels.

        Args:
            phones: digits without the plus; a phone that has an entry keeps it.
            channels: one or more of `sms`, `viber`, `rcs`, `whatsapp`.

        Returns:
            A copy of each phone's entry.

        Raises:
            ValueError: no channel is named, or an unknown one.
        """
        return self._stop_list.attach(phones, channels)

    def detach(self, ids: Iterable[int], channels: Iterable[str]) -> None:
        """Take entries off the lists of channels; an entry on no list any more is deleted.

        Args:
            ids: ids of entries; unknown ones are ignored.
            channels: one or more of `sms`, `viber`, `rcs`, `whatsapp`.

        Raises:
            ValueError: no channel is named, or an unknown one.
        """
        self._stop_list.detach(ids, channels)

    def start(self) -> None:
        """Begin to answer, unless it has begun.

        Raises:
            OSError: the port is taken.
        """
        if self._server is not None:
            return
        server = self._server = _Server(self._port, self._service, self._latency)
        self._port = server.server_port
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        """End every connection and thread, and free the port, unless that is done."""
        server, self._server = self._server, None
        if server is not None:
            server.end()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
