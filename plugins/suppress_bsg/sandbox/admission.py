"""The admission of requests: their tokens, and how often they come."""

import base64
import hmac
import itertools
import secrets
import threading
from collections.abc import Callable
from http import HTTPStatus

import msgspec

from suppress_bsg.sandbox.request import Refusal, Request, decode


class _Claims(msgspec.Struct):
    iat: int
    exp: int
    jti: str


class Tokens:
    """JSON Web Tokens, signed with a secret of this sandbox alone."""

    def __init__(self, life: float, clock: Callable[[], float]) -> None:
        self._life = life
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def issue(self) -> str:
        """Sign a token that begins now."""
        now = self._clock()
        claims = _Claims(iat=int(now), exp=int(now + self._life), jti=secrets.token_hex(8))
        head = _base64(msgspec.json.encode({"alg": "HS256", "typ": "JWT"}))
        signed = head + b"." + _base64(msgspec.json.encode(claims))
        return (signed + b"." + self._signature(signed)).decode("ascii")

    def check(self, token: str) -> None:
        """Refuse a token that was not signed here, or has expired.

        Raises:
            Refusal: 401.
        """
        signed, _, signature = token.encode("utf-8").rpartition(b".")
        if not hmac.compare_digest(self._signature(signed), signature):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "Unauthenticated.")
        payload = signed.partition(b".")[2]
        claims = decode(base64.urlsafe_b64decode(payload + b"=="), _Claims)
        if self._clock() >= claims.exp:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "The token has expired.")

    def _signature(self, signed: bytes) -> bytes:
        return _base64(hmac.digest(self._secret, signed, "sha256"))


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Throttle:
    """Admits the same request once in a window of seconds; a window of 0 admits all."""

    def __init__(self, window: float, clock: Callable[[], float]) -> None:
        self._window = window
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[Request, float] = {}  # oldest first

    def admits(self, request: Request) -> bool:
        """Tell whether a request is not a duplicate of one that was admitted within the window."""
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
