"""What suppress is told to do: the settings file, the environment and arguments.

An environment variable wins over the file, an argument over both. A name that is not
known is an error, never passed over: a misspelt setting must not switch anything off.
No key is ever shown: until it is known which settings are secret, all are kept as secrets.
"""

import dataclasses
import math
import os
import threading
import tomllib
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self, TypedDict, TypeVar

import msgspec
import platformdirs

from suppress.errors import ConfigurationError
from suppress.numbers.e164 import known_region
from suppress.secret import Secret, warn_if_others_read, warn_if_others_write

T = TypeVar("T")

FILE_NAME = "suppress.toml"
IN_MEMORY = "none"

NEAR, MOST_LETTERS = 0.75, 2
"""How alike two names are (0 to 1), and how many letters longer one may be, if it is taken for
the other misspelt."""


class Arguments(TypedDict, total=False):
    """The settings that can be given as arguments; see `Settings` for their meaning."""

    sources: Sequence[str] | None
    ttl: float
    max_stale: float
    load_timeout: float
    default_region: str | None
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
        default_region: ISO 3166 region of numbers written in national form.
        store: the folder where snapshots stay; None keeps them in memory alone.
        file: the settings file that was read, if any.
    """

    sources: tuple[str, ...] | None = None
    ttl: float = 300.0
    max_stale: float = 3600.0
    load_timeout: float = 600.0
    default_region: str | None = None
    store: Path | None = field(default_factory=lambda: platformdirs.user_data_path("suppress"))
    file: Path | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    environ: Mapping[str, str | Secret] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    def __post_init__(self) -> None:
        # The one way to change a frozen instance; first of all, so that no error shows a key.
        object.__setattr__(self, "tables", MappingProxyType(_sealed(self.tables)))
        object.__setattr__(self, "environ", MappingProxyType(_sealed(self.environ)))
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
                `suppress.toml` in the working directory, else in the user's
                configuration folder, if there is one.
            environ: the environment; None for that of the process.
            arguments: settings by name, which win over the rest.

        Raises:
            ConfigurationError: a setting makes no sense, or the file cannot be read.
        """
        variables: dict[str, Secret] = _sealed(os.environ if environ is None else environ)
        _refuse_misspelt(variables, "SUPPRESS", [*_KINDS, "config"])
        path = _settings_file(file, variables)
        table = {} if path is None else _read(path)
        tables = {name: table[name] for name in table if isinstance(table[name], dict)}
        values = {name: _revealed(table[name]) for name in table if name not in tables}
        folder = Path() if path is None else path.parent
        if isinstance(values.get("store"), str) and values["store"] != IN_MEMORY:
            values["store"] = str(folder / Path(values["store"]).expanduser())
        for name, kind in _KINDS.items():
            text = variables.get(f"SUPPRESS_{name.upper()}")
            if text is not None and text.reveal():
                values[name] = _from_text(text, kind)
        values |= _plain(arguments)
        given = _convert(values, _KINDS, _both_names)
        if given.get("store") is not None:
            given["store"] = (
                None if given["store"] == IN_MEMORY else Path(given["store"]).expanduser()
            )
        return cls(file=path, tables=tables, environ=variables, **given)

    def section(
        self,
        name: str,
        kind: type[T],
        *,
        environ_prefix: str | None = None,
        kept: Mapping[str, Path] = MappingProxyType({}),
    ) -> T | None:
        """A plugin's own settings: its table `[suppress.NAME]` and its environment variables.

        A `Secret` can also lie in a file of its own, as the secrets of containers do: that
        of a field `api_key` in the one that `api_key_file` or `PREFIX_API_KEY_FILE` names.

        Args:
            name: the plugin's name.
            kind: a dataclass with a field for each setting. A `Path` from the file is
                relative to the file's folder; a `tuple` is a list in the file, a text
                with commas in the environment.
            environ_prefix: `PREFIX_FIELD` is the variable of a field; `SUPPRESS_NAME`
                unless given.
            kept: files in which a command of the plugin keeps secrets, by field; read
                where they exist and the field is not set.

        Returns:
            An instance of `kind`, or None when nothing of it is set at all.

        Raises:
            ConfigurationError: a setting is missing, unknown, or makes no sense.
        """
        prefix = environ_prefix or f"SUPPRESS_{name.upper().replace('-', '_')}"
        types = typing.get_type_hints(kind)
        secrets = {each: f"{each}_file" for each in types if _is_secret(types[each])}
        kinds = types | dict.fromkeys(secrets.values(), Path)

        def both_names(key: str) -> str:
            return f"{prefix}_{key.upper()} (`{key}` in the table [suppress.{name}])"

        values = self._values(name, prefix, secrets, kinds, both_names)
        for key, path in kept.items():
            if not values.keys() & {key, secrets[key]} and path.exists():
                values[key] = _secret_in(path, f"The key file {path}")
        if not values:
            return None
        converted = _convert(values, kinds, both_names)
        for key, file in secrets.items():
            if file in converted:
                # Not the file's name: it may be the key, where one was taken for the other.
                converted[key] = _secret_in(converted.pop(file), f"{both_names(file)}: the file")
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
        _refuse_unknown(in_file, kinds, f"[suppress.{table}]")
        for key, value in in_file.items():
            if kinds[key] is Path and self.file is not None:
                in_file[key] = _relative_to(self.file.parent, value)
        _refuse_misspelt(self.environ, prefix, kinds)
        in_environ = {
            key: _from_text(Secret(self.environ[name]), kinds[key])
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
        return in_file | in_environ


_KINDS: Mapping[str, Any] = MappingProxyType(
    {
        "sources": tuple[str, ...] | None,
        "ttl": float,
        "max_stale": float,
        "load_timeout": float,
        "default_region": str | None,
        "store": str | None,
    }
)


def _both_names(name: str) -> str:
    return f"SUPPRESS_{name.upper()} (`{name}` in the table [suppress])"


def _settings_file(file: str | Path | None, environ: Mapping[str, Secret]) -> Path | None:
    named = file or _revealed(environ.get("SUPPRESS_CONFIG"))
    if named:
        return Path(named).expanduser()
    for folder in (Path(), platformdirs.user_config_path("suppress")):
        # One in a folder that may not be entered is not there.
        if os.path.exists(path := folder / FILE_NAME):  # noqa: PTH110
            return path
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            document = _sealed(tomllib.load(stream))
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The text of the error names the line, and quotes nothing of it; its traceback might.
        raise ConfigurationError(f"The settings file {path} is not TOML: {error}.") from None
    warn_if_others_write(path, "settings file")
    table = document.get("suppress")
    if not isinstance(table, dict):
        raise ConfigurationError(f"The settings file {path} has no table [suppress].")
    plain = {name: value for name, value in table.items() if not isinstance(value, dict)}
    _refuse_unknown(plain, _KINDS, "[suppress]")
    return table


def _refuse_unknown(values: Mapping[str, Any], known: Collection[str], table: str) -> None:
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
            raise ConfigurationError(
                f"The setting {name!r} of the table {table} is unknown. {hint}"
            )


def _refuse_misspelt(variables: Collection[str], prefix: str, known: Collection[str]) -> None:
    """Refuse a variable that is nearly that of a setting; others may be another program's."""
    names = [f"_{each.upper()}" for each in known]
    for variable in variables:
        name = variable.removeprefix(prefix)
        if not variable.startswith(f"{prefix}_") or name in names:
            continue
        # A plugin's own setting may end like one of these.
        alike = [each for each in names if abs(len(each) - len(name)) <= MOST_LETTERS]
        if near := get_close_matches(name, alike, 1, NEAR):
            raise ConfigurationError(
                f"The environment variable {variable} is that of no setting. "
                f"Did you mean {prefix}{near[0]}?"
            )


def _plain(arguments: Arguments) -> dict[str, Any]:
    values: dict[str, Any] = dict(arguments)
    if isinstance(values.get("store"), Path):
        values["store"] = str(values["store"])
    return values


def _sealed(value: Any) -> Any:
    """The same mappings and lists, with a secret in place of each value in them."""
    if isinstance(value, Mapping):
        return {name: _sealed(value[name]) for name in value}
    if isinstance(value, list | tuple):
        return [_sealed(each) for each in value]
    return Secret(value)


def _revealed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _revealed(value[name]) for name in value}
    if isinstance(value, list):
        return [_revealed(each) for each in value]
    return value.reveal() if isinstance(value, Secret) else value


