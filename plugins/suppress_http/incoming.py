"""The people that a provider speaks of: who answered, and who was not messaged after a STOP."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from suppress_http.checking import Number
from suppress_http.requests import decoded

SMS: Final = "sms"
STOP: Final = "STOP"
INTERNATIONAL: Final = "international"
"""The region of providers. With one of the settings, a short code could be somebody's number."""

_INCOMING: Final = ("received", "receiving")
_BLOCKED_BY_TWILIO: Final = "21610"
_BLOCKED_BY_TELNYX: Final = "40300"


class Incoming(NamedTuple):
    """A reply, or a report that stands for one.

    Attributes:
        number: the number of the person.
        text: the reply; None if it has no place for words that is known.
        channel: the channel on which it came.
        by: the provider; None for another system.
        reference: the id of the message.
        reason: what is kept as the reason of an opt-out; None for the text.
        region: the region of numbers in national form; None for that of the settings.
    """

    number: Number
    text: str | None
    channel: str
    by: str | None = None
    reference: str | None = None
    reason: str | None = None
    region: str | None = None


def of_twilio(form: Mapping[str, str]) -> Incoming | None:
    """Return what a form of Twilio says of a person; None for any other status of a message.

    A message that comes in is a reply. The status callback of a message that we sent has its
    recipient in `To`; with the error 21610, the recipient had answered STOP.
    """
    status = form.get("MessageStatus") or form.get("SmsStatus") or _INCOMING[0]
    reference = form.get("MessageSid")
    if form.get("ErrorCode", "").strip() == _BLOCKED_BY_TWILIO:
        channel, number = _address(form.get("To", ""))
        reason = f"Twilio error {_BLOCKED_BY_TWILIO}"
        return Incoming(number, STOP, channel, "Twilio", reference, reason, INTERNATIONAL)
    if status.lower() not in _INCOMING:
        return None
    channel, number = _address(form.get("From", ""))
    # Twilio's own list of words may be longer than ours.
    text = STOP if form.get("OptOutType") == STOP else form.get("Body")
    return Incoming(number, text, channel, "Twilio", reference, region=INTERNATIONAL)


def _address(text: str) -> tuple[str, str]:
    """Return the channel and the number of an address such as `whatsapp:+14155552671`."""
    channel, colon, number = text.rpartition(":")
    if colon and not number.startswith("+"):
        # Digits behind another prefix are an id, and would be read as a stranger's number.
        return channel, ""
    return channel or SMS, number


class _Party(msgspec.Struct):
    phone_number: str = ""


class _Suggestion(msgspec.Struct):
    """A suggested reply that was chosen."""

    text: str | None = None


class _Body(msgspec.Struct):
    """The content of a message of RCS: a text, a suggestion, or something without words."""

    text: str | None = None
    suggestion_response: _Suggestion | None = None


class _TelnyxMessage(msgspec.Struct, rename={"sender": "from"}):
    """A message that came in, in an event of Telnyx."""

    sender: _Party = msgspec.field(default_factory=_Party)
    text: str | None = None
    body: _Body | None = None
    id: str | None = None
    type: str | None = None

    def words(self) -> str | None:
        """Return the words of the message; empty for a picture or a file."""
        if self.text is not None:
            return self.text
        if self.body is not None:
            suggestion = self.body.suggestion_response
            return self.body.text or (suggestion and suggestion.text) or ""
        return "" if self.type == "MMS" else None


class _TelnyxError(msgspec.Struct):
    code: str | int = ""


class _TelnyxReport(msgspec.Struct):
    """The end of a message that we sent, in an event of Telnyx."""

    to: list[_Party] = msgspec.field(default_factory=list)
    errors: list[_TelnyxError] = msgspec.field(default_factory=list)
    id: str | None = None
    type: str | None = None


class _TelnyxData(msgspec.Struct):
    event_type: str = ""
    payload: msgspec.Raw = msgspec.Raw(b"{}")


class _TelnyxEvent(msgspec.Struct):
    """An event of Telnyx, as far as it is needed here."""

    data: _TelnyxData


def of_telnyx(body: bytes) -> Incoming | None:
    """Return what an event of Telnyx says of a person; None for any other event.

    Raises:
        RequestRefused: it is not an event of Telnyx.
    """
    event = decoded(body, _TelnyxEvent).data
    payload = bytes(event.payload)
    if event.event_type == "message.received":
        message = decoded(payload, _TelnyxMessage)
        number, text = message.sender.phone_number, message.words()
        channel = _channel_of_telnyx(message.type)
        return Incoming(number, text, channel, "Telnyx", message.id, region=INTERNATIONAL)
    if event.event_type == "message.finalized" and _BLOCKED_BY_TELNYX.encode() in payload:
        report = decoded(payload, _TelnyxReport)
        if _BLOCKED_BY_TELNYX in {str(each.code) for each in report.errors}:
            # Of several recipients, nobody can tell who is meant.
            number = report.to[0].phone_number if len(report.to) == 1 else ""
            channel, reason = _channel_of_telnyx(report.type), f"Telnyx error {_BLOCKED_BY_TELNYX}"
            reference = report.id
            return Incoming(number, STOP, channel, "Telnyx", reference, reason, INTERNATIONAL)
    return None


def _channel_of_telnyx(kind: str | None) -> str:
    return {"MMS": SMS}.get(kind or "", (kind or SMS).lower())
