"""The examples of clients in other languages, run where the language is installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")

from support.builders import environ_of_list
from support.serving import Service, served

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TOKEN = "0123456789abcdef0123"

CLIENTS = [("node", "serve_client.mjs"), ("php", "serve_client.php")]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    environ = environ_of_list(tmp_path_factory.mktemp("clients"), b"+14155552671\n")
    with served({**environ, "SUPPRESS_SERVE_TOKEN": TOKEN}) as found:
        yield found


def run(language: str, script: str, url: str) -> "subprocess.CompletedProcess[str]":
    if (program := shutil.which(language)) is None:
        pytest.skip(f"{language} is not installed")
    return subprocess.run(
        [program, str(EXAMPLES / script), "+14155552671", "+14155552672"],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={"PATH": os.environ["PATH"], "SERVICE": url, "SUPPRESS_SERVE_TOKEN": TOKEN},
    )


@pytest.mark.parametrize(("language", "script"), CLIENTS)
def test_a_client_sends_to_the_allowed_alone(service: Service, language: str, script: str) -> None:
    done = run(language, script, service.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "not to +14155552671",
        "to +14155552672",
        '[{"id":2,"phone":"+14155552672"}]',
    ]


@pytest.mark.parametrize(("language", "script"), CLIENTS)
def test_a_client_sends_to_nobody_without_an_answer(language: str, script: str) -> None:
    done = run(language, script, "http://127.0.0.1:9")  # nobody listens there
    assert done.returncode != 0
    assert "to +" not in done.stdout
