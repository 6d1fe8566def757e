"""The settings of suppress: from the settings file, the environment and arguments.

An environment variable wins over the file, an argument over both. An unknown name is an error,
never passed over: a misspelt setting must not switch anything off.
"""

import math
import os
import threading
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypedDict, TypeVar

from suppress.errors import ConfigurationError, InvalidSetting
from suppress.numbers.region import known_region
from suppress.settings.file import find_file, read_file
from suppress.settings.folders import (
    copies_folder,
    default_store,
    whole_path,
    working_folder,
)
from suppress.settings.instances import Kind, instances_of
from suppress.settings.layers import (
    SWITCH_WORDS,
    WORDS,
    Layer,
    Table,
    keys_of,
    read_layers,
    required,
    revealed,
    sealed,
    secret_names,
)
from suppress.settings.program import given
from suppress.settings.secret import Secret, warn_if_others_read
from suppress.settings.server_url import ServerUrl

T = TypeVar("T")

CONFIG = "SUPPRESS_CONFIG"
"""The environment variable that names the settings file."""

PLUGINS = "suppress"
"""The entry point group of plugins."""

CORE = Table("suppress", "SUPPRESS")
"""The names of the settings of suppress itself."""


@dataclass(frozen=True, kw_only=True)
class CoreSettings:
    """The table `[suppress]`; each field is also `SUPPRESS_` and its name in the environment.

    `Settings` describes them.
    """

    sources: tuple[str, ...] | None = None
    ttl: float = 300.0
    max_stale: float = 3600.0
    load_timeout: float = 600.0
    default_region: str | None = None
    possible_only: bool = True
    renumbering: bool | Path = field(default=True, metadata={WORDS: SWITCH_WORDS})
    max_shrink: float = 0.9
    store: Path | ServerUrl | None = field(
        default_factory=default_store, metadata={WORDS: {"none": None}}
    )
    opt_outs: ServerUrl | None = None
    local_copy: Path | None = None
    stop_scope: str = "channel"

    def __post_init__(self) -> None:
        for name in ("ttl", "max_stale"):
            seconds = getattr(self, name)
            if not math.isfinite(seconds) or seconds < 0:
                _refuse(name, f"{seconds!r} is not a number of seconds, 0 or more")
        if not 0 < self.load_timeout <= threading.TIMEOUT_MAX:
            _refuse("load_timeout", f"{self.load_timeout!r} is not a number of seconds above 0")
        if not 0 <= self.max_shrink <= 1:
            _refuse("max_shrink", f"{self.max_shrink!r} is not a number from 0 to 1")
        if self.stop_scope not in ("channel", "all"):
            _refuse("stop_scope", f"{self.stop_scope!r} is neither `channel` nor `all`")
        if self.default_region is not None:
            # The spelling that phonenumbers knows.
            object.__setattr__(self, "default_region", known_region(self.default_region))
        if self.sources is not None and not self.sources:
            _refuse(
                "sources",
                "no source is named. Name one, or leave the setting out to read every source "
                "that is configured",
            )


class Arguments(TypedDict, total=False):
    """The settings as arguments: `CoreSettings`, with the types that a caller may pass."""

    sources: Sequence[str] | None
    ttl: float
    max_stale: float
    load_timeout: float
    default_region: str | None
    possible_only: bool
    renumbering: bool | str | Path
    max_shrink: float
    store: str | Path | ServerUrl | None
    opt_outs: str | ServerUrl | None
    local_copy: str | Path | None
    stop_scope: str


