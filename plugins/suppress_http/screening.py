"""`POST /screen`: a list of recipients, screened while it comes in.

The answer begins when the whole list was screened, so it is whole or an error. Until then it
stays in memory or, if it is long, in a temporary file without a name. A caller that sends all
before it reads anything is never waited for by a service that waits for it.
"""

import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import IO, BinaryIO, Final, cast

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

import suppress
from suppress_http.backend import Backend
from suppress_http.problems import RequestRefused, with_remedy
from suppress_http.requests import (
    JSON,
    NDJSON,
    BodyStream,
    media_type,
    refuse_other_types,
    region_of,
    too_large,
)

_FORMATS: Final = {JSON: "json", NDJSON: "jsonl"}
_PIECE: Final = 2**16
_PARAMETERS: Final = {"channel", "default_region", "key", "outcome"}


class ScreenedRecipient(msgspec.Struct):
    """The outcome for one recipient.

    Attributes:
        recipient: the recipient, as it was sent.
        outcome: `allowed`, `suppressed` or `invalid`. Send only to those that are `allowed`.
        e164: the number to pass on to a provider, in E.164 form; null if there is none.
        reason: why, in words.
    """

    recipient: msgspec.Raw
    outcome: suppress.Outcome
    e164: str | None
    reason: str


class ScreenSummary(msgspec.Struct):
    """The summary of a screening.

    Attributes:
        channel: the channel.
        counts: the number of recipients with each outcome.
        read_at: the time at which the stop list was read.
    """

    channel: str
    counts: dict[suppress.Outcome, int]
    read_at: datetime


class ScreenRequest(msgspec.Struct):
    """The parameters of a screening.

    Attributes:
        channel: the channel of the campaign.
        default_region: the region of numbers in national form; None for that of the settings.
        keys: the keys of the numbers, where recipients are objects.
        outcomes: the outcomes to answer with; empty for all.
    """

    channel: str
    default_region: str | None
    keys: tuple[str, ...]
    outcomes: frozenset[suppress.Outcome]


