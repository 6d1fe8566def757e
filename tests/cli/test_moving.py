"""`suppress export`, `import`, `diff` and `push`: lists that move between systems."""

import csv
import io
import json
import stat
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.command_line import ANN, BOB, LISTED, Typed, listed, refuses
from suppress.cli import command_line
from suppress_bsg.sandbox import Sandbox


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_list_goes_out(typed: Typed) -> None:
    done = typed("export", "--channel", "sms")
    assert done.returncode == 0
    (row,) = rows_of(done.stdout)
    assert (row["number"], row["channel"], row["source"], row["id"]) == (LISTED, "sms", "bsg", "1")
    assert done.stderr.startswith("sms: 1 row, read ")
    Path("old.jsonl").write_text("old")
    assert typed("export", "--source", "bsg", "-o", "old.jsonl").stdout == ""
    found = [json.loads(line) for line in Path("old.jsonl").read_text().splitlines()]
    assert [each["channel"] for each in found] == ["sms", "viber"]
    assert stat.S_IMODE(Path("old.jsonl").stat().st_mode) == 0o600


@pytest.mark.slow
def test_what_cannot_go_out(typed: Typed) -> None:
    refuses(typed("export", "--source", "bsg", "--opt-outs"), 2, "exclude each other")
    refuses(typed("export", "--source", "crm"), 2, r"There are: bsg, opt-outs\.")
    refuses(typed("export", "--channel", "smss"), 2, "'smss'")
    refuses(typed("export", "-o", "out.xlsx"), 2, "would not be what its name says")
    refuses(typed("export", "-o", "out.csv", "--format", "jsonl"), 2, "what its name says")
    done = typed("export", "-o", "out.csv", BSG_API_KEY="test_wrong")
    refuses(done, 3, "stop list cannot be read")
    assert not Path("out.csv").exists()
    refuses(typed("export", "-o", "no/such/out.csv"), 5, "out.csv cannot be written")
    assert typed("export", "--opt-outs", BSG_API_KEY="test_wrong").returncode == 0


@pytest.mark.slow
def test_there_and_back(typed: Typed, provider: Sandbox) -> None:
    told = ("--reason", "said no", "--at", "2026-03-01T09:30Z", "--by", "Zoë")
    assert typed("add", ANN, "--channel", "sms", *told).returncode == 0
    assert typed("add", BOB, "--all-channels").returncode == 0
    done = typed("export", "--opt-outs", "-o", "here.csv.gz")
    assert done.stderr == "sms: 2 rows.\nviber: 1 row.\n"
    other = {"SUPPRESS_STORE": "other"}
    done = typed("import", "here.csv.gz", "--dry-run", **other)
    assert done.stdout == (
        "sms: would opt out 2 numbers (0 already there)\n"
        "viber: would opt out 1 number (0 already there)\n"
    )
    assert done.stderr == "Numbers were taken from the column 'number'.\n"
    answer = json.loads(typed("import", "here.csv.gz", "--here-only", "--json", **other).stdout)
    assert answer == {
        "channels": {"sms": {"new": 2, "known": 0}, "viber": {"new": 1, "known": 0}},
        "dry_run": False,
        "waiting": [],
    }
    assert (
        "sms: opted out 0 numbers (2 already there)"
        in typed("import", "here.csv.gz", **other).stdout
    )
    there = typed("export", "--opt-outs", **other).stdout
    assert there == typed("export", "--opt-outs").stdout
    assert listed(provider).keys() == {LISTED, ANN, BOB}


@pytest.mark.slow
def test_a_table_of_another_system_comes_in(typed: Typed, provider: Sandbox) -> None:
    Path("crm.csv").write_text(f"Phone,When,by\n{ANN},2026-03-01,them\n{BOB},,\n")
    options = ("--map", "since=When", "--map", "by=", "--via", "import", "--channel", "sms")
    done = typed("import", "crm.csv", "--column", "Phone", *options)
    assert (done.returncode, done.stdout) == (0, "sms: opted out 2 numbers (0 already there)\n")
    assert listed(provider).keys() == {LISTED, ANN, BOB}
    (change,) = json.loads(typed("history", ANN, "--json").stdout)["changes"]
    assert (change["via"], change["by"]) == ("import", None)
    midnight = datetime(2026, 3, 1).astimezone()
    assert datetime.fromisoformat(change["wished_at"]) == midnight
    Path("crm.csv").write_text(f"Phone\n{ANN}\n+44 20 79\n")
    refuses(typed("import", "crm.csv", "--channel", "viber"), 4, "crm.csv, line 3: ")
    refuses(typed("import", "crm.csv"), 4, "line 2: it names no channel")
    refuses(typed("import", "no.csv", "--channel", "sms"), 4, "no.csv cannot be read")
    refuses(typed("import", "crm.csv", "--map", "when=When"), 2, "FIELD=COLUMN")
    refuses(typed("import", "crm.csv", "--channel", "sms", "--all-channels"), 2, "or say --all")
    assert typed("opt-outs", "--channel", "viber").stdout == ""


