"""`suppress history`, `opt-outs` and `forget`: what was done, what is in force, what is left."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from support.command_line import ANN, BOB, LISTED, Typed, refuses

EVIDENCE = (
    *("--reason", "answered STOP", "--by", "Zoë", "--via", "reply", "--reference", "msg-17"),
    *("--at", "2026-03-01T09:30:00+01:00"),
)
TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


@pytest.fixture
def changed(typed: Typed) -> None:
    """Ann opts out with all that is known of it, and in again; Bob's opt-out was a mistake."""
    assert typed("add", ANN, "--channel", "sms", *EVIDENCE).returncode == 0
    assert typed("add", BOB, "--all-channels", "--via", "form").returncode == 0
    assert typed("remove", ANN, "--channel", "sms", "--by", "Ann").returncode == 0
    assert typed("remove", BOB, "--channel", "viber", "--correction").returncode == 0


@pytest.mark.usefixtures("changed")
def test_history(typed: Typed) -> None:
    done = typed("history", "+1 (415) 555-2672")
    assert (done.returncode, done.stderr) == (0, "")
    titles, first, second = done.stdout.splitlines()
    assert titles.split() == [
        *("made", "channel", "change", "number", "wished", "by", "via", "reason", "reference")
    ]
    assert re.fullmatch(
        rf"{TIME}  sms +add +\{ANN} +2026-03-01T08:30:00Z  Zoë +reply +answered STOP  msg-17", first
    )
    assert re.fullmatch(rf"{TIME}  sms +remove  \{ANN} +Ann", second)
    done = typed("history", BOB, "--channel", "viber")
    assert len(done.stdout.splitlines()) == 3
    assert f"remove (correction)  {BOB}" in done.stdout


@pytest.mark.usefixtures("changed")
@pytest.mark.slow
def test_the_answer_to_a_request_is_complete(typed: Typed) -> None:
    answer = json.loads(typed("history", "+1 (415) 555-2672", "--json").stdout)
    assert answer["number"] == ANN
    added, removed = answer["changes"]
    assert removed["position"] > added.pop("position")
    assert re.fullmatch(TIME, added.pop("made_at"))
    assert added == {
        "action": "add",
        "channel": "sms",
        "number": ANN,
        "text": ANN,
        "region": "",
        "wished_at": "2026-03-01T08:30:00Z",
        "by": "Zoë",
        "reason": "answered STOP",
        "via": "reply",
        "reference": "msg-17",
        "correction": False,
    }
    assert (removed["action"], removed["correction"]) == ("remove", False)
    assert typed("add", LISTED, "--channel", "sms").returncode == 0
    answer = json.loads(typed("history", LISTED, "--json").stdout)
    assert [each["source"] for each in answer["listed"]["sms"]] == ["opt-outs", "bsg"]
    assert answer["waiting"] == []
    assert typed("add", LISTED, "--channel", "viber", BSG_API_KEY="test_wrong").returncode == 0
    (waiting,) = json.loads(typed("history", LISTED, "--json").stdout)["waiting"]
    assert (waiting["source"], waiting["action"], waiting["number"]) == ("bsg", "add", LISTED)


@pytest.mark.slow
def test_nobody_was_opted_out(typed: Typed) -> None:
    done = typed("history", ANN)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "No opt-out of this number was made here.\n"
    assert json.loads(typed("history", ANN, "--json").stdout)["changes"] == []
    refuses(typed("history", "n/a"), 4, "n/a: not a phone number")
    refuses(typed("history", ANN, "--channel", "smss"), 2, "'smss'")


