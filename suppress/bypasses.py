"""Bypasses: blocks in which guarded sends pass, and what is told of each."""

import contextlib
import contextvars
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from suppress.errors import InvalidArgument
from suppress.numbers.handed_in import as_text, digits_of
from suppress.numbers.mask import mask

logger = logging.getLogger("suppress")


@dataclass(eq=False)
class _Block:
    """A block in which guarded sends pass."""

    reason: str
    outer: "_Block | None"
    is_over: bool = False


_entered: contextvars.ContextVar[_Block | None] = contextvars.ContextVar("bypass", default=None)

_passed: contextvars.ContextVar["Recipient | None"] = contextvars.ContextVar("passed", default=None)
"""The recipient of the send that has passed a guard in a bypass, while it is made."""


def open_block() -> _Block | None:
    """Return the innermost block that is not over.

    A task or a generator may still be in the context of a block that has ended elsewhere.
    """
    block = _entered.get()
    while block is not None and block.is_over:
        block = block.outer
    return block


@contextlib.contextmanager
def bypass(*, reason: str) -> Iterator[None]:
    """Let guarded sends pass while the block runs, whoever is on the stop list.

    For messages that must go out: the confirmation of an opt-out, a password. It holds for
    this thread, or for this task and those that it starts, and for all of them only until the
    block ends. Each send that passes is logged as a warning, with the reason, and listeners are
    told; where one guarded function sends by another, it is one send. What has no digit is
    invalid as ever.

    Args:
        reason: why, for the log; for example `"confirms an opt-out"`.

    Raises:
        InvalidArgument: the reason is blank.
    """
    if not reason.strip():
        raise InvalidArgument("A bypass needs a reason. Say why the message must go out.")
    block = _Block(reason, open_block())
    _entered.set(block)
    try:
        yield
    finally:
        block.is_over = True
        if _entered.get() is block:
            _entered.set(block.outer)


class Recipient(NamedTuple):
    """The recipient of one send."""

    number: Any
    channel: str

    @property
    def digits(self) -> tuple[str, ...]:
        """The digits of each number."""
        return tuple(map(digits_of, each_of(self.number)))

    @property
    def has_no_digit(self) -> bool:
        """True where no message can get there; not where nobody can tell."""
        return bool(self.digits) and not any(self.digits)

    @property
    def has_passed(self) -> bool:
        """True where the send is a part of one that has passed a guard."""
        passed = _passed.get()
        return (
            passed is not None and passed.channel == self.channel and passed.digits == self.digits
        )


@contextlib.contextmanager
def passing_on(recipient: Recipient) -> Iterator[None]:
    """Note, while a send is made, that it has passed."""
    before = _passed.get()
    _passed.set(recipient)
    try:
        yield
    finally:
        _passed.set(before)


def each_of(number: Any) -> tuple[Any, ...]:
    """Return a recipient's numbers."""
    return number if isinstance(number, tuple) else (number,)


def log_bypass(recipient: Recipient, reason: str) -> None:
    """Log that a send passes the stop list."""
    masked = _shown(recipient.number)
    logger.warning(
        "Sending to %s on %s past the stop list: %s.",
        masked,
        recipient.channel,
        reason,
        extra={
            "code": "bypass",
            "channel": recipient.channel,
            "reason": reason,
            "number": masked,
        },
    )


def _shown(number: Any) -> str:
    """Return a recipient's number, or several, masked for the log."""
    if isinstance(number, tuple) and not number:
        return "recipients that cannot be seen"
    if isinstance(number, tuple):
        return ", ".join(map(_shown, number))
    text, _ = as_text(number)
    return mask(number if text is None else text)
