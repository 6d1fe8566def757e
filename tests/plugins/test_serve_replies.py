"""Replies that providers pass on: signed ones opt out, and nothing else does."""

import asyncio
import base64
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("cryptography")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

import suppress
from support.builders import ListSource, by_hand, environ_of_list, listed
from support.serving import FORM, TOKEN, Service, is_suppressed, served, signature_of
from suppress_http.app import make_app
from suppress_http.backend import Backend
from suppress_http.settings import ServeSettings
from suppress_http.signatures import is_of_telnyx, is_of_twilio

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environ = environ_of_list(tmp_path_factory.mktemp("replies"), b"+442079460958\n")
    settings = {
        "SUPPRESS_SERVE_TOKEN": TOKEN,
        "SUPPRESS_SERVE_TWILIO_AUTH_TOKEN": "12345",
        "SUPPRESS_SERVE_PUBLIC_URL": "https://example.com/stop/",
        "SUPPRESS_SERVE_TELNYX_PUBLIC_KEY": PUBLIC,
        "SUPPRESS_SERVE_REPLY_SECRET": TOKEN,
    }
    with served({**environ, **settings}) as found:
        yield found


def test_the_signature_is_that_of_twilios_documentation() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url, signature = "https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert is_of_twilio(signature, "12345", url, form.items())
    assert is_of_twilio(signature, "12345", url.replace(".com/", ".com:443/"), form.items())
    assert not is_of_twilio(signature, "12346", url, form.items())
    assert not is_of_twilio(signature, "12345", url, [*form.items(), ("Body", "STOP")])
    assert not is_of_twilio("ä", "12345", url, form.items())
    for odd in ("http://a:b/", "http://a:99999/", "http://[a/"):
        assert not is_of_twilio(signature, "12345", odd, form.items())


@pytest.mark.parametrize(
    "address",
    ["example.com", "https://", "https://a:b", "https://u:p@a", "https://a/?b", "ftp://a"],
)
def test_an_address_that_no_provider_could_call_is_refused(address: str) -> None:
    with pytest.raises(suppress.InvalidSetting, match="must be https:// and a host"):
        ServeSettings(public_url=address)
    ServeSettings(public_url="https://[2001:db8::1]:8443/stop")


def test_a_stop_that_twilio_passes_on_opts_out(service: Service) -> None:
    form = {"From": "+14155550011", "Body": "Stop. Thank you", "MessageSid": "SM1"}
    headers = {**FORM, "X-Twilio-Signature": signature_of(form)}
    forged = service.post(
        "/replies/twilio", data=urlencode({**form, "From": "+14155550012"}), headers=headers
    )
    assert forged.status_code == 403
    found = service.post("/replies/twilio", data=urlencode(form), headers=headers)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert is_suppressed(service, "+14155550011")
    assert not is_suppressed(service, "+14155550012")


