"""The backend of all endpoints: the stop lists, the settings, and threads for what may wait."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
import msgspec
from starlette.responses import Response

import suppress
from suppress_http.limits import LIMITS, HttpLimits
from suppress_http.requests import JSON
from suppress_http.settings import ServeSettings

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Backend:
    """The backend of all endpoints.

    Attributes:
        suppressor: the stop lists and the opt-outs.
        settings: the settings of the service.
        limits: the bounds within which it answers.
    """

    suppressor: suppress.Suppressor
    settings: ServeSettings = field(default_factory=ServeSettings)
    limits: HttpLimits = LIMITS

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a thread, since it may wait for a list or a disk."""
        call = functools.partial(function, *args, **kwargs)
        return await anyio.to_thread.run_sync(call, limiter=self._short)

    async def run_long(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a thread as soon as few enough run for long."""
        call = functools.partial(function, *args, **kwargs)
        return await anyio.to_thread.run_sync(call, limiter=self._long)

    async def run_alone(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function in a thread beside all others, for what is limited by itself."""
        call = functools.partial(function, *args, **kwargs)
        return await anyio.to_thread.run_sync(
            call, limiter=anyio.CapacityLimiter(1), abandon_on_cancel=True
        )

    @functools.cached_property
    def _short(self) -> anyio.CapacityLimiter:
        return anyio.CapacityLimiter(self.limits.checks)

    @functools.cached_property
    def _long(self) -> anyio.CapacityLimiter:
        # Long ones hold up no check, however many wait.
        return anyio.CapacityLimiter(self.limits.screenings)


def json_answer(content: Any, status: int = 200) -> Response:
    """Return the answer with a JSON document, which nobody keeps for others."""
    return Response(
        msgspec.json.encode(content),
        status,
        headers={"Cache-Control": "no-store"},
        media_type=JSON,
    )
