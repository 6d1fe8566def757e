"""A small messaging app with a plugin host of its own, under its own name.

BSG_API_KEY=live_... python messaging_app.py +14155552671 +14155552672
"""

import sys
from collections.abc import Iterable

import pluggy

import suppress

hookspec = pluggy.HookspecMarker("courier")
hookimpl = pluggy.HookimplMarker("courier")


class Hooks:
    """Hooks that plugins of this app can implement."""

    @hookspec(firstresult=True)
    def filter_recipients(self, numbers: Iterable[str], channel: str) -> list[str]:
        """Give those of the numbers who may be messaged on the channel."""
        raise NotImplementedError

    @hookspec
    def sent(self, number: str, text: str) -> None:
        """Called for each message that was sent."""


class Printer:
    """A plugin that sends messages to the terminal."""

    @hookimpl
    def sent(self, number: str, text: str) -> None:
        print(f"to {number}: {text}")


def app() -> pluggy.PluginManager:
    manager = pluggy.PluginManager("courier")
    manager.add_hookspecs(Hooks)
    manager.register(Printer())
    suppress.register(manager)  # this line is all that it takes
    return manager


def send(manager: pluggy.PluginManager, numbers: list[str], text: str) -> None:
    for number in manager.hook.filter_recipients(numbers=numbers, channel="sms"):
        manager.hook.sent(number=number, text=text)


if __name__ == "__main__":
    try:
        send(app(), sys.argv[1:], "Our spring sale begins on Monday.")
    except suppress.SuppressError as error:
        sys.exit(f"Nothing was sent. {error}")
