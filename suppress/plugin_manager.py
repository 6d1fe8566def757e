"""The plugins of this installation, and what each offers.

A plugin whose library is not installed is not there, unless it is asked for: by a source named
like it, by a table, or by an environment variable. Any other plugin that cannot be imported is
broken: since it may hold a stop list, nothing is screened without it unless the settings name
the sources to read.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import pluggy

from suppress import hookspecs
from suppress.errors import ConfigurationError
from suppress.numbers.mask import mask_numbers
from suppress.settings.instances import kind_of
from suppress.settings.server_url import ServerUrl
from suppress.settings.settings import PLUGINS, Settings, plugin_prefix
from suppress.sources import Source, check

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

    import click

    # Not imported at runtime: these are above the plugins.
    from suppress.events import Listener
    from suppress.opt_outs.shared import SharedRecord
    from suppress.stores.remote import Remote
    from suppress.suppressor import Suppressor

logger = logging.getLogger("suppress")


EXTRAS = ("postgres", "redis")
"""The extras for servers; the scheme of a URL has its extra's name in it."""


class Plugin(NamedTuple):
    """One plugin that was found.

    Attributes:
        name: the name of its entry point.
        distribution: what brought it; None for a plugin handed in as an object.
        error: the reason that it cannot be imported; None if it can be.
        missing: the library that it lacks, if that is the reason.
    """

    name: str
    distribution: "Distribution | None" = None
    error: str | None = None
    missing: str | None = None

    @property
    def version(self) -> str | None:
        """The version of its distribution, whose description is read for it."""
        return None if self.distribution is None else self.distribution.version


class Plugins:
    """The plugins of this installation, and those handed in.

    Args:
        extra: further plugins (modules or objects), besides those that are installed.
    """

    def __init__(self, extra: Iterable[object] = ()) -> None:
        from importlib.metadata import entry_points  # noqa: PLC0415 - not needed at import

        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self.found: dict[str, Plugin] = {}
        for plugin in extra:
            name = self._manager.register(plugin)
            if name is None:
                raise ConfigurationError(f"The plugin {plugin!r} cannot be registered.")
            self.found[name] = Plugin(name)
        self._handed_in = frozenset(self.found)
        for entry_point in sorted(entry_points(group=PLUGINS), key=lambda each: each.name):
            self.found[entry_point.name] = self._imported(entry_point)

    def sources(self, settings: Settings) -> tuple[Source, ...]:
        """Return the sources to read under the settings.

        If the plugins that were handed in offer all that `sources` names, no other is asked.

        Raises:
            ConfigurationError: a source that is asked for is missing, none is configured, or a
                plugin is broken that may hold a stop list.
        """
        for plugin in self.found.values():
            _refuse_broken(plugin, settings)
        unknown = sorted(set(settings.tables) - set(self.found))
        if unknown:
            raise ConfigurationError(
                f"The table [suppress.{unknown[0]}] of {settings.file} belongs to no plugin. "
                f"Installed are: {', '.join(self.found)}."
            )
        offered = self._offered(settings)
        if settings.sources is None:
            if not offered:
                raise ConfigurationError(
                    "No source of a stop list is configured. Set BSG_API_KEY or run `suppress "
                    "login` to read BSG's, or configure another plugin; `suppress plugins` lists "
                    "them."
                )
            return tuple(offered.values())
        chosen: dict[str, Source] = {}
        for name in settings.sources:
            found = {each: offered[each] for each in offered if _is_meant(each, name)}
            if not found:
                raise ConfigurationError(
                    f"SUPPRESS_SOURCES (`sources` in the table [suppress]) asks for the source "
                    f"{name!r}, which is not installed or not configured. Configured sources: "
                    f"{', '.join(offered) or 'none'}. Run `suppress plugins` for more."
                )
            chosen |= found
        return tuple(chosen.values())

    def _offered(self, settings: Settings) -> dict[str, Source]:
        """Return the sources of all plugins that are asked, by name."""
        offered: dict[str, Source] = {}
        for plugin in self.found:
            is_complete = settings.sources is not None and all(
                any(_is_meant(each, name) for each in offered) for name in settings.sources
            )
            if is_complete and plugin not in self._handed_in:
                break
            for source in self.sources_of(plugin, settings):
                if source.name in offered:
                    raise ConfigurationError(
                        f"Two sources are named {source.name!r}. Give one another name, "
                        "or uninstall its plugin."
                    )
                offered[source.name] = source
        return offered

    def sources_of(self, name: str, settings: Settings) -> tuple[Source, ...]:
        """Return the sources that one plugin offers under the settings.

        Raises:
            ConfigurationError: its settings are incomplete, or it offers something else.
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

    def remote(self, settings: Settings, *, of: str | None = None) -> "Remote | None":
        """Return the server that `store` names; None if it names a folder or memory.

        Args:
            settings: all settings.
            of: the plugin to ask; None for all, one of which has to know the URL.

        Raises:
            ConfigurationError: no plugin knows the URL, or its library is not installed.
        """
        url = settings.store
        if not isinstance(url, ServerUrl):
            return None
        hook = "suppress_remote"
        caller = getattr(self._manager.hook, hook) if of is None else self._only(of, hook)
        remote: Remote | None = self._server(caller, url, settings)
        if remote is None and of is None:
            raise _not_installed(url, f"no plugin knows {url.scheme}://", self.found)
        return remote

    def record(self, settings: Settings) -> "SharedRecord | None":
        """Return the server that keeps the opt-outs; None if they stay in a folder or in memory.

        Raises:
            ConfigurationError: no plugin keeps opt-outs at the URL, or a library is not installed.
        """
        url = settings.record
        if not isinstance(url, ServerUrl):
            return None
        record: SharedRecord | None = self._server(
            self._manager.hook.suppress_record, url, settings
        )
        if record is None and settings.opt_outs is None:
            raise ConfigurationError(
                f"No plugin keeps opt-outs at {url}, where snapshots stay. Name another server for "
                "them in SUPPRESS_OPT_OUTS (`opt_outs` in the table [suppress])."
            )
        if record is None:
            raise _not_installed(url, f"no plugin keeps opt-outs at {url.scheme}://", self.found)
        return record

    def _server(self, hook: pluggy.HookCaller, url: ServerUrl, settings: Settings) -> Any:
        try:
            return hook(url=url, settings=settings)
        except ModuleNotFoundError as error:
            raise _not_installed(url, f"{error.name} is not installed", self.found) from error

    def listeners(self, suppressor: "Suppressor") -> "list[Listener]":
        """Return those who are told of the events of a `Suppressor`.

        Raises:
            ConfigurationError: a plugin cannot offer its listener.
        """
        found = []
        for name in self.found:
            try:
                found += self._only(name, "suppress_listener")(suppressor=suppressor)
            except ConfigurationError:
                raise
            except Exception as error:
                raise ConfigurationError(
                    f"The plugin {name!r} cannot offer its listener ({_said(error)}). "
                    "Repair or uninstall it."
                ) from error
        return found

    def commands_of(self, name: str) -> "tuple[click.Command, ...]":
        """Return the commands that one plugin offers.

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

    def _imported(self, entry_point: "EntryPoint") -> Plugin:
        name = entry_point.name
        try:
            # A plugin is a stranger's code: whatever it raises is its failure to import.
            self._manager.register(entry_point.load(), name=name)
        except Exception as raised:  # noqa: BLE001
            missing = _missing_library(raised, entry_point)
            if missing is not None:
                return Plugin(name, entry_point.dist, f"{missing} is not installed", missing)
            error = _said(raised)
            extra = {"code": "plugin_broken", "plugin": name, "error": error}
            logger.warning("The plugin %r cannot be imported: %s", name, error, extra=extra)
            return Plugin(name, entry_point.dist, error)
        return Plugin(name, entry_point.dist)


