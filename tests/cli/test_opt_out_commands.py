"""`suppress add` and `suppress remove`, as they are typed, and what other commands tell of them."""

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support import commands
from support import faulty_server as faulty
from support.builders import CREATED_AT, row
from support.commands import DoneInText as Done
from suppress.cli import command_line
from suppress.cli.limits import Limits
from suppress_bsg.sandbox import Sandbox

KEY = "test_right"
LISTED, ANN, BOB = "+14155552671", "+14155552672", "+442079460958"
ROWS = [row(1, int(LISTED), "sms", "viber")]

Run = Callable[..., Done]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ROWS, api_key=KEY) as server:
        yield server


@pytest.fixture
def run(sandbox: Sandbox, tmp_path: Path) -> Run:
    def running(*arguments: str, stdin: str = "", **more: str) -> Done:
        done = commands.run_text(
            arguments,
            stdin=stdin,
            env=os.environ
            | {"BSG_BASE_URL": sandbox.url, "BSG_API_KEY": KEY, "SUPPRESS_STORE": "store"}
            | more,
        )
        assert "Traceback" not in done.stderr
        return done

    return running


def listed(sandbox: Sandbox) -> dict[str, set[str]]:
    return {f"+{each.phone}": each.channels for each in sandbox.rows}


def refuses(done: Done, status: int, message: str) -> None:
    assert done.returncode == status, done.stderr
    assert re.search(message, done.stderr.splitlines()[-1]), done.stderr
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert not done.stdout


def test_from_the_answer_to_the_removal(run: Run, sandbox: Sandbox) -> None:
    done = run("add", "+1 (415) 555-2672", LISTED, "--channel", "sms", "--channel", "viber")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "sms: opted out 2 numbers, 2 of them new\nviber: opted out 2 numbers, 2 of them new\n"
    )
    assert listed(sandbox) == {LISTED: {"sms", "viber"}, ANN: {"sms", "viber"}}

    done = run("check", LISTED, "--channel", "sms", "--json")
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

    done = run("remove", LISTED, ANN, "--channel", "sms")
    assert (done.returncode, done.stderr) == (0, "")
    first, second, third = done.stdout.splitlines()
    assert first == "sms: 2 numbers are no longer opted out here"
    assert {LISTED, ANN} == {line.split()[0] for line in (second, third)}
    assert "was still listed by bsg" in second
    assert listed(sandbox) == {LISTED: {"viber"}, ANN: {"viber"}}
    assert run("refresh").stdout == (
        "sms: 0 numbers from bsg\nviber: 2 numbers from bsg (2 opted out here)\n"
    )


def test_what_waits(run: Run, sandbox: Sandbox) -> None:
    sandbox.close()
    with Sandbox(ROWS, api_key="test_another", port=port_of(sandbox)):
        done = run("add", ANN, BOB, "--channel", "sms", "--json")
        assert done.returncode == 0
        answer = json.loads(done.stdout)
        assert answer["numbers"] == 2
        assert answer["new"] == {"sms": 2}
        ((row,), (told,)) = answer["waiting"], json.loads(run("status", "--json").stdout)["waiting"]
        assert row == told
        assert row.pop("since").endswith("+00:00")
        assert "refused the API key" in row.pop("error")
        assert row == {
            "source": "bsg",
            "configured": True,
            "action": "add",
            "channel": "sms",
            "count": 2,
            "tries": 1,
        }
        text = run("status", BSG_API_KEY="live_new").stdout
        assert re.search(
            "sms: 2 opt-outs are waiting for bsg, under another account or address than it has "
            "now, since 20",
            text,
        )
        assert "(1 try). Last error: BSG refused the API key" in text
        assert ANN[1:] not in text
    sandbox.start()
    assert run("refresh").returncode == 0
    assert {ANN, BOB} <= listed(sandbox).keys()
    assert json.loads(run("status", "--json").stdout)["waiting"] == []


