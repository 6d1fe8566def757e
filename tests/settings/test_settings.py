"""Settings: the file, the environment, arguments; and that no misspelling is passed over."""

import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from suppress import ConfigurationError, Secret, Settings, Suppressor, config_folder
from suppress.settings.settings import Arguments, CoreSettings
from suppress.settings.spelling import edits


def load(file: str = "", environ: dict[str, str] | None = None, **arguments: Any) -> Settings:
    path = Path("settings.toml")
    path.write_text("[suppress]\n" + file)
    return Settings.load(path, environ=environ or {}, **arguments)


def of_user(file: str) -> Path:
    """The user's own settings file."""
    folder = config_folder()
    assert folder is not None
    folder.mkdir(parents=True)
    (folder / "suppress.toml").write_text(f"[suppress]\n{file}\n")
    return folder / "suppress.toml"


def test_arguments_are_the_fields_of_the_core() -> None:
    """So that a misspelt argument is an error for a type checker too."""
    fields = typing.get_type_hints(CoreSettings)
    arguments = typing.get_type_hints(Arguments)
    assert arguments.keys() == fields.keys()
    for name, kind in fields.items():
        given, kept = {*members(arguments[name])}, {*members(kind)} - {tuple[str, ...]}
        assert kept <= given, name


def members(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)


def test_every_setting_is_described() -> None:
    for name in typing.get_type_hints(CoreSettings):
        assert f"    {name}: " in (Settings.__doc__ or "")
        assert f"`{name}`" in (Suppressor.__doc__ or "")


def test_defaults() -> None:
    settings = Settings.load(environ={})
    assert settings.sources is None
    assert (settings.ttl, settings.max_stale) == (300, 3600)
    assert settings.default_region is None
    assert settings.possible_only is True
    assert settings.renumbering is True
    assert settings.store is not None
    assert settings.store.name == "suppress"
    assert settings.file is None


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


def test_an_empty_variable_is_not_set() -> None:
    assert load("ttl = 7", {"SUPPRESS_TTL": "", "SUPPRESS_SOURCES": ""}).ttl == 7


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ttl", "soon"),
        ("ttl", "-1"),
        ("ttl", "nan"),
        ("ttl", "inf"),
        ("max_stale", "-0.1"),
        ("sources", ","),
        ("default_region", "UK"),
        ("possible_only", "maybe"),
        ("store", "~nobody-of-that-name/x"),
        ("renumbering", "~nobody-of-that-name/x"),
    ],
)
def test_what_makes_no_sense_names_the_setting(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"SUPPRESS_{name.upper()}|{name}:"):
        load(environ={f"SUPPRESS_{name.upper()}": value})


def test_settings_are_checked_however_they_are_made() -> None:
    assert Settings(default_region="us").default_region == "US"
    assert Settings(default_region="International").default_region == "international"
    with pytest.raises(ConfigurationError, match="UK"):
        Settings(default_region="UK")


def test_an_unknown_argument() -> None:
    with pytest.raises(
        ConfigurationError, match=r"Unknown setting 'tttl' among .* Did you mean 'ttl'"
    ):
        load(tttl=1)


def test_nothing_of_the_plugins_or_the_environment_is_shown() -> None:
    settings = load('[suppress.bsg]\napi_key = "live_1"', {"BSG_API_KEY": "live_2"})
    assert "live_" not in repr(settings)


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
            ('path = "p"\nmany = "x"', "SUPPRESS_OWN_MANY .* Expected `int`"),
            ('path = "p"\npth = "x"', r"'pth' in the table \[suppress.own\]\. .* mean 'path'"),
            ("path = 5", "SUPPRESS_OWN_PATH"),
            ('path = "p"\ntoken = 5', "SUPPRESS_OWN_TOKEN .* Expected `str`, got `int`"),
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


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            {"SUPPRESS_TLL": "5"},
            r"Unknown environment variable SUPPRESS_TLL\. Did you mean SUPPRESS_TTL\?",
        ),
        ({"SUPPRESS_MAXSTALE": "5"}, "Did you mean SUPPRESS_MAX_STALE"),
        ({"SUPPRESS_MAX_STAL": "5"}, "Did you mean SUPPRESS_MAX_STALE"),
        ({"SUPPRESS_LOADTIMEOUT": "5"}, "Did you mean SUPPRESS_LOAD_TIMEOUT"),
        ({"SUPPRESS_DEFALT_REGION": "US"}, "Did you mean SUPPRESS_DEFAULT_REGION"),
        ({"SUPPRESS_POSIBLE_ONLY": "no"}, "Did you mean SUPPRESS_POSSIBLE_ONLY"),
        ({"SUPPRESS_STROE": "x"}, "Did you mean SUPPRESS_STORE"),
        ({"SUPPRESS_FILE_PAHT": "list.txt"}, "Did you mean SUPPRESS_FILE_PATH"),
        ({"BSG_TIMEOT": "5", "BSG_API_KEY": "test_x"}, "Did you mean BSG_TIMEOUT"),
        ({"BSG_API_KEY_FIL": "key.txt"}, "Did you mean BSG_API_KEY_FILE"),
    ],
    ids=str,
)
def test_a_misspelt_variable_is_refused(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], said: str
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=said):
        Suppressor(store=None)


def test_a_variable_of_another_program_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "list.txt").write_text("+14155552671\n")
    for name in ("SUPPRESS_WARNINGS", "SUPPRESS_URL", "BSG_SENDER", "BSG_URL"):
        monkeypatch.setenv(name, "x")
    for name in ("SUPPRESS_FILE_HASH", "SUPPRESS_AWS_TIMEOUT", "SUPPRESS_CRM_DEFAULT_REGION"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SUPPRESS_FILE_PATH", "list.txt")
    assert Suppressor(store=None).sources


@pytest.mark.parametrize("found", ["installed", "table"])
def test_a_plugins_variable_is_never_taken_for_a_misspelling(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: str
) -> None:
    """Of a plugin that is named so unhappily that one letter makes it a setting of suppress."""
    environ = {"SUPPRESS_LAD_TIMEOUT": "5"}
    with pytest.raises(ConfigurationError, match="Did you mean SUPPRESS_LOAD_TIMEOUT"):
        load(environ=environ)
    if found == "installed":
        info = tmp_path / "site" / "lad-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lad\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[suppress]\nlad = lad\n")
        monkeypatch.syspath_prepend(tmp_path / "site")
        assert load(environ=environ).load_timeout == 600
    else:
        assert load("[suppress.lad]", environ).load_timeout == 600
    with pytest.raises(ConfigurationError, match="Did you mean SUPPRESS_LOAD_TIMEOUT"):
        load("[suppress.lad]", {"SUPPRESS_LOADTIMEOUT": "5"})


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [("", "ab", 2), ("ttl", "ttl", 0), ("tll", "ttl", 1), ("pAht", "path", 2), ("paht", "path", 1)],
)
def test_edits(one: str, other: str, count: int) -> None:
    assert edits(one, other) == edits(other, one) == count
