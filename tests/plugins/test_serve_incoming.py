"""Posts of providers: replies and reports that opt out, and failures in the log."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlencode

import pytest
import requests

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("cryptography")

from support.builders import environ_of_list
from support.serving import FORM, TOKEN, Service, is_suppressed, served, signature_of
from suppress_http.incoming import Incoming, of_telnyx, of_twilio
from suppress_http.refusals import Refusals

SETTINGS = {
    "SUPPRESS_SERVE_TOKEN": TOKEN,
    "SUPPRESS_SERVE_TWILIO_AUTH_TOKEN": "12345",
    "SUPPRESS_SERVE_PUBLIC_URL": "https://example.com/stop/",
    "SUPPRESS_SERVE_REPLY_SECRET": TOKEN,
}


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environ_of_list(tmp_path_factory.mktemp("replies"), b"+442079460958\n")


@pytest.fixture(scope="module")
def service(environ: dict[str, str]) -> Iterator[Service]:
    with served({**environ, **SETTINGS}) as found:
        yield found


def post_form(service: Service, form: dict[str, str]) -> requests.Response:
    headers = {**FORM, "X-Twilio-Signature": signature_of(form)}
    return service.post("/replies/twilio", data=urlencode(form), headers=headers)


CALLBACK = {
    "AccountSid": "AC1",
    "From": "+15005550006",
    "To": "+14155550041",
    "MessageSid": "SM9",
    "SmsSid": "SM9",
    "MessageStatus": "failed",
    "SmsStatus": "failed",
    "ErrorCode": "21610",
}


def test_a_message_that_twilio_blocked_opts_its_recipient_out(service: Service) -> None:
    answer = post_form(service, CALLBACK)
    assert (answer.status_code, "<Response>" in answer.text) == (200, True)
    assert is_suppressed(service, "+14155550041")
    assert not is_suppressed(service, "+15005550006")


BLOCKED = Incoming(
    *("+14155550041", "STOP", "sms", "Twilio", "SM9", "Twilio error 21610", "international")
)
REPLY = {"From": "+14155550042", "To": "+15005550006", "Body": "Stop.", "MessageSid": "SM8"}


@pytest.mark.parametrize(
    ("form", "found"),
    [
        (CALLBACK, BLOCKED),
        ({**CALLBACK, "To": "whatsapp:+14155550041"}, BLOCKED._replace(channel="whatsapp")),
        ({**CALLBACK, "ErrorCode": "30003"}, None),
        ({**CALLBACK, "MessageStatus": "delivered", "ErrorCode": ""}, None),
        # Even if it had the text of what was sent.
        ({**CALLBACK, "MessageStatus": "sent", "ErrorCode": "", "Body": "STOP"}, None),
        ({"From": "+1", "To": "+14155550041", "SmsStatus": "sent", "Body": "STOP"}, None),
    ],
)
def test_the_status_of_a_message_is_no_reply(form: dict[str, str], found: Incoming | None) -> None:
    assert of_twilio(form) == found


@pytest.mark.parametrize(
    ("changes", "number", "text", "channel"),
    [
        ({}, "+14155550042", "Stop.", "sms"),
        ({"SmsStatus": "received"}, "+14155550042", "Stop.", "sms"),
        ({"OptOutType": "STOP", "Body": "genug"}, "+14155550042", "STOP", "sms"),
        ({"From": "whatsapp:+14155550042"}, "+14155550042", "Stop.", "whatsapp"),
        # The id of a person at another service is no phone number.
        ({"From": "messenger:14155550042"}, "", "Stop.", "messenger"),
    ],
)
def test_what_comes_in_is_a_reply(
    changes: dict[str, str], number: str, text: str, channel: str
) -> None:
    found = of_twilio({**REPLY, **changes})
    assert found == Incoming(
        number, text, channel, "Twilio", "SM8", reason=None, region="international"
    )


@pytest.mark.parametrize(
    ("changes", "number"),
    [
        ({}, "+14155550051"),
        ({"errors": [{"code": 40300}]}, "+14155550051"),
        ({"errors": [{"code": "40008"}], "text": "40300"}, None),
        ({"errors": []}, None),
        # It is not said which of them.
        ({"to": [{"phone_number": "+14155550051"}, {"phone_number": "+14155550052"}]}, ""),
    ],
)
def test_a_message_that_telnyx_blocked_opts_its_recipient_out(
    changes: dict[str, object], number: str | None
) -> None:
    payload = {
        "id": "m",
        "type": "SMS",
        "from": {"phone_number": "+15005550006"},
        "to": [{"phone_number": "+14155550051", "status": "delivery_failed"}],
        "errors": [{"code": "40300", "title": "Blocked due to STOP message"}],
        **changes,
    }
    event = {"data": {"event_type": "message.finalized", "payload": payload}}
    found = of_telnyx(json.dumps(event).encode())
    assert (None if found is None else found.number) == number
    assert found is None or (found.text, found.reason) == ("STOP", "Telnyx error 40300")


@pytest.mark.parametrize(
    "form",
    [
        {**REPLY, "From": "whatsapp:+14155550043"},
        {**CALLBACK, "To": "whatsapp:+14155550043"},
    ],
    ids=["reply", "21610"],
)
def test_a_stop_on_a_channel_without_a_source_is_an_error_that_can_be_tried_again(
    service: Service, form: dict[str, str]
) -> None:
    lost = post_form(service, form)
    problem = lost.json()
    assert (lost.status_code, problem["retryable"]) == (503, True)
    # The store is well: the settings are not.
    assert problem["type"] == "urn:suppress:stop-not-kept"
    assert problem["title"] == "The STOP was not kept: no source serves its channel."
    assert "SUPPRESS_STOP_SCOPE=all" in problem["detail"]
    assert "retry-after" in lost.headers


def test_anything_else_on_a_channel_without_a_source_is_passed_over(service: Service) -> None:
    form = {**REPLY, "From": "whatsapp:+14155550043", "Body": "When do you open?"}
    assert post_form(service, form).status_code == 200


def test_a_typing_error_in_the_channel_is_told_at_the_first_reply(service: Service) -> None:
    reply = {"from": "+14155550044", "text": "hello", "channel": "vibr"}
    headers = {"X-Reply-Secret": TOKEN}
    assert service.post("/replies/other", reply, headers=headers).status_code == 404
    stop = service.post("/replies/other", {**reply, "text": "STOP"}, headers=headers)
    assert (stop.status_code, stop.json()["retryable"]) == (404, False)


def test_for_all_channels_a_stop_counts_wherever_it_came_from(environ: dict[str, str]) -> None:
    with served({**environ, **SETTINGS, "SUPPRESS_STOP_SCOPE": "all"}) as found:
        reply = {**REPLY, "From": "whatsapp:+14155550045"}
        blocked = {**CALLBACK, "To": "whatsapp:+14155550047"}
        for form, number in ((reply, "+14155550045"), (blocked, "+14155550047")):
            assert post_form(found, form).status_code == 200
            for channel in ("sms", "viber"):
                assert is_suppressed(found, number, channel)


def test_what_is_lost_or_refused_is_in_the_log(environ: dict[str, str]) -> None:
    with served({**environ, **SETTINGS}) as found:
        post_form(found, {**REPLY, "From": "whatsapp:+14155550046"})
        post_form(found, {**REPLY, "From": "TrustedShop"})
        for _ in range(20):
            forged = {**FORM, "X-Twilio-Signature": "forged"}
            found.post("/replies/twilio", data=urlencode(REPLY), headers=forged)
            found.post("/replies/telnyx", {})
            found.post("/replies/other", {})
            found.get("/replies/twilio")
            found.post("/replies/4155552671", {})
        found.process.terminate()
        _, errors = found.process.communicate(timeout=20)
    lines = [each.removeprefix("Warning: ") for each in errors.splitlines()]
    lost = [each for each in lines if "was not acted on" in each]
    assert [each.partition(":")[0] for each in lost] == [
        "A reply from Twilio (SM8) was not acted on",
        "A reply from Twilio (SM8) was not acted on",
    ]
    assert "The STOP was not kept. No source serves the channel 'whatsapp'" in lost[0]
    assert "TrustedShop: not a phone number" in lost[1]
    refused = [each.partition(":")[0] for each in lines if "refused" in each]
    assert refused == [
        "1 refused at /replies/twilio with 403",
        "1 refused at /replies/telnyx with 404",
        "1 refused at /replies/other with 401",
        "1 refused at /replies/twilio with 405",
        "1 refused at /replies/ with 404",
    ]
    assert TOKEN not in errors
    assert "4155550046" not in errors


def test_refusals_are_logged_now_and_again(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    refusals = Refusals(60, clock=lambda: now[0])
    for moment in (0, 1, 59, 60, 61, 130):
        now[0] = moment
        refusals.note("/replies/twilio", HTTPStatus.FORBIDDEN, "The signature is wrong.")
    assert [vars(each)["count"] for each in caplog.records] == [1, 3, 2]
    record = vars(caplog.records[0])
    assert caplog.records[0].levelno == logging.WARNING
    assert (record["code"], record["path"], record["status"], record["error"]) == (
        *("reply_refused", "/replies/twilio", 403),
        "The signature is wrong.",
    )