def test_twilios_own_judgement_of_a_reply_counts(service: Service) -> None:
    form = {"From": "+14155550013", "Body": "no mas", "OptOutType": "STOP"}
    headers = {**FORM, "X-Twilio-Signature": signature_of(form)}
    service.post("/replies/twilio", data=urlencode(form), headers=headers)
    assert is_suppressed(service, "+14155550013")


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"From": "12345", "Body": "STOP"}, 422, "12345: "),
        ({"From": "Shop", "Body": "STOP"}, 422, "not a phone number"),
        ({"From": "", "Body": "STOP"}, 422, "no number was given"),
        ({"From": "fax:+14155550014", "Body": "STOP"}, 503, "No source serves"),
        ({"From": "+14155550014", "SmsStatus": "received"}, 422, "has no text"),
    ],
)
def test_a_reply_that_cannot_be_acted_on_is_an_error_and_in_the_log(
    form: dict[str, str], status: int, said: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    app = make_app(
        Backend(
            by_hand(ListSource(listed("+442079460958")), store=tmp_path, default_region="AT"),
            ServeSettings(
                twilio_auth_token=suppress.Secret("12345"),
                public_url="https://example.com/stop/",
            ),
        ),
        CollectorRegistry(),
    )
    form = {**form, "MessageSid": "SM77"}
    with caplog.at_level(logging.WARNING, "suppress"):
        answer = answered(
            app,
            "/replies/twilio",
            urlencode(form),
            {**FORM, "X-Twilio-Signature": signature_of(form)},
        )
    assert answer == status
    (record,) = caplog.records
    fields = vars(record)
    assert (fields["code"], fields["provider"], fields["reference"]) == (
        *("reply_failed", "Twilio", "SM77"),
    )
    assert said in fields["error"]
    assert "4155550014" not in record.getMessage()


def answered(app: Starlette, path: str, body: str, headers: dict[str, str]) -> int:
    """Return the status of an answer, in this process."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body.encode(), "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
    }
    asyncio.run(app(scope, receive, send))
    (status,) = statuses
    return status


def of_telnyx(body: bytes, at: float) -> dict[str, str]:
    stamp = str(int(at))
    signature = KEY.sign(stamp.encode() + b"|" + body)
    return {
        "telnyx-timestamp": stamp,
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
    }


def test_a_stop_that_telnyx_passes_on_opts_out(service: Service) -> None:
    body = (
        b'{"data": {"event_type": "message.received", "id": "e", "payload": {"id": "m", "from": '
        b'{"phone_number": "+14155550021", "carrier": "x"}, "text": "STOP", "type": "SMS"}}}'
    )
    late = service.post("/replies/telnyx", data=body, headers=of_telnyx(body, time.time() - 400))
    forged = service.post("/replies/telnyx", data=body + b" ", headers=of_telnyx(body, time.time()))
    assert (late.status_code, forged.status_code) == (403, 403)
    assert not is_suppressed(service, "+14155550021")
    found = service.post("/replies/telnyx", data=body, headers=of_telnyx(body, time.time()))
    assert found.json() == {"meaning": "opt-out"}
    assert is_suppressed(service, "+14155550021")
    assert not is_suppressed(service, "+14155550021", "viber")


def test_other_events_of_telnyx_are_passed_over(service: Service) -> None:
    body = b'{"data": {"event_type": "message.finalized", "payload": {"from": []}}}'
    found = service.post("/replies/telnyx", data=body, headers=of_telnyx(body, time.time()))
    assert (found.status_code, found.json()) == (200, {"meaning": None})


@pytest.mark.parametrize(
    ("body", "meaning"),
    [
        ({"text": "Stop"}, "opt-out"),
        ({"suggestion_response": {"postback_data": "x", "text": "Stop"}}, "opt-out"),
        ({"user_file": {"uri": "x"}}, None),
    ],
)
def test_the_words_of_an_rcs_message_lie_in_its_body(
    service: Service, body: dict[str, Any], meaning: str | None
) -> None:
    payload = {"from": {"phone_number": "+14155550022"}, "type": "RCS", "body": body}
    found = passed_on(service, {**payload, "type": "SMS"})
    assert found.json() == {"meaning": meaning}
    # No source serves rcs, so that a STOP cannot be kept.
    assert passed_on(service, payload).status_code == (200 if meaning is None else 503)


def test_a_message_without_a_place_for_words_is_an_error(service: Service) -> None:
    sender = {"phone_number": "+14155550023"}
    assert passed_on(service, {"from": sender, "type": "SMS"}).status_code == 422
    assert passed_on(service, {"from": sender, "type": "WHATSAPP"}).status_code == 422
    assert passed_on(service, {"from": sender, "type": "MMS"}).json() == {"meaning": None}


def passed_on(service: Service, payload: dict[str, Any]) -> requests.Response:
    event = {"data": {"event_type": "message.received", "payload": payload}}
    body = json.dumps(event).encode()
    return service.post("/replies/telnyx", data=body, headers=of_telnyx(body, time.time()))


@pytest.mark.parametrize("stamp", ["", "x", "-5", "9" * 30, "١٢"])
def test_a_time_that_is_none_is_no_signature(stamp: str) -> None:
    signature = of_telnyx(b"", 0)["telnyx-signature-ed25519"]
    assert not is_of_telnyx(signature, stamp, PUBLIC, b"", now=0, tolerance=300)
    assert is_of_telnyx(signature, "0", PUBLIC, b"", now=0, tolerance=300)
    assert not is_of_telnyx("?", "0", PUBLIC, b"", now=0, tolerance=300)


def test_others_send_a_secret(service: Service) -> None:
    reply = {"from": "+14155550031", "text": "STOP", "channel": "viber"}
    basic = base64.b64encode(f"any:{TOKEN}".encode()).decode()
    wrong: list[dict[str, str]] = [
        {},
        {"X-Reply-Secret": "wrong"},
        {"Authorization": "Basic ?"},
        {"Authorization": f"Bearer {TOKEN}"},
    ]
    for headers in wrong:
        assert service.post("/replies/other", reply, headers=headers).status_code == 401
    assert not is_suppressed(service, "+14155550031", "viber")
    for headers in ({"X-Reply-Secret": TOKEN}, {"Authorization": f"Basic {basic}"}):
        found = service.post("/replies/other", reply, headers=headers)
        assert found.json() == {"meaning": "opt-out"}
    assert is_suppressed(service, "+14155550031", "viber")
    asks = {**reply, "from": "+14155550032", "text": "When do you open?"}
    found = service.post("/replies/other", asks, headers={"X-Reply-Secret": TOKEN})
    assert found.json() == {"meaning": None}
    assert not is_suppressed(service, "+14155550032", "viber")


def test_a_sender_may_be_any_whole_number(service: Service) -> None:
    reply = {"from": 14155550035.0, "text": "STOP", "channel": "sms"}
    found = service.post("/replies/other", reply, headers={"X-Reply-Secret": TOKEN})
    assert found.json() == {"meaning": "opt-out"}
    assert is_suppressed(service, "+14155550035")


@pytest.mark.parametrize("reference", ["", " ", "a\nb", "x" * 5000, None])
def test_an_odd_reference_costs_no_opt_out(service: Service, reference: str | None) -> None:
    reply = {"from": "+14155550033", "text": "STOP", "channel": "sms", "reference": reference}
    found = service.post("/replies/other", reply, headers={"X-Reply-Secret": TOKEN})
    assert found.json() == {"meaning": "opt-out"}


def test_a_region_says_how_senders_are_written(service: Service) -> None:
    reply = {"from": "14155550034", "text": "STOP", "channel": "sms"}
    secret = {"X-Reply-Secret": TOKEN}
    assert service.post("/replies/other", reply, headers=secret).status_code == 422
    reply["default_region"] = "international"
    assert service.post("/replies/other", reply, headers=secret).json() == {"meaning": "opt-out"}
    assert is_suppressed(service, "+14155550034")
