"""A server on loopback that answers as BSG's One-API does, until it is told a fault.

It writes to its sockets itself, so that a fault can do anything that a server can do.
"""

import contextlib
import functools
import gzip
import json
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

KEY: Final = "live_a1SECRETb2c3d4e5f6"
TOKEN_MARK: Final = "SECRETTOKEN"
ABSENT: Final = object()
"""In place of the total: there is none."""

Item = dict[str, Any]


def item(place: int, **fields: Any) -> Item:
    """An entry as the API gives it, with a number that phonenumbers can parse."""
    return {
        "id": 9_000_000 + place,
        "phone": 14_155_550_000 + place,
        "created_at": "2022-04-18 19:22:16",
        "sms_stoplist": True,
        "viber_stoplist": False,
        **fields,
    }


def items(count: int, first: int = 0) -> list[Item]:
    """Entries in the order of their ids."""
    return [item(place) for place in range(first, first + count)]


@dataclass(frozen=True)
class Asked:
    """A request; `number` tells which one for its path it is, from 0."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    number: int
    at: float


@dataclass(frozen=True)
class Answer:
    """An answer before it is sent: what is right, for a fault to make wrong."""

    body: bytes
    status: int = 200

    def head(self, length: int | None = None, /, **more: str) -> bytes:
        """The status line and the headers: `_` stands for `-`, an empty value for no header."""
        lines = {
            "Content-Type": "application/json",
            "Content-Length": str(len(self.body) if length is None else length),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        text = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
        return f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n{text}\r\n".encode()


class Reset:
    """The last step: the connection is reset, and what was not read of it is lost."""


Step = bytes | float | Reset
"""Bytes to be sent, seconds to wait, or a reset. After the last step the connection ends."""

Fault = Callable[[Answer], Iterator[Step]]


class FaultyServer:
    """The API, over a list that the test holds in its hands; used in a `with` block.

    Args:
        listed: the entries, in the server's order; they are copied.
        fault: what is done with an answer, if anything: asked before each one.
        edit: called before each listing with its number, from 0; may change the entries.
        total: what a listing has for a total, from the right one and its number.
        filters: whether the channel filter is known.
        tls: how to serve HTTPS instead of HTTP.

    Attributes:
        items: the entries now.
        asked: the requests so far, in their order.
        connections: how many connections were made.
        token: the token that is in force; setting another makes it die.
    """

    def __init__(
        self,
        listed: Sequence[Item] = (),
        *,
        fault: Callable[[Asked], Fault | None] = lambda _asked: None,
        edit: Callable[[list[Item], int], None] = lambda _items, _number: None,
        total: Callable[[int, int], Any] = lambda right, _number: right,
        filters: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.items = [dict(each) for each in listed]
        self.asked: list[Asked] = []
        self.connections = 0
        self.token = ""
        self._fault, self._edit, self._total = fault, edit, total
        self._filters, self._tls = filters, tls
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = self._listener.getsockname()
        self._accepting = threading.Thread(target=self._accept, name="faulty server")
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._address[1]}"

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._closing.set()
        socket.create_connection(self._address).close()  # for nobody waits for one any more
        self._accepting.join()
        self._listener.close()
        for thread, connection in self._open.items():
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join()

    def requests(self, path: str) -> list[Asked]:
        """The requests for a path so far."""
        return [each for each in self.asked if each.path == path]

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing.is_set():
                connection.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), name="faulty server")
            self._open[thread] = connection
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        # The client may be gone at any time: that is what some tests are about.
        with connection, contextlib.suppress(OSError):
            if self._tls is None:
                self._talk(connection)
                return
            connection.settimeout(1.0)
            with self._tls.wrap_socket(connection, server_side=True) as encrypted:
                encrypted.settimeout(None)
                self._open[threading.current_thread()] = encrypted
                self._talk(encrypted)

    def _talk(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while (asked := self._read(stream)) is not None:
                fault = self._fault(asked)
                answer = self._answer(asked)
                if fault is None:
                    connection.sendall(answer.head() + answer.body)
                    continue
                for step in fault(answer):
                    if isinstance(step, bytes):
                        connection.sendall(step)
                    elif isinstance(step, float):
                        self._closing.wait(step)
                    else:
                        now = struct.pack("ii", 1, 0)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
                    if self._closing.is_set():
                        break
                return

    def _read(self, stream: Any) -> Asked | None:
        line = stream.readline().decode()
        if not line:
            return None
        method, target, _ = line.split()
        headers: dict[str, str] = {}
        while text := stream.readline().decode().rstrip("\r\n"):
            name, _, value = text.partition(": ")
            headers[name.lower()] = value
        body = stream.read(int(headers.get("content-length", 0)))
        parts = urlsplit(target)
        with self._lock:
            number = len(self.requests(unquote(parts.path)))
            query = dict(parse_qsl(parts.query))
            asked = Asked(method, parts.path, query, headers, body, number, time.monotonic())
            self.asked.append(asked)
        return asked

    def _answer(self, asked: Asked) -> Answer:
        with self._lock:
            if asked.path == "/api/auth/login":
                return self._login(asked)
            if asked.path == "/api/stoplist":
                self._edit(self.items, asked.number)
            if asked.headers.get("authorization") != f"Bearer {self.token}":
                return _json({"message": "Unauthenticated."}, 401)
            endpoint = {
                "/api/stoplist": self._listing,
                "/api/stoplist/attach": self._attach,
                "/api/stoplist/detach": self._detach,
                "/api/stoplist/search": self._search,
            }.get(asked.path)
            return _json({"message": "Not found."}, 404) if endpoint is None else endpoint(asked)

    def _login(self, asked: Asked) -> Answer:
        key = json.loads(asked.body)["api_key"]
        if key != KEY:
            return _json({"message": f"No such key: {key}"}, 401)
        self.token = f"e30.{TOKEN_MARK}{asked.number}.c2ln"
        return _json({"bearer": self.token})

    def _listing(self, asked: Asked) -> Answer:
        channel = asked.query.get("types")
        flag = f"{channel}_stoplist"
        listed = [
            each
            for each in self.items
            if channel is None or not self._filters or each.get(flag) is not False
        ]
        offset, limit = int(asked.query["page[offset]"]), int(asked.query["page[limit]"])
        total = self._total(len(listed), asked.number)
        data = {"data": listed[offset : offset + limit], "total": total}
        return _json({name: value for name, value in data.items() if value is not ABSENT})

    def _attach(self, asked: Asked) -> Answer:
        wanted = json.loads(asked.body)
        flags = {f"{channel}_stoplist": True for channel in wanted["types"]}
        answered = []
        for phone in wanted["phones"]:
            listed = next((each for each in self.items if each["phone"] == phone), None)
            if listed is None:
                listed = item(len(self.items), phone=phone, sms_stoplist=False)
                self.items.append(listed)
            listed.update(flags)
            answered.append(listed)
        return _json({"data": answered})

    def _detach(self, asked: Asked) -> Answer:
        wanted = json.loads(asked.body)
        self.items = [each for each in self.items if each["id"] not in wanted["ids"]]
        return _json({"success": True})

    def _search(self, asked: Asked) -> Answer:
        name, value = asked.query["search[field]"], asked.query["search[value]"]
        found = [each for each in self.items if str(each[name]) == value]
        return _json({"data": found, "meta": {"page": {"total": len(found)}}})


def _json(content: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(content).encode(), status)


def on(
    path: str, fault: Fault, numbers: Callable[[int], bool] = lambda _number: True
) -> Callable[[Asked], Fault | None]:
    """Do this to the answers for a path, or to those whose numbers (from 0) are meant."""
    return lambda asked: fault if asked.path == path and numbers(asked.number) else None


def first(count: int) -> Callable[[int], bool]:
    """The numbers of the first requests."""
    return lambda number: number < count


def status(code: int, message: str = "no", **headers: str) -> Fault:
    """Another status; the name of a header is written with `_` for `-`."""

    def steps(_right: Answer) -> Iterator[Step]:
        body = json.dumps({"message": message}).encode()
        yield Answer(body, code).head(None, **headers) + body

    return steps


def instead(body: bytes, **headers: str) -> Fault:
    """Another body, with status 200."""

    def steps(_right: Answer) -> Iterator[Step]:
        yield Answer(body).head(None, **headers) + body

    return steps


def reset_before_the_answer(_right: Answer) -> Iterator[Step]:
    yield Reset()


def reset_in_the_headers(right: Answer) -> Iterator[Step]:
    yield right.head()[:30]
    yield Reset()


def reset_in_the_body(right: Answer) -> Iterator[Step]:
    yield right.head() + right.body[: len(right.body) // 2]
    yield 0.01  # for the half to be read before the reset overtakes it
    yield Reset()


def length_is_too_large(right: Answer) -> Iterator[Step]:
    yield right.head(len(right.body) + 10) + right.body


def closed_without_an_answer(_right: Answer) -> Iterator[Step]:
    yield b""


def chunks(right: Answer, end: bytes) -> Iterator[Step]:
    head = right.head(Content_Length="", Transfer_Encoding="chunked")
    yield head + f"{len(right.body):x}\r\n".encode() + right.body + b"\r\n" + end


def chunks_without_their_end(right: Answer) -> Iterator[Step]:
    yield from chunks(right, b"")


def a_broken_chunk(right: Answer) -> Iterator[Step]:
    yield from chunks(right, b"zz\r\n{}\r\n0\r\n\r\n")


def chunks_to_the_end(right: Answer) -> Iterator[Step]:
    yield from chunks(right, b"0\r\n\r\n")


def endless(right: Answer) -> Iterator[Step]:
    yield right.head(Content_Length="")
    while True:
        yield b" " * 2**16


def endless_headers(_right: Answer) -> Iterator[Step]:
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: of it\r\n"


def answers_before_the_answer(*codes: int) -> Fault:
    """Interim answers, and the right one behind them."""

    def steps(right: Answer) -> Iterator[Step]:
        for code in codes:
            yield f"HTTP/1.1 {code} Early\r\nLink: </x>; rel=preload\r\n\r\n".encode()
        yield right.head() + right.body

    return steps


def endless_early_hints(_right: Answer) -> Iterator[Step]:
    while True:
        yield b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 100
        yield 0.01


def without(phone: int) -> Fault:
    """The right answer, but for one entry."""

    def steps(right: Answer) -> Iterator[Step]:
        content = json.loads(right.body)
        content["data"] = [each for each in content["data"] if each["phone"] != phone]
        body = json.dumps(content).encode()
        yield Answer(body).head() + body

    return steps


def endless_first_answers(_right: Answer) -> Iterator[Step]:
    while True:
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 100
        yield 0.01


def slower_than_the_timeout(right: Answer) -> Iterator[Step]:
    yield 0.6
    yield right.head() + right.body


def body_a_byte_at_a_time(right: Answer) -> Iterator[Step]:
    yield right.head()
    yield from _a_byte_at_a_time(right.body)


def headers_a_byte_at_a_time(right: Answer) -> Iterator[Step]:
    yield b"HTTP/1.1 200 OK\r\n"
    yield from _a_byte_at_a_time(right.head())


def status_line_a_byte_at_a_time(right: Answer) -> Iterator[Step]:
    yield from _a_byte_at_a_time(b"HTTP/1.1 200 " + b"O" * 10_000)


def chunk_size_a_byte_at_a_time(right: Answer) -> Iterator[Step]:
    yield right.head(Content_Length="", Transfer_Encoding="chunked")
    yield from _a_byte_at_a_time(b"0" * 10_000)


def _a_byte_at_a_time(text: bytes) -> Iterator[Step]:
    for place in range(len(text)):
        yield text[place : place + 1]
        yield 0.05


def gzip_bomb(_right: Answer) -> Iterator[Step]:
    """Two megabytes that unpack to two gigabytes."""
    yield Answer(b"").head(Content_Length="", Content_Encoding="gzip")
    yield from _two_gigabytes()


@functools.cache
def packed_entries() -> bytes:
    """Four million entries with nothing in them, in about 12 kB."""
    return gzip.compress(b'{"total": 65, "data": [' + b"{}," * 4_000_000 + b"{}]}")


def gzip_of_entries(_right: Answer) -> Iterator[Step]:
    yield Answer(packed_entries()).head(Content_Encoding="gzip") + packed_entries()


def gzip_bomb_in_gzip(_right: Answer) -> Iterator[Step]:
    """A few kilobytes that unpack to two gigabytes."""
    body = gzip.compress(b"".join(_two_gigabytes()))
    yield Answer(body).head(Content_Encoding="gzip, gzip") + body


def _two_gigabytes() -> Iterator[bytes]:
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    yield packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    # Nothing refers to what is before a full flush, so a piece can come again and again.
    piece = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(2**11):
        yield piece
