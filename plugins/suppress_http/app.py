"""The application: endpoints, and the layers around them."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from suppress_http.admission import REPLIES, Admission
from suppress_http.backend import Backend
from suppress_http.checking import Checking
from suppress_http.health import HealthEndpoint
from suppress_http.metrics import Measured, MetricsEndpoint
from suppress_http.openapi import OpenApiEndpoint
from suppress_http.opt_outs import OptInEndpoint, OptOutEndpoint
from suppress_http.problems import RequestRefused, problem_of
from suppress_http.refusals import Refusals
from suppress_http.replies import RepliesEndpoint
from suppress_http.screening import ScreenEndpoint

Endpoint = Callable[[Request], Awaitable[Response]]


class _Place(NamedTuple):
    """An endpoint, and where it is."""

    method: str
    path: str
    endpoint: Endpoint


def make_app(backend: Backend, registry: CollectorRegistry, *, any_host: bool = False) -> Starlette:
    """Return the application.

    Args:
        backend: the stop lists, the settings and the bounds.
        registry: the metrics that are shown; those of requests are added.
        any_host: whether the name by which the service is called does not matter, as on a Unix
            socket.
    """
    refusals = Refusals(backend.limits.log_pause)
    replies = RepliesEndpoint(backend, refusals)
    places = (
        _Place("POST", "/check", Checking(backend)),
        _Place("POST", "/screen", ScreenEndpoint(backend)),
        _Place("POST", "/opt-outs", OptOutEndpoint(backend)),
        _Place("POST", "/opt-ins", OptInEndpoint(backend)),
        _Place("POST", "/replies/twilio", replies.twilio),
        _Place("POST", "/replies/telnyx", replies.telnyx),
        _Place("POST", "/replies/other", replies.other),
        _Place("GET", "/health", HealthEndpoint(backend)),
        _Place("GET", "/metrics", MetricsEndpoint(backend, registry)),
        _Place("GET", "/openapi.json", OpenApiEndpoint(backend)),
    )
    app = Starlette(
        routes=[_route(each) for each in places],
        middleware=[
            Middleware(Measured, registry=registry, paths=[each.path for each in places]),
            Middleware(Admission, token=backend.settings.token, any_host=any_host),
        ],
        exception_handlers={HTTPException: _of_routing(refusals), ClientDisconnect: _gone},
        lifespan=_keeping(backend),
    )
    # A redirection would name the scheme and the path that a proxy in front has replaced, and have
    # a caller send its token and its numbers there.
    app.router.redirect_slashes = False
    return app


def _route(place: _Place) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            return await place.endpoint(request)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - every error becomes an answer
            return problem_of(error)

    return Route(place.path, endpoint, methods=[place.method], name=place.path)


def _of_routing(refusals: Refusals) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what answers where no endpoint does."""

    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - for the types
        status, path = HTTPStatus(error.status_code), request.url.path
        detail = {
            HTTPStatus.NOT_FOUND: "There is no such path. /openapi.json lists all.",
            HTTPStatus.METHOD_NOT_ALLOWED: "The path is not for this method. See the header Allow.",
        }.get(status, error.detail)
        if path.startswith(REPLIES):
            known = status is HTTPStatus.METHOD_NOT_ALLOWED
            refusals.note(path if known else REPLIES, status, detail)
        return problem_of(RequestRefused(status, detail, dict(error.headers or {})))

    return answer


async def _gone(_request: Request, _error: Exception) -> Response:
    # Nobody reads it.
    return Response(status_code=499)


def _keeping(
    backend: Backend,
) -> "Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]":
    """Return the life of the application: lists are kept recent while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        backend.suppressor.keep_recent()
        yield

    return lifespan
