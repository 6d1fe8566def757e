"""The application: it hands the settings to suppress, and follows their change in tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed

import suppress

SETTING = "SUPPRESS"

_NAMES_OF_OTHERS = 2
"""The depth from which keys may be names that are not ours, such as those of the lists of AWS."""


class SuppressConfig(AppConfig):  # type: ignore[misc] # Django has no types
    """The Django application `suppress_django`."""

    name = "suppress_django"
    verbose_name = "suppress"

    def ready(self) -> None:
        """Hand the settings over, and register the check of them."""
        from suppress_django.system_check import check_settings  # noqa: PLC0415 - apps are ready

        hand_over()
        checks.register(check_settings, "suppress")
        setting_changed.connect(_follow, dispatch_uid="suppress_django")


def hand_over() -> None:
    """Give suppress the settings under `SUPPRESS`; without them, a settings file holds.

    Raises:
        ImproperlyConfigured: `SUPPRESS` is not a dict with names as keys.
    """
    content = getattr(settings, SETTING, None)
    base = getattr(settings, "BASE_DIR", None)
    if content is None:
        suppress.configure(None)
    else:
        suppress.configure(_table(content, SETTING), folder=None if base is None else Path(base))


def _table(content: Any, name: str, depth: int = 0) -> dict[str, Any]:
    """Return a table of settings, with names as a settings file has them."""
    if not isinstance(content, Mapping):
        raise ImproperlyConfigured(f"The setting {name} has to be a dict.")
    for key in content:
        if not isinstance(key, str):
            raise ImproperlyConfigured(f"The setting {name} has the key {key!r}. Use a text.")
    if depth >= _NAMES_OF_OTHERS and any(key not in (key.upper(), key.lower()) for key in content):
        return dict(content)
    table: dict[str, Any] = {}
    for key, value in content.items():
        lower = key.lower()
        if lower in table:
            raise ImproperlyConfigured(f"The setting {name} has {lower!r} twice. Keep one of them.")
        is_table = isinstance(value, Mapping)
        table[lower] = _table(value, f"{name}[{key!r}]", depth + 1) if is_table else value
    return table


def _follow(*, setting: str, **_rest: Any) -> None:
    if setting == SETTING:
        hand_over()
