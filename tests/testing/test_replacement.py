"""A stop list in place of the default one, as applications use it in their tests."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import suppress
import suppress.aio
from suppress import ConfigurationError, StopListUnavailable, UnknownChannel
from suppress.default import replace_default
from suppress.testing import stop_list

LISTED, OTHER = "+14155552671", "+442079460958"


@pytest.fixture(autouse=True)
def another_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The application's own: a file with somebody else in it."""
    monkeypatch.setattr("suppress.default._made", None)
    (tmp_path / "list.txt").write_text(f"{OTHER}\n")
    monkeypatch.setenv("SUPPRESS_FILE_PATH", "list.txt")
    monkeypatch.setenv("SUPPRESS_FILE_QUIET", "0")
    monkeypatch.setenv("SUPPRESS_STORE", "none")


def allowed() -> list[str]:
    return suppress.filter_recipients([LISTED, OTHER], "sms")


def test_it_answers_while_the_block_runs() -> None:
    assert allowed() == [LISTED]
    with stop_list(sms=[LISTED]):
        assert allowed() == [OTHER]
        assert suppress.is_suppressed(LISTED, "sms")
        assert suppress.screen([LISTED], "sms").suppressed == [LISTED]
        assert asyncio.run(suppress.aio.filter_recipients([LISTED, OTHER], "sms")) == [OTHER]
    assert allowed() == [LISTED]


def test_it_ends_with_an_error_too() -> None:
    with pytest.raises(RuntimeError), stop_list(sms=[LISTED]):
        raise RuntimeError
    assert allowed() == [LISTED]


def test_blocks_within_blocks() -> None:
    with stop_list(sms=[LISTED, OTHER]):
        with stop_list(sms=[]):
            assert allowed() == [LISTED, OTHER]
        assert allowed() == []


def test_on_every_thread() -> None:
    found: list[list[str]] = []
    with stop_list(sms=[LISTED]):
        thread = threading.Thread(target=lambda: found.append(allowed()))
        thread.start()
        thread.join()
    assert found == [[OTHER]]


def test_its_channels_are_those_that_are_given() -> None:
    with stop_list(sms=[LISTED], viber=[]) as suppressor:
        assert suppressor.channels == ("sms", "viber")
        assert suppress.filter_recipients([LISTED], "viber") == [LISTED]
        with pytest.raises(UnknownChannel, match="email"):
            suppress.filter_recipients([LISTED], "email")


def test_numbers_in_national_form() -> None:
    with stop_list(default_region="US", sms=["(415) 555-2671"]):
        assert suppress.is_suppressed("415-555-2671", "sms")


def test_opt_outs_with_a_store(tmp_path: Path) -> None:
    with stop_list(sms=[LISTED], store=tmp_path / "store"):
        suppress.add([OTHER], "sms")
        assert allowed() == []
    with stop_list(sms=[], store=tmp_path / "store"):
        assert allowed() == [LISTED], "the list is another one, and the opt-out stays"


def test_opt_outs_without_a_store() -> None:
    with stop_list(sms=[LISTED]), pytest.raises(ConfigurationError, match="nowhere to keep"):
        suppress.add([OTHER], "sms")


@pytest.mark.parametrize("number", ["(415) 555-2671", "n/a", "+14155552671 or +14155552672"])
def test_what_is_not_one_number_is_an_error(number: str) -> None:
    with pytest.raises(StopListUnavailable), stop_list(sms=[number]):
        pytest.fail("it is in force")


def test_without_a_channel() -> None:
    with pytest.raises(ConfigurationError, match="channels"), stop_list():
        pytest.fail("it is in force")


def test_it_touches_neither_disk_nor_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not even to look whether a key is kept, or settings are there."""
    monkeypatch.setenv("SUPPRESS_CONFIG", "missing.toml")
    monkeypatch.setenv("SUPPRESS_TTL", "soon")
    with stop_list(sms=[LISTED]):  # whatever is imported for it is imported now
        pass
    seen: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        home = str(tmp_path)
        if watching[0] and (event.startswith("socket.") or home in str(arguments)):
            seen.append(event)

    sys.addaudithook(watch)
    try:
        with stop_list(sms=[LISTED]):
            assert allowed() == [OTHER]
    finally:
        watching[0] = False
    assert seen == []
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


def test_a_suppressor_of_ones_own_takes_the_place_too() -> None:
    with stop_list(sms=[LISTED, OTHER]) as mine, stop_list(sms=[]), replace_default(mine):
        assert allowed() == []


@pytest.mark.slow
def test_it_needs_no_pytest() -> None:
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "import suppress, suppress.testing\n"
        "with suppress.testing.stop_list(sms=['+14155552671']):\n"
        "    print(suppress.is_suppressed('+14155552671', 'sms'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")


FIXTURE_TESTS = """
import suppress, pytest

def test_one(suppress_stop_list):
    suppress_stop_list(sms=["+14155552671"])
    assert suppress.is_suppressed("+14155552671", "sms")
    suppress_stop_list(default_region="US", sms=[])
    assert not suppress.is_suppressed("415 555 2671", "sms")

def test_another():
    with pytest.raises(suppress.ConfigurationError):
        suppress.is_suppressed("+14155552671", "sms")
"""


@pytest.mark.slow
def test_the_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPPRESS_FILE_PATH")
    monkeypatch.delenv("SUPPRESS_FILE_QUIET")
    (tmp_path / "test_app.py").write_text(FIXTURE_TESTS)
    command = ["-m", "pytest", "-q", "-p", "suppress_pytest", "test_app.py"]
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_the_plugin_of_pytest_imports_nothing_of_suppress() -> None:
    """Since pytest loads it in every run, whatever that tests."""
    code = "import sys, suppress_pytest; print('suppress' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False\n", "")
