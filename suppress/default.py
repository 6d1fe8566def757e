"""The module's functions: one `Suppressor`, made on first use from the settings."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from suppress.screening import Screening
from suppress.snapshot import Snapshot
from suppress.suppressor import Suppressor

R = TypeVar("R")

_lock = threading.Lock()
_made: Suppressor | None = None


def default_suppressor() -> Suppressor:
    """The `Suppressor` behind the module's functions.

    Raises:
        ConfigurationError: the settings make no sense, or no source is configured.
    """
    global _made  # noqa: PLW0603 - the one thing that is shared
    with _lock:
        if _made is None:
            _made = Suppressor()
        return _made


def filter_recipients(
    numbers: Iterable[R],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[R], Any] | None = None,
) -> list[R]:
    """`Suppressor.filter_recipients` of the default one."""
    return default_suppressor().filter_recipients(
        numbers, channel, default_region=default_region, key=key
    )


def screen(
    numbers: Iterable[R],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[R], Any] | None = None,
) -> Screening[R]:
    """`Suppressor.screen` of the default one."""
    return default_suppressor().screen(numbers, channel, default_region=default_region, key=key)


def is_suppressed(number: str | int, channel: str, *, default_region: str | None = None) -> bool:
    """`Suppressor.is_suppressed` of the default one."""
    return default_suppressor().is_suppressed(number, channel, default_region=default_region)


def refresh(channel: str | None = None) -> dict[str, Snapshot]:
    """`Suppressor.refresh` of the default one."""
    return default_suppressor().refresh(channel)
