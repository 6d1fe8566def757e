"""Numbers of opt-outs from a file: each is exactly one number, or nobody is opted out."""

import json
from pathlib import Path

import pytest

from support.command_line import ANN, BOB, LISTED, Typed, listed, refuses
from suppress_bsg.sandbox import Sandbox

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


@pytest.mark.slow
def test_numbers_from_a_file(typed: Typed, provider: Sandbox, files: Path) -> None:
    arguments = ["add", "--file", f"{files}/stop.csv", "--column", "sender", "--channel", "sms"]
    refuses(typed(*arguments), 4, r"stop\.csv, line 3: 020\*+58: digits without a plus")
    assert listed(provider).keys() == {LISTED}, "nobody was added"
    done = typed(*arguments, "--default-region", "GB", LISTED)
    assert done.stdout == "sms: opted out 3 numbers (3 new)\n"
    assert done.stderr == "Numbers were taken from the column 'sender'.\n"
    assert listed(provider).keys() == {LISTED, ANN, BOB}
    done = typed("remove", "--file", "-", "--channel", "sms", "--json", stdin=f"{ANN}\n{BOB}\n")
    assert json.loads(done.stdout) == {
        "numbers": 2,
        "listed_by": {"sms": {ANN: ["bsg"], BOB: ["bsg"]}},
        "waiting": [],
    }
    assert listed(provider).keys() == {LISTED}


@pytest.mark.parametrize("place", range(len(NOT_ONE_NUMBER)))
def test_the_first_line_that_is_not_one_number_is_named(
    typed: Typed, provider: Sandbox, files: Path, place: int
) -> None:
    _, line, said = NOT_ONE_NUMBER[place]
    arguments = ["--file", f"{files}/{place}.csv", "--column", "sender", "--channel", "sms"]
    refuses(typed("add", *arguments), 4, rf"{place}\.csv, line {line}: .*{said}")
    assert listed(provider).keys() == {LISTED}, "nobody was added"
    assert not Path("store/opt-outs.sqlite3").exists()
