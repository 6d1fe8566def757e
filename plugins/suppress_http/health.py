"""`GET /health`: whether every channel may serve, for probes and load balancers."""

from typing import Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import suppress
from suppress_http.backend import Backend, json_answer
from suppress_http.problems import RETRY_AFTER


class ChannelHealth(msgspec.Struct):
    """The health of a channel.

    Attributes:
        state: the state of its stop list.
        age: seconds since the list was read; null if it never was.
        reason: why it may not serve, or why it could not be read since; null where all is well.
    """

    state: suppress.State
    age: float | None
    reason: str | None


class HealthAnswer(msgspec.Struct):
    """The health of the service.

    Attributes:
        status: `ok` if every channel may serve.
        reason: why not; null where all is well.
        channels: the health of each channel.
    """

    status: Literal["ok", "unavailable"]
    reason: str | None
    channels: dict[str, ChannelHealth]


class HealthEndpoint:
    """The endpoint that says whether every channel may serve.

    Args:
        backend: the stop lists.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, request: Request) -> Response:
        """Answer 200 while every channel may serve, else 503 and the reason."""
        found = await self._backend.run(self._health, with_messages=request.state.trusted)
        answer = json_answer(found, 200 if found.status == "ok" else 503)
        if found.status != "ok":
            answer.headers["Retry-After"] = str(RETRY_AFTER)
        return answer

    def _health(self, *, with_messages: bool) -> HealthAnswer:
        try:
            status = self._backend.suppressor.status()
        except suppress.SuppressError as error:
            said = str(error) if with_messages else "The opt-outs cannot be read. See the log."
            return HealthAnswer("unavailable", said, {})
        channels = {
            name: ChannelHealth(
                each.state,
                None if each.age is None else round(each.age, 3),
                _reason(each, with_messages=with_messages),
            )
            for name, each in status.channels.items()
        }
        bad = [name for name, each in status.channels.items() if not each.may_serve]
        if not bad:
            return HealthAnswer("ok", None, channels)
        reason = " ".join(f"{name}: {channels[name].reason}" for name in bad)
        return HealthAnswer("unavailable", reason, channels)


def _reason(status: suppress.ChannelStatus, *, with_messages: bool) -> str | None:
    """Return why a channel may not serve, or could not be read since; None where all is well."""
    said = {
        suppress.State.MISSING: "the stop list was never read",
        suppress.State.EXPIRED: f"the stop list is older than max_stale ({status.max_stale:g} s), "
        "or from the future",
    }.get(status.state)
    if said is not None:
        said += ", and is being read." if status.is_being_read else "."
    if status.failure is not None:
        # Whoever has no token learns nothing of the sources.
        failed = status.failure.message if with_messages else "It cannot be read. See the log."
        said = f"{said} {failed}" if said else failed
    return said
