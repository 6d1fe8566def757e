"""The settings of suppress: their defaults, their arguments, and values that make no sense."""

import types
import typing
from pathlib import Path
from typing import Any

import pytest

from support.settings_files import load
from suppress import ConfigurationError, Settings, Suppressor
from suppress.settings.settings import Arguments, CoreSettings


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
    assert isinstance(settings.store, Path)
    assert settings.store.name == "suppress"
    assert settings.file is None


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
