"""A user without a home folder, as in a container that runs as a number alone."""

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from support.commands import COMMAND, DoneInText
from suppress import ConfigurationError, Settings, config_folder
from suppress.cli import command_line

pytestmark = pytest.mark.slow

LISTED, NOBODY = "+14155552671", "+442079460959"
STRANGER = 54321

# All of it is another user, but that every file can be read: Python's own may be anywhere.
AS_STRANGER = (
    *("setpriv", f"--reuid={STRANGER}", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
)

Run = Callable[..., DoneInText]


@pytest.fixture(params=["stranger", "no entry"])
def run(request: pytest.FixtureRequest, folder: Path) -> Run:
    pytest.importorskip("pwd")
    if request.param == "no entry":
        request.getfixturevalue("no_entry")
        return functools.partial(run_here, folder)
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("takes root and setpriv")
    return functools.partial(run_as_stranger, folder)


def listed_in(folder: Path) -> dict[str, str]:
    return {"SUPPRESS_FILE_PATH": str(folder / "list.txt"), "SUPPRESS_FILE_QUIET": "0"}


def run_as_stranger(folder: Path, *arguments: str, typed: str = "", **more: str) -> DoneInText:
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return subprocess.run(
        [*AS_STRANGER, COMMAND, *arguments],
        env={**inherited, **listed_in(folder), **more},
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def run_here(folder: Path, *arguments: str, typed: str = "", **more: str) -> DoneInText:
    environ = {**listed_in(folder), **more}
    done = CliRunner().invoke(
        command_line, arguments, input=typed, env=environ, catch_exceptions=False
    )
    return DoneInText(arguments, done.exit_code, done.stdout, done.stderr)


@pytest.fixture
def no_entry(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Nobody knows this process's user, and no variable tells of a home."""

    def nobody(uid: int) -> NoReturn:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)
    monkeypatch.chdir(folder)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a stop list that every user can read, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        (path / "list.txt").write_text(f"{LISTED}\n")
        yield path


@pytest.mark.parametrize(("number", "status"), [(NOBODY, 0), (LISTED, 1)])
def test_screening_goes_on_in_memory_with_a_warning(
    run: Run, folder: Path, number: str, status: int
) -> None:
    done = run("check", number, "--channel", "sms")
    assert done.returncode == status, done.stderr
    assert done.stdout.startswith(f"{number}: ")
    assert done.stderr.startswith("Warning: This user has no home folder")
    assert "Set SUPPRESS_STORE to a folder" in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["list.txt"]


def test_a_store_that_is_set_leaves_nothing_to_warn_of(run: Run) -> None:
    done = run("check", NOBODY, "--channel", "sms", SUPPRESS_STORE="none")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["add", "remove"])
def test_an_opt_out_has_nowhere_to_be_kept(run: Run, command: str) -> None:
    done = run(command, NOBODY, "--channel", "sms")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: There is nowhere to keep an opt-out" in done.stderr
    assert "SUPPRESS_STORE" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_nor_has_a_key(run: Run) -> None:
    done = run("login", typed="live_key\n", SUPPRESS_STORE="none")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: There is nowhere to keep the key: this user has no home folder. "
        "Set BSG_API_KEY instead, or BSG_API_KEY_FILE to a file with the key.\n"
    )


@pytest.mark.parametrize(
    "variable",
    ["SUPPRESS_STORE", "SUPPRESS_RENUMBERING", "SUPPRESS_CONFIG", "SUPPRESS_FILE_PATH"],
)
def test_a_path_in_a_home_that_is_not_there_is_refused(run: Run, variable: str) -> None:
    done = run("check", NOBODY, "--channel", "sms", **{"SUPPRESS_STORE": "none", variable: "~/x"})
    assert done.returncode == 2
    assert "There is no home folder for `~` in it. Give the whole path." in done.stderr
    assert ("~/x" if variable == "SUPPRESS_CONFIG" else variable) in done.stderr


@pytest.mark.parametrize("arguments", [("status",), ("plugins",), ("refresh",), ("demo",)])
def test_every_command_goes_on(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "here"},
        {"HOME": "~"},
        {"HOME": "/", "XDG_DATA_HOME": "here", "XDG_CONFIG_HOME": "here"},
        {"HOME": "/", "XDG_DATA_HOME": "~nobody", "XDG_CONFIG_HOME": "~nobody"},
    ],
    ids=str,
)
def test_a_home_that_is_no_whole_path_is_none(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """Nothing may appear in the working directory, of which the next one knows nothing."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    folder = config_folder()
    assert folder is None or folder.is_absolute()
    store = Settings().store
    assert store is None or (isinstance(store, Path) and store.is_absolute())
    if environ["HOME"] != "/":
        with pytest.raises(ConfigurationError, match="no home folder for `~`"):
            Settings.load(environ={}, store="~/store")


def test_a_path_of_an_unknown_user_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"SUPPRESS_STORE .*Give the whole path\."):
        Settings.load(environ={}, store="~no-user-of-that-name/store")
