"""`POST /check`: one number, allowed, suppressed or invalid, and the reason."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import suppress
from suppress_http.backend import Backend, json_answer
from suppress_http.problems import with_remedy
from suppress_http.requests import document, region_of

Number = str | int | float
"""A number as JSON has it, whose writers may give a whole number a decimal point."""


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
        self._queues = {
            channel: _Queue(channel, backend) for channel in backend.suppressor.channels
        }

    async def __call__(self, request: Request) -> Response:
        """Answer a question about one number."""
        asked = await document(request, CheckRequest, self._backend.limits)
        asked.default_region = region_of(asked.default_region)
        queue = self._queues.get(asked.channel)
        if queue is None:
            raise suppress.UnknownChannel.among(asked.channel, self._queues)
        return json_answer(await queue.answer(asked))


class _Asked(NamedTuple):
    """A question, and who waits for the answer."""

    question: CheckRequest
    answer: "asyncio.Future[CheckAnswer]"


class _Queue:
    """The questions about a channel, which one thread answers, as many at a time as there are.

    So a stop list that has to be waited for takes one thread, and holds up no other channel; and
    under load, going over to a thread and back is shared by many questions.

    Args:
        channel: the channel.
        backend: the stop lists.
    """

    def __init__(self, channel: str, backend: Backend) -> None:
        self._channel = channel
        self._backend = backend
        self._waiting: list[_Asked] = []
        self._answering: asyncio.Task[None] | None = None

    async def answer(self, question: CheckRequest) -> CheckAnswer:
        """Answer a question.

        Raises:
            StopListUnavailable: no stop list is recent enough, and none can be read.
        """
        asked = _Asked(question, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer_all())
        return await asked.answer

    async def _answer_all(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting, []
            found: Sequence[CheckAnswer | Exception]
            try:
                found = await self._backend.run_alone(self._answers, some)
            except Exception as error:  # noqa: BLE001 - no thread could be started
                found = [error] * len(some)
            for asked, answer in zip(some, found, strict=True):
                if asked.answer.done():
                    continue  # the caller has gone
                if isinstance(answer, Exception):
                    asked.answer.set_exception(answer)
                else:
                    asked.answer.set_result(answer)
        self._answering = None

    def _answers(self, some: Sequence[_Asked]) -> list[CheckAnswer | Exception]:
        return [self._answer_or_error(each.question) for each in some]

    def _answer_or_error(self, asked: CheckRequest) -> CheckAnswer | Exception:
        try:
            return self._answer(asked)
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            return error

    def _answer(self, asked: CheckRequest) -> CheckAnswer:
        suppressor, channel, number = self._backend.suppressor, self._channel, asked.number
        region = asked.default_region
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
            reason=with_remedy(decision.reason),
            channel=channel,
            listed_by=[ListedBy(each.source, each.id, each.added_at) for each in decision.origins],
            read_at=snapshot.read_at,
        )
