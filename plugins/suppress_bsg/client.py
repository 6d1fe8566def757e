"""Talking to BSG's One-API: signing in, one page of the stop list, errors in words.

Every request has a timeout, every answer a bound on its size and a schema; nothing is
sent in the clear, and no redirect is followed. Neither key nor token is ever shown.
"""

import base64
import ipaddress
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from suppress import ConfigurationError, SourceError

T = TypeVar("T")

RETRIES = 5
RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT = 60
"""Seconds that a `Retry-After` can ask for at most."""

LARGEST_ANSWER = 16 * 2**20
"""Bytes, unpacked. A page of 500 entries has about 60,000."""

RENEW_BEFORE = 60
"""Seconds before the end of a token at which it is renewed."""

_PIECE = 2**16


class WireEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry as the API gives it; the two sources of its documentation disagree on types.

    `None` stands for what is missing, null or, for `id` and `created_at`, of an odd type:
    that must not make the entry vanish.
    """

    phone: int | str | None = None
    id: int | str | None = None
    created_at: datetime | None = None
    sms_stoplist: bool | None = None
    viber_stoplist: bool | None = None
    rcs_stoplist: bool | None = None
    whatsapp_stoplist: bool | None = None


class Listing(msgspec.Struct, frozen=True):
    """A page of the listing."""

    data: list[WireEntry]
    total: int | str


class _OddListing(msgspec.Struct, frozen=True):
    """A page of which some entries are odd."""

    data: list[dict[str, Any]]
    total: int | str


class _SignedIn(msgspec.Struct, frozen=True):
    bearer: str


class _Claims(msgspec.Struct, frozen=True):
    """What a JSON Web Token tells of its time (RFC 7519, sections 4.1.4 and 4.1.6)."""

    exp: float
    iat: float | None = None


class _Message(msgspec.Struct, frozen=True):
    message: str = ""


class Token(AuthBase):
    """A bearer token and when it ends (seconds since the epoch; None if it does not say)."""

    def __init__(self, bearer: str, now: float) -> None:
        self._bearer = bearer
        self.ends = _end_of(bearer, now)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._bearer}"
        return request

    def __repr__(self) -> str:
        return "<Token>"


class _NoToken(AuthBase):
    """Keeps requests from looking for a password in the user's .netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Client:
    """A connection to the API, for several threads at once.

    Args:
        base_url: `https://...`; plain `http` for loopback addresses alone, unless allowed.
        api_key: the account's key.
        connections: how many requests may be under way at once.
        timeout: seconds to wait for a connection, and for each piece of an answer.
        allow_http: whether a base URL without TLS is taken.
        clock: gives the time, in seconds since the epoch.

    Raises:
        ConfigurationError: the base URL or the key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        connections: int = 8,
        timeout: float = 30.0,
        allow_http: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = _checked_url(base_url, allow_http=allow_http)
        self._api_key = _checked_key(api_key)
        self._timeout = timeout
        self._clock = clock
        self._token: Token | None = None
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        # Proxies and certificates of the environment, looked up once and not for every page.
        found = self._session.merge_environment_settings(self._base_url, {}, None, None, None)
        self._session.proxies, self._session.verify = found["proxies"], found["verify"]
        self._session.trust_env = False
        retry = Retry(
            total=RETRIES,
            allowed_methods=None,  # signing in changes nothing, so it can be repeated as well
            status_forcelist=RETRY_STATUSES,
            backoff_factor=0.25,
            backoff_jitter=0.25,
            raise_on_status=False,
            retry_after_max=LONGEST_WAIT,
        )
        adapter = HTTPAdapter(pool_maxsize=connections, max_retries=retry)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._session.close()

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
        token = self._signed_in()
        response = self._send("GET", "/api/stoplist", what, params=params, auth=token)
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            response.close()
            token = self._signed_in(instead_of=token)
            response = self._send("GET", "/api/stoplist", what, params=params, auth=token)
        return self._decoded(response, decode_listing, what), _throttled(response)

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
        response = self._send(
            "POST", "/api/auth/login", what, json={"api_key": self._api_key}, auth=_NoToken()
        )
        if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            response.close()
            raise SourceError(
                f"BSG refused the API key (status {response.status_code}). Check BSG_API_KEY."
            )
        signed_in = self._decoded(response, msgspec.json.Decoder(_SignedIn).decode, what)
        return Token(signed_in.bearer, self._clock())

    def _send(self, method: str, path: str, what: str, **request: Any) -> requests.Response:
        try:
            return self._session.request(
                method,
                self._base_url + path,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                **request,
            )
        except requests.RequestException as error:
            raise self._unreachable(what, error) from None

    def _unreachable(self, what: str, error: Exception) -> SourceError:
        # The exception's own text quotes the request; its kind says enough.
        reason = {
            "ConnectTimeout": f"no connection within {self._timeout:g} s",
            "ReadTimeout": f"no answer within {self._timeout:g} s",
            "SSLError": "its certificate is not trusted",
            "ProxyError": "the proxy does not answer",
            "ConnectionError": "no connection, or it broke off",
            "ChunkedEncodingError": "the answer broke off",
        }.get(type(error).__name__, type(error).__name__)
        return SourceError(
            f"{self._base_url} cannot be reached for {what}: {reason}. "
            "Check BSG_BASE_URL and the network."
        )

    def _decoded(self, response: requests.Response, decode: Callable[[bytes], T], what: str) -> T:
        with response:
            body = self._body(response, what)
        if response.status_code != HTTPStatus.OK:
            raise SourceError(_refusal(response.status_code, body, what))
        try:
            return decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SourceError(f"The answer to {what} is not what was expected: {error}.") from None

    def _body(self, response: requests.Response, what: str) -> bytes:
        body = bytearray()
        try:
            for piece in response.iter_content(_PIECE):
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise SourceError(
                        f"The answer to {what} is larger than {LARGEST_ANSWER // 2**20} MiB."
                    )
        except requests.RequestException as error:
            raise self._unreachable(what, error) from None
        return bytes(body)


def decode_listing(body: bytes) -> Listing:
    """The page of the listing that an answer's bytes are.

    Raises:
        msgspec.DecodeError: they are none.
    """
    try:
        return _decode_listing(body)
    except msgspec.ValidationError:
        odd = _decode_odd_listing(body)
    for entry in odd.data:
        for name, kind in (("id", int | str | None), ("created_at", datetime | None)):
            try:
                entry[name] = msgspec.convert(entry.get(name), kind)
            except msgspec.ValidationError:
                shown = msgspec.json.encode(entry[name]).decode()
                entry[name] = shown if name == "id" else None
    return msgspec.convert(odd, Listing, from_attributes=True)


_decode_listing = msgspec.json.Decoder(Listing).decode
_decode_odd_listing = msgspec.json.Decoder(_OddListing).decode


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


def _checked_key(api_key: str) -> str:
    key = api_key.strip()
    if not key or not key.isascii() or not key.isprintable():
        raise ConfigurationError(
            "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is empty or no API key."
        )
    return key


def _end_of(bearer: str, now: float) -> float | None:
    """When a token that was issued now ends, by its own claims, if they can be read."""
    try:
        payload = bearer.split(".")[1]
        payload_bytes = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = msgspec.json.decode(payload_bytes, type=_Claims)
    except (IndexError, ValueError, msgspec.DecodeError):
        return None
    # Its length counts from here: the server's clock may be another.
    return claims.exp if claims.iat is None else now + claims.exp - claims.iat


def _throttled(response: requests.Response) -> bool:
    retries = response.raw.retries
    return retries is not None and any(
        attempt.status == HTTPStatus.TOO_MANY_REQUESTS for attempt in retries.history
    )


_NEXT_STEP: Mapping[int, str] = {
    401: "The token was refused twice. Check BSG_API_KEY.",
    403: "The key may not read the stop list. Check BSG_API_KEY.",
    404: "Check BSG_BASE_URL.",
    429: "Too many requests: lower BSG_PAGES_IN_FLIGHT, or try again later.",
}


def _refusal(status: int, body: bytes, what: str) -> str:
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"BSG redirected {what} elsewhere (status {status}). Check BSG_BASE_URL."
    try:
        said = msgspec.json.decode(body, type=_Message).message[:200]
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = ""
    next_step = _NEXT_STEP.get(status, "Try again later.")
    return f"BSG answered {what} with status {status}{f' ({said})' if said else ''}. {next_step}"
