"""A stand-in for BSG's One-API, as far as the stop list goes, served on this machine.

A client that is right here is right about all that BSG's documentation and its description of the
API say: signing in, paging, both names of the channel filter, the limits, the shapes of answers
and errors. Nothing leaves the machine: the server binds 127.0.0.1 and nothing else, keeps its list
in memory and writes no phone number and no key to any log.
"""

import base64
import functools
import hmac
import http.server
import itertools
import logging
import operator
import random
import re
import secrets
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from types import TracebackType
from typing import Annotated, Any, Final, Literal, NamedTuple, Self, TypeVar, get_args
from urllib.parse import parse_qs

import msgspec
import phonenumbers
from msgspec import Meta

__all__ = ["Row", "Sandbox", "made_up"]

Channel = Literal["sms", "viber", "rcs", "whatsapp"]
Query = Mapping[str, list[str]]
Kind = TypeVar("Kind")

CHANNELS: Final[frozenset[str]] = frozenset(get_args(Channel))
LOWEST_PHONE: Final = 100_000_000
HIGHEST_PHONE: Final = 999_999_999_999_999
LARGEST_BODY: Final = 1 << 20
LINGER_BYTES: Final = 16 << 20
LINGER_SECONDS: Final = 1.0

logger = logging.getLogger(__name__)


class Row(msgspec.Struct, gc=False):
    """An entry of the stop list.

    Attributes:
        id: The entry's number, 1 or more.
        phone: The phone number's digits, without the plus.
        created_at: When the entry was made, as in ``"2022-04-18 19:22:16"``.
        channels: The channels whose lists the phone is on: ``sms``, ``viber``, ``rcs``,
            ``whatsapp``. The API has no flag for ``whatsapp``; only its filter shows it.
    """

    id: int
    phone: int
    created_at: str
    channels: set[str]


class _Login(msgspec.Struct):
    api_key: str


class _Attach(msgspec.Struct):
    phones: Annotated[
        list[Annotated[int, Meta(ge=LOWEST_PHONE, le=HIGHEST_PHONE)]], Meta(max_length=1000)
    ]
    types: Annotated[list[Channel], Meta(min_length=1)]


class _Detach(msgspec.Struct):
    ids: Annotated[list[int], Meta(max_length=200)]
    types: Annotated[list[Channel], Meta(min_length=1)]


class _Claims(msgspec.Struct):
    iat: int
    exp: int
    jti: str


class _Request(NamedTuple):
    method: str
    path: str
    query: str
    body: bytes
    token: str


class _Criterion(msgspec.Struct):
    field: str | None = None
    operator: str | None = None
    value: str | None = None


