"""`suppress add --text-column`: from a file of replies to opt-outs, and to what is left to read."""

import json
from pathlib import Path

import pytest

from support.command_line import ANN, BOB, LISTED, Typed, listed, refuses
from suppress_bsg.sandbox import Sandbox

FILE = f"sender,body\n{ANN},stop please\n{BOB},See you\n{LISTED},START\n{BOB},HELP\n"
ADD = ("add", "--file", "in.csv", "--text-column", "body", "--channel", "sms")


@pytest.mark.slow
def test_only_those_who_say_so(typed: Typed, provider: Sandbox) -> None:
    Path("in.csv").write_text(FILE)
    done = typed(*ADD, "--not-understood", "left.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "4 replies: 1 opt-out, 1 opt-in, 1 help, 1 not understood",
        "sms: opted out 1 number (0 already there)",
        "To opt in (line 4): not done. `suppress remove` takes an opt-out back.",
        "For help (line 5): answer them.",
        "Not understood (line 3): read them. See left.csv.",
    ]
    assert Path("left.csv").read_text() == f"sender,body\n{BOB},See you\n"
    assert Path("left.csv").stat().st_mode & 0o077 == 0
    assert listed(provider)[ANN] == {"sms"}
    assert BOB not in listed(provider)


@pytest.mark.slow
def test_rows_of_standard_input_are_written_too(typed: Typed, provider: Sandbox) -> None:
    arguments = ("add", "--file", "-", "--text-column", "body", "--channel", "sms")
    done = typed(*arguments, "--not-understood", "left.csv", stdin=FILE)
    assert done.returncode == 0, done.stderr
    assert Path("left.csv").read_text() == f"sender,body\n{BOB},See you\n"


@pytest.mark.slow
def test_as_json(typed: Typed, provider: Sandbox) -> None:
    Path("in.csv").write_text(FILE)
    done = typed(*ADD, "--json", SUPPRESS_STOP_SCOPE="all")
    assert json.loads(done.stdout) == {
        "replies": {"opt-out": 1, "opt-in": 1, "help": 1, "not understood": 1},
        "channels": {"sms": {"new": 1, "known": 0}, "viber": {"new": 1, "known": 0}},
        "lines": {"opt-in": [4], "help": [5], "not understood": [3]},
        "waiting": [],
    }
    assert listed(provider)[ANN] == {"sms", "viber"}


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("add", ANN, "--language", "de", "--channel", "sms"), 2, "are for replies"),
        ((*ADD, BOB), 2, "--text-column is for a file of replies"),
        ((*ADD, "--column", "sender", "--column", "body"), 2, "Name one column"),
        ((*ADD, "--not-understood", "in.csv"), 2, "--not-understood names the input"),
        ((*ADD, "--not-understood", "left.parquet"), 2, "would not be what its name says"),
        ((*ADD, "--language", "xx"), 2, "no words for the language 'xx'"),
        ((*ADD, "--time-column", "when"), 4, "in.csv has no column 'when'"),
    ],
)
def test_what_cannot_be_done(
    typed: Typed, provider: Sandbox, arguments: tuple[str, ...], status: int, said: str
) -> None:
    Path("in.csv").write_text(FILE)
    refuses(typed(*arguments), status, said)
    assert listed(provider).keys() == {LISTED}
    assert Path("in.csv").read_text() == FILE
