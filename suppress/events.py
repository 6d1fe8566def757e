"""Events: values that tell what happened, and the listeners that are told of them.

An event has counts, names and seconds. It never has a phone number.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

logger = logging.getLogger("suppress")


@dataclass(frozen=True, slots=True)
class ListLoaded:
    """A stop list was read from its sources, by this process.

    Attributes:
        channel: the channel of the list.
        sources: the names of the sources that were read.
        count: the number of different numbers listed.
        seconds: how long it took.
    """

    channel: str
    sources: tuple[str, ...]
    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ListFailed:
    """A stop list could not be read, or was not accepted, by this process.

    Attributes:
        channel: the channel of the list.
        sources: the names of the sources that serve the channel.
        error: why, in a sentence.
        seconds: how long it took.
    """

    channel: str
    sources: tuple[str, ...]
    error: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RecipientsScreened:
    """Recipients were screened: a list of them, the rows of a file or a frame, or a single one.

    Attributes:
        channel: the channel of the campaign.
        allowed: how many may be messaged.
        suppressed: how many are on the stop list.
        invalid: how many are not a number that may be messaged.
        seconds: how long it took, with the wait for the stop list.
    """

    channel: str
    allowed: int
    suppressed: int
    invalid: int
    seconds: float


@dataclass(frozen=True, slots=True)
class OptOutsChanged:
    """Opt-outs were made here, or taken back.

    Attributes:
        channel: the channel.
        action: `add` or `remove`.
        count: how many; of additions, those that are new.
    """

    channel: str
    action: Literal["add", "remove"]
    count: int


@dataclass(frozen=True, slots=True)
class OptOutsDelivered:
    """Opt-outs, or their removal, were handed to a source that takes them.

    Attributes:
        source: the name of the source.
        channel: the channel.
        action: `add` or `remove`.
        outcome: `taken`; `refused`, which a person has to look at; or `failed`, to be tried again.
        count: how many.
        seconds: how long it took.
        error: why they were not taken; None where they were.
    """

    source: str
    channel: str
    action: Literal["add", "remove"]
    outcome: Literal["taken", "refused", "failed"]
    count: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SendBypassed:
    """A guarded send passed the stop list in a `bypass`.

    Attributes:
        channel: the channel of the send.
        reason: the reason that was given, with numbers in it masked.
    """

    channel: str
    reason: str


Event = (
    ListLoaded | ListFailed | RecipientsScreened | OptOutsChanged | OptOutsDelivered | SendBypassed
)
"""Any of the events. A listener ignores those it does not know: later versions may have more."""

Listener = Callable[[Event], object]
"""Told of each event, in the thread where it happened. It returns soon, and asks nothing."""


def unheard(_event: Event) -> None:
    """Tell nobody of an event."""


class Listeners:
    """The listeners that are told of events. One that fails is logged once, and harms nothing.

    Attributes:
        present: whether there is anybody to be told; if not, nothing has to be counted or timed.
    """

    def __init__(self) -> None:
        self.present = False
        self._all: tuple[Listener, ...] = ()
        self._failed: set[int] = set()

    def add(self, listeners: Iterable[Listener]) -> None:
        """Tell these of each event from now on."""
        self._all += tuple(listeners)
        self.present = bool(self._all)

    def tell(self, event: Event) -> None:
        """Tell all of an event."""
        for place, listener in enumerate(self._all):
            try:
                listener(event)
            except Exception:
                if place not in self._failed:
                    self._failed.add(place)
                    logger.exception(
                        "A listener of events has failed (%r). What follows is not logged again.",
                        type(event).__name__,
                        extra={"code": "listener_failed", "event_type": type(event).__name__},
                    )
