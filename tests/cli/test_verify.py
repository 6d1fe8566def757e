"""`suppress verify --max-age` and `suppress report`: a receipt that was kept."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from support.builders import Clock, ListSource, by_hand, listed
from support.commands import Done, run
from suppress import Receipt

LISTED, ANN = "+14155552671", "+14155552672"


@pytest.fixture
def made(tmp_path: Path, folder: Path) -> Receipt:
    """A receipt of a screening an hour ago, whose list had been read an hour earlier."""
    clock = Clock()
    clock.now = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    one = by_hand(ListSource(listed(LISTED)), clock=clock, store=None, ttl=7200.0, max_stale=7200.0)
    one.refresh()
    clock.now += 3600
    receipt = one.screen([LISTED, ANN, "x"], "sms").receipt()
    (folder / "receipt.json").write_bytes(receipt.to_json())
    (folder / "in.txt").write_text(f"{LISTED}\n{ANN}\nx\n")
    return receipt


def verify(folder: Path, *arguments: str) -> Done:
    return run(["verify", "receipt.json", *arguments], cwd=folder, env=dict(os.environ))


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("age", "status"), [("2h1m", 0), ("3 h", 0), ("119m", 1), ("90min", 1), ("1d", 0), ("7000s", 1)]
)
def test_the_age_of_the_list_counts(folder: Path, age: str, status: int) -> None:
    done = verify(folder, "--max-age", age)
    assert done.returncode == status, done.stdout
    said = "may still be used" if status == 0 else "Screen the recipients again"
    assert said in done.stdout.decode()


@pytest.mark.usefixtures("made")
def test_with_the_input(folder: Path) -> None:
    assert verify(folder, "in.txt", "--max-age", "3h").returncode == 0
    assert verify(folder, "in.txt", "--max-age", "1h").returncode == 1
    (folder / "in.txt").write_text(f"{LISTED}\n")
    done = verify(folder, "in.txt", "--max-age", "1h", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verified"], len(found["differences"])) == (1, False, 2)
    assert 7200 <= found["age"] < 7260


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    "arguments", [(), ("--max-age", "8"), ("--max-age", ""), ("--max-age", "h")]
)
def test_a_wrong_call(folder: Path, arguments: tuple[str, ...]) -> None:
    assert verify(folder, *arguments).returncode == 2


def test_the_oldest_source_counts_and_the_future_does_not(made: Receipt) -> None:
    read_at = made.snapshot.read_at
    sources = {"one": read_at - timedelta(hours=3), "two": read_at}
    several = msgspec.structs.replace(made.snapshot, sources=sources)
    for receipt, ages in (
        (made, [1, 5, -1]),
        (msgspec.structs.replace(made, snapshot=several), [4, 8, -1]),
    ):
        found = [receipt.age(made.screened_at + timedelta(hours=each)) for each in (0, 4, -1)]
        assert [round(each / timedelta(hours=1)) for each in found] == ages


def test_a_screening_of_the_future_may_not_be_used(folder: Path) -> None:
    clock = Clock()
    clock.now = (datetime.now(UTC) + timedelta(hours=1)).timestamp()
    receipt = by_hand(ListSource(listed(LISTED)), clock=clock, store=None).screen([ANN], "sms")
    (folder / "receipt.json").write_bytes(receipt.receipt().to_json())
    done = verify(folder, "--max-age", "8h")
    assert (done.returncode, b"in the future" in done.stdout) == (1, True)


def test_a_page_of_a_receipt(made: Receipt, folder: Path) -> None:
    pytest.importorskip("jinja2")
    pytest.importorskip("babel")
    environ = dict(os.environ)
    done = run(["report", "receipt.json", "-o", "page.html"], cwd=folder, env=environ, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    page = (folder / "page.html").read_text()
    assert made.digest in page
    assert run(["report", "receipt.json"], cwd=folder, env=environ).stdout.decode() == page
    assert run(["report", "in.txt"], cwd=folder, env=environ).returncode == 4
    done = run(["report", "receipt.json", "-o", "receipt.json"], cwd=folder, env=environ)
    assert done.returncode == 2
    assert Receipt.from_json((folder / "receipt.json").read_bytes()) == made