@pytest.mark.slow
def test_lists_are_compared(typed: Typed) -> None:
    Path("crm.csv").write_text(f"phone\n{LISTED}\n{ANN}\n")
    done = typed("diff", "crm.csv", "bsg", "--channel", "sms")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "sms: 1 of 2 numbers only on crm.csv, 0 of 1 only on bsg\n"
    assert rows_of(typed("diff", "bsg", "opt-outs", "--rows").stdout) == [
        {"number": LISTED, "channel": channel, "only_on": "bsg"} for channel in ("sms", "viber")
    ]
    answer = json.loads(typed("diff", "bsg", "crm.csv", "--json", "--rows").stdout)
    assert answer["channels"]["sms"] == {
        "count_a": 1,
        "count_b": 2,
        "only_a": 0,
        "only_b": 1,
        "forgotten": 0,
        "rows_only_a": [],
        "rows_only_b": [ANN],
    }
    refuses(typed("diff", "bsg", "crm"), 2, "There are: bsg, opt-outs. Nor is there a file")
    refuses(typed("diff", "bsg", "opt-outs", "--channel", "smss"), 2, "'smss'")
    refuses(typed("diff", "bsg", "crm.csv", BSG_API_KEY="test_wrong", SUPPRESS_STORE="s"), 3, "bsg")


@pytest.fixture
def house() -> dict[str, str]:
    """The settings of a list of two people, one of whom BSG has."""
    Path("house.txt").write_text(f"{LISTED}\n{ANN}\n")
    return {"SUPPRESS_FILE_PATH": "house.txt", "SUPPRESS_FILE_QUIET": "0"}


@pytest.mark.slow
def test_a_source_is_handed_what_it_lacks(
    typed: Typed, provider: Sandbox, house: dict[str, str]
) -> None:
    said = "sms: bsg lacks 1 number\nviber: bsg lacks 1 number\n"
    assert typed("push", "bsg", "--dry-run", **house).stdout == said
    done = typed("push", "bsg", **house)
    assert (done.returncode, done.stdout) == (2, said)
    assert "bsg would get 2 numbers: add --yes." in done.stderr
    assert listed(provider).keys() == {LISTED}
    done = typed("push", "bsg", "--yes", **house)
    assert (done.returncode, done.stdout) == (0, f"{said}Handed 2 numbers to bsg.\n")
    assert listed(provider) == {LISTED: {"sms", "viber"}, ANN: {"sms", "viber"}}
    answer = json.loads(typed("push", "bsg", "--yes", "--json", **house).stdout)
    assert (answer["handed_over"], answer["channels"]["sms"]["lacks"]) == (0, 0)
    assert typed("diff", "bsg", "file", **house).stdout.startswith("sms: 0 of 2 numbers only on ")
    refuses(typed("push", "file", **house), 2, "'file' takes no opt-outs.*Those that do: bsg")


@pytest.mark.parametrize(("answer", "handed"), [("n\n", False), ("y\n", True)])
def test_somebody_is_asked(
    provider: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    house: dict[str, str],
    answer: str,
    handed: bool,
) -> None:
    monkeypatch.setattr("suppress.cli.push.can_ask", lambda: True)
    environ = {"BSG_BASE_URL": provider.url, "BSG_API_KEY": "test_right", "SUPPRESS_STORE": "store"}
    arguments = ["push", "bsg", "--channel", "sms"]
    done = CliRunner().invoke(command_line, arguments, input=answer, env=environ | house)
    assert done.exit_code == 0, done.output
    assert "Hand 1 number to bsg? [y/N]" in done.output
    assert ("Nothing was handed over." in done.output) is not handed
    assert (ANN in listed(provider)) is handed
