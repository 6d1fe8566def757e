"""`POST /check`: one number, allowed, suppressed or invalid, and the reason."""

from datetime import datetime

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import suppress
from suppress_http.backend import Backend, json_answer
from suppress_http.requests import document, region_of

Number = str | int


class CheckRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A question about one number.

    Attributes:
        number: the number, as it was written.
        channel: the channel of the message.
        default_region: the region of numbers in national form; null for that of the settings.
    """

    number: Number
    channel: str
    default_region: str | None = None


class ListedBy(msgspec.Struct):
    """An entry of a stop list that suppresses a number.

    Attributes:
        source: the source that lists it.
        id: its id there.
        added_at: the time at which it was added.
    """

    source: str
    id: str | int | None = None
    added_at: datetime | None = None


class CheckAnswer(msgspec.Struct):
    """The outcome for one number.

    Attributes:
        outcome: `allowed`, `suppressed` or `invalid`. Send only if it is `allowed`.
        e164: the number to pass on to a provider, in E.164 form; null if there is none.
        reason: why, in words.
        channel: the channel.
        listed_by: the entries that suppress it; none for the others.
        read_at: the time at which the stop list was read.
    """

    outcome: suppress.Outcome
    e164: str | None
    reason: str
    channel: str
    listed_by: list[ListedBy]
    read_at: datetime


class Checking:
    """The endpoint that checks one number.

    Args:
        backend: the stop lists.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, request: Request) -> Response:
        """Answer a question about one number."""
        asked = await document(request, CheckRequest, self._backend.limits)
        region = region_of(asked.default_region)
        answer = await self._backend.run(self._answer, asked.number, asked.channel, region)
        return json_answer(answer)

    def _answer(self, number: Number, channel: str, region: str | None) -> CheckAnswer:
        suppressor = self._backend.suppressor
        try:
            is_suppressed = suppressor.is_suppressed(number, channel, default_region=region)
        except suppress.InvalidNumber:
            is_suppressed = True  # as good as: the screening says why
        snapshot, reader = suppressor.snapshot(channel), suppressor.reader(region)
        if not is_suppressed:
            return CheckAnswer(
                outcome=suppress.Outcome.ALLOWED,
                e164=reader.read(number).first,
                reason=f"not listed for {channel}",
                channel=channel,
                listed_by=[],
                read_at=snapshot.read_at,
            )
        # Takes a hundred times as long, and has the words.
        (decision,) = suppress.Screening(
            [number], snapshot, reader=reader, screened_at=suppressor.now(), check_types=False
        )
        return CheckAnswer(
            outcome=decision.outcome,
            e164=decision.e164,
            reason=decision.reason,
            channel=channel,
            listed_by=[ListedBy(each.source, each.id, each.added_at) for each in decision.origins],
            read_at=snapshot.read_at,
        )
