"""Talking to BSG's One-API: signing in, the calls for the stop list, errors in words.

Every answer has a bound on its size and a schema, and all requests together a time by
which they end, whatever the server does. Nothing is sent in the clear, and no redirect
is followed. Neither key nor token is ever shown.
"""

import base64
import ipaddress
import itertools
import math
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.util import Retry

from suppress import ConfigurationError, Refused, Secret, SourceError, mask
from suppress_bsg.answers import (
    LARGEST_ANSWER,
    Listing,
    WireEntry,
    decode_found,
    decode_listing,
    decode_message,
    decode_object,
    decode_signed_in,
)
from suppress_bsg.connections import Connections

T = TypeVar("T")

RETRIES = 5
RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
REFUSED_STATUSES = frozenset({400, 409, 413, 422})
"""Those that the same request would get again: what it hands over is not taken."""

BACKOFF = 0.25
"""Seconds before a request is repeated; twice as many before each further time."""

LONGEST_WAIT = 60
"""Seconds that a `Retry-After` can ask for at most."""

RENEW_BEFORE = 60
"""Seconds before the end of a token at which it is renewed."""

_PIECE = 2**16

# Not the dice that the whole process shares, since it may count on what they give.
_DICE = random.SystemRandom()


class _Claims(msgspec.Struct, frozen=True):
    """What a JSON Web Token tells of its time (RFC 7519, sections 4.1.4 and 4.1.6)."""

    exp: float
    iat: float | None = None


class Token(AuthBase):
    """A bearer token and when it ends (seconds since the epoch; None if it does not say)."""

    def __init__(self, bearer: Secret, now: float) -> None:
        self.bearer = bearer
        self.ends = _end_of(bearer, now)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self.bearer.reveal()}"
        return request

    def __repr__(self) -> str:
        return "<Token>"


class _ApiKey(AuthBase):
    """Puts the key into a request, when it is sent and no sooner."""

    def __init__(self, api_key: Secret) -> None:
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Write the body that signs in."""
        request.prepare_body(None, None, json={"api_key": self._api_key.reveal()})
        return request


@dataclass(frozen=True)
class _Answer:
    """An answer that was read to its end; `retry_after` is in seconds."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None
    throttled: bool


@dataclass(frozen=True)
class _Failed:
    """A request without an answer: why, and whether it may have one when it is repeated."""

    said: str
    may_pass: bool