@pytest.mark.usefixtures("changed")
class TestOptOuts:
    def test_those_in_force_are_listed(self, typed: Typed) -> None:
        done = typed("opt-outs")
        titles, line = done.stdout.splitlines()
        assert titles.startswith("made ")
        assert re.fullmatch(rf"{TIME}  sms +add +\{BOB} +form", line)
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.slow
    def test_they_are_filtered(self, typed: Typed) -> None:
        def numbers(*options: str) -> list[tuple[str, str]]:
            found = json.loads(typed("opt-outs", "--json", *options).stdout)["opt_outs"]
            return [(each["channel"], each["number"]) for each in found]

        assert typed("add", ANN, "--channel", "viber", *EVIDENCE).returncode == 0
        ann, bob = ("viber", ANN), ("sms", BOB)
        assert numbers() == [bob, ann]
        assert numbers("--channel", "viber", "--channel", "sms") == [ann, bob]
        assert numbers("--channel", "viber") == [ann]
        assert numbers("--via", "form") == [bob]
        assert numbers("--until", "2026-03-01") == numbers("--until", "2026-03-02") == [ann]
        assert numbers("--until", "2026-02-28") == []
        assert numbers("--since", "2026-03-02") == [bob]
        assert numbers("--since", "2026-03-01T08:30:00Z") == [bob, ann]
        assert numbers("--since", "2026-03-01T08:30:01Z") == [bob]

    def test_csv(self, typed: Typed) -> None:
        assert typed("add", ANN, "--channel", "viber", *EVIDENCE).returncode == 0
        done = typed("opt-outs", "--csv", "--channel", "viber")
        (row,) = csv.DictReader(io.StringIO(done.stdout))
        assert re.fullmatch(TIME, row["made_at"])
        assert (row["number"], row["by"], row["reason"]) == (ANN, "Zoë", "answered STOP")
        assert (row["wished_at"], row["correction"]) == ("2026-03-01T08:30:00Z", "false")

    @pytest.mark.slow
    def test_none(self, typed: Typed) -> None:
        none = ("opt-outs", "--via", "phone")
        assert typed(*none).stderr == "No opt-out matches.\n"
        assert json.loads(typed(*none, "--json").stdout) == {"opt_outs": []}
        assert typed(*none, "--csv").stdout.startswith("position,action,channel,number,")

    def test_a_wrong_call(self, typed: Typed) -> None:
        refuses(typed("opt-outs", "--csv", "--json"), 2, "exclude each other")
        refuses(
            typed("opt-outs", "--since", "soon"), 2, r"'soon' is not a date.*YYYY-MM-DD.*\+02:00"
        )
        refuses(typed("opt-outs", "--channel", "smss"), 2, "'smss'")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--channel", "sms", "--all-channels"], "Name each channel with --channel, or say --all"),
        ([], "Name each channel with --channel, or say --all-channels"),
        (["--channel", "sms", "--at", "tomorrow"], "'tomorrow' is not a date or time"),
        (["--channel", "sms", "--at", "2999-01-01"], "`at` is in the future"),
        (["--channel", "sms", "--via", "two words"], "`via` is one word"),
        (["--channel", "sms", "--reason", "a\nb"], "`reason` has line ends"),
    ],
)
def test_evidence_that_makes_no_sense(typed: Typed, options: list[str], said: str) -> None:
    for command in "add", "remove":
        refuses(typed(command, ANN, *options), 2, said)
    assert not Path("store/opt-outs.sqlite3").exists()


@pytest.mark.slow
def test_all_channels(typed: Typed) -> None:
    done = typed("add", ANN, "--all-channels")
    assert done.stdout == ("sms: opted out 1 number (1 new)\nviber: opted out 1 number (1 new)\n")
    done = typed("remove", ANN, "--all-channels")
    assert "sms: 1 number is no longer opted out here\n" in done.stdout
    assert "viber: 1 number is no longer opted out here\n" in done.stdout


@pytest.mark.slow
def test_forget(typed: Typed) -> None:
    assert typed("add", ANN, "--all-channels", *EVIDENCE).returncode == 0
    assert typed("remove", ANN, "--channel", "viber").returncode == 0
    refuses(typed("forget", ANN), 2, "Nothing was done.*Add --yes")
    assert len(json.loads(typed("history", ANN, "--json").stdout)["changes"]) == 3
    done = typed("forget", "+1 (415) 555-2672", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Removed 3 changes of this number.\nThe opt-out still holds for sms.\n"
    assert typed("check", ANN, "--channel", "sms").returncode == 1
    (left,) = json.loads(typed("history", ANN, "--json").stdout)["changes"]
    assert (left["action"], left["channel"], left["number"]) == ("forget", "sms", "")
    assert typed("opt-outs", "--json").stdout.count(ANN) == 0
    # Never opted out here, so there is nothing to forget, and nothing to hold.
    assert typed("forget", BOB, "--yes").stdout == "There was nothing to remove.\n"
    refuses(typed("forget", "n/a", "--yes"), 4, "n/a: not a phone number")
