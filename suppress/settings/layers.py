"""One table of settings from its layers: the file, then the environment, then arguments.

A table is described by a dataclass with a field for each setting. The engine is the same for
the settings of suppress and for those of a plugin: it refuses unknown and misspelt names, lets
the later layer win, and converts each value to its field's type. Until it is known which
settings are secret, all values are kept as secrets, so that no error can show one.
"""

import dataclasses
import functools
import operator
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, NamedTuple

import msgspec

from suppress.errors import ConfigurationError
from suppress.settings.folders import whole_path
from suppress.settings.secret import Secret
from suppress.settings.server_url import ServerUrl
from suppress.settings.spelling import refuse_misspelt, refuse_unknown

SWITCH_WORDS: Mapping[str, bool] = MappingProxyType(
    {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
)
"""The words for a switch in the environment, in any case."""

WORDS = "words"
"""The key of a field's metadata for words, in any case, that are values and not paths."""

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "array": "a list",
        "bool": "true or false",
        "dict": "a table",
        "float": "a number",
        "int": "a whole number",
        "list": "a list",
        "object": "a table",
        "str": "text",
    }
)
"""The types of values in words, by the names that msgspec and Python have for them."""


class Table(NamedTuple):
    """The names of a table's settings.

    Attributes:
        name: the table's name in the file, such as `suppress.bsg`.
        prefix: the beginning of its environment variables, up to the underscore.
    """

    name: str
    prefix: str

    def variable(self, key: str) -> str:
        """Return the environment variable of a setting."""
        return f"{self.prefix}_{key.upper()}"

    def both_names(self, key: str) -> str:
        """Return the names of a setting in the environment and in the file, for a message."""
        return f"{self.variable(key)} (`{key}` in the table [{self.name}])"


class Layer(NamedTuple):
    """Values of settings from one place.

    Attributes:
        values: the values, by the setting's name.
        folder: the folder where relative paths begin; None if it is gone.
    """

    values: Mapping[str, Any]
    folder: Path | None


