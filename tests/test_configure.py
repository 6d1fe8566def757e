"""Settings that a program gives in the place of a settings file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import suppress


@pytest.fixture(autouse=True)
def settings_file_again() -> Iterator[None]:
    yield
    suppress.configure(None)


def test_they_hold_for_the_functions_and_for_commands(tmp_path: Path) -> None:
    (tmp_path / "stopped.txt").write_text("+14155552671\n")
    file = {"path": "stopped.txt", "quiet": 0}
    suppress.configure({"sources": ["file"], "store": "none", "file": file}, folder=tmp_path)
    assert suppress.is_suppressed("+14155552671", "sms")
    with pytest.raises(SystemExit) as ended:
        suppress.command_line.main(["check", "+14155552671", "--channel", "sms"])
    assert ended.value.code == 1


def test_paths_may_begin_in_a_folder_that_is_relative_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "stopped.txt").write_text("+14155552671\n")
    monkeypatch.chdir(tmp_path)
    file = {"path": "stopped.txt", "quiet": 0}
    suppress.configure({"store": "store", "file": file}, folder=Path("shop"))
    monkeypatch.chdir("/")
    assert suppress.is_suppressed("+14155552671", "sms")
    assert suppress.Settings.load().store == tmp_path / "shop" / "store"


def test_another_configuration_takes_its_place(tmp_path: Path) -> None:
    for number in ("+14155552671", "+14155552672"):
        (tmp_path / number).write_text(f"{number}\n")
        file = {"path": str(tmp_path / number), "quiet": 0}
        suppress.configure({"sources": ["file"], "store": "none", "file": file})
        assert suppress.is_suppressed(number, "sms")
    suppress.configure(None)
    with pytest.raises(suppress.ConfigurationError, match="No source"):
        suppress.is_suppressed("+14155552671", "sms")


def test_an_unknown_setting_is_refused() -> None:
    suppress.configure({"sorces": ["file"]})
    with pytest.raises(suppress.ConfigurationError, match="sorces"):
        suppress.Settings.load()


def test_a_key_is_never_shown() -> None:
    suppress.configure({"bsg": {"api_key": "live_0123456789"}})
    settings = suppress.Settings.load()
    assert "live_0123456789" not in repr(settings) + str(settings.tables)


def test_a_named_file_still_wins(tmp_path: Path) -> None:
    suppress.configure({"ttl": 9})
    file = tmp_path / "suppress.toml"
    file.write_text("[suppress]\nttl = 7\n")
    assert suppress.Settings.load(file).ttl == 7
    assert suppress.Settings.load().ttl == 9
