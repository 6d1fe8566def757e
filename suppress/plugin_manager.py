"""Plugins: which are installed, and what each offers.

A plugin that cannot be imported is never silently absent: it is reported by name, and
since it may hold a stop list, nothing is screened without it unless the settings name
the sources to read.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pluggy

from suppress import hookspecs
from suppress.errors import ConfigurationError
from suppress.numbers.mask import mask
from suppress.settings.settings import PLUGINS, Settings
from suppress.sources import Source, check

if TYPE_CHECKING:
    import click

logger = logging.getLogger("suppress")


@dataclass(frozen=True)
class Plugin:
    """One plugin that was found.

    Attributes:
        name: the name of its entry point.
        version: that of its distribution; None where it was handed in as an object.
        error: why it cannot be imported; None where it can.
    """

    name: str
    version: str | None = None
    error: str | None = None


class Plugins:
    """The plugins of this installation, and those handed in.

    Args:
        extra: plugins (modules or objects) that are not installed as such.
    """

    def __init__(self, extra: Iterable[object] = ()) -> None:
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.found: dict[str, Plugin] = {}
        for plugin in extra:
            name = self._manager.register(plugin)
            if name is None:
                raise ConfigurationError(f"The plugin {plugin!r} cannot be registered.")
            self.found[name] = Plugin(name)
        for entry_point in sorted(entry_points(group=PLUGINS), key=lambda each: each.name):
            version = entry_point.dist.version if entry_point.dist else None
            error = None
            try:
                # A plugin is a stranger's code: whatever it raises is its failure to import.
                self._manager.register(entry_point.load(), name=entry_point.name)
            except Exception as raised:  # noqa: BLE001
                error = _said(raised)
                logger.warning("The plugin %r cannot be imported: %s", entry_point.name, error)
            self.found[entry_point.name] = Plugin(entry_point.name, version, error)

    def sources(self, settings: Settings) -> tuple[Source, ...]:
        """The sources to read, as the settings have it.

        Raises:
            ConfigurationError: one that was asked for is missing, or none is configured.
        """
        self._refuse_broken(settings)
        unknown = sorted(set(settings.tables) - set(self.found))
        if unknown:
            raise ConfigurationError(
                f"The table [suppress.{unknown[0]}] of {settings.file} belongs to no plugin. "
                f"Installed are: {', '.join(self.found)}."
            )
        offered: dict[str, Source] = {}
        for plugin in self.found:
            for source in self.sources_of(plugin, settings):
                if source.name in offered:
                    raise ConfigurationError(
                        f"Two sources are named {source.name!r}. Give one another name, "
                        "or uninstall its plugin."
                    )
                offered[source.name] = source
        if settings.sources is None:
            if not offered:
                raise ConfigurationError(
                    "No source of a stop list is configured. Set BSG_API_KEY or run `suppress "
                    "login` to read BSG's, or give another plugin its settings; `suppress plugins` "
                    "lists them."
                )
            return tuple(offered.values())
        for name in settings.sources:
            if name not in offered:
                raise ConfigurationError(
                    f"SUPPRESS_SOURCES (`sources` in the table [suppress]) asks for the source "
                    f"{name!r}, which is not installed or not configured. Configured are: "
                    f"{', '.join(offered) or 'none'}; `suppress plugins` tells more."
                )
        return tuple(offered[name] for name in dict.fromkeys(settings.sources))

    def sources_of(self, name: str, settings: Settings) -> tuple[Source, ...]:
        """The sources that one plugin offers under the settings.

        Raises:
            ConfigurationError: its settings are incomplete, or what it gave is no source.
        """
        try:
            offered = self._only(name, "suppress_sources")(settings=settings)
        except ConfigurationError:
            raise
        except Exception as error:
            raise ConfigurationError(
                f"The plugin {name!r} cannot offer its sources ({_said(error)}). "
                "Repair or uninstall it."
            ) from error
        sources = []
        for result in offered:
            for source in result if isinstance(result, list | tuple) else (result,):
                check(source)
                sources.append(source)
        return tuple(sources)

    def commands_of(self, name: str) -> "tuple[click.Command, ...]":
        """The commands that one plugin offers.

        Raises:
            ConfigurationError: it fails to offer them.
        """
        try:
            offered = self._only(name, "suppress_commands")()
            return tuple(command for commands in offered for command in commands)
        except Exception as error:
            raise ConfigurationError(
                f"The plugin {name!r} cannot offer its commands ({_said(error)}). "
                "Repair or uninstall it."
            ) from error

    def _only(self, name: str, hook: str) -> pluggy.HookCaller:
        others = [
            plugin for other, plugin in self._manager.list_name_plugin() if other != name and plugin
        ]
        return self._manager.subset_hook_caller(hook, remove_plugins=others)

    def _refuse_broken(self, settings: Settings) -> None:
        for plugin in self.found.values():
            if plugin.error is None:
                continue
            if settings.sources is None or plugin.name in settings.sources:
                raise ConfigurationError(
                    f"The plugin {plugin.name!r} cannot be imported ({plugin.error}), and may "
                    "hold a stop list. Repair or uninstall it, or name the sources to read "
                    "without it in SUPPRESS_SOURCES."
                )


def _said(error: Exception) -> str:
    """A stranger's error; it may quote what it choked on."""
    return f"{type(error).__name__}: {mask(str(error))}"