class Client:
    """A connection to the API, for several threads at once, used in a `with` block.

    Args:
        base_url: `https://...`; plain `http` for loopback addresses alone, unless allowed.
        api_key: the account's key.
        connections: how many requests may be under way at once.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        load_timeout: seconds from the beginning of the block after which every request ends.
        allow_http: whether a base URL without TLS is taken.
        clock: gives the time, in seconds since the epoch.

    Raises:
        ConfigurationError: the base URL or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | Secret,
        *,
        connections: int = 8,
        timeout: float = 30.0,
        load_timeout: float = 600.0,
        allow_http: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        api_key = Secret(api_key)  # before any error, whose traceback may show what is here
        self._base_url = _checked_url(base_url, allow_http=allow_http)
        self._api_key = _checked_key(api_key)
        self._timeout = timeout
        self._load_timeout = load_timeout
        self._clock = clock
        self._token: Token | None = None
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        # Proxies and certificates of the environment, looked up once and not for every page.
        found = self._session.merge_environment_settings(self._base_url, {}, None, None, None)
        self._session.verify = found["verify"]
        if not _is_loopback(urlsplit(self._base_url).hostname or ""):
            # What is for this machine is for no proxy: it may travel in the clear.
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

    def listing(self, *, offset: int, limit: int, channel: str | None) -> tuple[Listing, bool]:
        """One page of the stop list, and whether the server throttled the request.

        Args:
            offset: the place of the first entry, from 0.
            limit: how many entries, 15 to 500.
            channel: the channel to filter by; None for all.

        Raises:
            SourceError: no such answer came; says what did.
        """
        params: dict[str, Any] = {"page[limit]": limit, "page[offset]": offset}
        if channel is not None:
            # The documentation's page names the filter `types`, its OpenAPI description `type`.
            params |= {"types": channel, "type": channel}
        what = f"the page at offset {offset}"
        answer = self._authorized("GET", "/api/stoplist", what, params=params)
        return self._decoded(answer, decode_listing, what), answer.throttled

    def attach(self, phones: Sequence[int], channel: str) -> list[WireEntry]:
        """Put phones on the list of a channel.

        Args:
            phones: digits without the plus, 1,000 phones at most.
            channel: one that the API knows of.

        Returns:
            The entries that the answer has, be it of all phones or of some.

        Raises:
            Refused: they will not be taken.
            SourceError: nobody knows that it was done; says what came.
        """
        what = f"adding {len(phones)} to the stop list"
        wanted = {"phones": phones, "types": [channel]}
        answer = self._authorized("POST", "/api/stoplist/attach", what, json=wanted)
        return self._decoded(answer, decode_found, what, refused=REFUSED_STATUSES).data

    def detach(self, ids: Sequence[int], channel: str) -> None:
        """Take entries off the list of a channel.

        Args:
            ids: ids of entries, 200 at most.
            channel: one that the API knows of.

        Raises:
            Refused, SourceError: as for `attach`.
        """
        what = f"removing {len(ids)} from the stop list"
        wanted = {"ids": ids, "types": [channel]}
        answer = self._authorized("POST", "/api/stoplist/detach", what, json=wanted)
        self._decoded(answer, decode_object, what, refused=REFUSED_STATUSES)

    def search(self, name: str, value: int | str) -> list[WireEntry]:
        """The first 500 entries of which a field, `id` or `phone`, has the value.

        Raises:
            Refused, SourceError: as for `attach`.
        """
        what = f"a search of the stop list by {name}"
        params: dict[str, Any] = {
            "page[limit]": 500,
            "search[field]": name,
            "search[operator]": "=",
            "search[value]": value,
        }
        answer = self._authorized("GET", "/api/stoplist/search", what, params=params)
        return self._decoded(answer, decode_found, what, refused=REFUSED_STATUSES).data

    def sign_in(self) -> None:
        """Sign in, to see whether the key is right.

        Raises:
            SourceError: it is not, or nobody could be asked.
        """
        self._signed_in()

    def _authorized(self, method: str, path: str, what: str, **request: Any) -> _Answer:
        token = self._signed_in()
        answer = self._answer(method, path, what, auth=token, **request)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            token = self._signed_in(instead_of=token)
            answer = self._answer(method, path, what, auth=token, **request)
        return answer

    def _signed_in(self, instead_of: Token | None = None) -> Token:
        """The token in force; a new one where it is about to end, or is that one."""
        with self._lock:
            token = self._token
            ending = token is not None and (
                token.ends is not None and token.ends - self._clock() < RENEW_BEFORE
            )
            if token is None or token is instead_of or ending:
                token = self._token = self._sign_in()
            return token

    def _sign_in(self) -> Token:
        what = "signing in"
        answer = self._answer("POST", "/api/auth/login", what, auth=_ApiKey(self._api_key))
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise SourceError(
                f"BSG refused the API key (status {answer.status}). Check BSG_API_KEY."
            )
        return Token(self._decoded(answer, decode_signed_in, what).bearer, self._clock())

    def _answer(self, method: str, path: str, what: str, **request: Any) -> _Answer:
        """The answer to a request, which is repeated where that may help.

        Each can be: with this API, to do a thing twice is the same as once.
        """
        throttled = False
        for attempt in itertools.count():
            self._check_time(what)
            pause = BACKOFF * (2**attempt + _DICE.random())
            answer = self._exchange(method, path, what, throttled=throttled, **request)
            self._check_time(what)
            if isinstance(answer, _Failed):
                if attempt == RETRIES or not answer.may_pass:
                    raise SourceError(answer.said)
            else:
                if attempt == RETRIES or answer.status not in RETRY_STATUSES:
                    return answer
                throttled = throttled or answer.status == HTTPStatus.TOO_MANY_REQUESTS
                pause = answer.retry_after or pause
            self._connections.ended.wait(pause)
        raise AssertionError

    def _exchange(
        self, method: str, path: str, what: str, *, throttled: bool, **request: Any
    ) -> "_Answer | _Failed":
        """The answer to a request that is sent once, or why there is none.

        Whatever is raised, its text and its frames hold the request, and so key or token. So
        no error of ours is raised here: it would have that one for its context.
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
            reason = _reason(error, self._timeout)
            said = f"{self._base_url} cannot be reached for {what}: {reason}"
            return _Failed(said, may_pass=_may_pass(error))
        except BaseException as error:  # noqa: BLE001
            ended = error.with_traceback(None)
        else:
            if body is None:
                most = LARGEST_ANSWER // 2**20
                return _Failed(f"The answer to {what} is larger than {most} MiB.", may_pass=False)
            return _Answer(response.status_code, body, _retry_after(response), throttled)
        ended.__context__ = None
        raise ended

    def _body(self, response: requests.Response) -> bytes | None:
        """The body of an answer, unpacked; None if it is too large."""
        body = bytearray()
        # Each piece is what has come so far, unpacked as far as it fits.
        while piece := response.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST_ANSWER:
                return None
            if self._connections.ended.is_set():
                break
        # Where a body has no other end, this end may be ours: who asked looks at the time.
        return bytes(body)

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

    def _decoded(
        self,
        answer: _Answer,
        decode: Callable[[bytes], T],
        what: str,
        *,
        refused: Collection[int] = (),
    ) -> T:
        if answer.status != HTTPStatus.OK:
            kind = Refused if answer.status in refused else SourceError
            raise kind(self._refusal(answer, what))
        try:
            return decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            fault = str(error)
        # Outside, for in its context it would have frames that hold the answer.
        raise SourceError(f"The answer to {what} is not what was expected: {fault}.")

    def _refusal(self, answer: _Answer, what: str) -> str:
        status = answer.status
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return f"The proxy was asked for {what}: {_PROXY_ASKS}"
        if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
            return f"BSG redirected {what} elsewhere (status {status}). Check BSG_BASE_URL."
        try:
            said = self._fit_to_show(decode_message(answer.body).message)
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = ""
        next_step = _NEXT_STEP.get(status, "Try again later.")
        return (
            f"BSG answered {what} with status {status}{f' ({said})' if said else ''}. {next_step}"
        )

    def _fit_to_show(self, said: str) -> str:
        """What the server said, without a key, a token, a number or orders to a terminal."""
        said = said.replace(self._api_key.reveal(), str(self._api_key))
        if self._token is not None:
            said = said.replace(self._token.bearer.reveal(), str(self._token.bearer))
        return mask(said, 200)


