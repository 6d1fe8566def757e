"""`POST /replies/...`: replies that a provider passes on; whoever says STOP is opted out.

Nobody is opted in by a reply: `/opt-ins` is for that. One that cannot be read or acted on is an
error for the provider, and a warning in the log: some providers never send it again.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import suppress
from suppress_http.backend import Backend, json_answer
from suppress_http.checking import Number
from suppress_http.problems import RequestRefused
from suppress_http.requests import decoded, document, refuse_other_types, region_of, small_body
from suppress_http.signatures import has_secret, is_of_telnyx, is_of_twilio

logger = logging.getLogger("suppress.http")

FORM: Final = "application/x-www-form-urlencoded"
SECRET_HEADER: Final = "X-Reply-Secret"  # noqa: S105 - its name

SMS: Final = "sms"
_STOP: Final = "STOP"
_LONGEST_REFERENCE: Final = 200
_INTERNATIONAL: Final = "international"
"""The region of providers. With one of the settings, a short code could be somebody's number."""

_NO_ANSWER: Final = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


class ReplyRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """A reply that somebody sent.

    Attributes:
        sender: the number that it came from.
        text: the reply.
        channel: the channel on which it came.
        reference: a reference of the caller's own, such as a message id.
        default_region: the region of numbers in national form; null for that of the settings.
    """

    sender: Number
    text: str
    channel: str
    reference: str | None = None
    default_region: str | None = None


class ReplyAnswer(msgspec.Struct):
    """The meaning of a reply.

    Attributes:
        meaning: `opt-out`, `opt-in` or `help`; null if it is none of these. Only an opt-out was
            acted on.
    """

    meaning: str | None


class _Sender(msgspec.Struct):
    phone_number: str = ""


class _Suggestion(msgspec.Struct):
    """A suggested reply that was chosen."""

    text: str | None = None


class _Body(msgspec.Struct):
    """The content of a message of RCS: a text, a suggestion, or something without words."""

    text: str | None = None
    suggestion_response: _Suggestion | None = None


class _TelnyxMessage(msgspec.Struct, rename={"sender": "from"}):
    """The message in an event of Telnyx."""

    sender: _Sender = msgspec.field(default_factory=_Sender)
    text: str | None = None
    body: _Body | None = None
    id: str | None = None
    type: str | None = None

    def said(self) -> str:
        """Return the words of the message; empty for a picture or a file.

        Raises:
            RequestRefused: the message has no place for words that is known.
        """
        if self.text is not None:
            return self.text
        if self.body is not None:
            suggestion = self.body.suggestion_response
            return self.body.text or (suggestion and suggestion.text) or ""
        if self.type == "MMS":
            return ""
        raise _unreadable("The event has no text.")


class _TelnyxData(msgspec.Struct):
    event_type: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _TelnyxEvent(msgspec.Struct):
    """An event of Telnyx, as far as it is needed here."""

    data: _TelnyxData


