"""Errors as problem documents of RFC 9457, which say whether trying again can help."""

import logging
import traceback
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.responses import Response

import suppress

logger = logging.getLogger("suppress.http")

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = 5
"""Seconds to wait before a request is tried again."""


_REGION: Final = "send default_region: a code such as US, or international"
_REMEDIES: Final = {
    "say whose they are": _REGION,
    "no default region is set": _REGION,
    "which column holds the number?": "name its key, as in /screen?channel=sms&key=phone",
}
"""Remedies that a caller has, by words of a reason or a message."""


class ProblemDocument(msgspec.Struct):
    """A problem, as RFC 9457 describes it.

    Attributes:
        type: names the kind of the problem; `about:blank` for one that the status tells.
        title: the kind in words.
        status: the status of the answer.
        detail: what happened, and what to do.
        retryable: whether the same request can succeed later.
    """

    type: str
    title: str
    status: int
    detail: str
    retryable: bool


class RequestRefused(Exception):
    """A request that cannot be answered.

    Args:
        status: the status of the answer.
        detail: what is wrong, and what to do.
        headers: headers of the answer.
        retryable: whether the same request can succeed later.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        headers: dict[str, str] | None = None,
        *,
        retryable: bool = False,
    ) -> None:
        super().__init__(detail)
        self.retryable = retryable
        self.status = status
        self.detail = detail
        self.headers = headers or {}


class StopNotKept(suppress.SuppressError):
    """A STOP on a channel that no source serves.

    It can be kept as soon as the settings are mended, so it should come again.
    """

    retryable = True


OF_ERRORS: tuple[tuple[type[suppress.SuppressError], HTTPStatus, str, str], ...] = (
    (
        suppress.StopListUnavailable,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "stop-list-unavailable",
        "The stop list is unavailable: nothing may be sent.",
    ),
    (
        suppress.StoreUnavailable,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "store-unavailable",
        "The opt-out cannot be kept.",
    ),
    (
        StopNotKept,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "stop-not-kept",
        "The STOP was not kept: no source serves its channel.",
    ),
    (
        suppress.UnknownChannel,
        HTTPStatus.NOT_FOUND,
        "unknown-channel",
        "No source serves the channel.",
    ),
    (
        suppress.InvalidNumber,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-number",
        "It is not one phone number.",
    ),
    (
        suppress.InvalidArgument,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-argument",
        "A value makes no sense.",
    ),
    (
        suppress.InputError,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "unreadable-body",
        "The recipients cannot be read.",
    ),
    (
        suppress.SuppressError,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "configuration",
        "The service is not set up for this.",
    ),
)
"""The first row whose class fits an error has its status, type and title."""


def with_remedy(text: str) -> str:
    """Return a reason or a message, and what to send if that can mend it."""
    for words, remedy in _REMEDIES.items():
        if words in text:
            bare = text.removesuffix(".")
            return f"{bare} ({remedy}){text[len(bare) :]}"
    return text


def problem_of(error: Exception) -> Response:
    """Return the answer for an error. One that nobody foresaw is logged, without its values."""
    if isinstance(error, RequestRefused):
        return _answer(
            ProblemDocument(
                "about:blank", error.status.phrase, error.status, error.detail, error.retryable
            ),
            {**_retry_after(error), **error.headers},
        )
    if isinstance(error, suppress.SuppressError):
        status, kind, title = next(row[1:] for row in OF_ERRORS if isinstance(error, row[0]))
        document = ProblemDocument(
            f"urn:suppress:{kind}", title, status, with_remedy(str(error)), error.retryable
        )
        return _answer(document, _retry_after(error))
    # The text of a stranger's error may quote a number.
    frames = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__name__
    extra = {"code": "request_failed", "error": kind}
    logger.error("A request failed with %s:\n%s", kind, frames, extra=extra)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "This is a fault of the service. Its log says more."
    return _answer(
        ProblemDocument("about:blank", status.phrase, status, detail, retryable=False), {}
    )


def _retry_after(error: RequestRefused | suppress.SuppressError) -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER)} if error.retryable else {}


def _answer(document: ProblemDocument, headers: dict[str, str]) -> Response:
    return Response(
        msgspec.json.encode(document),
        document.status,
        headers={"Cache-Control": "no-store", **headers},
        media_type=MEDIA_TYPE,
    )