class _Refusal(Exception):
    """An answer other than 200, with the message for its body."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


def _unprocessable(message: str) -> _Refusal:
    return _Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, message)


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


class _StopList:
    """The entries, in the order of their ids; each method is one step for other threads."""

    def __init__(self, rows: Iterable[Row], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._by_id: dict[int, Row] = {}
        self._by_phone: dict[int, Row] = {}
        self._filtered: dict[frozenset[str], list[Row]] = {}
        for row in sorted(rows, key=lambda row: row.id):
            if row.id in self._by_id or row.phone in self._by_phone:
                raise ValueError(f"two rows share an id or a phone: see the row with id {row.id}")
            self._insert(Row(row.id, row.phone, row.created_at, _known(row.channels)))
        self._next_id = max(self._by_id, default=0) + 1

    def _insert(self, row: Row) -> None:
        self._by_id[row.id] = self._by_phone[row.phone] = row

    @contextmanager
    def reading(self, channels: frozenset[str] = frozenset()) -> Iterator[list[Row]]:
        """Lend the entries on any of the channels (on none named: all), unchanged meanwhile."""
        with self._lock:
            if channels not in self._filtered:
                self._filtered[channels] = [
                    row
                    for row in self._by_id.values()
                    if not channels or not channels.isdisjoint(row.channels)
                ]
            yield self._filtered[channels]

    def attach(self, phones: Iterable[int], channels: Iterable[str]) -> list[Row]:
        added = _known(channels)
        with self._lock:
            self._filtered.clear()
            return [self._attach_one(phone, added) for phone in dict.fromkeys(phones)]

    def _attach_one(self, phone: int, channels: set[str]) -> Row:
        row = self._by_phone.get(phone)
        if row is None:
            row = Row(self._next_id, phone, _stamp(self._clock()), set())
            self._next_id += 1
            self._insert(row)
        row.channels |= channels
        return _copy(row)

    def detach(self, ids: Iterable[int], channels: Iterable[str]) -> None:
        removed = _known(channels)
        with self._lock:
            self._filtered.clear()
            for row in filter(None, map(self._by_id.get, ids)):
                row.channels -= removed
                if not row.channels:
                    del self._by_id[row.id], self._by_phone[row.phone]


def _copy(row: Row) -> Row:
    return Row(row.id, row.phone, row.created_at, set(row.channels))


def _known(channels: Iterable[str]) -> set[str]:
    named = set(channels)
    if not named or not named <= CHANNELS:
        raise ValueError(f"name one or more of the channels {', '.join(sorted(CHANNELS))}")
    return named


class _Tokens:
    """JSON Web Tokens signed with a secret that no other sandbox has."""

    def __init__(self, life: float, clock: Callable[[], float]) -> None:
        self._life = life
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def issue(self) -> str:
        now = self._clock()
        claims = _Claims(iat=int(now), exp=int(now + self._life), jti=secrets.token_hex(8))
        head = _base64(msgspec.json.encode({"alg": "HS256", "typ": "JWT"}))
        signed = head + b"." + _base64(msgspec.json.encode(claims))
        return (signed + b"." + self._signature(signed)).decode("ascii")

    def check(self, token: str) -> None:
        signed, _, signature = token.encode("utf-8").rpartition(b".")
        if not hmac.compare_digest(self._signature(signed), signature):
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "Unauthenticated.")
        payload = signed.partition(b".")[2]
        claims = _decode(base64.urlsafe_b64decode(payload + b"=="), _Claims)
        if self._clock() >= claims.exp:
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "The token has expired.")

    def _signature(self, signed: bytes) -> bytes:
        return _base64(hmac.digest(self._secret, signed, "sha256"))


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class _Throttle:
    """Lets the same request through once in a window of seconds; 0 lets everything through."""

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[_Request, float] = {}  # oldest first

    def admits(self, request: _Request) -> bool:
        if not self._window:
            return True
        with self._lock:
            now = self._clock()
            for old in list(
                itertools.takewhile(lambda one: self._seen[one] + self._window <= now, self._seen)
            ):
                del self._seen[old]
            if request in self._seen:
                return False
            self._seen[request] = now
            return True


def _decode(body: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unprocessable(f"The body is not valid: {error}") from None


def _entry(row: Row) -> dict[str, object]:
    return {
        "id": row.id,
        "phone": row.phone,
        "created_at": row.created_at,
        "sms_stoplist": "sms" in row.channels,
        "viber_stoplist": "viber" in row.channels,
        "rcs_stoplist": "rcs" in row.channels,
    }


def _whole(text: str, name: str = "value") -> int:
    if not re.fullmatch("[0-9]{1,18}", text):
        raise _unprocessable(f"The {name} must be a whole number.")
    return int(text)


def _page(query: Query, default_limit: int) -> tuple[int, int]:
    limit = _whole(query.get("page[limit]", [str(default_limit)])[-1], "page[limit]")
    offset = _whole(query.get("page[offset]", ["0"])[-1], "page[offset]")
    if not 15 <= limit <= 500:  # noqa: PLR2004 - the API's own bounds
        raise _unprocessable("The page[limit] must be between 15 and 500.")
    return limit, offset


def _one_of(query: Query, name: str, known: tuple[str, ...]) -> str:
    value = query.get(name, known[:1])[-1]
    if value not in known:
        raise _unprocessable(f"The {name} must be one of {', '.join(known)}.")
    return value


def _channel(text: str) -> str:
    if text not in CHANNELS:
        raise _unprocessable(f"The type must be one of {', '.join(sorted(CHANNELS))}.")
    return text


def _filter(query: Query) -> frozenset[str]:
    values = (v for name in ("types", "type", "types[]", "type[]") for v in query.get(name, ()))
    return frozenset(_channel(part) for value in values for part in value.split(","))


_PART: Final = re.compile(r"(search|search_fields\[\d+\])\[(field|operator|value)\]")
_FIELDS: Final[dict[str, tuple[Callable[[Row], Iterable[Any]], Callable[[str], Any]]]] = {
    "id": (lambda row: (row.id,), _whole),
    "phone": (lambda row: (row.phone,), _whole),
    "created_at": (lambda row: (row.created_at,), str),
    "type": (lambda row: row.channels, _channel),
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "<=": operator.le,
}


def _criteria(query: Query) -> dict[str, _Criterion]:
    found: dict[str, _Criterion] = {}
    for name, values in query.items():
        if part := _PART.fullmatch(name):
            setattr(found.setdefault(part[1], _Criterion()), part[2], values[-1])
    return found


def _like(value: str) -> re.Pattern[str]:
    wanted = value if "%" in value else f"%{value}%"
    return re.compile(".*".join(map(re.escape, re.split("%+", wanted))), re.IGNORECASE)


def _test(criterion: _Criterion) -> Callable[[Row], bool]:
    if criterion.field is None or criterion.operator is None or criterion.value is None:
        raise _unprocessable("A search needs a field, an operator and a value.")
    if criterion.field not in _FIELDS:
        raise _unprocessable(f"The search field must be one of {', '.join(_FIELDS)}.")
    values, read = _FIELDS[criterion.field]
    if criterion.operator == "like":
        pattern = _like(criterion.value)
        return lambda row: any(pattern.fullmatch(str(value)) for value in values(row))
    if criterion.operator not in _OPERATORS:
        raise _unprocessable(f"The operator must be one of like, {', '.join(_OPERATORS)}.")
    holds, operand = _OPERATORS[criterion.operator], read(criterion.value)
    return lambda row: any(holds(value, operand) for value in values(row))


class _Service:
    """The endpoints, from a request to the content of its answer."""

    def __init__(
        self, stop_list: _StopList, tokens: _Tokens, throttle: _Throttle, api_key: str | None
    ) -> None:
        self._stop_list = stop_list
        self._tokens = tokens
        self._throttle = throttle
        self._api_key = api_key

    def answer(self, request: _Request) -> object:
        methods = _ROUTES.get(request.path)
        if methods is None:
            raise _Refusal(HTTPStatus.NOT_FOUND, "Not found.")
        endpoint = methods.get(request.method)
        if endpoint is None:
            raise _Refusal(
                HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed.", Allow=", ".join(methods)
            )
        if request.path not in _OPEN:
            self._tokens.check(request.token)
        if not self._throttle.admits(request):
            raise _Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many duplicate request detected")
        return endpoint(self, request)

    def login(self, request: _Request) -> object:
        key = _decode(request.body, _Login).api_key
        right = (
            key.startswith(("live_", "test_")) if self._api_key is None else key == self._api_key
        )
        if not right:
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "The API key is wrong.")
        return {"bearer": self._tokens.issue()}

    def refresh(self, _request: _Request) -> object:
        return {"bearer": self._tokens.issue()}

    def listing(self, request: _Request) -> object:
        query = parse_qs(request.query, keep_blank_values=True)
        limit, offset = _page(query, default_limit=30)
        with self._stop_list.reading(_filter(query)) as rows:
            data = [_entry(row) for row in rows[offset : offset + limit]]
            return {"data": data, "total": len(rows)}

    def attach(self, request: _Request) -> object:
        wanted = _decode(request.body, _Attach)
        rows = self._stop_list.attach(wanted.phones, wanted.types)
        return {"data": [_entry(row) for row in rows]}

    def detach(self, request: _Request) -> object:
        wanted = _decode(request.body, _Detach)
        self._stop_list.detach(wanted.ids, wanted.types)
        return {"success": True}

    def search(self, request: _Request) -> object:
        query = parse_qs(request.query, keep_blank_values=True)
        limit, offset = _page(query, default_limit=50)
        _whole(query.get("contact_group_id", ["0"])[-1], "contact_group_id")
        key = operator.attrgetter(_one_of(query, "sort", ("id", "phone")))
        descending = _one_of(query, "way", ("asc", "desc")) == "desc"
        criteria = _criteria(query)
        tests = [_test(criterion) for criterion in criteria.values()]
        with self._stop_list.reading() as rows:
            found = [row for row in rows if all(test(row) for test in tests)]
            found.sort(key=key, reverse=descending)
            data = [_entry(row) for row in found[offset : offset + limit]]
        page = {"limit": limit, "offset": offset, "total": len(found)}
        return {
            "data": data,
            "meta": {"page": page, "search": criteria.get("search", _Criterion())},
        }


_OPEN: Final = frozenset({"/api/auth/login"})
_ROUTES: Final[dict[str, dict[str, Callable[[_Service, _Request], object]]]] = {
    "/api/auth/login": {"POST": _Service.login},
    "/api/auth/refresh": {"POST": _Service.refresh},
    "/api/stoplist": {"GET": _Service.listing},
    "/api/stoplist/attach": {"POST": _Service.attach},
    "/api/stoplist/detach": {"POST": _Service.detach},
    "/api/stoplist/search": {"GET": _Service.search},
}


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection: reads requests, writes the service's answers as JSON."""

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
        except _Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            content = {"message": refusal.message}
        self.server.closing.wait(self.server.latency)
        self._reply(status, content, headers)
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            self._drain()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _request(self) -> _Request:
        path, _, query = self.path.partition("?")
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        return _Request(self.command, path, query, self._body(), token)

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

    def _ending(self, status: HTTPStatus, message: str) -> _Refusal:
        self.close_connection = True  # where the next request begins is not known
        return _Refusal(status, message)

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
        # Closing with unread bytes resets the connection, and the client may lose the answer.
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
        logger.debug("%s answered with %s", path if path in _ROUTES else "another path", code)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep silent: the messages quote the request line."""


class _Server(http.server.ThreadingHTTPServer):
    """Accepts connections and remembers them, so that closing ends every one."""

    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, port: int, service: _Service, latency: float) -> None:
        self.service = service
        self.latency = latency
        self.closing = threading.Event()
        self._connections: dict[socket.socket, threading.Thread] = {}
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the name service for the host's name, which can take seconds.
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

    It starts on entering a ``with`` block and closes on leaving it. It keeps its list over a
    close, and its port too, so that starting it again looks like the end of an outage.

    What the live service does where nobody describes it is unknown. Here, a search with
    ``contact_group_id`` answers as if every contact were in every group; ``like`` finds the value
    anywhere, unless the value has a ``%``, which stands for any characters; refreshing leaves the
    old token alive; times are in UTC.

    Args:
        rows: The entries to begin with; they are copied.
        port: The port to listen on; 0 takes a free one.
        api_key: The only key that signs in; with None, every key that begins with ``live_`` or
            ``test_`` does.
        latency: Seconds to wait before every answer.
        throttle_duplicates: Seconds after an admitted request in which the same one (method,
            path and query, body, token) answers 429; 0 admits all.
        token_life: Seconds until a token expires.
        clock: Tells the time, in seconds since 1970.

    Raises:
        ValueError: Two rows share an id or a phone, or a row is on no known channel.
    """

    def __init__(
        self,
        rows: Iterable[Row] = (),
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
        self._stop_list = _StopList(rows, clock)
        self._service = _Service(
            self._stop_list,
            _Tokens(token_life, clock),
            _Throttle(throttle_duplicates, clock),
            api_key,
        )
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The base address, as in ``"http://127.0.0.1:8080"``.

        Raises:
            RuntimeError: The port is to be a free one, and the sandbox was never started.
        """
        if not self._port:
            raise RuntimeError("the sandbox has no port yet: call start() first")
        return f"http://127.0.0.1:{self._port}"

    @property
    def rows(self) -> tuple[Row, ...]:
        """A copy of the entries, in the order of their ids."""
        with self._stop_list.reading() as rows:
            return tuple(map(_copy, rows))

    def attach(self, phones: Iterable[int], channels: Iterable[str]) -> list[Row]:
        """Put phones on the lists of channels.

        Args:
            phones: Digits without the plus; one that has an entry keeps it.
            channels: One or more of ``sms``, ``viber``, ``rcs``, ``whatsapp``.

        Returns:
            A copy of each phone's entry.

        Raises:
            ValueError: No channel, or an unknown one, is named.
        """
        return self._stop_list.attach(phones, channels)

    def detach(self, ids: Iterable[int], channels: Iterable[str]) -> None:
        """Take entries off the lists of channels; one that is on no list any more is deleted.

        Args:
            ids: Numbers of entries; unknown ones are ignored.
            channels: One or more of ``sms``, ``viber``, ``rcs``, ``whatsapp``.

        Raises:
            ValueError: No channel, or an unknown one, is named.
        """
        self._stop_list.detach(ids, channels)

    def start(self) -> None:
        """Begin to answer; does nothing when it has begun.

        Raises:
            OSError: The port is taken.
        """
        if self._server is not None:
            return
        server = self._server = _Server(self._port, self._service, self._latency)
        self._port = server.server_port
        threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def close(self) -> None:
        """End every connection and thread and free the port; does nothing when that is done."""
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


_VARIED_DIGITS: Final = 5
_FIRST_ID: Final = 9_000_000
_FIRST_SECOND: Final = 1_546_300_800  # 2019-01-01, and the rows spread over six years from there
_SECONDS: Final = 6 * 365 * 86400
_MIXES: Final[dict[tuple[str, ...], int]] = {
    ("sms",): 59,
    ("viber",): 20,
    ("sms", "viber"): 19,
    ("sms", "rcs"): 1,
    ("sms", "viber", "rcs"): 1,
}


def made_up(size: int, *, seed: int = 0) -> list[Row]:
    """Make entries up, with numbers as people in many countries have them.

    Args:
        size: How many, up to some millions.
        seed: The same seed gives the same rows, under one version of ``phonenumbers``.

    Returns:
        Entries with distinct phones, each readable after a plus, in ascending order of ids (with
        gaps) and of times.

    Raises:
        ValueError: The size is negative, or there are not so many numbers.
    """
    prefixes, variants = _prefixes(), 10**_VARIED_DIGITS
    if not 0 <= size <= len(prefixes) * variants:
        raise ValueError(f"size must be from 0 to {len(prefixes) * variants:,}")
    dice = random.Random(seed)  # noqa: S311 - made-up data, no secrets
    numbers = dice.sample(range(len(prefixes) * variants), size)
    ids = itertools.accumulate(dice.choices(range(2, 10), k=size), initial=_FIRST_ID)
    seconds = sorted(dice.choices(range(_FIRST_SECOND, _FIRST_SECOND + _SECONDS), k=size))
    mixes = dice.choices(tuple(_MIXES), tuple(_MIXES.values()), k=size)
    return [
        Row(id_, prefixes[number // variants] * variants + number % variants, _stamp(at), set(mix))
        for id_, number, at, mix in zip(ids, numbers, seconds, mixes, strict=False)
    ]


@functools.cache
def _prefixes() -> tuple[int, ...]:
    """Beginnings of mobile numbers, valid with the lowest and the highest last digits."""
    mobile = phonenumbers.PhoneNumberType.MOBILE
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    examples = (phonenumbers.example_number_for_type(region, mobile) for region in regions)
    texts = (
        phonenumbers.format_number(e, phonenumbers.PhoneNumberFormat.E164) for e in examples if e
    )
    found = dict.fromkeys(int(text[1:-_VARIED_DIGITS]) for text in texts)
    return tuple(prefix for prefix in found if all(map(_valid, _extremes(prefix))))


def _extremes(prefix: int) -> tuple[int, int]:
    lowest = prefix * 10**_VARIED_DIGITS
    return lowest, lowest + 10**_VARIED_DIGITS - 1


def _valid(phone: int) -> bool:
    in_range = LOWEST_PHONE <= phone <= HIGHEST_PHONE
    return in_range and phonenumbers.is_valid_number(phonenumbers.parse(f"+{phone}"))
