"""`suppress add`: from the answer STOP to the provider that is told of it."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support import faulty_server as faulty
from support.builders import CREATED_AT
from support.command_line import ANN, BOB, LISTED, Typed, listed, refuses
from suppress.cli import command_line
from suppress.cli.limits import CommandLimits
from suppress_bsg.sandbox import Sandbox


@pytest.mark.slow
def test_from_the_answer_to_the_removal(typed: Typed, provider: Sandbox) -> None:
    done = typed("add", "+1 (415) 555-2672", LISTED, "--channel", "sms", "--channel", "viber")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("sms: opted out 2 numbers (2 new)\nviber: opted out 2 numbers (2 new)\n")
    assert listed(provider) == {LISTED: {"sms", "viber"}, ANN: {"sms", "viber"}}

    done = typed("check", LISTED, "--channel", "sms", "--json")
    assert done.returncode == 1
    answer = json.loads(done.stdout)
    here, there = answer["origins"]
    assert (here["source"], here["id"]) == ("opt-outs", None)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", here["added_at"])
    assert there == {
        "source": "bsg",
        "id": 1,
        "added_at": f"{CREATED_AT}Z".replace(" ", "T"),
        "listed_as": None,
    }
    assert answer["snapshot"]["opted_out"] == 2
    assert answer["reason"] == (
        f"listed for sms by opt-outs (since {here['added_at'][:10]}) "
        "and bsg (entry 1, since 2022-04-18)"
    )

    done = typed("remove", LISTED, ANN, "--channel", "sms")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.splitlines()
    assert first == "sms: 2 numbers are no longer opted out here"
    assert {LISTED, ANN} == {line.split()[0] for line in (second, third)}
    assert "was still listed by bsg" in second
    assert listed(provider) == {LISTED: {"viber"}, ANN: {"viber"}}
    assert typed("refresh").stdout == (
        "sms: 0 numbers from bsg\nviber: 2 numbers from bsg (2 opted out here)\n"
    )


@pytest.mark.slow
def test_a_word_behind_the_number_changes_nothing(typed: Typed, provider: Sandbox) -> None:
    assert typed("add", f"{BOB} STOP", "--channel", "sms").returncode == 0
    assert listed(provider).keys() == {LISTED, BOB}
    assert typed("check", BOB, "--channel", "sms").returncode == 1


@pytest.mark.slow
def test_an_old_and_a_new_form_are_one_line(typed: Typed, provider: Sandbox) -> None:
    assert typed("add", "+229 61234567", "--channel", "sms").returncode == 0
    assert "+2290161234567" in listed(provider), "the first reading is passed on"
    done = typed("check", "+2290161234567", "--channel", "sms")
    assert done.returncode == 1
    assert "as +22961234567, which is +2290161234567 since 2024-11-30" in done.stdout
    assert typed("remove", "+2290161234567", "--channel", "sms").returncode == 0
    assert listed(provider).keys() == {LISTED}
    assert typed("refresh").returncode == 0
    assert typed("check", "+229 61234567", "--channel", "sms").returncode == 0


CALLS: list[tuple[list[str], dict[str, str], int, str]] = [
    (["add", "--channel", "sms"], {}, 2, "Name a number, or a file with --file"),
    (["add", ANN, "--channel", "smss"], {}, 2, "Served are: sms, viber"),
    (
        ["add", ANN, "--channel", "sms"],
        {"SUPPRESS_STORE": "none"},
        2,
        "SUPPRESS_STORE.* names no folder",
    ),
    (["add", ANN, "+1", "--channel", "sms"], {}, 4, r"\+1: not a phone number"),
    (
        ["add", ANN, "--channel", "sms"],
        {"SUPPRESS_STORE": "file/store"},
        5,
        "Not a directory.*SUPPRESS_STORE.*add it again",
    ),
]


@pytest.mark.parametrize(("arguments", "settings", "status", "said"), CALLS)
def test_what_cannot_be_done(
    typed: Typed,
    provider: Sandbox,
    arguments: list[str],
    settings: dict[str, Any],
    status: int,
    said: str,
) -> None:
    Path("file").touch()
    refuses(typed(*arguments, **settings), status, said)
    assert listed(provider).keys() == {LISTED}


def test_with_a_damaged_record_nothing_is_done(typed: Typed, provider: Sandbox) -> None:
    Path("store").mkdir()
    Path("store/opt-outs.sqlite3").touch()
    done = typed("filter", "--channel", "sms", "-o", "out", stdin=f"{ANN}\n")
    refuses(done, 3, "opt-outs.sqlite3 cannot be read .*it is empty.*restore the file")
    assert not Path("out").exists()
    refuses(typed("add", ANN, "--channel", "sms"), 5, "it is empty, or another program's")
    assert listed(provider).keys() == {LISTED}


@pytest.mark.slow
def test_a_provider_that_hangs_is_not_waited_for() -> None:
    taking = faulty.on("/api/stoplist/attach", faulty.body_a_byte_at_a_time)
    with faulty.FaultyServer(fault=taking) as server:
        environ = {"BSG_BASE_URL": server.url, "BSG_API_KEY": faulty.KEY, "SUPPRESS_STORE": "store"}
        began = time.monotonic()
        for number in (ANN, BOB):
            arguments = ["add", number, "--channel", "sms"]
            done = CliRunner().invoke(
                command_line, arguments, env=environ, obj=CommandLimits(delivery=0.2)
            )
            assert done.exit_code == 0, done.output
            assert "sms: opted out 1 number (1 new)" in done.output
            assert "Last error: it has not answered within 0.2 s; `suppress refresh` gives" in (
                done.output
            )
        # Each answer takes some seconds, and is asked for six times.
        assert time.monotonic() - began < 5
        done = CliRunner().invoke(command_line, ["status"], env=environ)
        assert "sms: 2 opt-outs are waiting for bsg since" in done.output
