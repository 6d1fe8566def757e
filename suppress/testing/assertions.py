"""Assertions on the people whom an application messaged, for its tests."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from suppress.default import default_suppressor
from suppress.numbers.mask import mask
from suppress.screening.outcome import Outcome
from suppress.screening.screening import Screening

_MOST_NAMED = 5


def assert_nobody_listed(
    messaged: Iterable[Any],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[Any], Any] | None = None,
) -> None:
    """Check that nobody who was messaged is on the stop list.

    Args:
        messaged: the recipients, or the messages, that your application sent to.
        channel: the channel.
        default_region: as for `suppress.screen`.
        key: takes the number from each, as in `sorted`.

    Raises:
        AssertionError: somebody is; it shows masked numbers and the entries.
    """
    __tracebackhide__ = True
    screening = default_suppressor().screen(
        messaged, channel, default_region=default_region, key=key
    )
    found = np.flatnonzero(screening.where(Outcome.SUPPRESSED)).tolist()
    if found:
        named = [f"{_shown(screening, each)}: {screening.explained(each)[0]}" for each in found]
        raise AssertionError(
            _said("was messaged and is listed", "were messaged and are listed", named)
        )


def assert_nobody_lost(
    recipients: Iterable[Any],
    messaged: Iterable[Any],
    channel: str,
    *,
    default_region: str | None = None,
    key: Callable[[Any], Any] | None = None,
) -> None:
    """Check that everybody who may be messaged was messaged.

    Numbers are compared, not texts: `0044 20 7946 0959` is `+442079460959`. Repeats may be left
    out.

    Args:
        recipients: the recipients that your application was given.
        messaged: those, or the messages, that it sent to.
        channel: the channel.
        default_region: as for `suppress.screen`.
        key: takes the number from each of both.

    Raises:
        AssertionError: somebody was left out without a reason; it shows masked numbers.
    """
    __tracebackhide__ = True
    suppressor = default_suppressor()
    given = suppressor.screen(recipients, channel, default_region=default_region, key=key)
    sent = suppressor.screen(messaged, channel, default_region=default_region, key=key)
    is_lost = given.where(Outcome.ALLOWED) & ~np.isin(given.lines(), sent.lines())
    named = [_shown(given, each) for each in np.flatnonzero(is_lost).tolist()]
    if named:
        raise AssertionError(
            _said("may be messaged and was not", "may be messaged and were not", named)
        )


def _shown(screening: Screening[Any], place: int) -> str:
    return mask(screening.number(place))


def _said(one: str, several: str, named: list[str]) -> str:
    count = len(named)
    head = f"{count:,} recipient {one}" if count == 1 else f"{count:,} recipients {several}"
    more = [f"and {count - _MOST_NAMED:,} more"] if count > _MOST_NAMED else []
    return "\n  ".join([f"{head}:", *named[:_MOST_NAMED], *more])
