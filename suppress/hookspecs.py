"""The hooks of suppress: the functions that a plugin can implement.

A plugin is a module, or any object, with functions marked `@suppress.hookimpl`. It is
found through the entry point group `suppress` of its distribution; the entry point's
name is the plugin's name, and that of its table `[suppress.NAME]` in the settings file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click

    from suppress.events import Listener
    from suppress.opt_outs.shared import SharedRecord
    from suppress.settings.server_url import ServerUrl
    from suppress.settings.settings import Settings
    from suppress.sources import Source
    from suppress.stores.remote import Remote
    from suppress.suppressor import Suppressor

PROJECT = "suppress"

hookspec = pluggy.HookspecMarker(PROJECT)

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a plugin's function as an implementation of the hook of the same name."""


@hookspec
def suppress_sources(settings: Settings) -> Source | Sequence[Source] | None:
    """Offer one source or several.

    Called once for each `Suppressor`. Nothing may be read from the source here: that is
    for `Source.load`.

    Args:
        settings: all settings; `settings.section(...)` gives those of the plugin itself.

    Returns:
        The sources, or None when none is configured.

    Raises:
        ConfigurationError: the plugin's settings are incomplete or make no sense.
    """


@hookspec(firstresult=True)
def suppress_remote(url: ServerUrl, settings: Settings) -> Remote | None:
    """Offer the server that keeps snapshots for many machines.

    Called when `store` names a server. Nothing may be connected here: that is for the first
    call of the remote.

    Args:
        url: the URL; `url.scheme` says whether it is the plugin's, `url.reveal()` is the whole,
            and `str(url)` has no password.
        settings: all settings; `settings.section(...)` gives those of the plugin itself.

    Returns:
        The remote, or None for a URL that is not the plugin's.

    Raises:
        ConfigurationError: the URL or the plugin's settings make no sense.
        ModuleNotFoundError: the library is not installed; the user is told what to install.
    """


@hookspec(firstresult=True)
def suppress_record(url: ServerUrl, settings: Settings) -> SharedRecord | None:
    """Offer the server that keeps the opt-outs of many machines.

    Called when `opt_outs` names a server, or `store` does and `opt_outs` is not set. Nothing may
    be connected here: that is for the first call of the record.

    Args:
        url: as for `suppress_remote`.
        settings: as for `suppress_remote`.

    Returns:
        The record, or None for a URL that is not the plugin's.

    Raises:
        ConfigurationError, ModuleNotFoundError: as for `suppress_remote`.
    """


@hookspec
def suppress_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Offer commands for the command line.

    Returns:
        Commands (and groups) of `click`; their names must not be taken.
    """


@hookspec
def suppress_listener(suppressor: Suppressor) -> Listener | None:
    """Offer a function that is told of each event, such as one that counts them.

    Called once for each `Suppressor`, when it has been made. It may be asked later on for its
    status, and is best held by a weak reference. A listener is called in the thread where
    something happened, so it has to return soon, and must not ask the stop list. One that fails
    is logged once, and harms nothing.

    Args:
        suppressor: the one whose events are told; `suppressor.settings.section(...)` gives the
            settings of the plugin itself.

    Returns:
        The listener, called with an event; None for none.

    Raises:
        ConfigurationError: the plugin's settings make no sense, or its library is missing.
    """
