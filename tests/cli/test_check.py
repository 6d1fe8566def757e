"""`suppress check`: the outcome of one number, and the reason."""

import json
import re

import pytest

from support.command_line import BOTH, SMS, Run


@pytest.mark.parametrize(
    ("number", "channel", "status", "outcome", "reason"),
    [
        (SMS, "sms", 1, "suppressed", "listed for sms by bsg (entry 1, since 2022-04-18)"),
        ("+1 (415) 555-2671", "viber", 0, "allowed", "not listed for viber"),
        (
            "tel:+44-20-7946-0958",
            "viber",
            1,
            "suppressed",
            "listed for viber by bsg (entry 3, since 2022-04-18)",
        ),
    ],
)
@pytest.mark.slow
def test_check(run: Run, number: str, channel: str, status: int, outcome: str, reason: str) -> None:
    done = run("check", number, "--channel", channel)
    assert done.returncode == status
    e164 = BOTH if "44" in number else SMS
    assert re.fullmatch(
        rf"\{e164}: {outcome}; {re.escape(reason)}, read \d+ (s|min) ago\n", done.stdout.decode()
    )
    assert done.stderr == b""
    done = run("check", number, "--channel", channel, "--json")
    assert done.returncode == status
    document = json.loads(done.stdout)
    snapshot, origins = document.pop("snapshot"), document.pop("origins")
    added_at = "2022-04-18T19:22:16Z"
    assert origins == [
        {"source": "bsg", "id": {SMS: 1, BOTH: 3}[e164], "added_at": added_at, "listed_as": None}
        for _ in range(status)
    ]
    assert document == {"channel": channel, "outcome": outcome, "e164": e164, "reason": reason}
    assert snapshot["sources"] == ["bsg"]
    assert snapshot["channel"] == channel
    assert re.fullmatch("[0-9a-f]{64}", snapshot["digest"])


@pytest.mark.slow
def test_check_in_national_form(run: Run) -> None:
    arguments = ("check", "(415) 555-2671", "--channel", "sms")
    assert run(*arguments, "--default-region", "US").returncode == 1
    assert run(*arguments, SUPPRESS_DEFAULT_REGION="us").returncode == 1
    done = run(*arguments, "--json")
    assert done.returncode == 4
    document = json.loads(done.stdout)
    assert document["outcome"] == "invalid"
    assert document["e164"] is None
    assert document["reason"] == "digits without a plus: say whose they are"
