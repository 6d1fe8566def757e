"""The exchange with one server: requests that are repeated, and bounded in time and size.

Every answer has a bound on its size, and all requests together a time by which they end,
whatever the server does. Nothing is sent in the clear, and no redirect is followed.
"""

import ipaddress
import itertools
import math
import random
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

from suppress.errors import ConfigurationError, SourceError
from suppress.exchange.connections import Connections
from suppress.exchange.failures import PROXY_ASKS, RETRY_STATUSES, may_succeed_later, reason
from suppress.exchange.limits import ExchangeLimits

_CHUNK = 2**16

# Not the generator that the whole process shares, since others may count on its numbers.
_jitter = random.SystemRandom()


@dataclass(frozen=True)
class HttpAnswer:
    """An answer that was read to its end.

    Attributes:
        status: its HTTP status.
        body: its body, unpacked.
        retry_after: seconds to wait before the request is repeated, where the server says so.
        throttled: whether the server asked for fewer requests on the way.
    """

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None
    throttled: bool


@dataclass(frozen=True)
class _Failed:
    """A request without an answer: the reason, and whether a repetition may get one."""

    reason: str
    may_succeed_later: bool


class Exchange:
    """The requests to one address, for several threads at once, used in a `with` block.

    Args:
        base_url: `https://...`; plain `http` for loopback addresses alone, unless allowed.
        connections: how many requests may be under way at once.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        load_timeout: seconds from the beginning of the block after which every request ends.
        allow_http: whether a base URL without TLS is taken.
        prefix: the beginning of the names, in messages, of the settings `PREFIX_BASE_URL` and
            `PREFIX_ALLOW_HTTP`.
        table: the table of these settings, such as `suppress.bsg`.
        limits: the limits of each request.

    Raises:
        ConfigurationError: the base URL cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connections: int,
        timeout: float,
        load_timeout: float,
        allow_http: bool,
        prefix: str,
        table: str,
        limits: ExchangeLimits,
    ) -> None:
        self._base_url = _checked_url(base_url, prefix, table, allow_http=allow_http)
        self._prefix = prefix
        self._timeout = timeout
        self._load_timeout = load_timeout
        self._limits = limits
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        # Proxies and certificates of the environment, looked up once and not for every page.
        found = self._session.merge_environment_settings(self._base_url, {}, None, None, None)
        self._session.verify = found["verify"]
        if not _is_loopback(urlsplit(self._base_url).hostname or ""):
            # No proxy gets requests to this machine: they may travel in the clear.
            self._session.proxies = found["proxies"]
        self._session.trust_env = False
        self._connections = Connections(connections)
        self._session.mount("https://", self._connections)
        self._session.mount("http://", self._connections)
        self._ends = math.inf
        self._late = False
        self._watchdog = threading.Timer(load_timeout, self._give_up)
        self._watchdog.daemon = True

    def __enter__(self) -> Self:
        self._ends = time.monotonic() + self._load_timeout
        self._watchdog.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._watchdog.cancel()
        self.stop()
        self._session.close()
        self._watchdog.join()

    def stop(self) -> None:
        """End every request that is under way with an error, and let no other begin."""
        self._connections.end()

    def request(self, method: str, path: str, what: str, **request: Any) -> HttpAnswer:
        """Send a request, and repeat it where that may help.

        Every request must be one that can be repeated: twice has the same effect as once.

        Args:
            method: the HTTP method.
            path: the path behind the base URL.
            what: the name of the request in errors.
            request: further arguments of `requests.Session.request`.

        Raises:
            SourceError: no answer came, or not in time.
        """
        throttled = False
        for attempt in itertools.count():
            self._check_time(what)
            pause = self._limits.retry_delay * (2**attempt + _jitter.random())
            answer = self._send(method, path, what, throttled=throttled, **request)
            self._check_time(what)
            if isinstance(answer, _Failed):
                if attempt == self._limits.retries or not answer.may_succeed_later:
                    raise SourceError(answer.reason)
            else:
                self._refuse_others(answer.status, what)
                if attempt == self._limits.retries or answer.status not in RETRY_STATUSES:
                    return answer
                throttled = throttled or answer.status == HTTPStatus.TOO_MANY_REQUESTS
                pause = answer.retry_after or pause
            self._connections.ended.wait(pause)
        raise AssertionError

    def _refuse_others(self, status: int, what: str) -> None:
        """Refuse the answer of a proxy, and one that leads elsewhere."""
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise SourceError(f"No answer to {what}: {PROXY_ASKS}")
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            raise SourceError(
                f"{self._base_url} redirected {what} elsewhere (status {status}). "
                f"Check {self._prefix}_BASE_URL."
            )

    def _send(
        self, method: str, path: str, what: str, *, throttled: bool, **request: Any
    ) -> HttpAnswer | _Failed:
        """Send a request once.

        Any error's text and frames hold the request, and so the key or the token. No error of
        ours is raised here, since it would have that one for its context.
        """
        try:
            with self._session.request(
                method,
                self._base_url + path,
                timeout=max(min(self._timeout, self._ends - time.monotonic()), 0.001),
                allow_redirects=False,
                stream=True,
                **request,
            ) as response:
                body = self._body(response)
        except Exception as error:  # noqa: BLE001
            return _Failed(
                f"{self._base_url} cannot be reached for {what}: "
                f"{reason(error, self._timeout, f'{self._prefix}_BASE_URL')}",
                may_succeed_later(error),
            )
        except BaseException as error:  # noqa: BLE001
            ended = error.with_traceback(None)
        else:
            if body is None:
                most = self._limits.largest_answer / 2**20
                return _Failed(
                    f"The answer to {what} is larger than {most:g} MiB.", may_succeed_later=False
                )
            return HttpAnswer(response.status_code, body, self._retry_after(response), throttled)
        ended.__context__ = None
        raise ended

    def _body(self, response: requests.Response) -> bytes | None:
        """Return the body of an answer, unpacked; None if it is too large."""
        body = bytearray()
        # Each chunk is what has come so far, unpacked as far as it fits.
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._limits.largest_answer:
                return None
            if self._connections.ended.is_set():
                break
        # A body without a length may end by our own doing: `_check_time` finds out.
        return bytes(body)

    def _retry_after(self, response: requests.Response) -> float | None:
        """Return the seconds that the server asks to wait, if it says so legibly."""
        asked = response.headers.get("Retry-After")
        if asked is None:
            return None
        try:
            return min(Retry().parse_retry_after(asked), self._limits.max_wait)
        except InvalidHeader:
            return None

    def _give_up(self) -> None:
        self._late = True
        self.stop()

    def _check_time(self, what: str) -> None:
        if self._late:
            raise SourceError(
                f"The exchange with {self._base_url} did not end within {self._load_timeout:g} s "
                f"(SUPPRESS_LOAD_TIMEOUT): it was at {what}. Try again later, or allow more time."
            )
        if self._connections.ended.is_set():
            raise SourceError(f"The exchange with {self._base_url} was stopped at {what}.")


def _checked_url(base_url: str, prefix: str, table: str, *, allow_http: bool) -> str:
    setting = f"{prefix}_BASE_URL (`base_url` in the table [{table}])"
    parts = urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ConfigurationError(
            f"{setting} is not an address that begins with https:// or http://."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{setting} may have a host, a port and a path only.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            f"{setting} is not https: the key would travel in the clear. Use https, or set "
            f"{prefix}_ALLOW_HTTP=true if you insist."
        )
    return base_url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