def _checked_url(base_url: str, *, allow_http: bool) -> str:
    setting = "BSG_BASE_URL (`base_url` in the table [suppress.bsg])"
    parts = urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ConfigurationError(f"{setting} is no http(s) address.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{setting} may hold host, port and path only.")
    if parts.scheme == "http" and not allow_http and not _is_loopback(parts.hostname):
        raise ConfigurationError(
            f"{setting} is not https: the key would travel in the clear. Use https, or set "
            "BSG_ALLOW_HTTP=true if you insist."
        )
    return base_url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_key(api_key: Secret) -> Secret:
    key = Secret(api_key.reveal().strip())
    if not (key.reveal() and key.reveal().isascii() and key.reveal().isprintable()):
        raise ConfigurationError(
            "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is empty or no API key."
        )
    return key


def _end_of(bearer: Secret, now: float) -> float | None:
    """When a token that was issued now ends, by its own claims, if they can be read."""
    try:
        payload = bearer.reveal().split(".")[1]
        payload_bytes = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = msgspec.json.decode(payload_bytes, type=_Claims)
    except (IndexError, ValueError, msgspec.DecodeError):
        return None
    # Its length counts from here: the server's clock may be another.
    return claims.exp if claims.iat is None else now + claims.exp - claims.iat


def _retry_after(response: requests.Response) -> float | None:
    """Seconds to wait before the request is repeated, if the server says it legibly."""
    asked = response.headers.get("Retry-After")
    if asked is None:
        return None
    try:
        return min(Retry().parse_retry_after(asked), LONGEST_WAIT)
    except InvalidHeader:
        return None


def _may_pass(error: Exception) -> bool:
    """Whether a request that failed so may succeed when it is repeated."""
    # A `ValueError` is about an address, and so about the settings.
    return (
        isinstance(error, requests.RequestException | HTTPError)
        and not isinstance(error, ValueError)
        and not _is_untrusted(error)
        and _refused_by_proxy(error) in (None, *RETRY_STATUSES)
    )


def _reason(error: Exception, timeout: float) -> str:
    """Say why a request failed, and what to do."""
    # The exception's own text quotes the request; its kind says enough.
    kind = type(error).__name__
    if _is_untrusted(error):
        return f"its certificate is not trusted. {_CHECK}"
    if kind == "InvalidSchema" and "SOCKS" in str(error):
        return _NO_SOCKS
    if kind == "InvalidProxyURL":
        return "the address of the proxy is none. Check HTTPS_PROXY."
    if (status := _refused_by_proxy(error)) is not None:
        if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return _PROXY_ASKS
        return f"the proxy refuses the connection (status {status}). Check HTTPS_PROXY."
    reason = {
        "ConnectTimeout": f"no connection within {timeout:g} s",
        "ReadTimeout": f"no answer within {timeout:g} s",
        "ReadTimeoutError": f"no answer within {timeout:g} s",
        "SSLError": "no encrypted connection",
        "OSError": "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names no file of certificates",
        "ProxyError": "the proxy does not answer",
        "ConnectionError": "no connection, or it broke off",
        "ProtocolError": "the answer broke off",
        "DecodeError": "its answer cannot be unpacked",
    }.get(kind, kind)
    return f"{reason}. {_CHECK}"


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether the error came of a certificate that is not trusted."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__context__
    return error is not None


def _refused_by_proxy(error: Exception) -> int | None:
    """The status with which a proxy refused to connect; None where none did."""
    found = re.search(r"Tunnel connection failed: (\d{3})", str(error))
    return int(found[1]) if found else None


_CHECK = "Check BSG_BASE_URL and the network."
_NO_SOCKS = (
    "the proxy speaks SOCKS, for which a library is missing. Install requests[socks], or unset "
    "HTTPS_PROXY and ALL_PROXY."
)
_PROXY_ASKS = (
    "the proxy asks who you are (status 407). Put a name and a password into HTTPS_PROXY, as in "
    "http://name:password@host:port."
)

_NEXT_STEP: Mapping[int, str] = {
    401: "The token was refused twice. Check BSG_API_KEY.",
    403: "The key may not read the stop list. Check BSG_API_KEY.",
    404: "Check BSG_BASE_URL.",
    429: "Too many requests: lower BSG_PAGES_IN_FLIGHT, or try again later.",
}