class ScreenEndpoint:
    """The endpoint that screens a list.

    Args:
        backend: the stop lists.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, request: Request) -> Response:
        """Answer with the outcome for each recipient, in order."""
        refuse_other_types(request, NDJSON, JSON)
        asked = _parameters(request)
        backend, kind = self._backend, media_type(request)
        body = BodyStream(request, backend.limits, backend.settings.max_body)
        answer: IO[bytes] = tempfile.SpooledTemporaryFile(backend.limits.in_memory)  # noqa: SIM115
        try:
            summary = await backend.run_long(self._screen, body, asked, kind, answer)
            size = answer.tell()
            answer.seek(0)
        except BaseException:
            with contextlib.suppress(OSError):  # what is left of it does not fit, either
                answer.close()
            raise
        counts = ", ".join(f"{outcome}={count}" for outcome, count in summary.counts.items())
        return StreamingResponse(
            _pieces(answer),
            headers={
                "Cache-Control": "no-store",
                "Content-Length": str(size),
                "Suppress-Counts": counts,
            },
            media_type=kind,
        )

    def _screen(
        self, body: BodyStream, asked: ScreenRequest, kind: str, out: IO[bytes]
    ) -> ScreenSummary:
        """Write the answer; return its summary."""
        began, suppressor = time.monotonic(), self._backend.suppressor
        stop_list = suppress.FollowedList(
            suppressor, asked.channel, default_region=asked.default_region
        )
        rows = suppress.Rows(
            cast("BinaryIO", body),  # it asks no more of a pipe than this has
            name="the list",
            format=_FORMATS[kind],
            columns=asked.keys,
            default_region=asked.default_region,
            # Blank lines are no rows, and may be packed a thousandfold.
            limits=suppress.RowLimits(text_bytes=self._backend.settings.max_body),
        )
        writer = _Writer(out, is_array=kind == JSON)
        counts = Counter(dict.fromkeys(suppress.Outcome, 0))
        for batch in self._batches(rows):
            view = stop_list.look()
            screening = suppress.Screening(
                [each.raw for each in batch],
                view.snapshot,
                numbers=[each.number for each in batch],
                reader=view.reader,
                screened_at=view.at,
                check_types=False,
            )
            counts.update({each: screening.counts[each] for each in suppress.Outcome})
            writer.write(screening, asked.outcomes)
        summary = ScreenSummary(asked.channel, dict(counts), stop_list.look().snapshot.read_at)
        writer.finish(summary)
        suppressor.listeners.tell(
            suppress.RecipientsScreened(
                asked.channel,
                allowed=counts[suppress.Outcome.ALLOWED],
                suppressed=counts[suppress.Outcome.SUPPRESSED],
                invalid=counts[suppress.Outcome.INVALID],
                seconds=time.monotonic() - began,
            )
        )
        return summary

    def _batches(self, rows: suppress.Rows) -> Iterator[Sequence[suppress.Row]]:
        """Give the rows, many at a time.

        Raises:
            RequestRefused: what was packed is too large.
        """
        most, size = self._backend.settings.max_body, 0
        batch: list[suppress.Row] = []
        for row in rows:
            batch.append(row)
            size += len(row.raw)
            if size > most:
                raise too_large(most)
            if len(batch) == self._backend.limits.batch:
                yield batch
                batch = []
        if batch:
            yield batch


class _Writer:
    """Writes outcomes, a line each or as the elements of an array in a document.

    Args:
        out: where they go.
        is_array: whether they are elements.

    Raises:
        RequestRefused: they cannot be kept there, for each method.
    """

    def __init__(self, out: IO[bytes], *, is_array: bool) -> None:
        self._out = out
        self._encoder = msgspec.json.Encoder()
        self._is_array = is_array
        self._between = b""
        if is_array:
            self._put(b'{"recipients":[')

    def write(
        self, screening: suppress.Screening[bytes], outcomes: Collection[suppress.Outcome]
    ) -> None:
        """Write the outcomes for some recipients, all or those that were asked for."""
        encode, invalid = self._encoder.encode, suppress.Outcome.INVALID
        found = [
            encode(
                ScreenedRecipient(
                    msgspec.Raw(_element(each.recipient)),
                    each.outcome,
                    each.e164,
                    with_remedy(each.reason) if each.outcome is invalid else each.reason,
                )
            )
            for each in screening
            if not outcomes or each.outcome in outcomes
        ]
        if not found:
            return
        if self._is_array:
            self._put(self._between + b",".join(found))
            self._between = b","
        else:
            self._put(b"\n".join([*found, b""]))

    def finish(self, summary: ScreenSummary) -> None:
        """Write what comes behind them, and all that was not written yet."""
        self._put(b"]," + self._encoder.encode(summary)[1:] if self._is_array else b"")
        with _told():
            self._out.flush()

    def _put(self, piece: bytes) -> None:
        with _told():
            self._out.write(piece)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn the error of a full disk into an answer.

    Raises:
        RequestRefused: the answer cannot be kept until it is whole.
    """
    try:
        yield
    except OSError as error:
        raise RequestRefused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"The answer cannot be kept in the folder of temporary files ({error.strerror}). Make "
            "room there, or set TMPDIR to another folder; or send the list in parts.",
            retryable=True,
        ) from error


def _element(raw: bytes) -> bytes:
    """Return the JSON of a recipient without what stands around it."""
    return raw.removeprefix(b"\xef\xbb\xbf").strip(b", \t\r\n")


def _parameters(request: Request) -> ScreenRequest:
    """Return the parameters of a request.

    Raises:
        RequestRefused: one is missing, unknown, or makes no sense.
    """
    given = request.query_params
    channels, regions = given.getlist("channel"), given.getlist("default_region")
    if unknown := sorted(set(given) - _PARAMETERS):
        shown = suppress.mask(unknown[0], 40)
        raise _bad(f"Unknown parameter {shown!r}. It can have: {', '.join(sorted(_PARAMETERS))}.")
    if len(channels) != 1 or len(regions) > 1:
        raise _bad("Name one channel, as in /screen?channel=sms, and at most one default_region.")
    try:
        outcomes = frozenset(map(suppress.Outcome, given.getlist("outcome")))
    except ValueError:
        raise _bad(f"An outcome is one of {', '.join(suppress.Outcome)}.") from None
    region = region_of(regions[0] if regions else None)
    return ScreenRequest(channels[0], region, tuple(given.getlist("key")), outcomes)


def _bad(detail: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


async def _pieces(answer: IO[bytes]) -> AsyncIterator[bytes]:
    with answer:
        while piece := await anyio.to_thread.run_sync(answer.read, _PIECE):
            yield piece