def _is_secret(kind: object) -> bool:
    return Secret in (kind, *typing.get_args(kind))


def _relative_to(folder: Path, value: Any) -> Any:
    """A path of the settings file, from its own folder on; any other value as it is."""
    text = _revealed(value)
    return Secret(str(folder / Path(text).expanduser())) if isinstance(text, str) else value


def _required(kind: type) -> list[str]:
    """The fields of a dataclass that have no default."""
    return [
        each.name
        for each in dataclasses.fields(kind)
        if each.default is each.default_factory is dataclasses.MISSING
    ]


def _from_text(text: Secret, kind: object) -> Secret | list[str]:
    """An environment variable's text, in parts where the setting is a tuple."""
    kinds = (kind, *typing.get_args(kind))
    if any(typing.get_origin(each) is tuple for each in kinds):
        return [part.strip() for part in text.reveal().split(",") if part.strip()]
    return text


def _convert(
    values: Mapping[str, Any], kinds: Mapping[str, Any], names: Callable[[str], str]
) -> dict[str, Any]:
    """One value at a time, so that an error can name the setting."""
    converted = {}
    for name in values:
        if name not in kinds:
            raise ConfigurationError(f"{name!r} is no setting. Known are: {', '.join(kinds)}.")
        try:
            converted[name] = msgspec.convert(
                _revealed(values[name]), kinds[name], strict=False, dec_hook=_secret_or_path
            )
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{names(name)}: {error}.") from None
    return converted


def _secret_or_path(kind: type, value: object) -> object:
    if kind not in (Secret, Path):
        raise NotImplementedError
    if not isinstance(value, str):
        what = "a path" if kind is Path else "`str`"
        raise ValueError(f"Expected {what}, got `{type(value).__name__}`")  # noqa: TRY004
    return Secret(value) if kind is Secret else Path(value).expanduser()


def _secret_in(path: Path, what: str) -> Secret:
    try:
        return Secret.read(path)
    except OSError as error:
        raise ConfigurationError(f"{what} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ConfigurationError(f"{what} holds no key: {error}.") from None
