"""Conversion of what is set, texts and the values of a TOML file, to what a setting takes."""

import functools
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any

import msgspec

from suppress.errors import ConfigurationError
from suppress.settings.folders import whole
from suppress.settings.secret import Secret

WORDS: Mapping[str, bool] = MappingProxyType(
    {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
)
"""The words for a switch in the environment, in any case."""


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


def is_secret(kind: object) -> bool:
    """Tell whether a setting of this type is a secret."""
    return Secret in (kind, *typing.get_args(kind))


def from_text(text: Secret, kind: object) -> Secret | list[str] | bool:
    """Return an environment variable's text: in parts for a tuple, a truth value for a switch."""
    kinds = (kind, *typing.get_args(kind))
    if kind is bool or set(kinds[1:]) == {bool, NoneType}:
        return WORDS.get(text.reveal().strip().lower(), text)
    if any(typing.get_origin(each) is tuple for each in kinds):
        return [part.strip() for part in text.reveal().split(",") if part.strip()]
    return text


def convert(
    values: Mapping[str, Any],
    kinds: Mapping[str, Any],
    names: Callable[[str], str],
    *,
    folder: Path | None,
) -> dict[str, Any]:
    """Convert settings to their types, one at a time, so that an error can name the setting.

    Args:
        values: the settings, by name.
        kinds: the type of each setting that there is.
        names: gives the names of a setting, for an error.
        folder: where relative paths begin; None where nobody knows.

    Raises:
        ConfigurationError: a setting is unknown, or makes no sense.
    """
    secret_or_path = functools.partial(_secret_or_path, folder)
    converted = {}
    for name in values:
        if name not in kinds:
            raise ConfigurationError(f"{name!r} is no setting. Known are: {', '.join(kinds)}.")
        try:
            converted[name] = msgspec.convert(
                revealed(values[name]), kinds[name], strict=False, dec_hook=secret_or_path
            )
        except msgspec.ValidationError as error:
            raise ConfigurationError(f"{names(name)}: {error}.") from None
    return converted


def _secret_or_path(folder: Path | None, kind: type, value: object) -> object:
    if kind not in (Secret, Path):
        raise NotImplementedError
    if not isinstance(value, str):
        what = "a path" if kind is Path else "`str`"
        raise ValueError(f"Expected {what}, got `{type(value).__name__}`")  # noqa: TRY004
    return Secret(value) if kind is Secret else whole(value, folder)


def secret_in(path: Path, what: str) -> Secret:
    """Return the secret that a file holds.

    Args:
        path: the file.
        what: what to call it in an error.

    Raises:
        ConfigurationError: it cannot be read, or holds no secret.
    """
    try:
        return Secret.read(path)
    except OSError as error:
        raise ConfigurationError(f"{what} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ConfigurationError(f"{what} holds no key: {error}.") from None
