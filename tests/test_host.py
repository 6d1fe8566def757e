"""A messaging app with a pluggy host of its own asks suppress by a hook call."""

from collections.abc import Iterable
from typing import Any

import pluggy
import pytest

import suppress
from conftest import ListSource, listed
from suppress import Settings, Suppressor, UnknownChannel

LISTED, OTHER = "+14155552671", "+14155552672"


@pytest.fixture
def suppressor() -> Suppressor:
    return Suppressor(Settings(store=None, sources=("list",)), plugins=[ListSource(listed(LISTED))])


@pytest.fixture(params=["courier", "my_app", "suppress"])
def manager(request: pytest.FixtureRequest) -> pluggy.PluginManager:
    return pluggy.PluginManager(request.param)


def specify(manager: pluggy.PluginManager, *, firstresult: bool) -> None:
    class Hooks:
        @pluggy.HookspecMarker(manager.project_name)(firstresult=firstresult)
        def filter_recipients(
            self, numbers: Iterable[Any], channel: str, campaign: str
        ) -> list[Any]:
            raise NotImplementedError

    manager.add_hookspecs(Hooks)


def test_one_line_and_the_hook_answers_with_the_allowed(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    suppress.register(manager, suppressor)
    assert manager.hook.filter_recipients(numbers=[LISTED, OTHER], channel="sms") == [OTHER]
    with pytest.raises(UnknownChannel):
        manager.hook.filter_recipients(numbers=[OTHER], channel="smss")


def test_under_the_apps_own_specification(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    specify(manager, firstresult=True)
    suppress.register(manager, suppressor)
    manager.check_pending()
    answer = manager.hook.filter_recipients(numbers=[LISTED, OTHER], channel="sms", campaign="x")
    assert answer == [OTHER]


def test_a_specification_without_firstresult_gathers_answers(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    specify(manager, firstresult=False)
    suppress.register(manager, suppressor)
    answer = manager.hook.filter_recipients(numbers=[LISTED, OTHER], channel="sms", campaign="x")
    assert answer == [[OTHER]]


def test_no_other_plugin_answers_first(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    class Everybody:
        @pluggy.HookimplMarker(manager.project_name)
        def filter_recipients(self, numbers: list[Any]) -> list[Any]:
            return numbers

    suppress.register(manager, suppressor)
    manager.register(Everybody())
    assert manager.hook.filter_recipients(numbers=[LISTED], channel="sms") == []


def test_twice_is_an_error(manager: pluggy.PluginManager, suppressor: Suppressor) -> None:
    suppress.register(manager, suppressor)
    with pytest.raises(ValueError, match="suppress"):
        suppress.register(manager, suppressor)


def test_the_default_one_is_made_when_it_is_asked(
    manager: pluggy.PluginManager, monkeypatch: pytest.MonkeyPatch, suppressor: Suppressor
) -> None:
    monkeypatch.setattr("suppress.default._made", None)
    suppress.register(manager)
    with pytest.raises(suppress.ConfigurationError):
        manager.hook.filter_recipients(numbers=[OTHER], channel="sms")
    monkeypatch.setattr("suppress.default._made", suppressor)
    assert manager.hook.filter_recipients(numbers=[LISTED, OTHER], channel="sms") == [OTHER]
