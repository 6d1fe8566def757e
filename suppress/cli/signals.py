"""Signals that end a command: its files are put in order, and the exit status names the signal."""

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from suppress.atomic import remove_unfinished

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


class Terminated(SystemExit):
    """SIGTERM or SIGHUP arrived while a command was running; the code is the exit status."""


def install() -> None:
    """Handle signals for the whole process, from its start to its end.

    Ignored signals stay ignored, as Ctrl-C is for a job in the background.
    """
    for number in _SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end_at_once)
    # Python itself is ending then: too late to handle anything.
    atexit.register(_handle_by, signal.SIG_IGN)
    sys.unraisablehook = _unraisable


@contextlib.contextmanager
def unwinding() -> Iterator[None]:
    """Let a signal end the block by an exception, so that everything it opened is closed.

    Afterwards the process ends without waiting for other threads, which may still be reading
    from a source.
    """
    try:
        _handle_by(_unwind)
        try:
            yield
        finally:
            _handle_by(end_at_once)
    except (KeyboardInterrupt, Terminated) as ended:
        end_at_once(_signal_of(ended))


def end_at_once(number: int, _frame: FrameType | None = None) -> NoReturn:
    """End the process with the exit status of a signal, and leave no unfinished file."""
    remove_unfinished()
    os._exit(128 + number)


def _signal_of(ended: BaseException) -> int:
    return int(ended.code or 0) - 128 if isinstance(ended, Terminated) else signal.SIGINT


def _unwind(number: int, _frame: FrameType | None) -> NoReturn:
    # A second signal does not wait for the cleaning up that the first one started.
    _handle_by(end_at_once)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated(128 + number)


def _handle_by(handler: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in _SIGNALS:
        # Another program's handler stays in place, and so does a signal that is ignored.
        if signal.getsignal(number) in (end_at_once, _unwind):
            signal.signal(number, handler)


def _unraisable(found: "sys.UnraisableHookArgs") -> None:
    # In a finalizer nothing can be raised: Python would print the exception and go on.
    if isinstance(found.exc_value, KeyboardInterrupt | Terminated):
        end_at_once(_signal_of(found.exc_value))
    sys.__unraisablehook__(found)
