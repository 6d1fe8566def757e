"""`suppress status`: the state of each list, and the verdict of `--check`."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from support.command_line import SMS, Run, refuses
from suppress import Settings, Suppressor
from suppress.numbers.readings import readings
from suppress_bsg.sandbox import Sandbox


@pytest.mark.slow
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


class TestCheck:
    """The list is in a file, so that it fails at once when the file is gone."""

    @pytest.fixture
    def file(self, folder: Path) -> Path:
        path = folder / "stopped.txt"
        path.write_text(f"{SMS}\n")
        return path

    @pytest.fixture
    def settings(self, file: Path) -> dict[str, str]:
        return {
            "SUPPRESS_SOURCES": "file",
            "SUPPRESS_FILE_PATH": str(file),
            "SUPPRESS_FILE_QUIET": "0",
            "SUPPRESS_STORE": str(file.with_name("store")),
        }

    @pytest.fixture
    def check(self, run: Run, settings: dict[str, str]) -> Callable[..., int]:
        def checking(*channels: str, **more: str) -> int:
            options = [part for channel in channels for part in ("--channel", channel)]
            done = run("status", "--check", *options, **settings | more)
            assert not done.stderr.startswith(b"Error")
            return done.returncode

        return checking

    @pytest.mark.slow
    def test_the_worst_state_is_the_exit_status(
        self, run: Run, check: Callable[..., int], settings: dict[str, str]
    ) -> None:
        assert check() == 3, "none was ever read"
        assert run("status", **settings).returncode == 0, "it is not asked"
        assert run("refresh", "--channel", "sms", **settings).returncode == 0
        assert check() == 0, "viber was never read here"
        assert check("sms") == 0
        assert check("viber") == check("sms", "viber") == 3
        assert check(SUPPRESS_TTL="0") == 1
        assert check(SUPPRESS_TTL="0", SUPPRESS_MAX_STALE="0") == 3

    @pytest.mark.slow
    def test_a_list_that_fails(
        self, run: Run, check: Callable[..., int], settings: dict[str, str], file: Path
    ) -> None:
        assert run("refresh", **settings).returncode == 0
        file.unlink()
        assert run("refresh", **settings).returncode == 3
        assert check() == check("sms") == 3
        done = run("status", **settings)
        assert done.returncode == 0
        assert re.search(r"sms: has failed to refresh since 20.*, last tried at 20", str(done))

    def test_it_agrees_with_the_answer_when_the_clock_was_set_back(
        self, run: Run, check: Callable[..., int], settings: dict[str, str], file: Path
    ) -> None:
        tables = {"file": {"path": str(file), "quiet": 0}}
        store = Path(settings["SUPPRESS_STORE"])
        made = Settings(sources=("file",), store=store, tables=tables)
        Suppressor(made, background=False, clock=lambda: time.time() + 7200).refresh()
        done = run("status", **settings)
        assert re.search(r"sms .*expired.*1 .*in the future", done.stdout.decode())
        file.unlink()
        assert check() == 3
        assert run("check", SMS, "--channel", "sms", **settings).returncode == 3

    def test_a_wrong_call(self, run: Run, settings: dict[str, str]) -> None:
        refuses(run("status", "--channel", "sms", **settings), 2, "--channel needs --check")
        refuses(run("status", "--check", "--channel", "smss", **settings), 2, "'smss'.*sms")

    def test_json_tells_the_same(self, run: Run, settings: dict[str, str]) -> None:
        assert run("refresh", "--channel", "sms", **settings).returncode == 0
        done = run("status", "--check", "--json", "--channel", "viber", **settings)
        assert done.returncode == 3
        states = {each["channel"]: each["state"] for each in json.loads(done.stdout)["channels"]}
        assert states["sms"] == "fresh"
        assert states["viber"] == "missing"
