"""The layers of settings: the file, the environment and arguments, for suppress and plugins."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.settings_files import load
from suppress import ConfigurationError, Secret, Settings, Suppressor


@pytest.mark.parametrize(
    ("name", "in_file", "in_environment", "argument", "values"),
    [
        ("sources", '["a"]', "b, c", ["d"], (("a",), ("b", "c"), ("d",))),
        ("ttl", "1", "2.5", 3, (1.0, 2.5, 3.0)),
        ("max_stale", "1", "2", 3, (1.0, 2.0, 3.0)),
        ("default_region", '"us"', "gb", "DE", ("US", "GB", "DE")),
        ("store", '"/a"', "/b", Path("/c"), (Path("/a"), Path("/b"), Path("/c"))),
        ("store", '"/a"', "none", None, (Path("/a"), None, None)),
        ("possible_only", "false", "YES", False, (False, True, False)),
        ("renumbering", "false", "true", False, (False, True, False)),
        ("store", '"/a"', " None ", "NONE", (Path("/a"), None, None)),
        ("renumbering", '"/a"', "/b", Path("/c"), (Path("/a"), Path("/b"), Path("/c"))),
        ("renumbering", '"/a"', "false", "/d.tsv", (Path("/a"), False, Path("/d.tsv"))),
        ("renumbering", '"No"', "1", "0", (False, True, False)),
    ],
)
def test_the_environment_wins_over_the_file_and_an_argument_over_both(
    name: str, in_file: str, in_environment: str, argument: Any, values: tuple[Any, Any, Any]
) -> None:
    file = f"{name} = {in_file}"
    environ = {f"SUPPRESS_{name.upper()}": in_environment}
    found = (load(file), load(file, environ), load(file, environ, **{name: argument}))
    assert tuple(getattr(each, name) for each in found) == values


def test_a_value_that_another_layer_replaces_is_not_looked_at() -> None:
    assert load('ttl = "soon"', {"SUPPRESS_TTL": "5"}).ttl == 5
    assert load('store = "~nobody-of-that-name"', {"SUPPRESS_STORE": "none"}).store is None
    assert load("", {"SUPPRESS_TTL": "soon"}, ttl=5).ttl == 5
    environ = {"SUPPRESS_OWN_MANY": "6"}
    own = load('[suppress.own]\npath = "p"\nmany = "x"', environ).section("own", Own)
    assert own is not None
    assert own.many == 6


def test_an_empty_variable_is_not_set() -> None:
    assert load("ttl = 7", {"SUPPRESS_TTL": "", "SUPPRESS_SOURCES": ""}).ttl == 7


@dataclass(frozen=True)
class Own:
    path: Path
    tags: tuple[str, ...] = ()
    many: int = 4
    insist: bool = False
    region: str | None = None
    token: Secret | None = None


class TestSection:
    def test_nothing_set(self) -> None:
        assert load().section("own", Own) is None

    def test_from_the_file(self, tmp_path: Path) -> None:
        own = load('[suppress.own]\npath = "list"\ntags = ["a"]\nmany = 5').section("own", Own)
        assert own == Own(tmp_path / "list", ("a",), 5)

    def test_from_the_environment(self) -> None:
        environ = {
            "SUPPRESS_OWN_PATH": "/list",
            "SUPPRESS_OWN_TAGS": "a, b",
            "SUPPRESS_OWN_MANY": "6",
            "SUPPRESS_OWN_INSIST": "Yes",
            "SUPPRESS_OWN_REGION": "US",
        }
        own = load('[suppress.own]\npath = "other"\nmany = 5', environ).section("own", Own)
        assert own == Own(Path("/list"), ("a", "b"), 6, insist=True, region="US")

    @pytest.mark.parametrize(
        ("file", "environ"),
        [
            ('token = "t"', {}),
            ('token_file = "token.txt"', {}),
            ("", {"SUPPRESS_OWN_TOKEN": "t"}),
            ("", {"SUPPRESS_OWN_TOKEN_FILE": "token.txt"}),
        ],
    )
    def test_a_secret(self, tmp_path: Path, file: str, environ: dict[str, str]) -> None:
        Path("token.txt").write_text("t\n")
        own = load(f'[suppress.own]\npath = "list"\n{file}', environ).section("own", Own)
        assert own == Own(tmp_path / "list", token=Secret("t"))

    def test_another_prefix(self) -> None:
        own = load(environ={"X_PATH": "/list"}).section("own", Own, environ_prefix="X")
        assert own == Own(Path("/list"))

    @pytest.mark.parametrize(
        ("file", "said"),
        [
            ("many = 5", r"SUPPRESS_OWN_PATH \(`path` in the table \[suppress.own\]\) is missing"),
            ('path = "p"\nmany = "x"', "SUPPRESS_OWN_MANY .* Expected a whole number, got text"),
            ('path = "p"\npth = "x"', r"'pth' in the table \[suppress.own\]\. .* mean 'path'"),
            ("path = 5", "SUPPRESS_OWN_PATH"),
            ('path = "p"\ntoken = 5', "SUPPRESS_OWN_TOKEN .* Expected text, got a whole number"),
            ('path = "p"\ntoken = "t"\ntoken_file = "f"', "SUPPRESS_OWN_TOKEN_FILE .* both set"),
            ('path = "p"\ntoken_fil = "f"', r"mean 'token_file'"),
        ],
    )
    def test_what_makes_no_sense_names_the_setting(self, file: str, said: str) -> None:
        with pytest.raises(ConfigurationError, match=said):
            load(f"[suppress.own]\n{file}").section("own", Own)


@dataclass(frozen=True)
class Paths:
    one: Path | None = None
    many: tuple[Path, ...] = ()
    key: Secret | None = None


class TestPaths:
    """A process that changes its directory has the same store and lists as before."""

    def test_of_the_environment_and_of_arguments(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        environ = {
            "SUPPRESS_STORE": "store",
            "SUPPRESS_PATHS_ONE": "one",
            "SUPPRESS_PATHS_MANY": "two,/three",
            "SUPPRESS_PATHS_KEY_FILE": "key",
        }
        Path("key").write_text("k")
        Path("key").chmod(0o600)
        settings = Settings.load(environ=environ, renumbering="rows.tsv")
        self.move(tmp_path, monkeypatch)
        assert settings.store == tmp_path / "store"
        assert settings.renumbering == tmp_path / "rows.tsv"
        assert settings.section("paths", Paths) == Paths(
            tmp_path / "one", (tmp_path / "two", Path("/three")), Secret("k")
        )

    def test_of_a_file_that_is_named_by_a_relative_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "conf").mkdir()
        Path("conf/x.toml").write_text(
            "[suppress]\nstore = 'store'\n[suppress.paths]\none = 'one'\nmany = ['two']\n"
        )
        settings = Settings.load("conf/x.toml", environ={})
        self.move(tmp_path, monkeypatch)
        folder = tmp_path / "conf"
        assert (settings.file, settings.store) == (folder / "x.toml", folder / "store")
        assert settings.section("paths", Paths) == Paths(folder / "one", (folder / "two",))

    def test_of_settings_made_by_hand(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tables = {"paths": {"one": "one"}}
        settings = Settings(store=Path("store"), renumbering=Path("rows.tsv"), tables=tables)
        self.move(tmp_path, monkeypatch)
        assert settings.store == tmp_path / "store"
        assert settings.renumbering == tmp_path / "rows.tsv"
        assert settings.section("paths", Paths) == Paths(tmp_path / "one")

    def test_an_opt_out_holds_after_a_change_of_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "list.txt").write_text("+14155552671\n")
        environ = {"SUPPRESS_STORE": "store", "SUPPRESS_FILE_PATH": "list.txt"}
        settings = Settings.load(environ=environ | {"SUPPRESS_FILE_QUIET": "0"})
        suppressor = Suppressor(settings, background=False)
        self.move(tmp_path, monkeypatch)
        suppressor.add(["+14155552672"], "sms")
        again = Suppressor(settings, background=False)
        for each in (suppressor, again):
            assert each.screen(["+14155552671", "+14155552672"], "sms").allowed == []

    def test_where_the_working_directory_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.move(tmp_path, monkeypatch)
        Path.cwd().rmdir()
        assert Settings.load(environ={"SUPPRESS_STORE": "/store"}).store == Path("/store")
        said = r"SUPPRESS_STORE .*The working directory is gone\. Give the whole path"
        with pytest.raises(ConfigurationError, match=said):
            Settings.load(environ={"SUPPRESS_STORE": "store"})

    def move(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
