"""The guard for bsg-sdk: a client of BSG's One-API that leaves out who must not be messaged.

Every call of the SDK's interfaces goes through one method of its client, with the whole request.
So nothing that sends can go past it, and a call that it does not know is refused.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import suppress

try:
    from bsg_api.api_client import ApiClient
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "suppress_bsg.sdk needs bsg-sdk. Run `pip install 'suppress-filter[bsg-sdk]'`.",
        name=missing.name,
    ) from None

if TYPE_CHECKING:
    from bsg_api.configuration import Configuration

__all__ = ["GuardedClient"]

logger = logging.getLogger("suppress")

Refusal = suppress.Decision[Any]

_MAY_SEND = re.compile(r".*/api/((?:campaigns|messages|2fa/authentications/otp)(?:/.*)?)")
_SENDS_NOTHING = re.compile(
    r"campaigns/price|campaigns/[^/]+/stop|2fa/authentications/otp/[^/]+/verify"
)
_READS_OR_REMOVES = ("GET", "HEAD", "OPTIONS", "DELETE")

# Where a request has its recipients, and where each of those has its number.
_MANY = {"phones": "number", "messages": "phone"}
_PLACES = (*_MANY, "phone", "recipient", "groups")


class GuardedClient(ApiClient):
    """A `bsg_api.ApiClient` that asks the stop list before each campaign and message.

    Hand it to the interfaces of the SDK in the place of their own client. The listed and those who
    are not phone numbers are taken out of a campaign, and the rest is sent. If nobody is left, and
    for a single message, an error is raised, and nothing is sent. A message with two channels, such
    as Viber and SMS instead, goes only to those who are on the list of neither. In a
    `suppress.bypass`, everything is sent.

    A campaign to contact lists that are kept at BSG is refused, since their numbers are not known
    here; so is a one-time password that is sent again, which needs a `suppress.bypass`.

    Args:
        configuration: as for `bsg_api.ApiClient`.
        on_dropped: called with the decisions on those who were taken out of a campaign, in place
            of a warning in the log.
        suppressor: whom to ask; None for the one behind the functions of `suppress`.

    Raises:
        Suppressed: from a call of the SDK: nobody is left, and the first one is listed.
        InvalidNumber: from a call of the SDK: nobody is left, and nobody is listed.
        InvalidArgument: from a call of the SDK: it cannot be told who would get a message.
        SuppressError: from a call of the SDK: as for `is_suppressed`. Nothing was sent.
    """

    def __init__(
        self,
        configuration: Configuration | None = None,
        *,
        on_dropped: Callable[[Sequence[Refusal]], None] | None = None,
        suppressor: suppress.Suppressor | None = None,
    ) -> None:
        super().__init__(configuration)
        self._on_dropped = on_dropped or _log_dropped
        self._refusal = suppress.guard(
            channel=_channel_of,
            to="number",
            on_suppressed=_itself,
            on_invalid=_itself,
            default_region="international",  # BSG's numbers begin with the calling code
            suppressor=suppressor,
        )(_may_be_sent)

    def call_api(
        self,
        method: str,
        url: str,
        header_params: Any = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: Any = None,
    ) -> Any:
        """Make the request, without those who must not be messaged."""
        call = _MAY_SEND.fullmatch(urlsplit(url).path)
        is_harmless = call is None or _SENDS_NOTHING.fullmatch(call[1])
        if call is not None and not is_harmless and method.upper() not in _READS_OR_REMOVES:
            body = self._screened(call[1], body)
        return super().call_api(method, url, header_params, body, post_params, _request_timeout)

    @classmethod
    def get_default(cls) -> ApiClient:
        """Return the client of all interfaces that are made without one, or else a new one."""
        default = ApiClient.get_default()  # type: ignore[no-untyped-call]
        return default if isinstance(default, cls) else cls()

    @classmethod
    def set_default(cls, default: ApiClient | None) -> None:
        """Make a client the one of all interfaces that are made without one."""
        # They ask ApiClient, whichever class this was said to, and would get one without a guard.
        ApiClient.set_default(default)  # type: ignore[no-untyped-call]

    def _screened(self, call: str, body: Any) -> Any:
        """Return the request for those who may be messaged."""
        if not isinstance(body, Mapping):
            self._refuse_unknown("a request without recipients", ["sms"], call)
            return body
        channels = _channels(call, body)
        if isinstance(own := body.get("recipients"), Mapping):
            if any(name in body for name in _PLACES):
                self._refuse_unknown("recipients in two places", channels, call)
            return {**body, "recipients": self._without_listed(call, own, channels)}
        return self._without_listed(call, body, channels)

    def _without_listed(
        self, call: str, part: Mapping[str, Any], channels: Sequence[str]
    ) -> Mapping[str, Any]:
        one = part.get("phone", part.get("recipient"))
        many = [name for name in _MANY if isinstance(part.get(name), list)]
        if part.get("groups") or (one is None) == (not many) or len(many) > 1:
            self._refuse_unknown("contact lists", channels, call)
            return part
        if not many:
            if (found := self._first_refusal(_number_of(one, "number"), channels)) is not None:
                raise _error_for(*found)
            return part
        (name,) = many
        kept, dropped = [], []
        for each in part[name]:
            found = self._first_refusal(_number_of(each, _MANY[name]), channels)
            if found is None:
                kept.append(each)
            else:
                dropped.append(found)
        if dropped and not kept:
            listed = (each for each in dropped if each[0].outcome == suppress.Outcome.SUPPRESSED)
            raise _error_for(*next(listed, dropped[0]))
        if dropped:
            self._on_dropped([decision for decision, _ in dropped])
        return {**part, name: kept}

    def _first_refusal(self, number: Any, channels: Sequence[str]) -> tuple[Refusal, str] | None:
        """Return the decision against a number, and its channel; None if it may be messaged."""
        for channel in channels:
            decision = self._refusal(number, channel)
            if decision is not None:
                return decision, channel
        return None

    def _refuse_unknown(self, kind: str, channels: Sequence[str], call: str) -> None:
        """Refuse a request whose recipients are unknown here, unless in a bypass.

        Raises:
            InvalidArgument: outside a bypass.
        """
        # Words are no number, so only a bypass lets them pass, and logs them.
        if self._first_refusal(kind, channels) is not None:
            raise suppress.InvalidArgument(
                f"Nothing was sent: {call!r} messages {kind}, whose numbers suppress cannot see. "
                "Send to numbers instead, or in a suppress.bypass."
            )


def _channels(call: str, body: Mapping[str, Any]) -> list[str]:
    """Return the channels on which a request may send a message."""
    given = body.get("channels") or [body.get("channel") or call.split("/")[1]]
    others = [*(body.get("alternative_channel") or {})]
    if body.get("sender_alt"):  # a password that comes by SMS where Viber does not reach
        others.append("sms")
    return [*dict.fromkeys([*given, *others])]


def _number_of(recipient: Any, name: str) -> Any:
    return recipient.get(name) if isinstance(recipient, Mapping) else recipient


def _error_for(decision: Refusal, channel: str) -> suppress.SuppressError:
    if decision.outcome == suppress.Outcome.SUPPRESSED:
        return suppress.Suppressed(decision, channel)
    return suppress.InvalidNumber(decision.reason)


def _log_dropped(decisions: Sequence[Refusal]) -> None:
    listed = sum(each.outcome == suppress.Outcome.SUPPRESSED for each in decisions)
    invalid = len(decisions) - listed
    logger.warning(
        "Left out of a campaign: %d suppressed, %d invalid",
        listed,
        invalid,
        extra={"code": "campaign_reduced", "suppressed": listed, "invalid": invalid},
    )


def _may_be_sent(number: Any, channel: str) -> Refusal | None:
    """Return None: nothing is against it."""


def _channel_of(_number: Any, channel: str) -> str:
    return channel


def _itself(decision: Refusal) -> Refusal:
    return decision
