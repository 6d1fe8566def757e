"""Several sources of one kind: the tables `[suppress.file]`, `[suppress.file.hr]`, and theirs.

A source `file.hr` is there if it has a table, if the setting `sources` names it, or if one of its
variables is set: a list that is configured must not be left out without a word.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from suppress.errors import ConfigurationError
from suppress.settings.layers import Table
from suppress.settings.spelling import is_of_another, refuse_misspelt

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class Instance(NamedTuple):
    """One source of a kind.

    Attributes:
        source: the source's name: the plugin's, alone or with a dot and a name of its own.
        table: the names of its settings.
        in_file: what the settings file has in its table.
    """

    source: str
    table: Table
    in_file: Mapping[str, Any]


class Kind(NamedTuple):
    """A kind of source.

    Attributes:
        plugin: the plugin's name, which is that of the source without a name of its own.
        table: the names of that source's settings.
        keys: the settings of each source.
        telling: those of the settings whose variables tell that there is a source.
    """

    plugin: str
    table: Table
    keys: Collection[str]
    telling: Collection[str]

    def named(self, name: str, in_file: Mapping[str, Any]) -> Instance:
        """Return the source with a name of its own."""
        prefix = self.table.variable(name.replace("-", "_"))
        table = Table(f"{self.table.name}.{name}", prefix)
        return Instance(f"{self.plugin}.{name}", table, in_file)

    def variables(self, instance: Instance) -> set[str]:
        """Return the environment variables of a source."""
        return {instance.table.variable(key) for key in self.keys}


def kind_of(source: str) -> str:
    """Return the kind of a source: its name, up to the dot."""
    return source.partition(".")[0]


def instances_of(
    kind: Kind,
    in_file: Mapping[str, Any],
    *,
    asked_for: Iterable[str],
    variables: Collection[str],
    prefixes: Callable[[], Iterable[str]],
) -> list[Instance]:
    """Return the sources of a kind: the one without a name, and those with a name of their own.

    Args:
        kind: the kind of source.
        in_file: what the settings file has in the table of the kind.
        asked_for: the sources that the settings name.
        variables: the names of all environment variables.
        prefixes: gives the prefixes of all plugins' variables.

    Raises:
        ConfigurationError: a name cannot be used, a variable is misspelt, or it belongs to two
            sources.
    """
    tables = {
        name: value
        for name, value in in_file.items()
        if name not in kind.keys and isinstance(value, Mapping)
    }
    own = {name: value for name, value in in_file.items() if name not in tables}
    for name in tables:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                f"The table [{kind.table.name}.{name}] has a name that no source can have. "
                "Use lower-case letters, digits, - and _."
            )
    beginning = f"{kind.plugin}."
    asked = [each.removeprefix(beginning) for each in asked_for if each.startswith(beginning)]
    names = [*tables, *(each for each in asked if _NAME.fullmatch(each))]
    found = {name: kind.named(name, tables.get(name, {})) for name in names}
    plain = Instance(kind.plugin, kind.table, own)
    known = {each for one in (plain, *found.values()) for each in kind.variables(one)}
    for name in _named_by((each for each in variables if each not in known), kind, prefixes):
        found.setdefault(name, kind.named(name, {}))
    instances = [plain, *found.values()]
    uses = Counter(each for one in instances for each in kind.variables(one))
    for variable in variables:
        if uses[variable] > 1:
            owners = (each.source for each in instances if variable in kind.variables(each))
            raise ConfigurationError(
                f"The environment variable {variable} belongs to {' and to '.join(owners)}. "
                "Give one of these sources another name."
            )
    return instances


def _named_by(
    variables: Iterable[str], kind: Kind, prefixes: Callable[[], Iterable[str]]
) -> Iterator[str]:
    """Yield the names of the sources that have a variable, but no table.

    Raises:
        ConfigurationError: a variable is nearly that of a source.
    """
    prefix = kind.table.prefix
    longest_first = sorted(kind.telling, key=len, reverse=True)
    named: dict[str, list[str]] = {}
    for variable in variables:
        rest = variable.removeprefix(f"{prefix}_")
        if rest == variable:
            continue
        tail = next((each for each in longest_first if rest.endswith(f"_{each.upper()}")), None)
        if tail is None:
            for place in range(len(prefix) + 1, len(variable)):
                if variable[place] == "_":
                    refuse_misspelt([variable], variable[:place], kind.telling, prefixes)
        elif not is_of_another(variable, prefix, prefixes()):
            named.setdefault(rest[: -len(tail) - 1].lower(), []).append(variable)
    for name, own in named.items():
        if len(own) == 1:  # it may be a misspelt one of the source without a name
            parts = own[0].removeprefix(f"{prefix}_").count("_")
            alike = [each for each in kind.keys if each.count("_") == parts]
            refuse_misspelt(own, prefix, alike, prefixes)
        if _NAME.fullmatch(name):
            yield name
