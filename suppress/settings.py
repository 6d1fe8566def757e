"""What suppress is told to do: the settings file, the environment and arguments.

An environment variable wins over the file, an argument over both. A name that is not
known is an error, never passed over: a misspelt setting must not switch anything off.
"""

import dataclasses
import math
import os
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
from suppress.numbers import known_region

T = TypeVar("T")

FILE_NAME = "suppress.toml"
IN_MEMORY = "none"


class Arguments(TypedDict, total=False):
    """The settings that can be given as arguments; see `Settings` for their meaning."""

    sources: Sequence[str] | None
    ttl: float
    max_stale: float
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
        default_region: ISO 3166 region of numbers written in national form.
        store: the folder where snapshots stay; None keeps them in memory alone.
        file: the settings file that was read, if any.
    """

    sources: tuple[str, ...] | None = None
    ttl: float = 300.0
    max_stale: float = 3600.0
    default_region: str | None = None
    store: Path | None = field(default_factory=lambda: platformdirs.user_data_path("suppress"))
    file: Path | None = None
    tables: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    environ: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def __post_init__(self) -> None:
        for name in ("ttl", "max_stale"):
            seconds = getattr(self, name)
            if not math.isfinite(seconds) or seconds < 0:
                raise ConfigurationError(
                    f"{_both_names(name)}: {seconds!r} is no number of seconds from 0 up."
                )
        if self.default_region is not None:
            # The one way to give a frozen instance the spelling that phonenumbers knows.
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
        environ = MappingProxyType(dict(os.environ if environ is None else environ))
        path = _settings_file(file, environ)
        table = {} if path is None else _read(path)
        tables = {name: value for name, value in table.items() if isinstance(value, dict)}
        values = {name: value for name, value in table.items() if name not in tables}
        folder = Path() if path is None else path.parent
        if isinstance(values.get("store"), str) and values["store"] != IN_MEMORY:
            values["store"] = str(folder / Path(values["store"]).expanduser())
        for name, kind in _KINDS.items():
            if text := environ.get(f"SUPPRESS_{name.upper()}"):
                values[name] = _from_text(text, kind)
        values |= _plain(arguments)
        given = _convert(values, _KINDS, _both_names)
        if given.get("store") is not None:
            given["store"] = (
                None if given["store"] == IN_MEMORY else Path(given["store"]).expanduser()
            )
        return cls(file=path, tables=MappingProxyType(tables), environ=environ, **given)

    def section(self, name: str, kind: type[T], *, environ_prefix: str | None = None) -> T | None:
        """A plugin's own settings: its table `[suppress.NAME]` and its environment variables.

        Args:
            name: the plugin's name.
            kind: a dataclass with a field for each setting. A `Path` from the file is
                relative to the file's folder; a `tuple` is a list in the file, a text
                with commas in the environment.
            environ_prefix: `PREFIX_FIELD` is the variable of a field; `SUPPRESS_NAME`
                unless given.

        Returns:
            An instance of `kind`, or None when nothing of it is set at all.

        Raises:
            ConfigurationError: a setting is missing, unknown, or makes no sense.
        """
        prefix = environ_prefix or f"SUPPRESS_{name.upper().replace('-', '_')}"
        types = typing.get_type_hints(kind)
        values = dict(self.tables.get(name, {}))
        for key, value in values.items():
            if types.get(key) is Path and isinstance(value, str) and self.file is not None:
                values[key] = str(self.file.parent / Path(value).expanduser())
        for each in dataclasses.fields(kind):  # type: ignore[arg-type]
            text = self.environ.get(f"{prefix}_{each.name.upper()}")
            if text is not None:
                values[each.name] = _from_text(text, types[each.name])
        if not values:
            return None

        def both_names(key: str) -> str:
            return f"{prefix}_{key.upper()} (`{key}` in the table [suppress.{name}])"

        _refuse_unknown(values, types, f"[suppress.{name}]")
        converted = _convert(values, types, both_names)
        for each in dataclasses.fields(kind):  # type: ignore[arg-type]
            required = each.default is each.default_factory is dataclasses.MISSING
            if required and each.name not in converted:
                raise ConfigurationError(f"{both_names(each.name)} is missing.")
        return kind(**converted)


_KINDS: Mapping[str, Any] = MappingProxyType(
    {
        "sources": tuple[str, ...] | None,
        "ttl": float,
        "max_stale": float,
        "default_region": str | None,
        "store": str | None,
    }
)


def _both_names(name: str) -> str:
    return f"SUPPRESS_{name.upper()} (`{name}` in the table [suppress])"


def _settings_file(file: str | Path | None, environ: Mapping[str, str]) -> Path | None:
    named = file or environ.get("SUPPRESS_CONFIG")
    if named:
        return Path(named).expanduser()
    for folder in (Path(), platformdirs.user_config_path("suppress")):
        if (path := folder / FILE_NAME).exists():
            return path
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as stream:
            document = tomllib.load(stream)
    except OSError as error:
        raise ConfigurationError(
            f"The settings file {path} cannot be read: {error.strerror}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The text of the error names the line, and quotes nothing of it.
        raise ConfigurationError(f"The settings file {path} is not TOML: {error}.") from error
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


def _plain(arguments: Arguments) -> dict[str, Any]:
    values: dict[str, Any] = dict(arguments)
    if isinstance(values.get("store"), Path):
        values["store"] = str(values["store"])
    return values


def _from_text(text: str, kind: object) -> str | list[str]:
    """An environment variable's text, in parts where the setting is a tuple."""
    kinds = (kind, *typing.get_args(kind))
    if any(typing.get_origin(each) is tuple for each in kinds):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _convert(
    values: Mapping[str, Any], kinds: Mapping[str, Any], names: Callable[[str], str]
) -> dict[str, Any]:
    """One value at a time, so that an error can name the setting."""
    converted = {}
    for name, value in values.items():
        if name not in kinds:
            raise ConfigurationError(f"{name!r} is no setting. Known are: {', '.join(kinds)}.")
        try:
            converted[name] = msgspec.convert(
                value, kinds[name], strict=False, dec_hook=_path_from_text
            )
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{names(name)}: {error}.") from None
    return converted


def _path_from_text(kind: type, value: object) -> object:
    if kind is not Path:
        raise NotImplementedError
    if not isinstance(value, str):
        raise ValueError(f"Expected a path, got `{type(value).__name__}`")  # noqa: TRY004
    return Path(value).expanduser()
