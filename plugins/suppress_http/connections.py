"""Connections of callers: what comes before the body is bounded in size and time."""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar, Final

from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from suppress_http.limits import LIMITS, HttpLimits
from suppress_http.problems import RequestRefused, problem_of

_SPARE_FILES: Final = 128
"""Open files for lists, opt-outs and long answers."""


class Connection(HttpToolsProtocol):
    """A connection of a caller.

    Without these bounds, anybody who can connect could fill the memory with a header that never
    ends, or hold connections without a request: no token has been asked for yet.

    Attributes:
        limits: the bounds.
        most: connections at a time; None for any number.
    """

    limits: ClassVar[HttpLimits] = LIMITS
    most: ClassVar[int | None] = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._size = 0
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request, unless there are too many connections."""
        super().connection_made(transport)  # type: ignore[arg-type]
        if self.most is not None and len(self.connections) > self.most:
            transport.close()
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read bytes; refuse a head or trailers that are too large."""
        self._size += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._size > self.limits.head:
            self._refuse(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                f"The headers have more than {self.limits.head:,} bytes. Send fewer.",
            )
        elif self._is_idle() and self._waiting is None:
            self._wait()

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._size = 0
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Hand on a piece of a body, which has bounds of its own."""
        self._size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Hand on that a request is whole."""
        self._size = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, f"This is not a request of HTTP/1.1. ({msg})")

    def _is_idle(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.limits.wait_for_head, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        # Another answer in the middle of one would be taken for a part of it.
        if not self.pipeline and (self._is_idle() or not self.cycle.response_started):
            self.transport.write(_written(problem_of(RequestRefused(status, detail))))
        self.transport.close()


def most_connections() -> int | None:
    """Return how many connections leave enough open files to keep an opt-out; None for any."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return None
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if files == resource.RLIM_INFINITY else max(files // 2, files - _SPARE_FILES)


def _written(answer: Response) -> bytes:
    """Return the last answer of a connection as bytes."""
    status = HTTPStatus(answer.status_code)
    lines = [f"HTTP/1.1 {status.value} {status.phrase}".encode()]
    lines += [b"%s: %s" % header for header in (*answer.raw_headers, (b"connection", b"close"))]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])
