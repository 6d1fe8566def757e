"""Telling listeners of a screening: how many had each outcome, and how long it took."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from suppress.events import Listeners, RecipientsScreened
from suppress.screening.segment import ALLOWED, INVALID, OUTCOMES, SUPPRESSED

_ORDER = [ALLOWED, SUPPRESSED, INVALID]
"""The codes in the order in which the event has their counts."""


class OutcomeTally:
    """Counts the outcomes of one screening, if there is anybody to be told.

    Args:
        channel: the channel of the campaign.
        listeners: those who are told; None for nobody.
        began: when it began, by `time.monotonic`; None for now.
    """

    def __init__(
        self, channel: str, listeners: Listeners | None, *, began: float | None = None
    ) -> None:
        self._channel = channel
        self._listeners = listeners if listeners is not None and listeners.present else None
        self._began = time.monotonic() if began is None else began
        self._counts = np.zeros(len(OUTCOMES), np.int64)

    def add(self, codes: NDArray[np.uint8]) -> None:
        """Count outcomes, given as codes of `segment`."""
        if self._listeners is not None:
            self._counts += np.bincount(codes, minlength=len(OUTCOMES))

    def tell(self) -> None:
        """Tell the listeners, at the end."""
        if self._listeners is None:
            return
        allowed, suppressed, invalid = self._counts[_ORDER].tolist()
        took = time.monotonic() - self._began
        self._listeners.tell(RecipientsScreened(self._channel, allowed, suppressed, invalid, took))


def teller_of_one(channel: str, listeners: Listeners) -> Callable[[bool | None], None]:
    """Return a function that tells listeners of a screening of one recipient, which begins now.

    It takes whether the recipient is suppressed; None for one that is invalid.
    """
    began = time.monotonic()

    def tell(is_suppressed: bool | None) -> None:  # noqa: FBT001 - as the functions return it
        counts = is_suppressed is False, is_suppressed is True, is_suppressed is None
        allowed, suppressed, invalid = map(int, counts)
        took = time.monotonic() - began
        listeners.tell(RecipientsScreened(channel, allowed, suppressed, invalid, took))

    return tell