def read_layers(
    kind: type,
    table: Table,
    file: Layer,
    environ: Layer,
    arguments: Layer,
    *,
    prefixes: Callable[[], Iterable[str]],
    also: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the settings of a table that are set, each converted to its type.

    A `Secret` or a `ServerUrl` can also stand in a file of its own: for a field `api_key`, the
    file that `api_key_file` or `PREFIX_API_KEY_FILE` names.

    Args:
        kind: the dataclass that describes the table.
        table: the table's names.
        file: what the settings file has in the table.
        environ: all environment variables.
        arguments: values that win over both.
        prefixes: gives the prefixes of all plugins' variables.
        also: further variables of the prefix that are known.

    Raises:
        ConfigurationError: a setting is unknown, or its value cannot be used.
    """
    kinds = _kinds(kind)
    words = {each.name: each.metadata.get(WORDS, {}) for each in dataclasses.fields(kind)}
    secret_files = _secret_files(kind)
    kinds |= dict.fromkeys(secret_files.values(), Path)
    refuse_unknown(file.values, kinds, f"in the table [{table.name}]")
    refuse_unknown(arguments.values, kinds, "among the arguments")
    refuse_misspelt(environ.values, table.prefix, [*kinds, *also], prefixes)
    in_environ = {
        key: _from_text(Secret(environ.values[variable]), kinds[key])
        for key in kinds
        if (variable := table.variable(key)) in environ.values
    }
    found: dict[str, Any] = {}
    decided: set[str] = set()
    for layer in (arguments, Layer(in_environ, environ.folder), file):
        for key, value in layer.values.items():
            if (key_file := secret_files.get(key, key)) != key and key_file in layer.values:
                raise ConfigurationError(
                    f"{table.both_names(key)} and {table.both_names(key_file)} are both "
                    "set. Set one of them."
                )
            if key not in decided:  # else a layer that wins has it: this value is not looked at
                names = table.both_names(key)
                found[key] = _converted(value, kinds[key], words.get(key, {}), layer.folder, names)
        decided |= layer.values.keys()
        for pair in secret_files.items():
            if not decided.isdisjoint(pair):
                decided |= set(pair)
    for key, key_file in secret_files.items():
        if key_file in found:
            # Not the file's name: it may be the key, where one was taken for the other.
            names = table.both_names(key_file)
            secret = _secret_in(found.pop(key_file), f"{names}: the file")
            found[key] = _converted(secret, kinds[key], words.get(key, {}), None, names)
    return found


def required(kind: type) -> list[str]:
    """Return the names of a dataclass's fields without a default."""
    return [
        each.name
        for each in dataclasses.fields(kind)
        if each.default is each.default_factory is dataclasses.MISSING
    ]


def keys_of(kind: type, fields: Iterable[str] | None = None) -> list[str]:
    """Return the names of all settings that a dataclass describes, or of those of some fields."""
    chosen = [*_kinds(kind)] if fields is None else [*fields]
    files = _secret_files(kind)
    return [*chosen, *(files[name] for name in chosen if name in files)]


def secret_names(kind: type) -> list[str]:
    """Return the names of a dataclass's fields that are secrets."""
    return [name for name, each in _kinds(kind).items() if _has(each, Secret)]


def sealed(value: Any) -> Any:
    """Return the same mappings and lists, with a secret in place of each value in them."""
    if isinstance(value, Mapping):
        return {name: sealed(value[name]) for name in value}
    if isinstance(value, list | tuple):
        return [sealed(each) for each in value]
    return Secret(value)


def revealed(value: Any) -> Any:
    """Return the same mappings and lists, with each secret in them revealed."""
    if isinstance(value, Mapping):
        return {name: revealed(value[name]) for name in value}
    if isinstance(value, list):
        return [revealed(each) for each in value]
    return value.reveal() if isinstance(value, Secret) else value


def _secret_files(kind: type) -> dict[str, str]:
    """Return the settings that name the files of secrets, by the secrets' own settings."""
    kinds = _kinds(kind)
    return {
        name: f"{name}_file"
        for name in kinds
        if _has(kinds[name], Secret) or _has(kinds[name], ServerUrl)
    }


def _kinds(kind: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields."""
    hints = typing.get_type_hints(kind)
    return {each.name: hints[each.name] for each in dataclasses.fields(kind)}


def _has(kind: object, part: type) -> bool:
    """Tell whether a type is that one, or a union with it."""
    return part in (kind, *typing.get_args(kind))


def _from_text(text: Secret, kind: object) -> Secret | list[str] | bool:
    """Return an environment variable's text: in parts for a tuple, a truth value for a switch."""
    kinds = (kind, *typing.get_args(kind))
    if kind is bool or set(kinds[1:]) == {bool, NoneType}:
        return SWITCH_WORDS.get(text.reveal().strip().lower(), text)
    if any(typing.get_origin(each) is tuple for each in kinds):
        return [part.strip() for part in text.reveal().split(",") if part.strip()]
    return text


def _converted(
    value: Any, kind: Any, words: Mapping[str, Any], folder: Path | None, names: str
) -> Any:
    # No variable here holds a value that is revealed: a traceback may show them.
    try:
        return _plain(revealed(value), kind, words, folder)
    except (msgspec.ValidationError, ValueError) as error:
        raise ConfigurationError(f"{names}: {_in_words(error)}.") from None


def _in_words(error: Exception) -> str:
    """Return what msgspec says of a value, with words for its names of types."""

    def words(match: re.Match[str]) -> str:
        kinds = [kind for kind in match[2].split(" | ") if kind != "null"]
        return f"{match[1]} " + (" or ".join(_TYPES.get(kind, kind) for kind in kinds) or "nothing")

    return re.sub("(Expected|got) `([^`]*)`", words, str(error))


def _plain(value: Any, kind: Any, words: Mapping[str, Any], folder: Path | None) -> Any:
    if isinstance(value, str) and (word := value.strip().lower()) in words:
        return words[word]
    if isinstance(value, Path):
        value = str(value)
    if _has(kind, ServerUrl):
        if isinstance(value, ServerUrl):
            return value
        if isinstance(value, str) and ServerUrl.is_one(value):
            return ServerUrl(value.strip())
        others = [each for each in typing.get_args(kind) if each is not ServerUrl]
        if value is not None and others == [NoneType]:
            raise ValueError("Expected the URL of a server, such as postgresql://user@host/name")
        kind = functools.reduce(operator.or_, others)
    is_union = typing.get_origin(kind) in (UnionType, typing.Union)
    rest = set(typing.get_args(kind)) - {Path, NoneType} if is_union else set()
    if rest and _has(kind, Path):
        # msgspec has no union of a path and another type.
        kind = Path if isinstance(value, str) else functools.reduce(operator.or_, rest)
    secret_or_path = functools.partial(_secret_or_path, folder)
    return msgspec.convert(value, kind, strict=False, dec_hook=secret_or_path)


def _secret_or_path(folder: Path | None, kind: type, value: object) -> object:
    if kind not in (Secret, Path):
        raise NotImplementedError
    if not isinstance(value, str):
        expected = "a path" if kind is Path else "`str`"
        raise ValueError(f"Expected {expected}, got `{type(value).__name__}`")  # noqa: TRY004
    return Secret(value) if kind is Secret else whole_path(value, folder)


def _secret_in(path: Path, file: str) -> Secret:
    """Return the secret that a file holds; `file` is its name in an error."""
    try:
        return Secret.read(path)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ConfigurationError(f"{file} holds no key: {error}.") from None
