"""Replies that providers pass on: signed ones opt out, and nothing else does."""

import base64
import hmac
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("cryptography")

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from support.builders import environ_of_list
from support.serving import Service, served
from suppress_http.signatures import is_of_telnyx, is_of_twilio

TOKEN = "0123456789abcdef0123"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


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


def is_suppressed(service: Service, number: str, channel: str = "sms") -> bool:
    question = {"number": number, "channel": channel}
    found = service.post("/check", question, headers={"Authorization": f"Bearer {TOKEN}"})
    return bool(found.json()["outcome"] == "suppressed")


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


def of_twilio(form: dict[str, str]) -> str:
    text = "https://example.com/stop/replies/twilio" + "".join(
        name + form[name] for name in sorted(form)
    )
    return base64.b64encode(hmac.digest(b"12345", text.encode(), "sha1")).decode()


def test_a_stop_that_twilio_passes_on_opts_out(service: Service) -> None:
    form = {"From": "+14155550011", "Body": "Stop. Thank you", "MessageSid": "SM1"}
    headers = {**FORM, "X-Twilio-Signature": of_twilio(form)}
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
    headers = {**FORM, "X-Twilio-Signature": of_twilio(form)}
    service.post("/replies/twilio", data=urlencode(form), headers=headers)
    assert is_suppressed(service, "+14155550013")


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
