"""`suppress plugins`: the plugins that are installed, and what each offers."""

from typing import Any

import click

from suppress.cli.options import json_option
from suppress.cli.printing import print_json, print_table
from suppress.errors import ConfigurationError
from suppress.plugin_manager import Plugins
from suppress.settings.settings import Settings


@click.command(short_help="List the plugins, and what each offers.")
@json_option
def plugins(*, as_json: bool) -> None:
    """List the plugins that are installed, with their versions and what each offers."""
    settings, manager = Settings.load(), Plugins()
    rows = [_row(manager, name, settings) for name in manager.found]
    if as_json:
        print_json({"plugins": rows})
        return
    from rich.table import Table  # noqa: PLC0415 - other commands print none

    table = Table("plugin", "version", "offers")
    for row in rows:
        table.add_row(row["name"], row["version"] or "", _offers(row))
    print_table(table)


def _row(manager: Plugins, name: str, settings: Settings) -> dict[str, Any]:
    plugin = manager.found[name]
    row: dict[str, Any] = {
        "name": name,
        "version": plugin.version,
        "sources": [],
        "commands": [],
        "store": None,
        "error": plugin.error,
    }
    if plugin.error is None:
        try:
            row["commands"] = [command.name for command in manager.commands_of(name)]
            row["sources"] = [
                {"name": source.name, "channels": sorted(source.channels)}
                for source in manager.sources_of(name, settings)
            ]
            if (remote := manager.remote(settings, of=name)) is not None:
                row["store"] = remote.describe()
        except ConfigurationError as error:
            row["error"] = str(error)
    return row


def _offers(row: dict[str, Any]) -> str:
    from rich.markup import escape  # noqa: PLC0415 - as above

    parts = [
        f"source {source['name']} for {', '.join(source['channels'])}" for source in row["sources"]
    ]
    parts += [f"command {name}" for name in row["commands"]]
    if row["store"]:
        parts.append(f"store {row['store']}")
    if row["error"]:
        parts.append(f"[red]{escape(row['error'])}")
    return "\n".join(parts) or "nothing with the current settings"
