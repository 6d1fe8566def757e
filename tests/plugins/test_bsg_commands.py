"""`suppress sandbox` and `suppress demo`, as they are typed."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import commands
from support.commands import COMMAND
from suppress_bsg.client import Client

EXAMPLE = """{"data": [{"id": 9392897, "phone": 85267202829, "created_at": "2022-04-18 19:22:16",
           "sms_stoplist": true, "viber_stoplist": false}], "total": 1}"""


@contextmanager
def sandbox(*arguments: str) -> Iterator[str]:
    """Runs the command; gives the address that it tells, and ends it as a person would."""
    with subprocess.Popen(
        [COMMAND, "sandbox", "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        first, second = process.stdout.readline(), process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert url
        assert second == f"export BSG_BASE_URL={url[0]} BSG_API_KEY=test_sandbox\n"
        try:
            yield url[0]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0


def phones(url: str, channel: str | None = None) -> list[int | str | None]:
    with Client(url, "test_sandbox") as client:
        listing, _ = client.listing(offset=0, limit=500, channel=channel)
    return [entry.phone for entry in listing.data]


@pytest.mark.slow
def test_a_list_of_a_given_size() -> None:
    with sandbox("--size", "123", "--latency", "1") as url:
        assert len(set(phones(url))) == 123


@pytest.mark.slow
def test_a_list_from_an_answer_of_the_api(tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(EXAMPLE)
    with sandbox("--file", str(path)) as url:
        assert phones(url, "sms") == [85267202829]
        assert phones(url, "viber") == []


@pytest.mark.slow
def test_a_list_from_any_file_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("name,phone\nA,+1 415 555 2671\nB,+14155552671\nC,+442079460958\n")
    with sandbox("--file", str(path), "--column", "phone") as url:
        assert phones(url, "viber") == [14155552671, 442079460958]


@pytest.mark.parametrize("text", ["<html>", '{"data": [{"phone": null}], "total": 1}'])
@pytest.mark.slow
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    done = commands.run_text(["sandbox", "--file", str(path)])
    assert done.returncode == 4
    assert "answer.json is not an answer of the listing" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_demo() -> None:
    done = commands.run_text(
        ["demo"],
        check=True,
        # A demo touches neither the settings nor the store of whoever runs it.
        env={**os.environ, "SUPPRESS_SOURCES": "nowhere", "BSG_API_KEY": "live_real"},
    )
    assert re.search(r"5,000\s+made-up entries", done.stdout)
    assert "5 allowed, 4 suppressed, 1 invalid." in done.stdout
    assert len(re.findall(r"suppressed │ listed for sms by bsg", done.stdout)) == 4
    assert re.search(r"\(415\) 555-2671 +│ \+14155552671 +│ allowed", done.stdout)
    assert "filter campaign.csv --channel sms" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    assert not list(Path.cwd().rglob("*.snapshot"))
