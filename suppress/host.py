"""suppress as a plugin of a messaging app that has a pluggy host of its own."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pluggy

from suppress.default import default_suppressor
from suppress.suppressor import Suppressor

HOOK = "filter_recipients"


def register(plugin_manager: pluggy.PluginManager, suppressor: Suppressor | None = None) -> None:
    """Register suppress in a messaging app's plugin manager, whatever its project is named.

    The app's hook call `filter_recipients(numbers=..., channel=...)` then returns the allowed
    recipients. If the app has not specified that hook, it is specified here, with
    `firstresult`. The answers of the app's other plugins are screened, whenever and however
    they were registered; if none of them answers, the numbers are.

    Args:
        plugin_manager: the app's own, with its hook specifications added.
        suppressor: the one to ask; None for the default one, made on first use.

    Raises:
        ValueError: suppress is registered there already.
    """
    project = plugin_manager.project_name

    def specified(numbers: Iterable[Any], channel: str) -> list[Any]:  # type: ignore[empty-body]
        """Return the numbers that may be messaged on the channel."""

    def allowed(answer: Any, channel: str) -> list[Any]:
        return (suppressor or default_suppressor()).filter_recipients(answer, channel)

    hook = getattr(plugin_manager.hook, HOOK, None)
    if hook is None or not hook.has_spec():
        specify = pluggy.HookspecMarker(project)
        specs = type("Hooks", (), {HOOK: staticmethod(specify(specified, firstresult=True))})
        plugin_manager.add_hookspecs(specs)
    spec = getattr(plugin_manager.hook, HOOK).spec
    answers = _OneAnswer(allowed) if spec.opts.get("firstresult") else _Answers(allowed)

    def filter_recipients(numbers: Iterable[Any], channel: str) -> Generator[None, Any, list[Any]]:
        """Return the numbers that may be messaged on the channel."""
        return answers.of_plugins((yield), numbers, channel)

    implement = pluggy.HookimplMarker(project)
    plugin = SimpleNamespace(**{HOOK: implement(filter_recipients, wrapper=True, tryfirst=True)})
    plugin_manager.register(plugin, name="suppress")
    # A wrapper that is registered later can be outside of this one, but never of these.
    outside = _Outside(plugin, answers)
    plugin_manager.add_hookcall_monitoring(outside.before, outside.after)


class _OneAnswer:
    """The answer of a hook that the first plugin to answer decides.

    Args:
        allowed: returns the recipients that may be messaged on a channel.
    """

    def __init__(self, allowed: Callable[[Any, str], list[Any]]) -> None:
        self._allowed = allowed

    def of_plugins(self, answer: Any, numbers: Iterable[Any], channel: str) -> list[Any]:
        """Screen the answer of other plugins, or the numbers if there is none."""
        return self.screened(numbers if answer is None else answer, channel)

    def screened(self, answer: Any, channel: str) -> list[Any]:
        """Screen an answer."""
        return self._allowed(answer, channel)


class _Answers(_OneAnswer):
    """The answers of a hook that all plugins answer."""

    def of_plugins(self, answer: Any, numbers: Iterable[Any], channel: str) -> list[Any]:
        """Screen the answers of other plugins, and answer before them."""
        screened = self.screened(answer, channel)
        if not _is_gathered(answer):
            return screened
        return [self._allowed(numbers, channel), *screened]

    def screened(self, answer: Any, channel: str) -> list[Any]:
        """Screen each answer, or the result that another wrapper made of them."""
        if _is_gathered(answer):
            return [self._allowed(each, channel) for each in answer]
        return self._allowed(answer, channel)


class _Outside:
    """The steps before and after a call of the hook, around all plugins.

    Args:
        plugin: suppress, as registered; calls that leave it out are left alone.
        answers: screens answers.
    """

    def __init__(self, plugin: object, answers: _OneAnswer) -> None:
        self._plugin = plugin
        self._answers = answers

    def before(self, name: str, plugins: Sequence[Any], arguments: Mapping[str, Any]) -> None:
        """Make a list of numbers that can be read only once, so that each plugin sees all."""
        if name == HOOK and self._is_among(plugins) and isinstance(arguments, dict):
            numbers = arguments.get("numbers")
            if isinstance(numbers, Iterator):
                arguments["numbers"] = list(numbers)

    def after(
        self,
        outcome: pluggy.Result[Any],
        name: str,
        plugins: Sequence[Any],
        arguments: Mapping[str, Any],
    ) -> None:
        """Screen the answer once more if other plugins could change it since."""
        if name == HOOK and self._is_among(plugins[:-1]) and outcome.exception is None:
            answer = outcome.get_result()
            if answer is not None:
                outcome.force_result(self._answers.screened(answer, arguments["channel"]))

    def _is_among(self, plugins: Sequence[Any]) -> bool:
        return any(each.plugin is self._plugin for each in plugins)


def _is_gathered(answer: Any) -> bool:
    """Tell a list of answers from recipients."""
    return isinstance(answer, list) and all(
        isinstance(each, Iterable) and not isinstance(each, str | bytes | tuple) for each in answer
    )
