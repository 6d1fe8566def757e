"""The entry point of the command `suppress`, ready for Ctrl-C before its modules are imported.

It stands beside the package, not in it: whoever imports a module of a package imports the
package first, and a Ctrl-C in that time would show a traceback. Only the command may import
this module: from then on, until the command line takes over, a signal ends the process at once.
"""

import gc
import os
import signal

for _name in ("SIGINT", "SIGTERM", "SIGHUP"):
    _number = getattr(signal, _name, None)
    # A process that a shell runs in the background ignores Ctrl-C.
    if _number is not None and signal.getsignal(_number) != signal.SIG_IGN:
        signal.signal(_number, lambda number, _: os._exit(128 + number))


def main() -> None:
    """Import the command line, and run it."""
    # Modules are no garbage: to look for some among them takes a fifth of a short command's time.
    gc.disable()
    from suppress.cli import main as command_line  # noqa: PLC0415 - it takes its time

    gc.freeze()
    gc.enable()
    command_line()
