"""What suppress is told to do: the settings file, the environment and arguments.

No file in the working directory is read unless it is named: a folder must not decide who is
messaged. An environment variable wins over the file, an argument over both. A name that is not
known is an error, never passed over: a misspelt setting must not switch anything off.
No key is ever shown: until it is known which settings are secret, all are kept as secrets.
"""

import dataclasses
import logging
import math
import os
import threading
import tomllib
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypedDict, TypeVar

from suppress.errors import ConfigurationError
from suppress.numbers.region import known_region
from suppress.ownership import refuse_if_others_write
from suppress.settings.conversion import (
    WORDS,
    convert,
    from_text,
    is_secret,
    revealed,
    sealed,
    secret_in,
)
from suppress.settings.folders import config_folder, default_store, whole, working_folder
from suppress.settings.secret import Secret, warn_if_others_read
from suppress.settings.spelling import refuse_misspelt, refuse_unknown

logger = logging.getLogger("suppress")

T = TypeVar("T")

FILE_NAME = "suppress.toml"
CONFIG = "SUPPRESS_CONFIG"
"""The environment variable that names the settings file."""

PLUGINS = "suppress"
"""The entry point group of plugins."""


class Arguments(TypedDict, total=False):
    """The settings that can be given as arguments; see `Settings` for their meaning."""

    sources: Sequence[str] | None
    ttl: float
    max_stale: float
    load_timeout: float
    default_region: str | None
    possible_only: bool
    renumbering: bool | str | Path
    max_shrink: float
    store: str | Path | None


@dataclass(frozen=True, kw_only=True)
class Settings:
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
        store: the folder where snapshots stay; None keeps them in memory alone.
        file: the settings file that was read, if any.
        folder: where relative paths begin, but for those in the file, which begin in its own
            folder: the working directory of the moment; None where that was removed.
    """

    sources: tuple[str, ...] | None = None
    ttl: float = 300.0
    max_stale: float = 3600.0
    load_timeout: float = 600.0
    default_region: str | None = None
    possible_only: bool = True
    renumbering: bool | Path = True
    max_shrink: float = 0.9
    store: Path | None = field(default_factory=default_store)
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
        for name in _PATHS:
            if isinstance(path := getattr(self, name), Path):
                object.__setattr__(self, name, _whole(name, path, self.folder))
        for name in ("ttl", "max_stale"):
            seconds = getattr(self, name)
            if not math.isfinite(seconds) or seconds < 0:
                raise ConfigurationError(
                    f"{_both_names(name)}: {seconds!r} is no number of seconds from 0 up."
                )
        if not 0 < self.load_timeout <= threading.TIMEOUT_MAX:
            raise ConfigurationError(
                f"{_both_names('load_timeout')}: {self.load_timeout!r} is no number of seconds "
                "above 0."
            )
        if not 0 <= self.max_shrink <= 1:
            raise ConfigurationError(
                f"{_both_names('max_shrink')}: {self.max_shrink!r} is no part of a whole: use a "
                "number from 0 to 1."
            )
        if self.default_region is not None:
            # The spelling that phonenumbers knows.
            object.__setattr__(self, "default_region", known_region(self.default_region))
        if self.sources is not None and not self.sources:
            raise ConfigurationError(
                f"{_both_names('sources')}: no source is named. Name one, or leave it out "
                "to read every source that is configured."
            )

    @classmethod
    def load(
        cls,
        file: str | Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        **arguments: typing.Unpack[Arguments],
    ) -> Self:
        """Settings from the file, the environment and the arguments.

        Args:
            file: the settings file; None for the one named by `SUPPRESS_CONFIG`, else
                `suppress.toml` in the user's configuration folder, if there is one.
            environ: the environment; None for that of the process.
            arguments: settings by name, which win over the rest.

        Raises:
            ConfigurationError: a setting makes no sense, or the file cannot be read, belongs
                to another user, or can be written by others.
        """
        variables: dict[str, Secret] = sealed(os.environ if environ is None else environ)
        here = working_folder()
        path = _settings_file(file, variables, here)
        table = {} if path is None else _read(path)
        tables = {name: table[name] for name in table if isinstance(table[name], dict)}
        refuse_misspelt(variables, "SUPPRESS", [*_KINDS, "config"], lambda: _prefixes(tables))
        values = {name: revealed(table[name]) for name in table if name not in tables}
        values = _with_paths(values, here if path is None else path.parent)
        for name, kind in _KINDS.items():
            text = variables.get(f"SUPPRESS_{name.upper()}")
            if text is not None and text.reveal():
                values[name] = from_text(text, kind)
        values = _with_paths({**values, **arguments}, here)
        paths = {name: values.pop(name) for name in _PATHS if isinstance(values.get(name), Path)}
        given = convert(values, _KINDS, _both_names, folder=here) | paths
        return cls(file=path, folder=here, tables=tables, environ=variables, **given)

    def section(
        self,
        name: str,
        kind: type[T],
        *,
        environ_prefix: str | None = None,
    ) -> T | None:
        """A plugin's own settings: its table `[suppress.NAME]` and its environment variables.

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
        prefix = environ_prefix or _prefix(name)
        types = typing.get_type_hints(kind)
        secrets = {each: f"{each}_file" for each in types if is_secret(types[each])}
        kinds = types | dict.fromkeys(secrets.values(), Path)

        def both_names(key: str) -> str:
            return f"{prefix}_{key.upper()} (`{key}` in the table [suppress.{name}])"

        converted = self._values(name, prefix, secrets, kinds, both_names)
        if not converted:
            return None
        for key, file in secrets.items():
            if file in converted:
                # Not the file's name: it may be the key, where one was taken for the other.
                converted[key] = secret_in(converted.pop(file), f"{both_names(file)}: the file")
        missing = [name for name in _required(kind) if name not in converted]
        if missing:
            raise ConfigurationError(f"{both_names(missing[0])} is missing.")
        return kind(**converted)

    def _values(
        self,
        table: str,
        prefix: str,
        secrets: Mapping[str, str],
        kinds: Mapping[str, Any],
        names: Callable[[str], str],
    ) -> dict[str, Any]:
        """The table and the variables in one: of a secret and its file, one at most."""
        in_file = dict(self.tables.get(table, {}))
        refuse_unknown(in_file, kinds, f"[suppress.{table}]")
        refuse_misspelt(self.environ, prefix, kinds, lambda: _prefixes(self.tables))
        in_environ = {
            key: from_text(Secret(self.environ[name]), kinds[key])
            for key in kinds
            if (name := f"{prefix}_{key.upper()}") in self.environ
        }
        for key, file in secrets.items():
            if key in in_file and self.file is not None:
                warn_if_others_read(self.file, "settings file")
            if {key, file} <= in_file.keys() or {key, file} <= in_environ.keys():
                raise ConfigurationError(
                    f"{names(key)} and {names(file)} are both set. Set one of them."
                )
            if in_environ.keys() & {key, file}:
                # The environment's wins, whichever of the two it is.
                in_file = {each: in_file[each] for each in in_file if each not in (key, file)}
        folder = self.folder if self.file is None else self.file.parent
        # Of what is in both, the file's is not looked at.
        in_file = {key: in_file[key] for key in in_file if key not in in_environ}
        return convert(in_file, kinds, names, folder=folder) | convert(
            in_environ, kinds, names, folder=self.folder
        )


