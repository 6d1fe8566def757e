"""The guard for bsg-sdk, in front of a server that takes whatever is sent."""

import importlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import suppress
import suppress.testing
from suppress_bsg.sdk import GuardedClient

bsg_api: Any = importlib.import_module("bsg_api")

LISTED, FREE, ON_VIBER = 14155552671, 14155552672, 14155552673


class Taker:
    """A server that takes every request, and keeps what was sent."""

    def __init__(self) -> None:
        requests: list[tuple[str, Any]] = []

        class Handler(BaseHTTPRequestHandler):
            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                requests.append((self.path, json.loads(body) if body else None))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PATCH = take  # noqa: N815 - the names of the base class

            def log_message(self, *arguments: object) -> None: ...

        self.requests = requests
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def taker() -> Iterator[Taker]:
    made = Taker()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    with suppress.testing.stop_list(
        sms=[f"+{LISTED}"], viber=[f"+{LISTED}", f"+{ON_VIBER}"], rcs=[], whatsapp=[f"+{LISTED}"]
    ):
        yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def client(taker: Taker) -> GuardedClient:
    return GuardedClient(bsg_api.Configuration(host=taker.url))


def phones(*numbers: int) -> list[dict[str, str]]:
    return [{"number": str(number)} for number in numbers]


def sms(*numbers: int) -> dict[str, Any]:
    return {"phones": [{"number": each} for each in numbers], "sender": "Shop", "text": "Hi"}


def test_a_campaign_goes_to_the_allowed_alone(
    taker: Taker, client: GuardedClient, caplog: pytest.LogCaptureFixture
) -> None:
    request = bsg_api.SmsSendRequest.from_dict(sms(LISTED, FREE, 999999999))
    bsg_api.CampaignSMSApi(client).sms_send_without_preload_content(request)
    ((path, body),) = taker.requests
    assert path == "/api/campaigns/sms/send"
    assert body["phones"] == [{"number": FREE}]
    assert (body["sender"], body["text"]) == ("Shop", "Hi")
    assert "Left out of a campaign: 1 suppressed, 1 invalid" in caplog.text
    assert len(request.phones) == 3


@pytest.mark.parametrize("place", ["phones", "messages"])
def test_a_number_may_stand_alone(taker: Taker, client: GuardedClient, place: str) -> None:
    client.call_api("POST", f"{taker.url}/api/campaigns/sms/send", {}, {place: [LISTED, FREE]})
    assert [body for _, body in taker.requests] == [{place: [FREE]}]


def test_who_was_left_out_is_told(taker: Taker) -> None:
    told: list[Any] = []
    client = GuardedClient(bsg_api.Configuration(host=taker.url), on_dropped=told.extend)
    bsg_api.CampaignSMSApi(client).sms_send_without_preload_content(sms(LISTED, FREE))
    assert [(each.recipient, each.outcome) for each in told] == [(LISTED, "suppressed")]


def message(number: int, channel: str) -> dict[str, Any]:
    part = {"sender": "Shop", "text": "Hi"}
    return {"channels": [channel], "phone": phones(number)[0], channel: part}


CAMPAIGN = {"channels": ["sms"], "sms": {"sender": "Shop", "text": "Hi"}}
PASSWORD = {
    "channel": "sms", "sender": "Shop", "template_id": 1, "code_lifetime": 60,
    "code_max_tries": 3, "code_digits": 4,
}  # fmt: skip
TEXT = {"text": "Hi", "sender": "Shop"}

TO_GROUPS = {**CAMPAIGN, "recipients": {"groups": [1]}}

