"""Fixtures of all tests: a clean environment, a clock to set by hand, a sandbox."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from support.builders import Clock
from suppress_bsg.sandbox import Sandbox, made_up

pytest_plugins = ["support.command_fixtures", "support.server_fixtures"]

# A slow machine is no fault of the code.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")

# A run in the background or under nohup ignores them, and so would each command of a test.
for _ignored in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_ignored) is signal.SIG_IGN:
        signal.signal(_ignored, signal.SIG_DFL)

# phonenumbers has more patterns than the cache holds by default.
re._MAXCACHE = 2**16  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run slow tests first, so that none is left when all others are done."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the settings and the store of the person who runs the tests."""
    for name in os.environ:
        if name.startswith(("SUPPRESS_", "BSG_", "TELNYX_", "AWS_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def given_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Give a file, folder or link to another user."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, 12345, -1, follow_symlinks=False)
        else:
            monkeypatch.setattr("os.geteuid", lambda: 12345)

    return give


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The working directory of commands, empty at first."""
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with 1,200 entries: three pages. Tests leave its list as it is."""
    with Sandbox(made_up(1_200)) as server:
        yield server