_KINDS: Mapping[str, Any] = MappingProxyType(
    {
        "sources": tuple[str, ...] | None,
        "ttl": float,
        "max_stale": float,
        "load_timeout": float,
        "default_region": str | None,
        "possible_only": bool,
        "renumbering": bool | str,
        "max_shrink": float,
        "store": str | None,
    }
)

_PATHS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"renumbering": WORDS, "store": MappingProxyType({"none": None})}
)
"""The settings that are a path, each with the words that are none, and what they mean."""


def _both_names(name: str) -> str:
    return f"SUPPRESS_{name.upper()} (`{name}` in the table [suppress])"


def _settings_file(
    file: str | Path | None, environ: Mapping[str, Secret], here: Path | None
) -> Path | None:
    """Return the settings file in force; one in the working directory is named where it is not."""
    named, own = file or revealed(environ.get(CONFIG)), config_folder()
    found = None
    if named:
        try:
            found = whole(named, here)
        except ValueError as error:
            raise ConfigurationError(f"The settings file {named}: {error}.") from None
    elif own is not None and _is_there(own / FILE_NAME):
        found = own / FILE_NAME
    if here is not None and _is_there(local := here / FILE_NAME) and not _same(local, found):
        logger.warning(
            "%s is not used: settings come from %s. To use it, name it with its whole path in "
            "--config or SUPPRESS_CONFIG",
            local,
            found or "the environment alone",
        )
    return found


def _is_there(path: Path) -> bool:
    # One in a folder that may not be entered is not there.
    return os.path.exists(path)  # noqa: PTH110


def _same(one: Path, other: Path | None) -> bool:
    return other is not None and _is_there(other) and one.samefile(other)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            refuse_if_others_write(path, os.fstat(stream.fileno()), "settings file")
            document = sealed(tomllib.load(stream))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The text of the error names the line, and quotes nothing of it; its traceback might.
        raise ConfigurationError(f"The settings file {path} is not TOML: {error}.") from None
    table = document.get("suppress")
    if not isinstance(table, dict):
        raise ConfigurationError(f"The settings file {path} has no table [suppress].")
    plain = {name: value for name, value in table.items() if not isinstance(value, dict)}
    refuse_unknown(plain, _KINDS, "[suppress]")
    return table


def _prefix(plugin: str) -> str:
    """The beginning of the variables of a plugin, unless it has another one."""
    return f"SUPPRESS_{plugin.upper().replace('-', '_')}"


def _prefixes(tables: Mapping[str, Any]) -> list[str]:
    """The beginnings of the variables of plugins that are installed, or have a table."""
    return [_prefix(name) for name in {*tables, *entry_points(group=PLUGINS).names}]


def _with_paths(values: Mapping[str, Any], folder: Path | None) -> dict[str, Any]:
    """The settings, with each text that is a path as a whole one: from the folder on."""
    found = dict(values)
    for name, words in _PATHS.items():
        given = found.get(name)
        text = given.reveal() if isinstance(given, Secret) else given
        if isinstance(text, str) and (word := text.strip().lower()) in words:
            found[name] = words[word]
        elif isinstance(text, str | Path):
            found[name] = _whole(name, text, folder)
    return found


def _whole(name: str, text: str | Path, folder: Path | None) -> Path:
    try:
        return whole(text, folder)
    except ValueError as error:
        raise ConfigurationError(f"{_both_names(name)}: {error}.") from None


def _required(kind: type) -> list[str]:
    """The fields of a dataclass that have no default."""
    return [
        each.name
        for each in dataclasses.fields(kind)
        if each.default is each.default_factory is dataclasses.MISSING
    ]
