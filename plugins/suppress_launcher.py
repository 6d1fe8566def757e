"""Where the command `suppress` begins: ready for Ctrl-C before its modules are imported.

It stands beside the package, not in it: to import anything of a package is to import the
whole of it first, and a Ctrl-C in that time would show a traceback. For nothing but the
command to import: from then on, and until the command line takes over, a signal ends the
process at once.
"""

import os
import signal

for _name in ("SIGINT", "SIGTERM", "SIGHUP"):
    _number = getattr(signal, _name, None)
    # What runs in the background, without job control, does not listen to Ctrl-C.
    if _number is not None and signal.getsignal(_number) != signal.SIG_IGN:
        signal.signal(_number, lambda number, _: os._exit(128 + number))


def main() -> None:
    """Import the command line, and run it."""
    from suppress.cli import main as command_line  # noqa: PLC0415 - it takes its time

    command_line()