def _not_installed(url: ServerUrl, why: str, found: dict[str, Plugin]) -> ConfigurationError:
    """Return the error for a server that cannot be used as long as something is not installed."""
    extra = next((each for each in EXTRAS if each in url.scheme), None)
    plugin = found.get(extra or "")
    if plugin is not None and plugin.error is not None:
        why = plugin.error
    next_step = (
        "Use another one, or install the plugin for it"
        if extra is None
        else f"Run `pip install 'suppress-filter[{extra}]'`"
    )
    return ConfigurationError(f"The server {url} cannot be used: {why}. {next_step}.")


def _missing_library(error: Exception, entry_point: "EntryPoint") -> str | None:
    """Return the library that a plugin lacks; None if it fails for another reason."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    root = error.name.partition(".")[0]
    return None if root in ("suppress", entry_point.module.partition(".")[0]) else root


def _refuse_broken(plugin: Plugin, settings: Settings) -> None:
    """Refuse to go on without a plugin that may hold a stop list, or is asked for.

    Raises:
        ConfigurationError: the plugin cannot be imported, and is not to be left out.
    """
    if plugin.error is None:
        return
    if settings.sources is not None:
        needed = plugin.name in map(kind_of, settings.sources)
    else:
        needed = plugin.missing is None or _is_configured(plugin.name, settings)
    if needed:
        repair = "Repair" if plugin.missing is None else f"Install {plugin.missing} for"
        raise ConfigurationError(
            f"The plugin {plugin.name!r} cannot be imported ({plugin.error}), and may hold a stop "
            f"list. {repair} the plugin, uninstall it, or name the sources to read without it in "
            "SUPPRESS_SOURCES."
        )


def _is_meant(source: str, name: str) -> bool:
    """Tell whether a name in the setting `sources` means a source: it, or all of its kind."""
    return name in (source, kind_of(source))


def _is_configured(name: str, settings: Settings) -> bool:
    """Tell whether there is a table or a variable for a plugin that is not there to read it."""
    prefix = f"{plugin_prefix(name)}_"
    return name in settings.tables or any(each.startswith(prefix) for each in settings.environ)


def _said(error: Exception) -> str:
    """Return a stranger's error in words; it may quote what it choked on."""
    return f"{type(error).__name__}: {mask_numbers(str(error))}"