def test_numbers_from_a_file(run: Run, sandbox: Sandbox, files: Path) -> None:
    arguments = ["add", "--file", f"{files}/stop.csv", "--column", "sender", "--channel", "sms"]
    refuses(run(*arguments), 4, r"stop\.csv, line 3: 020\*+58: digits without a plus")
    assert listed(sandbox).keys() == {LISTED}, "nobody was added"
    done = run(*arguments, "--default-region", "GB", LISTED)
    assert done.stdout == "sms: opted out 3 numbers, 3 of them new\n"
    assert done.stderr == "Numbers were taken from the column 'sender'.\n"
    assert listed(sandbox).keys() == {LISTED, ANN, BOB}
    done = run("remove", "--file", "-", "--channel", "sms", "--json", stdin=f"{ANN}\n{BOB}\n")
    assert json.loads(done.stdout) == {
        "numbers": 2,
        "listed_by": {"sms": {ANN: ["bsg"], BOB: ["bsg"]}},
        "waiting": [],
    }
    assert listed(sandbox).keys() == {LISTED}


NOT_ONE_NUMBER: list[tuple[list[str], int, str]] = [
    ([ANN, f"{BOB} {ANN}", "x"], 3, "more digits than one number has"),
    ([ANN, "+4420*", f"{BOB} {ANN}"], 3, "too short"),
    ([ANN, BOB, "201XXXXXXX"], 4, "digits are hidden"),
    ([ANN, BOB, f"{BOB}/59", "+44"], 4, "more digits than one number has"),
    ([ANN, BOB, ANN, "4155552672"], 5, "digits without a plus"),
    ([ANN] * 40_000 + ["STOP"], 40_002, "not a phone number"),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each of these: that nobody writes to them is waited for once."""
    folder = tmp_path_factory.mktemp("files")
    content = f"sender,text\n{ANN},STOP\n020 7946 0958,stop please\n\n"
    (folder / "stop.csv").write_text(content)
    for place, (rows, _, _) in enumerate(NOT_ONE_NUMBER):
        (folder / f"{place}.csv").write_text("\n".join(["sender", *rows]))
    return folder


@pytest.mark.parametrize("place", range(len(NOT_ONE_NUMBER)))
def test_the_first_line_that_is_not_one_number_is_named(
    run: Run, sandbox: Sandbox, files: Path, place: int
) -> None:
    _, line, said = NOT_ONE_NUMBER[place]
    arguments = ["--file", f"{files}/{place}.csv", "--column", "sender", "--channel", "sms"]
    refuses(run("add", *arguments), 4, rf"{place}\.csv, line {line}: .*{said}")
    assert listed(sandbox).keys() == {LISTED}, "nobody was added"
    assert not Path("store/opt-outs.sqlite3").exists()


def test_a_word_behind_the_number_changes_nothing(run: Run, sandbox: Sandbox) -> None:
    assert run("add", f"{BOB} STOP", "--channel", "sms").returncode == 0
    assert listed(sandbox).keys() == {LISTED, BOB}
    assert run("check", BOB, "--channel", "sms").returncode == 1


def test_an_old_and_a_new_form_are_one_line(run: Run, sandbox: Sandbox) -> None:
    assert run("add", "+229 61234567", "--channel", "sms").returncode == 0
    assert "+2290161234567" in listed(sandbox), "the first reading is passed on"
    done = run("check", "+2290161234567", "--channel", "sms")
    assert done.returncode == 1
    assert "as +22961234567, which is +2290161234567 since 2024-11-30" in done.stdout
    assert run("remove", "+2290161234567", "--channel", "sms").returncode == 0
    assert listed(sandbox).keys() == {LISTED}
    assert run("refresh").returncode == 0
    assert run("check", "+229 61234567", "--channel", "sms").returncode == 0


def test_opt_outs_without_a_number(run: Run) -> None:
    """Of the version that kept them as its parser had made them."""
    Path("store").mkdir()
    record = Path(__file__).parents[1] / "data" / "opt-outs-of-version-1.sqlite3"
    shutil.copy(record, "store/opt-outs.sqlite3")
    masked = ["+358***************67", "+442***********67"]
    done = run("status")
    assert "2 opt-outs have no possible number. Take each back with `suppress remove`" in (
        done.stdout
    )
    assert done.stdout.split()[-2:] == masked
    assert json.loads(run("status", "--json").stdout)["unread"] == masked
    assert run("remove", masked[0], "+4420794601237867", "--channel", "sms").returncode == 0
    assert json.loads(run("status", "--json").stdout)["unread"] == []
    assert "no possible number" not in run("status").stdout


def test_another_opt_out_that_may_mean_the_number(run: Run) -> None:
    assert run("add", "+201001234567", "--channel", "sms").returncode == 0
    done = run("remove", "201001234567", "--default-region", "DE", "--channel", "sms")
    assert (
        "+49201001234567 is still suppressed by another opt-out that may mean the same number"
        in done.stdout
    )
    assert run("check", "+201001234567", "--channel", "sms").returncode == 1


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
        "Not a directory.*SUPPRESS_STORE.*have to be added again",
    ),
]


@pytest.mark.parametrize(("arguments", "settings", "status", "said"), CALLS)
def test_what_cannot_be_done(
    run: Run,
    sandbox: Sandbox,
    arguments: list[str],
    settings: dict[str, Any],
    status: int,
    said: str,
) -> None:
    Path("file").touch()
    refuses(run(*arguments, **settings), status, said)
    assert listed(sandbox).keys() == {LISTED}


def test_with_a_damaged_record_nothing_is_done(run: Run, sandbox: Sandbox) -> None:
    Path("store").mkdir()
    Path("store/opt-outs.sqlite3").touch()
    done = run("filter", "--channel", "sms", "-o", "out", stdin=f"{ANN}\n")
    refuses(done, 3, "opt-outs.sqlite3 cannot be read .*it is empty.*restore the file")
    assert not Path("out").exists()
    refuses(run("add", ANN, "--channel", "sms"), 5, "it is empty, or another program's")
    assert listed(sandbox).keys() == {LISTED}


def test_a_record_that_is_gone(run: Run) -> None:
    assert run("add", ANN, "--channel", "sms").returncode == 0
    Path("store/opt-outs.sqlite3").rename("backup")
    for command in ("check", ANN, "--channel", "sms"), ("status",):
        refuses(run(*command), 3, "but opt-outs were made here.*suppress reset-opt-outs")
    refuses(run("add", BOB, "--channel", "sms"), 5, "but opt-outs were made here")
    refuses(run("reset-opt-outs"), 2, "Nothing was done.*add --yes")
    assert run("check", ANN, "--channel", "sms").returncode == 3
    assert (
        run("reset-opt-outs", "--yes").stdout
        == f"Opt-outs start over in {Path('store').absolute()}. Restart all running processes.\n"
    )
    assert run("status").returncode == 0
    assert "Nothing to do: no record is missing" in run("reset-opt-outs", "--yes").stdout
    Path("backup").rename("store/opt-outs.sqlite3")
    assert run("check", ANN, "--channel", "sms").returncode == 1, "it is in force as before"


def test_a_provider_that_hangs_is_not_waited_for() -> None:
    taking = faulty.on("/api/stoplist/attach", faulty.body_a_byte_at_a_time)
    with faulty.FaultyServer(fault=taking) as server:
        environ = {"BSG_BASE_URL": server.url, "BSG_API_KEY": faulty.KEY, "SUPPRESS_STORE": "store"}
        began = time.monotonic()
        for number in (ANN, BOB):
            arguments = ["add", number, "--channel", "sms"]
            done = CliRunner().invoke(
                command_line, arguments, env=environ, obj=Limits(delivery=0.2)
            )
            assert done.exit_code == 0, done.output
            assert "sms: opted out 1 number, 1 of them new" in done.output
            assert "Last error: it has not answered within 0.2 s; `suppress refresh` gives" in (
                done.output
            )
        # Each answer takes some seconds, and is asked for six times.
        assert time.monotonic() - began < 5
        done = CliRunner().invoke(command_line, ["status"], env=environ)
        assert "sms: 2 opt-outs are waiting for bsg since" in done.output


def port_of(sandbox: Sandbox) -> int:
    return int(sandbox.url.rpartition(":")[2])
