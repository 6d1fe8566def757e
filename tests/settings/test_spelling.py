"""Misspelt names: none is passed over, and no other program's variable is taken for one."""

from pathlib import Path

import pytest

from support.settings_files import load
from suppress import ConfigurationError, Suppressor
from suppress.settings.spelling import edits


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
    for name in ("SUPPRESS_FILE_HASH", "SUPPRESS_SMPP_TIMEOUT", "SUPPRESS_CRM_DEFAULT_REGION"):
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
