"""The functions of `suppress`: they share one `Suppressor`, made on first use."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from suppress.opt_outs.contract import Change
from suppress.screening.screening import Screening
from suppress.serving.status import Status
from suppress.settings import program
from suppress.stop_list.snapshot import Snapshot
from suppress.suppressor import Suppressor
from suppress.tracebacks import without_frames

R = TypeVar("R")

_lock = threading.Lock()
_made: Suppressor | None = None
_replacement: Suppressor | None = None


def _after_fork_in_child() -> None:
    """Replace the lock: nobody in this process would release it for another thread."""
    global _lock  # noqa: PLW0603 - it belongs to the one thing that is shared
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def default_suppressor() -> Suppressor:
    """Return the `Suppressor` behind the functions of `suppress`.

    Raises:
        ConfigurationError: a setting is invalid, or no source is configured.
    """
    global _made  # noqa: PLW0603 - the one thing that is shared
    with _lock:
        if _replacement is not None:
            return _replacement
        if _made is None:
            _made = Suppressor()
        return _made


def configure(settings: Mapping[str, Any] | None, *, folder: Path | None = None) -> None:
    """Give the settings of this process in the place of a settings file.

    For frameworks that have a place for settings of their own. They hold for the functions of
    `suppress`, for `Settings.load` and for commands in this process. A variable of the
    environment still wins over them. They are checked when they are needed.

    Args:
        settings: what a settings file has in its table `[suppress]`, such as
            `{"sources": ["bsg"], "bsg": {"api_key": key}}`; None for the settings file again.
        folder: the folder where relative paths begin; None for the working directory.
    """
    global _made  # noqa: PLW0603 - the one thing that is shared
    with _lock:
        program.give(settings, folder)
        _made = None


@contextmanager
def replace_default(suppressor: Suppressor) -> Iterator[None]:
    """Put another `Suppressor` behind the module's functions while the block runs.

    Settings that change meanwhile hold behind it: they are for afterwards.
    """
    global _replacement  # noqa: PLW0603 - the one thing that is shared
    with _lock:
        replaced, _replacement = _replacement, suppressor
    try:
        yield
    finally:
        with _lock:
            _replacement = replaced


@without_frames
def filter_recipients(
    numbers: Iterable[R],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[R], Any] | None = None,
) -> list[R]:
    """Return the recipients that may be messaged: the same objects, in order, repeats kept.

    Args:
        numbers: any iterable of numbers: text, whole numbers of any type, or
            `phonenumbers.PhoneNumber`; or of any objects with `key`.
        channel: the channel of the campaign, for example `"sms"`.
        default_region: ISO 3166 region of numbers in national form, or `international`;
            None for the setting.
        key: takes the number from a recipient, as in `sorted`; or a tuple of numbers: none
            may be listed, and at least one has to be valid.

    Raises:
        UnknownChannel: no source serves the channel.
        StopListUnavailable: no snapshot is recent enough, and none can be read.
        ConfigurationError: a setting or the default region is invalid.
        TypeError: none of the numbers has a type that a number can have.
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
    """Return the outcome for each recipient: allowed, suppressed or invalid, and why.

    Arguments and errors as for `filter_recipients`.
    """
    return default_suppressor().screen(numbers, channel, default_region=default_region, key=key)


@without_frames
def is_suppressed(number: object, channel: str, *, default_region: str | None = None) -> bool:
    """Return whether any reading of a number is on the stop list.

    Raises:
        InvalidNumber: it is not listed, and is not a number that may be messaged. Other
            errors as for `filter_recipients`.
    """
    return default_suppressor().is_suppressed(number, channel, default_region=default_region)


@without_frames
def refresh(channel: str | None = None, *, force: bool = False) -> dict[str, Snapshot]:
    """Read the stop list of a channel now, or of all channels; return the snapshots.

    Args:
        channel: the channel; None for all that are served.
        force: accept a list that differs so much from the last one that it may not be whole,
            or in another format.

    Raises:
        UnknownChannel: no source serves the channel.
        StopListUnavailable: a list cannot be read, or is not accepted; the snapshots stay as
            they were.
        ConfigurationError: a setting is invalid.
    """
    return default_suppressor().refresh(channel, force=force)


