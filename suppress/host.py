"""How a messaging app with its own pluggy host asks suppress."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pluggy

from suppress.default import default_suppressor
from suppress.suppressor import Suppressor

HOOK = "filter_recipients"


def register(plugin_manager: pluggy.PluginManager, suppressor: Suppressor | None = None) -> None:
    """Register suppress in a messaging app's plugin manager, whatever its project is named.

    The app's hook call `filter_recipients(numbers=..., channel=...)` then answers with
    the allowed. Where the app has not specified that hook, it is specified here, with
    `firstresult`. suppress is called before the app's other plugins.

    Args:
        plugin_manager: the app's own, with its hook specifications added.
        suppressor: what answers; None for the default one, made when it is first asked.

    Raises:
        ValueError: suppress is registered there already.
    """
    project = plugin_manager.project_name

    def specified(numbers: Iterable[Any], channel: str) -> list[Any]:  # type: ignore[empty-body]
        """Those of the numbers who may be messaged on the channel."""

    def filter_recipients(numbers: Iterable[Any], channel: str) -> list[Any]:
        """Those of the numbers who may be messaged on the channel."""
        return (suppressor or default_suppressor()).filter_recipients(numbers, channel)

    hook = getattr(plugin_manager.hook, HOOK, None)
    if hook is None or not hook.has_spec():
        specify = pluggy.HookspecMarker(project)
        specs = type("Hooks", (), {HOOK: staticmethod(specify(specified, firstresult=True))})
        plugin_manager.add_hookspecs(specs)
    implement = pluggy.HookimplMarker(project)
    plugin_manager.register(
        SimpleNamespace(**{HOOK: implement(filter_recipients, tryfirst=True)}), name="suppress"
    )
