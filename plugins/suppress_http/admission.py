"""Admission of callers: whoever has the token, or without one, this machine alone."""

import hmac
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from suppress import Secret
from suppress_http.problems import RequestRefused, problem_of
from suppress_http.settings import is_loopback

HEALTH: Final = "/health"
"""Needs no token: a probe has none."""

REPLIES: Final = "/replies/"
"""The beginning of paths that need neither token nor name: each reply proves where it is from."""


FORWARDED: Final = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
"""Headers of requests that a proxy has passed on."""


class Admission:
    """A layer that lets callers in, or answers that they are not.

    Without a token, a page on the web could have a browser call a service of this machine under
    a name of its own, and a proxy on it could pass on whatever others send. So the name has to be
    one of this machine then, and no proxy between.

    Args:
        app: answers whoever is let in. `scope["state"]["trusted"]` says whether the caller
            showed the token, or none is needed.
        token: the token; None if this machine alone can call.
        any_host: whether the name by which the service was called does not matter.
    """

    def __init__(self, app: ASGIApp, *, token: Secret | None, any_host: bool = False) -> None:
        self._app = app
        self._token = None if token is None else token.reveal().encode()
        self._any_host = any_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer that it may not come in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        trusted = self._is_trusted(headers)
        scope.setdefault("state", {})["trusted"] = trusted
        is_open = path.startswith(REPLIES) or (self._token is not None and path == HEALTH)
        if trusted or is_open:
            await self._app(scope, receive, send)
            return
        await problem_of(self._refusal())(scope, receive, send)

    def _is_trusted(self, headers: Headers) -> bool:
        if self._token is None:
            if any(name in headers for name in FORWARDED):
                return False
            return self._any_host or is_loopback(_hostname(headers.get("host", "")))
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Takes as long for a token that is nearly right.
        is_same = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        return is_same and scheme.lower() == "bearer"

    def _refusal(self) -> RequestRefused:
        if self._token is None:
            return RequestRefused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "Without a token, this service answers this machine alone. Call it as 127.0.0.1 "
                "or localhost and not through a proxy, or set SUPPRESS_SERVE_TOKEN.",
            )
        return RequestRefused(
            HTTPStatus.UNAUTHORIZED,
            "The token is missing or wrong. Send the header `Authorization: Bearer TOKEN`.",
            {"WWW-Authenticate": "Bearer"},
        )


def _hostname(host: str) -> str:
    """Return the name in a `Host` header, without the port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
