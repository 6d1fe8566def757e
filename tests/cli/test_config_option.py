"""`--config`, and a settings file that lies in the folder where a command runs."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from support import commands
from suppress.cli import command_line

LISTED, NOBODY = "+14155552671", "+442079460959"
FILE = "[suppress.file]\npath = 'list.txt'\nquiet = 0\n"


def run(*arguments: str, **environ: str) -> commands.DoneInText:
    return commands.run_text(arguments, env={**os.environ, **environ})


@pytest.fixture(autouse=True)
def users(tmp_path: Path) -> Path:
    """The user's own settings file, by which one number is listed."""
    folder = tmp_path / "home" / "suppress"
    folder.mkdir(parents=True)
    (folder / "list.txt").write_text(f"{LISTED}\n")
    path = folder / "suppress.toml"
    path.write_text(f"[suppress]\nstore = 'none'\n{FILE}")
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another one, by which another number is listed."""
    path = tmp_path / "other" / "suppress.toml"
    path.parent.mkdir()
    path.write_text(f"[suppress]\nstore = 'store'\n{FILE}")
    path.with_name("list.txt").write_text(f"{NOBODY}\n")
    return path


@pytest.mark.parametrize("command", ["filter", "check", "refresh", "status", "add", "plugins"])
def test_a_file_in_the_working_directory_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, other: Path, users: Path, command: str
) -> None:
    monkeypatch.chdir(other.parent)
    Path("in.txt").write_text(f"{LISTED}\n{NOBODY}\n")
    arguments = {
        "filter": ("in.txt", "--channel", "sms"),
        "check": (LISTED, "--channel", "sms"),
        "add": (LISTED, "--channel", "sms"),
    }.get(command, ())
    done = run(command, *arguments)
    assert done.returncode == {"check": 1, "add": 2}.get(command, 0)
    hint = f"Warning: {other} is not used: settings come from {users}. To use it, name it "
    assert done.stderr.startswith(hint)
    assert done.stderr.count("is not used") == 1
    if command == "filter":
        assert done.stdout == f"{NOBODY}\n"
    assert not Path("store").exists()


@pytest.mark.parametrize("by", ["option", "variable", "both"])
@pytest.mark.slow
def test_a_file_that_is_named_is_used(other: Path, by: str) -> None:
    option = () if by == "variable" else ("--config", "other/suppress.toml")
    environ = {
        "option": {},
        "variable": {"SUPPRESS_CONFIG": "other/suppress.toml"},
        "both": {"SUPPRESS_CONFIG": "missing.toml"},
    }[by]
    assert run(*option, "check", NOBODY, "--channel", "sms", **environ).returncode == 1
    assert run(*option, "check", LISTED, "--channel", "sms", **environ).returncode == 0
    done = run(*option, "status", "--json", **environ)
    document = json.loads(done.stdout)
    assert document["settings_file"] == str(other)
    assert document["store"] == str(other.with_name("store"))
    assert done.stderr == ""


def test_status_names_the_settings_file(users: Path) -> None:
    done = run("status")
    assert f"Settings file: {users}.\n" in done.stdout
    assert json.loads(run("status", "--json").stdout)["settings_file"] == str(users)
    environ = {"SUPPRESS_FILE_PATH": str(users.with_name("list.txt")), "SUPPRESS_STORE": "none"}
    users.unlink()
    assert "Settings file: none.\n" in run("status", **environ).stdout
    assert json.loads(run("status", "--json", **environ).stdout)["settings_file"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--config", ""), "--config is empty. Name a settings file"),
        (("--config", "a.toml", "--config", "b.toml"), "--config is given 2 times"),
        (("--config", "missing.toml"), "missing.toml cannot be read: No such file"),
    ],
)
def test_what_names_no_file_is_refused(options: tuple[str, ...], said: str) -> None:
    done = run(*options, "status")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("before", [None, "before.toml"])
def test_the_environment_of_who_calls_it_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch, other: Path, before: str | None
) -> None:
    if before is not None:
        monkeypatch.setenv("SUPPRESS_CONFIG", before)
    done = CliRunner().invoke(command_line, ["--config", str(other), "status"])
    assert done.exit_code == 0
    assert str(other) in done.output.replace("\n", "")
    assert os.environ.get("SUPPRESS_CONFIG") == before


def test_channels_are_completed_by_the_file_that_is_named(other: Path) -> None:
    with other.open("a") as stream:
        stream.write("channels = ['pigeon']\n")
    done = run(
        _SUPPRESS_COMPLETE="bash_complete",
        COMP_WORDS=f"suppress --config {other} refresh --channel pi",
        COMP_CWORD="5",
    )
    assert done.stdout.strip() == "plain,pigeon"
