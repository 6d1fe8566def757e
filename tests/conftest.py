"""What the tests share: a clean environment, a clock that is set by hand, a sandbox."""

import os
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
from commands import run
from suppress import Suppressor
from suppress_bsg.sandbox import Row, Sandbox, made_up

# phonenumbers has more patterns than are kept otherwise.
re._MAXCACHE = 2**16  # type: ignore[attr-defined]

CREATED_AT = "2022-04-18 19:22:16"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class ListSource:
    """A source of entries that a test gives it; counts its loads, and fails when told to."""

    def __init__(
        self,
        entries: Iterable[suppress.Entry] = (),
        *,
        name: str = "list",
        channels: Collection[str] = ("sms", "viber"),
    ) -> None:
        self.name = name
        self.channels = channels
        self.entries = list(entries)
        self.loads: list[frozenset[str]] = []
        self.failure: BaseException | None = None
        self.instead: Callable[[], Any] | None = None

    def load(
        self, channels: frozenset[str], progress: suppress.Progress
    ) -> Iterable[suppress.Entry]:
        self.loads.append(channels)
        if self.failure is not None:
            raise self.failure
        if self.instead is not None:
            return self.instead()  # type: ignore[no-any-return]
        progress(len(self.entries), len(self.entries))
        return self.entries

    @suppress.hookimpl
    def suppress_sources(self, settings: suppress.Settings) -> suppress.Source:
        return self


def by_hand(*sources: ListSource, clock: Clock | None = None, **arguments: Any) -> Suppressor:
    """Of these sources, with a clock that is moved by hand, and nothing in the background."""
    clock = clock or Clock()
    given = {"sources": [source.name for source in sources], **arguments}
    return Suppressor(plugins=sources, background=False, clock=clock, timer=clock, **given)


def listed(*numbers: str | int, channels: Collection[str] = ("sms",)) -> list[suppress.Entry]:
    return [suppress.Entry(number, set(channels), place) for place, number in enumerate(numbers)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is slow, so that no process is left with it while the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests, and no store of theirs."""
    for name in os.environ:
        if name.startswith(("SUPPRESS_", "BSG_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def given_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make a file, folder or link one of another user."""

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
    """Where the commands run, empty at first."""
    path = tmp_path / "work"
    path.mkdir()
    return path


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A sandbox with 1,200 entries: three pages. Tests leave its list as it is."""
    with Sandbox(made_up(1_200)) as server:
        yield server


def environ_of_list(home: Path, stopped: bytes) -> dict[str, str]:
    """The environment of commands with a stop list in a file, and a store that has it already."""
    (home / "stopped.txt").write_bytes(stopped)
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SUPPRESS_FILE_PATH": str(home / "stopped.txt"),
        "SUPPRESS_FILE_QUIET": "0",
        "SUPPRESS_STORE": str(home / "store"),
        "SUPPRESS_TTL": "3600",
    } | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    run(["refresh"], env=environ, check=True)
    return environ


def row(place: int, phone: int, *channels: str) -> Row:
    return Row(place, phone, CREATED_AT, set(channels))


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the condition holds, ten seconds at most."""
    until = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.001)
