"""`GET /metrics`: the metrics of this process for Prometheus. No label has a number."""

import time
from collections.abc import Collection

import prometheus_client as prometheus
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from suppress_http.backend import Backend
from suppress_http.problems import problem_of

OTHER = "other"
"""The label of requests to no endpoint: what strangers ask for makes no label."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 120, 600)


def new_registry() -> prometheus.CollectorRegistry:
    """Return a registry with the metrics of the process: its memory, its files, its Python."""
    registry = prometheus.CollectorRegistry()
    prometheus.ProcessCollector(registry=registry)
    prometheus.PlatformCollector(registry=registry)
    return registry


class Measured:
    """A layer that counts and times requests, and makes answers of errors.

    Args:
        app: answers the requests.
        registry: where the metrics are registered.
        paths: the paths of the endpoints.
    """

    def __init__(
        self, app: ASGIApp, *, registry: prometheus.CollectorRegistry, paths: Collection[str]
    ) -> None:
        self._app = app
        self._paths = frozenset(paths)
        self._requests = prometheus.Counter(
            "suppress_http_requests",
            "Requests that were answered.",
            ["endpoint", "status"],
            registry=registry,
        )
        self._seconds = prometheus.Histogram(
            "suppress_http_request_seconds",
            "Seconds from a request to the end of its answer.",
            ["endpoint"],
            buckets=BUCKETS,
            registry=registry,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer
            answer = problem_of(error)
            if not status:
                await answer(scope, receive, noted)
        finally:
            endpoint = scope["path"] if scope["path"] in self._paths else OTHER
            self._requests.labels(endpoint, str(status or "gone")).inc()
            self._seconds.labels(endpoint).observe(time.perf_counter() - began)


class MetricsEndpoint:
    """The endpoint that shows the metrics of this process.

    Args:
        backend: runs what may take a while.
        registry: the metrics.
    """

    def __init__(self, backend: Backend, registry: prometheus.CollectorRegistry) -> None:
        self._backend = backend
        self._registry = registry

    async def __call__(self, _request: Request) -> Response:
        """Answer with all metrics as they are now."""
        content = await self._backend.run(prometheus.generate_latest, self._registry)
        return Response(content, headers={"Content-Type": CONTENT_TYPE})
