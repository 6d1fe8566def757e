"""The module's functions: one `Suppressor`, made on first use from the settings."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from suppress.screening.screening import Screening
from suppress.serving.status import Status
from suppress.stop_list.snapshot import Snapshot
from suppress.suppressor import Suppressor
from suppress.tracebacks import without_frames

R = TypeVar("R")

_lock = threading.Lock()
_made: Suppressor | None = None


def _after_fork_in_child() -> None:
    """In a process that is forked, nobody is left to release what another thread held."""
    global _lock  # noqa: PLW0603 - it belongs to the one thing that is shared
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


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


@contextmanager
def replace_default(suppressor: Suppressor) -> Iterator[None]:
    """Put another `Suppressor` behind the module's functions while the block runs."""
    global _made  # noqa: PLW0603 - the one thing that is shared
    with _lock:
        replaced, _made = _made, suppressor
    try:
        yield
    finally:
        with _lock:
            _made = replaced


@without_frames
def filter_recipients(
    numbers: Iterable[R],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[R], Any] | None = None,
) -> list[R]:
    """Those who may be messaged: the same objects, in the same order, repeats kept.

    Args:
        numbers: any iterable of numbers: text, whole numbers of any type, or
            `phonenumbers.PhoneNumber`; or of any objects with `key`.
        channel: the channel of the campaign, for example `"sms"`.
        default_region: ISO 3166 region of numbers in national form, or `international`;
            None for the setting.
        key: takes the number from a recipient, as in `sorted`; or a tuple of numbers, of
            which none may be listed and one at least has to be valid.

    Raises:
        UnknownChannel: no source serves the channel.
        StopListUnavailable: no snapshot that is young enough, and none can be read.
        ConfigurationError: the settings or the default region make no sense.
        TypeError: nothing among the numbers has a type that a number can have.
    """
    return default_suppressor().filter_recipients(
        numbers, channel, default_region=default_region, key=key
    )


@without_frames
def screen(
    numbers: Iterable[R],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[R], Any] | None = None,
) -> Screening[R]:
    """The outcome for each recipient: allowed, suppressed or invalid, and why.

    Arguments and errors as for `filter_recipients`.
    """
    return default_suppressor().screen(numbers, channel, default_region=default_region, key=key)


@without_frames
def is_suppressed(number: object, channel: str, *, default_region: str | None = None) -> bool:
    """Tell whether one number is on the stop list: any of its readings.

    Raises:
        InvalidNumber: it has no reading that may be messaged, and none is listed; the rest
            as for `filter_recipients`.
    """
    return default_suppressor().is_suppressed(number, channel, default_region=default_region)


@without_frames
def refresh(channel: str | None = None, *, force: bool = False) -> dict[str, Snapshot]:
    """Read the stop list of a channel now, or of all that are served; gives the snapshots.

    Args:
        channel: the channel; None for all that are served.
        force: whether to believe what is read where it differs so much from the last reading
            that it may not be whole, or in another format.

    Raises:
        UnknownChannel: no source serves the channel.
        StopListUnavailable: a list cannot be read, or is not believed; the snapshots stay as
            they were.
        ConfigurationError: the settings make no sense.
    """
    return default_suppressor().refresh(channel, force=force)


@without_frames
def add(numbers: Iterable[Any], channel: str, *, default_region: str | None = None) -> int:
    """Opt people out of a channel, for good, in every process that shares the store.

    It holds when this returns, for all readings of the numbers. The sources that take
    opt-outs are told in the background, of the first reading.

    Returns:
        How many of the numbers were not opted out here before.

    Raises:
        InvalidNumber: one of them is not exactly one phone number; nobody was opted out.
        UnknownChannel: no source serves the channel.
        StoreUnavailable: it cannot be kept: it holds in this process alone.
        ConfigurationError: there is no store, or the settings make no sense.
    """
    return default_suppressor().add(numbers, channel, default_region=default_region)


@without_frames
def remove(
    numbers: Iterable[Any], channel: str, *, default_region: str | None = None
) -> dict[str, tuple[str, ...]]:
    """Take opt-outs back, here and at the sources that take opt-outs.

    Whoever is listed by a source stays suppressed until that does not list them any more.

    Returns:
        For each of the numbers, by its first reading, the sources that listed it when they
        were last read.

    Raises:
        StopListUnavailable: nobody can say which sources list them; nothing was done.
        InvalidNumber, UnknownChannel, StoreUnavailable, ConfigurationError: as for `add`;
            nothing was done.
    """
    return default_suppressor().remove(numbers, channel, default_region=default_region)


@without_frames
def status() -> Status:
    """Return the state of each channel's stop list, without asking a source.

    Raises:
        StopListUnavailable: the opt-outs that were made here cannot be read.
        ConfigurationError: the settings make no sense.
    """
    return default_suppressor().status()