@dataclass(frozen=True, kw_only=True)
class Settings(CoreSettings):
    """All settings, checked.

    Attributes:
        sources: the sources to read, by name; None for every source that is configured.
        ttl: seconds for which a snapshot is used without asking the source.
        max_stale: seconds past its reading for which a snapshot may serve while the
            source fails.
        load_timeout: seconds after which the reading of a stop list is given up.
        default_region: ISO 3166 region of numbers written in national form, or `international`.
        possible_only: whether only a number of a possible length is a reading.
        renumbering: whether numbers from before a change of plan are compared by their new
            form; or a file of further rows.
        max_shrink: the part that a list of 100 entries or more may lose from one reading to the
            next.
        store: the folder, or the server, where snapshots stay; None keeps them in memory alone.
        opt_outs: the server that keeps the opt-outs that are made here; None for that of `store`,
            or for the folder in which snapshots stay.
        local_copy: the folder for the copies of what a server keeps, each in a folder of its
            own; None for one in the user's data folder.
        stop_scope: whether a reply that opts out holds for the `channel` on which it came, or for
            `all` channels.
        file: the settings file that was read, if any.
        folder: the folder where relative paths begin, except those in the file, which begin in
            the file's own folder: the working directory of the moment; None if it was removed.
        tables: the tables of plugins, by the plugin's name; their values are never shown.
        environ: the environment; its values are never shown.
    """

    file: Path | None = None
    folder: Path | None = field(default_factory=working_folder, repr=False)
    tables: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    environ: Mapping[str, str | Secret] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    def __post_init__(self) -> None:
        # The one way to change a frozen instance; first of all, so that no error shows a key.
        object.__setattr__(self, "tables", MappingProxyType(sealed(self.tables)))
        object.__setattr__(self, "environ", MappingProxyType(sealed(self.environ)))
        if self.folder is not None and self.file is not None:
            object.__setattr__(self, "file", self.folder / self.file)
        for name in ("renumbering", "store", "local_copy"):
            if isinstance(path := getattr(self, name), Path):
                try:
                    object.__setattr__(self, name, whole_path(path, self.folder))
                except ValueError as error:
                    _refuse(name, str(error))
        super().__post_init__()

    @classmethod
    def load(
        cls,
        file: str | Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        **arguments: typing.Unpack[Arguments],
    ) -> Self:
        """Read the settings from the file, the environment and the arguments.

        Args:
            file: the settings file; None for the one named by `SUPPRESS_CONFIG`, else
                `suppress.toml` in the user's configuration folder, if there is one; or for what
                `suppress.configure` was given.
            environ: the environment; None for that of the process.
            arguments: settings by name, which win over the rest.

        Raises:
            ConfigurationError: a setting makes no sense, or the file cannot be read, belongs
                to another user, or can be written by others.
        """
        variables: dict[str, Secret] = sealed(os.environ if environ is None else environ)
        here = working_folder()
        program = None if file else given()
        if program is None:
            path = find_file(file or revealed(variables.get(CONFIG)), here)
            content = {} if path is None else read_file(path)
        else:
            _refuse_second_place(variables)
            path, content, here = None, program.content, program.folder or here
        tables = {name: content[name] for name in content if isinstance(content[name], dict)}
        own = {name: content[name] for name in content if name not in tables}
        found = read_layers(
            CoreSettings,
            CORE,
            Layer(own, here if path is None else path.parent),
            # An empty variable is not set.
            Layer({name: text for name, text in variables.items() if text.reveal()}, here),
            Layer(arguments, here),
            prefixes=lambda: _prefixes(tables),
            also=["config"],
        )
        if path is not None and any(
            isinstance(found[name], ServerUrl) and found[name].has_password
            for name in own.keys() & found.keys()
        ):
            warn_if_others_read(path, "settings file")
        return cls(file=path, folder=here, tables=tables, environ=variables, **found)

    @property
    def record(self) -> Path | ServerUrl | None:
        """The place where the opt-outs that are made here are kept; None where there is none."""
        return self.store if self.opt_outs is None else self.opt_outs

    def folder_of(self, place: "Path | ServerUrl | None") -> Path | None:
        """Return the folder of this machine for what stays in a place, such as `store`.

        Returns:
            The place itself if it is a folder, the one for the copy of what a server keeps, or
            None for memory.

        Raises:
            ConfigurationError: the user has no home folder, and no `local_copy` is set.
        """
        if not isinstance(place, ServerUrl):
            return place
        copies = self.local_copy or copies_folder()
        if copies is None:
            _refuse(
                "local_copy",
                f"a copy of what {place} keeps needs a folder on this machine, and this user has "
                "no home folder. Set it to a folder that lasts",
            )
        return copies / place.digest

    def section(
        self,
        name: str,
        kind: type[T],
        *,
        environ_prefix: str | None = None,
    ) -> T | None:
        """Read a plugin's own settings: its table `[suppress.NAME]` and its variables.

        A `Secret` can also lie in a file of its own, as the secrets of containers do: that
        of a field `api_key` in the one that `api_key_file` or `PREFIX_API_KEY_FILE` names.

        Args:
            name: the plugin's name.
            kind: a dataclass with a field for each setting. A `Path` is made a whole one:
                from the file's folder on if it is in the file; a `tuple` is a list in the
                file, a text with commas in the environment.
            environ_prefix: `PREFIX_FIELD` is the variable of a field; `SUPPRESS_NAME`
                unless given.

        Returns:
            An instance of `kind`, or None when nothing of it is set at all.

        Raises:
            ConfigurationError: a setting is missing, unknown, or makes no sense.
        """
        table = Table(f"suppress.{name}", environ_prefix or plugin_prefix(name))
        return self._read(kind, table, self.tables.get(name, {}), lambda: _prefixes(self.tables))

    def sections(
        self,
        name: str,
        kind: type[T],
        *,
        environ_prefix: str | None = None,
    ) -> dict[str, T]:
        """Read the settings of each source of a plugin, which may be configured more than once.

        The table `[suppress.NAME]` configures the source `NAME`, and `[suppress.NAME.crm]` the
        source `NAME.crm`, whose variables begin with `PREFIX_CRM_`. A variable or the setting
        `sources` is enough to configure one.

        Args:
            name: the plugin's name.
            kind: a dataclass with a field for each setting of a source, as for `section`.
            environ_prefix: as for `section`.

        Returns:
            The settings, by the source's name; none for a source that is not configured.

        Raises:
            ConfigurationError: a setting is missing, unknown, or makes no sense; or `sources`
                names one that is not configured.
        """
        table = Table(f"suppress.{name}", environ_prefix or plugin_prefix(name))
        in_own_space = environ_prefix is None
        telling = keys_of(kind, None if in_own_space else required(kind))
        asked_for = self.sources or ()
        instances = instances_of(
            Kind(name, table, keys_of(kind), telling),
            self.tables.get(name, {}),
            asked_for=asked_for,
            variables=self.environ.keys(),
            prefixes=lambda: _prefixes(self.tables),
        )

        def prefixes() -> list[str]:
            return [*_prefixes(self.tables), *(each.table.prefix for each in instances)]

        found: dict[str, T] = {}
        for each in instances:
            own = self._read(kind, each.table, each.in_file, prefixes, must=each.source != name)
            if own is not None:
                found[each.source] = own
        if not found and name in asked_for:
            raise ConfigurationError(f"{table.both_names(required(kind)[0])} is missing.")
        return found

    def _read(
        self,
        kind: type[T],
        table: Table,
        in_file: Mapping[str, Any],
        prefixes: Callable[[], Iterable[str]],
        *,
        must: bool = False,
    ) -> T | None:
        """Read one table; None when nothing of it is set, unless it must be."""
        if self.file is not None and not in_file.keys().isdisjoint(secret_names(kind)):
            warn_if_others_read(self.file, "settings file")
        found = read_layers(
            kind,
            table,
            Layer(in_file, self.folder if self.file is None else self.file.parent),
            Layer(self.environ, self.folder),
            Layer({}, self.folder),
            prefixes=prefixes,
        )
        if not found and not must:
            return None
        for key in required(kind):
            if key not in found:
                raise ConfigurationError(f"{table.both_names(key)} is missing.")
        try:
            return kind(**found)
        except InvalidSetting as error:
            raise ConfigurationError(f"{table.both_names(error.name)} {error.reason}.") from None


def _refuse_second_place(variables: Mapping[str, Secret]) -> None:
    """Refuse a settings file beside the settings of the program: one of them has to win."""
    if revealed(variables.get(CONFIG)):
        raise ConfigurationError(
            f"{CONFIG} names a settings file, and this program gives its settings itself. Put all "
            f"of them in one place, and unset {CONFIG} or leave the program's settings out."
        )


def plugin_prefix(plugin: str) -> str:
    """Return the beginning of a plugin's variables, unless the plugin has another one."""
    return f"SUPPRESS_{plugin.upper().replace('-', '_')}"


def _prefixes(tables: Mapping[str, Any]) -> list[str]:
    """Return the beginnings of the variables of plugins that are installed or have a table."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - few ask for them

    return [plugin_prefix(name) for name in {*tables, *entry_points(group=PLUGINS).names}]


def _refuse(name: str, reason: str) -> typing.NoReturn:
    raise ConfigurationError(f"{CORE.both_names(name)}: {reason}.")
