"""The settings file: which one is in force, and what it cannot be."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from support.settings_files import load, of_user
from suppress import ConfigurationError, Settings


@dataclass(frozen=True)
class Own:
    path: Path


class TestFile:
    def test_the_one_named_by_the_environment(self, tmp_path: Path) -> None:
        (tmp_path / "other.toml").write_text("[suppress]\nttl = 9\n")
        environ = {"SUPPRESS_CONFIG": "other.toml"}
        settings = Settings.load(environ=environ)
        assert (settings.ttl, settings.file) == (9, tmp_path / "other.toml")

    def test_the_users(self) -> None:
        path = of_user("ttl = 7")
        settings = Settings.load(environ={})
        assert (settings.ttl, settings.file) == (7, path)

    @pytest.mark.parametrize("users", [True, False])
    def test_one_in_the_working_directory_is_named_and_not_used(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, users: bool
    ) -> None:
        Path("suppress.toml").write_text("[suppress]\nttl = 8\n")
        path = of_user("ttl = 7") if users else None
        settings = Settings.load(environ={})
        assert (settings.ttl, settings.file) == (7 if users else 300, path)
        (said,) = caplog.messages
        assert said == (
            f"{tmp_path / 'suppress.toml'} is not used: settings come from "
            f"{path or 'the environment alone'}. To use it, name it with its whole path in "
            "--config or SUPPRESS_CONFIG"
        )

    def test_one_in_the_working_directory_that_is_named_is_used(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        Path("suppress.toml").write_text("[suppress]\nttl = 8\n")
        assert Settings.load(environ={"SUPPRESS_CONFIG": "./suppress.toml"}).ttl == 8
        assert Settings.load("suppress.toml", environ={}).ttl == 8
        monkeypatch.chdir(of_user("ttl = 7").parent)
        assert Settings.load(environ={}).ttl == 7
        assert caplog.messages == []

    def test_a_path_in_it_is_relative_to_it(self, tmp_path: Path) -> None:
        (tmp_path / "conf").mkdir()
        path = tmp_path / "conf" / "suppress.toml"
        path.write_text('[suppress]\nstore = "snapshots"\nrenumbering = "rows.tsv"\n')
        settings = Settings.load(path, environ={})
        assert settings.store == tmp_path / "conf" / "snapshots"
        assert settings.renumbering == tmp_path / "conf" / "rows.tsv"

    def test_a_path_in_it_can_be_in_the_users_home(self, tmp_path: Path) -> None:
        settings = load('store = "~/a"\nrenumbering = "~/b"\n[suppress.own]\npath = "~/c"')
        assert settings.store == tmp_path / "home" / "a"
        assert settings.renumbering == tmp_path / "home" / "b"
        assert settings.section("own", Own) == Own(tmp_path / "home" / "c")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("[suppress", "not TOML"),
            ("[other]\nttl = 1", r"no table \[suppress\]"),
            ("suppress = 1", r"no table \[suppress\]"),
            ("[suppress]\nttll = 1", "'ttll' .* Did you mean 'ttl'"),
            ("[suppress]\nx = 1", "'x' .* Known are: sources, ttl"),
            (b"[suppress]\nstore = '\xff'", "not TOML"),
        ],
    )
    def test_what_cannot_be_used(self, text: str | bytes, said: str) -> None:
        of_user("").write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(ConfigurationError, match=said):
            Settings.load(environ={})

    def test_one_that_is_named_has_to_be_there(self) -> None:
        message = r"missing\.toml cannot be read: No such"
        with pytest.raises(ConfigurationError, match=message):
            Settings.load("missing.toml", environ={})
        with pytest.raises(ConfigurationError, match=message):
            Settings.load(environ={"SUPPRESS_CONFIG": "missing.toml"})
