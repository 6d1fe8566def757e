"""Fixtures of the command line: a sandbox of BSG, and commands that run against it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from support import commands
from support.command_line import FIXED, KEY, ROWS, Run, Typed, environ_of
from support.commands import COMMAND, Done, DoneInText
from suppress_bsg.sandbox import Sandbox, made_up


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox([*FIXED, *made_up(700)], api_key=KEY) as running:
        yield running


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store for the tests that need a snapshot, and do not care who has read it."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def environ(server: Sandbox, tmp_path: Path, shared_store: Path) -> dict[str, str]:
    return environ_of(server.url, tmp_path / "home", shared_store)


@pytest.fixture
def run(environ: dict[str, str], folder: Path) -> Run:
    def running(
        *arguments: str,
        stdin: bytes = b"",
        stdout: int | IO[bytes] = subprocess.PIPE,
        unset: str = "",
        **more: str,
    ) -> Done:
        settings = {name: value for name, value in environ.items() if name != unset} | more
        return commands.run(arguments, stdin=stdin, stdout=stdout, cwd=folder, env=settings)

    return running


@pytest.fixture
def start(environ: dict[str, str], folder: Path) -> Callable[..., subprocess.Popen[bytes]]:
    def starting(
        *arguments: str, stdout: int = subprocess.PIPE, stdin: int = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=environ,
            cwd=folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )

    return starting


@pytest.fixture
def own_store(tmp_path: Path) -> str:
    return str(tmp_path / "own store")


@pytest.fixture
def broken(tmp_path: Path, environ: dict[str, str]) -> dict[str, str]:
    """The setting under which a plugin is installed that cannot be imported."""
    site = tmp_path / "site"
    info = site / "suppress_broken-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: suppress-broken\nVersion: 1.5\n")
    (info / "entry_points.txt").write_text("[suppress]\nbroken = suppress_broken\n")
    (site / "suppress_broken.py").write_text("raise RuntimeError('see [/etc/it] or [bold] it')\n")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), environ.get("PYTHONPATH")]))}


@pytest.fixture
def provider() -> Iterator[Sandbox]:
    """A sandbox that is told of opt-outs, for one test alone."""
    with Sandbox(ROWS, api_key=KEY) as running:
        yield running


@pytest.fixture
def typed(provider: Sandbox) -> Typed:
    """Run a command with text in and out, and with a store in the working directory."""

    def running(*arguments: str, stdin: str = "", **more: str) -> DoneInText:
        settings = {"BSG_BASE_URL": provider.url, "BSG_API_KEY": KEY, "SUPPRESS_STORE": "store"}
        done = commands.run_text(arguments, stdin=stdin, env=os.environ | settings | more)
        assert "Traceback" not in done.stderr
        return done

    return running
