"""The family of errors that suppress raises. Each message says what to do next."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from suppress.printable import printable

if TYPE_CHECKING:
    from suppress.screening.outcome import Decision

_DIGITS_OF_A_NUMBER = 7
"""Digits of a phone number, at least: those of a text with as many are not shown."""


class SuppressError(Exception):
    """The base class of every error of suppress.

    Its text is one printable line: it may quote a file name or a server.

    Attributes:
        retryable: whether trying the same again later can help.
    """

    retryable: ClassVar[bool] = False

    def __str__(self) -> str:
        return printable(super().__str__())


class StopListUnavailable(SuppressError):
    """No stop list is recent enough, and none can be read: nothing may be sent."""

    retryable = True


class UnknownChannel(SuppressError, ValueError):
    """No source serves the channel; the message lists the channels that exist."""

    @classmethod
    def among(cls, channel: str, served: Iterable[str]) -> Self:
        """Return the error for a channel that is not among those that are served."""
        names = ", ".join(served)
        if sum(each.isdigit() for each in str(channel)) >= _DIGITS_OF_A_NUMBER:
            # Arguments that were swapped would put a number into the log.
            return cls(f"Digits stand where the channel belongs. Served are: {names}.")
        return cls(f"No source serves the channel {channel!r}. Served are: {names}.")


class InvalidNumber(SuppressError, ValueError):
    """A value is not a phone number, or not exactly one where one is needed."""


class ConfigurationError(SuppressError):
    """A setting is missing or invalid; the message names it."""


class InvalidSetting(ConfigurationError):
    """A value of a plugin's setting makes no sense: the dataclass of its settings raises this.

    The user is told the names of the setting in the environment and in the file.

    Args:
        name: the setting's name, as in the dataclass.
        reason: a clause that follows the names, such as `must be 1 or more`.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return printable(f"The setting {self.name!r} {self.reason}.")


class InvalidArgument(SuppressError, ValueError):
    """An argument makes no sense, such as a time in the future; the message names it."""


class SourceError(SuppressError):
    """A source raises this when it cannot read its whole list.

    The caller gets a `StopListUnavailable` with the name of the source and this message.
    """


class Refused(SourceError):
    """A source raises this when it will never accept the opt-outs as they are.

    A batch is then split, so that one refused number holds up no other.
    """


class StoreUnavailable(SuppressError):
    """The store cannot keep an opt-out; the message says where it holds all the same."""

    retryable = True


class InputError(SuppressError):
    """A file of numbers cannot be read; the message names the line."""


class Suppressed(SuppressError):
    """A guarded send was stopped: the recipient is on the stop list. Nothing was sent.

    Args:
        decision: the decision on the recipient.
        channel: the channel of the message.

    Attributes:
        decision: see the arguments.
        channel: see the arguments.
    """

    def __init__(self, decision: "Decision[Any]", channel: str) -> None:
        # Its arguments are shown by whatever shows an error, and the decision has the number.
        super().__init__(f"Nothing was sent on {channel}: {decision.masked_reason}.")
        self.decision = decision
        self.channel = channel

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it was made of, so that a task queue can hand it on."""
        return type(self), (self.decision, self.channel)