class RepliesEndpoint:
    """The endpoints for the replies of each provider.

    Args:
        backend: the opt-outs.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.time) -> None:
        self._backend = backend
        self._clock = clock

    async def twilio(self, request: Request) -> Response:
        """Take a reply from Twilio, and have it answer nothing."""
        token = self._backend.settings.twilio_auth_token
        if token is None:
            raise _not_set_up("twilio_auth_token")
        refuse_other_types(request, FORM)
        body = await small_body(request, self._backend.limits)
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        signature = request.headers.get("x-twilio-signature", "")
        if not is_of_twilio(signature, token.reveal(), self._url(request), form):
            raise _not_signed("Twilio's. Check twilio_auth_token and public_url")
        fields = dict(form)
        reference = fields.get("MessageSid")
        with _noted("Twilio", reference):
            channel, _, number = fields.get("From", "").rpartition(":")
            # Twilio's own list of words may be longer than ours.
            text = _STOP if fields.get("OptOutType") == _STOP else fields.get("Body")
            if text is None:
                raise _unreadable("The form has no Body, so it is not a message that came in.")
            await self._take(number, text, channel or SMS, by="Twilio", reference=reference)
        return Response(_NO_ANSWER, media_type="text/xml")

    async def telnyx(self, request: Request) -> Response:
        """Take an event from Telnyx: a reply, or another, which is passed over."""
        key = self._backend.settings.telnyx_public_key
        if key is None:
            raise _not_set_up("telnyx_public_key")
        body = await small_body(request, self._backend.limits)
        if not is_of_telnyx(
            request.headers.get("telnyx-signature-ed25519", ""),
            request.headers.get("telnyx-timestamp", ""),
            key,
            body,
            now=self._clock(),
            tolerance=self._backend.limits.tolerance,
        ):
            raise _not_signed("Telnyx's, or too old. Check telnyx_public_key and the clock")
        with _noted("Telnyx", None):
            event = decoded(body, _TelnyxEvent).data
            if event.event_type != "message.received":
                return json_answer(ReplyAnswer(None))
            message = decoded(bytes(event.payload), _TelnyxMessage)
        with _noted("Telnyx", message.id):
            channel = {"MMS": SMS}.get(message.type or "", (message.type or SMS).lower())
            number = message.sender.phone_number
            said = message.said()
            meaning = await self._take(number, said, channel, by="Telnyx", reference=message.id)
        return json_answer(ReplyAnswer(meaning))

    async def other(self, request: Request) -> Response:
        """Take a reply from whoever has the secret."""
        secret = self._backend.settings.reply_secret
        if secret is None:
            raise _not_set_up("reply_secret")
        given = request.headers.get("authorization", ""), request.headers.get(SECRET_HEADER, "")
        if not has_secret(*given, secret.reveal()):
            raise RequestRefused(
                HTTPStatus.UNAUTHORIZED,
                f"The secret is missing or wrong. Send it in the header {SECRET_HEADER}, or as "
                "the password of basic access.",
                {"WWW-Authenticate": "Basic"},
            )
        with _noted("another system", None):
            reply = await document(request, ReplyRequest, self._backend.limits)
        with _noted("another system", reply.reference):
            meaning = await self._take(
                reply.sender,
                reply.text,
                reply.channel,
                reference=reply.reference,
                region=region_of(reply.default_region),
            )
        return json_answer(ReplyAnswer(meaning))

    async def _take(
        self,
        number: Number,
        text: str,
        channel: str,
        *,
        reference: str | None,
        by: str | None = None,
        region: str | None = _INTERNATIONAL,
    ) -> str | None:
        meaning: Any = await self._backend.run(
            suppress.receive_reply,
            number,
            text,
            channel,
            suppressor=self._backend.suppressor,
            by=by,
            default_region=region,
            reference=_kept(reference),
        )
        return None if meaning is None else str(meaning)

    def _url(self, request: Request) -> str:
        """Return the address that the provider called."""
        public = self._backend.settings.public_url
        if public is None:
            return str(request.url)
        raw: bytes = request.scope["query_string"]
        query = f"?{raw.decode('latin-1')}" if raw else ""
        return f"{public.rstrip('/')}{request.scope['path']}{query}"


@contextlib.contextmanager
def _noted(whose: str, reference: str | None) -> Iterator[None]:
    """Log an error that keeps a reply from being acted on, and raise it again."""
    try:
        yield
    except (suppress.SuppressError, RequestRefused) as error:
        which = "without a reference" if reference is None else suppress.mask(reference, 60)
        extra = {"code": "reply_refused", "provider": whose, "reference": which}
        logger.warning(
            "A reply from %s (%s) was not acted on: %s Read it there, and opt its sender out by "
            "hand if it says so.",
            whose,
            which,
            error,
            extra={**extra, "error": str(error)},
        )
        raise


def _kept(reference: str | None) -> str | None:
    """Return a reference in a form that can be kept: an odd one must cost no opt-out."""
    visible = "".join(each if each.isprintable() else " " for each in reference or "")
    return visible.strip()[:_LONGEST_REFERENCE].strip() or None


def _unreadable(detail: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _not_set_up(setting: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.NOT_FOUND,
        f"Such replies are not taken here. Set SUPPRESS_SERVE_{setting.upper()} (`{setting}` in "
        "the table [suppress.serve]).",
    )


def _not_signed(whose: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.FORBIDDEN, f"The signature is not {whose}.")
