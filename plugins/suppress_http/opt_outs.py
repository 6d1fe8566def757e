"""`POST /opt-outs` and `POST /opt-ins`: people opted out, and back in."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from suppress_http.backend import Backend, json_answer
from suppress_http.checking import Number
from suppress_http.requests import document, region_of

Numbers = Annotated[list[Number], msgspec.Meta(min_length=1, max_length=10_000)]
Channels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]

VIA = "api"
"""The way in which these changes come, unless the caller says more."""


class _Change(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The part that opt-outs and opt-ins share; each is kept in the history.

    Attributes:
        numbers: the numbers of the people.
        default_region: the region of numbers in national form; null for that of the settings.
        reason: why.
        by: who did it.
        via: how it came, in one word.
        reference: a reference of the caller's own, such as a message id.
        at: when the person asked for it.
    """

    numbers: Numbers
    default_region: str | None = None
    reason: str | None = None
    by: str | None = None
    via: str = VIA
    reference: str | None = None
    at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None

    def details(self) -> dict[str, Any]:
        """Return the arguments that adding and removing share, by name."""
        return {
            "default_region": region_of(self.default_region),
            "reason": self.reason,
            "by": self.by,
            "via": self.via,
            "reference": self.reference,
            "at": self.at,
        }


class OptOutRequest(_Change):
    """People to be opted out.

    Attributes:
        channels: the channels on which they must not be messaged any more.
    """

    channels: Channels


class OptInRequest(_Change):
    """People whose opt-outs are to be taken back.

    Attributes:
        channel: the channel on which they may be messaged again.
        correction: whether the opt-out was a mistake; else they have opted in again.
    """

    channel: str
    correction: bool = False


class OptOutAnswer(msgspec.Struct):
    """The answer to opt-outs.

    Attributes:
        new: for each channel, how many were not opted out here before.
    """

    new: dict[str, int]


class OptInAnswer(msgspec.Struct):
    """The answer to opt-ins.

    Attributes:
        still_listed_by: for each number in E.164 form, the sources that go on listing it.
    """

    still_listed_by: dict[str, list[str]]


class OptOutEndpoint:
    """The endpoint that opts people out: it holds when it answers.

    Args:
        backend: the opt-outs.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, request: Request) -> Response:
        """Opt people out of channels."""
        asked = await document(request, OptOutRequest, self._backend.limits)
        new = await self._backend.run(
            self._backend.suppressor.add_to_channels,
            asked.numbers,
            asked.channels,
            **asked.details(),
        )
        return json_answer(OptOutAnswer(new))


class OptInEndpoint:
    """The endpoint that takes opt-outs back.

    Args:
        backend: the opt-outs.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, request: Request) -> Response:
        """Take opt-outs back on a channel."""
        asked = await document(request, OptInRequest, self._backend.limits)
        listed = await self._backend.run(
            self._backend.suppressor.remove,
            asked.numbers,
            asked.channel,
            correction=asked.correction,
            **asked.details(),
        )
        return json_answer(OptInAnswer({number: list(names) for number, names in listed.items()}))
