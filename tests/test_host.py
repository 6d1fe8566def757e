"""A messaging app with a pluggy host of its own asks suppress by a hook call."""

import contextlib
import itertools
from collections.abc import Callable, Generator, Iterable
from types import SimpleNamespace
from typing import Any

import pluggy
import pytest

import suppress
from support.builders import ListSource, listed
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


KINDS: dict[str, dict[str, bool]] = {
    "plain": {},
    "first": {"tryfirst": True},
    "last": {"trylast": True},
    "wrapper": {"wrapper": True},
    "first wrapper": {"wrapper": True, "tryfirst": True},
    "last wrapper": {"wrapper": True, "trylast": True},
    "old wrapper": {"hookwrapper": True},
    "first old wrapper": {"hookwrapper": True, "tryfirst": True},
    "last old wrapper": {"hookwrapper": True, "trylast": True},
}
"""Ways in which another plugin can implement the hook."""


def other(manager: pluggy.PluginManager, kind: str, answer: Callable[[Any], Any]) -> object:
    """Another plugin that answers in the place of suppress, even where that fails."""

    def plain(numbers: Any) -> Any:
        return answer(numbers)

    def wrapper(numbers: Any) -> Generator[None, Any, Any]:
        with contextlib.suppress(Exception):
            yield
        return answer(numbers)

    def old(numbers: Any) -> Generator[None, pluggy.Result[Any], None]:
        (yield).force_result(answer(numbers))

    options = KINDS[kind]
    function = wrapper if "wrapper" in options else old if "hookwrapper" in options else plain
    implement = pluggy.HookimplMarker(manager.project_name)
    return SimpleNamespace(filter_recipients=implement(function, **options))  # type: ignore[call-overload]


def everyone_in(answer: Any) -> set[Any]:
    """Whoever could be taken from an answer, however the app unites the answers."""
    flat: set[Any] = set()
    for each in answer:
        flat |= set(each) if isinstance(each, list) else {each}
    return flat


@pytest.mark.parametrize("firstresult", [None, True, False])
@pytest.mark.slow
def test_nobody_answers_in_its_place(suppressor: Suppressor, *, firstresult: bool | None) -> None:
    more = {} if firstresult is None else {"campaign": "x"}
    for before, after in itertools.product([None, *KINDS], repeat=2):
        manager = pluggy.PluginManager("courier")
        if firstresult is not None:
            specify(manager, firstresult=firstresult)
        if before is not None:
            manager.register(other(manager, before, lambda numbers: [*numbers, LISTED]))
        suppress.register(manager, suppressor)
        if after is not None:
            manager.register(other(manager, after, lambda numbers: [*numbers, LISTED]))
        answer = manager.hook.filter_recipients(numbers=[LISTED, OTHER], channel="sms", **more)
        assert everyone_in(answer) == {OTHER}, (before, after)
        if firstresult is not False:
            assert answer == [OTHER], "nor is anybody lost"


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_hides_that_nothing_is_known(kind: str, suppressor: Suppressor) -> None:
    manager = pluggy.PluginManager("courier")
    suppress.register(manager, suppressor)
    manager.register(other(manager, kind, lambda numbers: numbers))
    with pytest.raises(UnknownChannel):
        manager.hook.filter_recipients(numbers=[OTHER], channel="smss")


def test_what_others_leave_out_stays_out(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    suppress.register(manager, suppressor)
    manager.register(other(manager, "plain", lambda numbers: numbers[:1]))
    numbers = [OTHER, "+14155552673"]
    assert manager.hook.filter_recipients(numbers=numbers, channel="sms") == [OTHER]


def test_answers_of_all_are_screened_each(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    specify(manager, firstresult=False)
    suppress.register(manager, suppressor)
    manager.register(other(manager, "first", lambda _: [LISTED]))
    manager.register(other(manager, "last", iter))
    answer = manager.hook.filter_recipients(numbers=[LISTED, OTHER], channel="sms", campaign="x")
    assert answer == [[OTHER], [], [OTHER]]


@pytest.mark.parametrize(
    "answer", ["+14155552672", 14155552672, True, [b"+14155552672"]], ids=ascii
)
@pytest.mark.parametrize("kind", ["plain", "first wrapper"])
def test_an_answer_that_is_no_list_of_numbers_is_an_error(
    kind: str, answer: Any, suppressor: Suppressor
) -> None:
    manager = pluggy.PluginManager("courier")
    suppress.register(manager, suppressor)
    manager.register(other(manager, kind, lambda _: answer))
    with pytest.raises(TypeError):
        manager.hook.filter_recipients(numbers=[OTHER], channel="sms")


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_can_be_read_once_alone(kind: str, suppressor: Suppressor) -> None:
    manager = pluggy.PluginManager("courier")
    suppress.register(manager, suppressor)

    def count(numbers: Any) -> None:
        assert len(list(numbers)) == 2

    manager.register(other(manager, kind, count))
    answer = manager.hook.filter_recipients(numbers=iter([LISTED, OTHER]), channel="sms")
    is_outside = kind in ("first wrapper", "first old wrapper")
    assert answer == (None if is_outside else [OTHER])


def test_without_it_and_with_it_again(
    manager: pluggy.PluginManager, suppressor: Suppressor
) -> None:
    suppress.register(manager, suppressor)
    manager.register(other(manager, "first wrapper", lambda numbers: numbers))
    manager.unregister(name="suppress")
    assert manager.hook.filter_recipients(numbers=[LISTED], channel="sms") == [LISTED]
    suppress.register(manager, suppressor)
    assert manager.hook.filter_recipients(numbers=[LISTED], channel="sms") == []


def test_other_hooks_go_on(manager: pluggy.PluginManager, suppressor: Suppressor) -> None:
    class Hooks:
        @pluggy.HookspecMarker(manager.project_name)
        def sent(self, number: str) -> None:
            raise NotImplementedError

    class Other:
        @pluggy.HookimplMarker(manager.project_name)
        def sent(self, number: str) -> str:
            return number

    manager.add_hookspecs(Hooks)
    manager.register(Other())
    suppress.register(manager, suppressor)
    assert manager.hook.sent(number=LISTED) == [LISTED]


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
