"""The errors that suppress raises: one family, each saying what to do next."""

from typing import ClassVar

from suppress.printable import printable


class SuppressError(Exception):
    """The base of every error that suppress raises on purpose.

    Its text is one line that can be shown: it may quote a file's name or a server.

    Attributes:
        retryable: whether trying the same again later can help.
    """

    retryable: ClassVar[bool] = False

    def __str__(self) -> str:
        return printable(super().__str__())


class StopListUnavailable(SuppressError):
    """No snapshot is young enough, and none can be read: nothing may be sent."""

    retryable = True


class UnknownChannel(SuppressError, ValueError):
    """No source serves the channel; the message names those that are served."""


class InvalidNumber(SuppressError, ValueError):
    """A number has no reading that may be messaged, or is not exactly one where it has to be."""


class ConfigurationError(SuppressError):
    """A setting is missing or makes no sense; the message names it."""


class SourceError(SuppressError):
    """For a source to raise when it cannot read its list whole.

    Who asked for the list gets a `StopListUnavailable` that names the source and
    carries this message.
    """


class Refused(SourceError):
    """For a source to raise when it will never take what it was handed, as it stands.

    What is handed over together is then handed over in smaller parts, so that one number
    that is refused holds up no other.
    """


class StoreUnavailable(SuppressError):
    """The store cannot keep an opt-out: the message says where it holds all the same."""

    retryable = True


class InputError(SuppressError):
    """A file of numbers cannot be read; the message names the line."""
