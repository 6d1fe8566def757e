"""`suppress status`: the state of each list, and the verdict of `--check`."""

import json
import re
from typing import Any

import phonenumbers

from support.command_line import Run
from suppress.numbers.readings import readings
from suppress_bsg.sandbox import Sandbox


def test_refresh_and_status(run: Run, server: Sandbox, own_store: str) -> None:
    def status(**settings: str) -> tuple[dict[str, Any], str]:
        done = run("status", "--json", SUPPRESS_STORE=own_store, **settings)
        assert done.returncode == 0
        document = json.loads(done.stdout)
        states = {each["channel"]: each["state"] for each in document["channels"]}
        human = run("status", SUPPRESS_STORE=own_store, **settings)
        assert human.returncode == 0
        assert b"\x1b" not in human.stdout
        for channel, state in states.items():
            assert re.search(rf"{channel} .*{state}", human.stdout.decode())
        assert (b"suppress refresh" in human.stderr) == ("missing" in states.values())
        assert document["phonenumbers"] == phonenumbers.__version__
        assert f"with phonenumbers {phonenumbers.__version__}." in human.stdout.decode()
        return document, ",".join(f"{name}={state}" for name, state in sorted(states.items()))

    assert status()[1] == "sms=missing,viber=missing"
    done = run("refresh", "--channel", "viber", SUPPRESS_STORE=own_store)
    assert re.fullmatch(r"viber: \d+ numbers from bsg\n", done.stdout.decode())
    assert done.stderr == b""
    assert status()[1] == "sms=missing,viber=fresh"

    arguments = ("refresh", "--json", "--channel", "sms", "--channel", "viber")
    done = run(*arguments, SUPPRESS_STORE=own_store)
    assert done.returncode == 0
    assert done.stderr == b""
    refreshed = json.loads(done.stdout)
    # A number and its form after a change of plan are one.
    counts = {
        channel: len(
            {
                readings(each.phone, "international")[0]
                for each in server.rows
                if channel in each.channels
            }
        )
        for channel in ("sms", "viber")
    }
    assert {channel: each["count"] for channel, each in refreshed.items()} == counts

    document, states = status()
    assert states == "sms=fresh,viber=fresh"
    assert (document["ttl"], document["max_stale"], document["store"]) == (300, 3600, own_store)
    for each in document["channels"]:
        for name in ("count", "digest", "sources", "read_at", "unparsed"):
            assert each[name] == refreshed[each["channel"]][name]
        assert each["age"] >= refreshed[each["channel"]]["age"]
    assert status(SUPPRESS_TTL="0")[1] == "sms=stale,viber=stale"
    assert status(SUPPRESS_TTL="0", SUPPRESS_MAX_STALE="0")[1] == "sms=expired,viber=expired"