@without_frames
def keep_recent(*channels: str) -> None:
    """Keep stop lists recent in the background, even while nobody asks, until the process ends.

    For what serves others: call it once where the process starts, behind `configure` if you call
    that: other settings mean another `Suppressor`. It returns at once, whatever the sources do,
    and what goes wrong later is logged. A list that is missing is read now, and each is read again
    before its time is over, once for all processes that share a store.

    From then on, nobody waits longer than ten seconds for a list of these channels: while none
    may serve, `StopListUnavailable` is raised, and the reading goes on.

    Args:
        channels: which; none for all that are served.

    Raises:
        UnknownChannel: no source serves one of them.
        ConfigurationError: a setting is invalid, or no source is configured.
    """
    default_suppressor().keep_recent(*channels)


@without_frames
def add(
    numbers: Iterable[Any],
    channel: str,
    *,
    default_region: str | None = None,
    reason: str | None = None,
    by: str | None = None,
    via: str | None = None,
    reference: str | None = None,
    at: datetime | None = None,
) -> int:
    """Opt people out of a channel, for good, in every process that shares the store.

    It holds when this returns, for all readings of the numbers. The sources that take
    opt-outs are told in the background, of the first reading. Whatever is said of an opt-out
    is kept in the `history`.

    Args:
        numbers: any iterable of numbers, as for `filter_recipients`.
        channel: the channel on which they must not be messaged any more.
        default_region: as for `filter_recipients`.
        reason: why.
        by: who does it, such as a member of staff or a service.
        via: how it came, in one word: `reply`, `form`, `phone`, `import`, `api`, ...
        reference: a reference of your own, such as a message id or a campaign.
        at: when the person asked for it (aware).

    Returns:
        How many of the numbers were not opted out here before.

    Raises:
        InvalidNumber: one of them is not exactly one phone number; nobody was opted out.
        UnknownChannel: no source serves the channel.
        StoreUnavailable: it cannot be kept: it holds in this process alone.
        InvalidArgument: a text is not printable or too long, or the time is in the future.
        ConfigurationError: there is no store, or a setting is invalid.
    """
    return default_suppressor().add(
        numbers,
        channel,
        default_region=default_region,
        reason=reason,
        by=by,
        via=via,
        reference=reference,
        at=at,
    )


@without_frames
def remove(
    numbers: Iterable[Any],
    channel: str,
    *,
    correction: bool = False,
    default_region: str | None = None,
    reason: str | None = None,
    by: str | None = None,
    via: str | None = None,
    reference: str | None = None,
    at: datetime | None = None,
) -> dict[str, tuple[str, ...]]:
    """Take opt-outs back, here and at the sources that take opt-outs.

    Whoever is listed by a source stays suppressed until that does not list them any more.

    Args:
        numbers: as for `add`.
        channel: the channel on which they may be messaged again.
        correction: whether the opt-out was a mistake; else the people have opted in again.
        default_region: as for `add`.
        reason: as for `add`.
        by: as for `add`.
        via: as for `add`.
        reference: as for `add`.
        at: as for `add`.

    Returns:
        For each of the numbers, by its first reading, the sources that listed it when they
        were last read.

    Raises:
        StopListUnavailable: it is unknown which sources list them; nothing was done.
        InvalidNumber, UnknownChannel, StoreUnavailable, InvalidArgument, ConfigurationError:
            as for `add`; nothing was done.
    """
    return default_suppressor().remove(
        numbers,
        channel,
        correction=correction,
        default_region=default_region,
        reason=reason,
        by=by,
        via=via,
        reference=reference,
        at=at,
    )


@without_frames
def history(
    number: object, channel: str | None = None, *, default_region: str | None = None
) -> list[Change]:
    """Return the changes that are about a person, under every form of the line, oldest first.

    Args:
        number: the person's number.
        channel: the channel; None for all.
        default_region: as for `add`.

    Raises:
        InvalidNumber: it is not exactly one phone number.
        UnknownChannel: no source serves the channel.
        StoreUnavailable: the history cannot be read.
        ConfigurationError: a setting is invalid.
    """
    return default_suppressor().history(number, channel, default_region=default_region)


@without_frames
def forget(number: object, *, default_region: str | None = None) -> int:
    """Remove a person's number and history from here; an opt-out that is in force still holds.

    Args:
        number: the person's number.
        default_region: as for `add`.

    Returns:
        How many changes were removed.

    Raises:
        InvalidNumber: it is not exactly one phone number.
        StoreUnavailable: the record cannot be read or written; nothing was removed.
        ConfigurationError: there is no store, or a setting is invalid.
    """
    return default_suppressor().forget(number, default_region=default_region)


@without_frames
def status() -> Status:
    """Return the state of each channel's stop list, without asking a source. It renews nothing.

    Raises:
        StopListUnavailable: the opt-outs that were made here cannot be read.
        ConfigurationError: a setting is invalid.
    """
    return default_suppressor().status()