SENDS = [
    ("CampaignSMSApi", "sms_send", sms),
    ("CampaignSMSApi", "sms_send_individual", lambda number: {
        "messages": [{"phone": number, **TEXT}]}),
    ("CampaignViberApi", "viber_send", lambda number: {"phones": phones(number), **TEXT}),
    ("CampaignApi", "campaign_send", lambda number: bsg_api.Campaign.from_dict({
        **CAMPAIGN, "recipients": {"phones": phones(number)}})),
    ("MessagesApi", "send_message", lambda number: message(number, "sms")),
    ("CampaignWhatsAppApi", "post_campaigns_whatsapp_send", lambda number: {
        "phones": phones(number), "sender": "Shop", "type": "template"}),
    ("MessagesWhatsAppApi", "whatsapp_single", lambda number: {
        "phone": phones(number)[0], "sender": "Shop", "type": "template"}),
    ("TwoFAOTPApi", "send_otp", lambda number: {"recipient": str(number), **PASSWORD}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("interface", "method", "request_to"), SENDS, ids=[method for _, method, _ in SENDS]
)
def test_every_call_that_sends_asks(
    taker: Taker, client: GuardedClient, interface: str, method: str, request_to: Any
) -> None:
    send = getattr(getattr(bsg_api, interface)(client), f"{method}_without_preload_content")
    with pytest.raises(suppress.Suppressed):
        send(request_to(LISTED))
    assert taker.requests == []
    send(request_to(FREE))
    assert str(FREE) in str(taker.requests)
    with suppress.bypass(reason="a test"):
        send(request_to(LISTED))
    assert str(LISTED) in str(taker.requests)


def test_both_channels_of_a_message_are_asked(taker: Taker, client: GuardedClient) -> None:
    send = bsg_api.CampaignViberApi(client).viber_send_without_preload_content
    with pytest.raises(suppress.Suppressed):
        send({"phones": phones(ON_VIBER), **TEXT})
    both = {**message(ON_VIBER, "sms"), "channels": ["sms", "viber"], "viber": TEXT}
    with pytest.raises(suppress.Suppressed):
        bsg_api.MessagesApi(client).send_message_without_preload_content(both)
    instead = bsg_api.SendWhatsAppCampaign.from_dict(
        {
            "phones": phones(ON_VIBER),
            "sender": "Shop",
            "type": "template",
            "alternative_channel": {"sms": TEXT},
        }
    )
    api = bsg_api.CampaignWhatsAppApi(client)
    api.post_campaigns_whatsapp_send_without_preload_content(instead)
    with (
        suppress.testing.stop_list(sms=[f"+{ON_VIBER}"], whatsapp=[]),
        pytest.raises(suppress.Suppressed),
    ):
        api.post_campaigns_whatsapp_send_without_preload_content(instead)
    assert len(taker.requests) == 1


@pytest.mark.parametrize(
    ("interface", "method", "request_to"),
    [
        ("CampaignSMSApi", "sms_send_groups", {"groups": [1], "sender": "Shop", "text": "Hi"}),
        (
            "CampaignApi",
            "campaign_send",
            bsg_api.Campaign.from_dict({**CAMPAIGN, "recipients": {"groups": [1]}}),
        ),
        ("TwoFAOTPApi", "resend_otp", "7"),
    ],
    ids=["sms_send_groups", "campaign_send", "resend_otp"],
)
def test_recipients_that_cannot_be_seen_are_refused(
    taker: Taker, client: GuardedClient, interface: str, method: str, request_to: Any
) -> None:
    send = getattr(getattr(bsg_api, interface)(client), f"{method}_without_preload_content")
    with pytest.raises(suppress.InvalidArgument, match="suppress cannot see"):
        send(request_to)
    assert taker.requests == []
    with suppress.bypass(reason="they were screened"):
        send(request_to)
    assert len(taker.requests) == 1


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("messages/sms/fax", {"to": [LISTED]}),
        ("campaigns/sms/send", {"phones": [{"number": FREE}], "groups": [1]}),
        ("campaigns/sms/send", [{"number": FREE}]),
        ("messages/send", {"recipients": {"phones": phones(FREE)}, "phone": phones(LISTED)[0]}),
    ],
)
@pytest.mark.parametrize("method", ["POST", "post", "PATCH"])
def test_a_request_that_is_not_known_is_refused(
    taker: Taker, client: GuardedClient, call: str, body: Any, method: str
) -> None:
    body = {**body, "channels": ["sms"]} if isinstance(body, dict) else body
    with pytest.raises(suppress.InvalidArgument):
        client.call_api(method, f"{taker.url}/api/{call}", {}, body)
    assert taker.requests == []


def test_the_default_client_of_all_interfaces_is_guarded(
    taker: Taker, client: GuardedClient
) -> None:
    try:
        assert isinstance(GuardedClient.get_default(), GuardedClient)
        GuardedClient.set_default(client)
        assert GuardedClient.get_default() is client
        with pytest.raises(suppress.Suppressed):
            bsg_api.CampaignSMSApi().sms_send_without_preload_content(sms(LISTED))
    finally:
        bsg_api.ApiClient.set_default(None)
    assert taker.requests == []


def test_other_calls_pass(taker: Taker, client: GuardedClient) -> None:
    bsg_api.AuthApi(client).login_without_preload_content({"api_key": "test_x"})
    price = {"sender": "Shop", "text": "Hi", "messages": [{"phone": LISTED}]}
    client.call_api("POST", f"{taker.url}/api/campaigns/price", {}, price)
    bsg_api.CampaignApi(client).campaign_stop_without_preload_content(7)
    assert len(taker.requests) == 3


def test_a_list_that_is_missing_sends_nothing(taker: Taker) -> None:
    client = GuardedClient(bsg_api.Configuration(host=taker.url))
    with suppress.testing.stop_list(viber=[]), pytest.raises(suppress.UnknownChannel):
        bsg_api.CampaignSMSApi(client).sms_send_without_preload_content(sms(FREE))
    assert taker.requests == []
