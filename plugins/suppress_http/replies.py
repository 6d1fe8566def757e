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
from suppress_http.incoming import Incoming, of_telnyx, of_twilio
from suppress_http.problems import RequestRefused, StopNotKept
from suppress_http.refusals import Refusals
from suppress_http.requests import document, refuse_other_types, region_of, small_body
from suppress_http.signatures import has_secret, is_of_telnyx, is_of_twilio

logger = logging.getLogger("suppress.http")

FORM: Final = "application/x-www-form-urlencoded"
SECRET_HEADER: Final = "X-Reply-Secret"  # noqa: S105 - its name

_LONGEST_REFERENCE: Final = 200
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


class RepliesEndpoint:
    """The endpoints for the replies of each provider.

    Args:
        backend: the opt-outs.
        refusals: logs what is not shown to come from the provider.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(
        self, backend: Backend, refusals: Refusals, clock: Callable[[], float] = time.time
    ) -> None:
        self._backend = backend
        self._refusals = refusals
        self._clock = clock

    async def twilio(self, request: Request) -> Response:
        """Take a reply or the status of a message from Twilio, and have it answer nothing."""
        with self._refusals.noted(request.url.path):
            form = dict(await self._form_of_twilio(request))
        with _noted("Twilio", form.get("MessageSid")):
            if (incoming := of_twilio(form)) is not None:
                await self._take(incoming)
        return Response(_NO_ANSWER, media_type="text/xml")

    async def _form_of_twilio(self, request: Request) -> list[tuple[str, str]]:
        token = self._backend.settings.twilio_auth_token
        if token is None:
            raise _not_set_up("twilio_auth_token")
        refuse_other_types(request, FORM)
        body = await small_body(request, self._backend.limits)
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        signature = request.headers.get("x-twilio-signature", "")
        if not is_of_twilio(signature, token.reveal(), self._url(request), form):
            raise _not_signed("Twilio's. Check twilio_auth_token and public_url")
        return form

    async def telnyx(self, request: Request) -> Response:
        """Take an event from Telnyx: a reply, or the end of a message."""
        with self._refusals.noted(request.url.path):
            body = await self._body_of_telnyx(request)
        with _noted("Telnyx", None):
            incoming = of_telnyx(body)
        if incoming is None:
            return json_answer(ReplyAnswer(None))
        with _noted("Telnyx", incoming.reference):
            return json_answer(ReplyAnswer(await self._take(incoming)))

    async def _body_of_telnyx(self, request: Request) -> bytes:
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
        return body

    async def other(self, request: Request) -> Response:
        """Take a reply from whoever has the secret."""
        with self._refusals.noted(request.url.path):
            self._admit(request)
        with _noted("another system", None):
            reply = await document(request, ReplyRequest, self._backend.limits)
        with _noted("another system", reply.reference):
            incoming = Incoming(
                *(reply.sender, reply.text, reply.channel),
                reference=reply.reference,
                region=region_of(reply.default_region),
            )
            return json_answer(ReplyAnswer(await self._take(incoming)))

    def _admit(self, request: Request) -> None:
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

    async def _take(self, incoming: Incoming) -> str | None:
        meaning = await self._backend.run(self._act_on, incoming)
        return None if meaning is None else str(meaning)

    def _act_on(self, incoming: Incoming) -> suppress.Reply | None:
        """Opt the person out if the reply says so; return its meaning.

        Raises:
            RequestRefused: it has no place for words that is known.
            StoreUnavailable: a STOP cannot be kept.
            StopNotKept: no source serves the channel of a STOP that a provider has passed on.
            SuppressError: as for `suppress.receive_reply`.
        """
        if incoming.text is None:
            raise RequestRefused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "It has no text, so it is not a message that came in.",
            )
        meaning = suppress.replies.understand(incoming.text)
        if meaning is not suppress.Reply.OPT_OUT and incoming.by is not None:
            return meaning  # a channel that nobody serves is no typing error of a provider
        details: dict[str, Any] = {
            "by": incoming.by,
            "reference": _kept(incoming.reference),
            "reason": incoming.reason,
            "default_region": incoming.region,
        }
        try:
            return suppress.receive_reply(
                incoming.number,
                incoming.text,
                incoming.channel,
                suppressor=self._backend.suppressor,
                **{name: each for name, each in details.items() if each is not None},
            )
        except suppress.UnknownChannel as error:
            if incoming.by is None:
                raise  # the caller has named the channel, and the same document fails again
            # Whoever sends it again has it kept as soon as the settings are mended.
            raise StopNotKept(
                f"The STOP was not kept. {error} Name a source for the channel, or set "
                "SUPPRESS_STOP_SCOPE=all to opt out of those that are served."
            ) from error

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
        extra = {"code": "reply_failed", "provider": whose, "reference": which}
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


def _not_set_up(setting: str) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.NOT_FOUND,
        f"Such replies are not taken here. Set SUPPRESS_SERVE_{setting.upper()} (`{setting}` in "
        "the table [suppress.serve]).",
    )


def _not_signed(whose: str) -> RequestRefused:
    return RequestRefused(HTTPStatus.FORBIDDEN, f"The signature is not {whose}.")
