"""`POST /replies/...`: replies that a provider passes on; whoever says STOP is opted out.

Nobody is opted in by a reply: `/opt-ins` is for that.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

import suppress
from suppress_http.backend import Backend, json_answer
from suppress_http.problems import RequestRefused
from suppress_http.requests import decoded, document, refuse_other_types, small_body
from suppress_http.signatures import has_secret, is_of_telnyx, is_of_twilio

FORM: Final = "application/x-www-form-urlencoded"
SECRET_HEADER: Final = "X-Reply-Secret"  # noqa: S105 - its name

SMS: Final = "sms"
_STOP: Final = "STOP"
_NO_ANSWER: Final = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


class ReplyRequest(msgspec.Struct, forbid_unknown_fields=True, rename={"sender": "from"}):
    """A reply that somebody sent.

    Attributes:
        sender: the number that it came from.
        text: the reply.
        channel: the channel on which it came.
        reference: a reference of the caller's own, such as a message id.
    """

    sender: str | int
    text: str
    channel: str
    reference: str | None = None


class ReplyAnswer(msgspec.Struct):
    """The meaning of a reply.

    Attributes:
        meaning: `opt-out`, `opt-in` or `help`; null if it is none of these. Only an opt-out was
            acted on.
    """

    meaning: str | None


class _Sender(msgspec.Struct):
    phone_number: str = ""


class _TelnyxMessage(msgspec.Struct, rename={"sender": "from"}):
    """The message in an event of Telnyx."""

    sender: _Sender = msgspec.field(default_factory=_Sender)
    text: str | None = None
    id: str | None = None
    type: str | None = None


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
        channel, _, number = fields.get("From", "").rpartition(":")
        # Twilio's own list of words may be longer than ours.
        text = _STOP if fields.get("OptOutType") == _STOP else fields.get("Body", "")
        await self._take(number, text, channel or SMS, "Twilio", fields.get("MessageSid"))
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
        event = decoded(body, _TelnyxEvent).data
        if event.event_type != "message.received":
            return json_answer(ReplyAnswer(None))
        message = decoded(bytes(event.payload), _TelnyxMessage)
        channel = {"MMS": SMS}.get(message.type or "", (message.type or SMS).lower())
        number = message.sender.phone_number
        meaning = await self._take(number, message.text or "", channel, "Telnyx", message.id)
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
        reply = await document(request, ReplyRequest, self._backend.limits)
        meaning = await self._take(reply.sender, reply.text, reply.channel, None, reply.reference)
        return json_answer(ReplyAnswer(meaning))

    async def _take(
        self, number: str | int, text: str, channel: str, by: str | None, reference: str | None
    ) -> str | None:
        meaning: Any = await self._backend.run(
            suppress.receive_reply,
            number,
            text,
            channel,
            suppressor=self._backend.suppressor,
            by=by,
            reference=reference,
        )
        return None if meaning is None else str(meaning)

    def _url(self, request: Request) -> str:
        """Return the address that the provider called."""
        public = self._backend.settings.public_url
        if public is None:
            return str(request.url)
        query = f"?{request.url.query}" if request.url.query else ""
        return f"{public.rstrip('/')}{request.url.path}{query}"


def _not_set_up(setting: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.NOT_FOUND,
        f"Such replies are not taken here. Set SUPPRESS_SERVE_{setting.upper()} (`{setting}` in "
        "the table [suppress.serve]).",
    )


def _not_signed(whose: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.FORBIDDEN, f"The signature is not {whose}.")
