"""A sandbox that answers again at its old address."""

import errno
import time

from suppress_bsg.sandbox import Sandbox


def start_again(sandbox: Sandbox, seconds: float = 30.0) -> None:
    """Start a sandbox that was closed, as soon as nobody else has its port.

    The system gives a port that is free to any process that asks for one.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return sandbox.start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
        time.sleep(0.1)
