"""The process that commands are forked from: it has imported what they import.

`commands.py` starts it, with the socket for its requests.
"""

import gc
import importlib
import json
import os
import socket
import sys
import time

QUIET = 0.05
"""Seconds for which an input has to be unchanged: nothing else writes to those of tests."""

IMPORTED = ("suppress.cli", "suppress_bsg.source", "suppress_bsg.commands", "suppress_file")


def serve(connection: socket.socket) -> bool:
    """Fork a process for each command, one after another; return True in such a process."""
    while True:
        length, streams, _, _ = socket.recv_fds(connection, 4, 3)
        if not length:
            return False
        asked = connection.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
        if (process := os.fork()) == 0:
            connection.close()
            become(streams, *json.loads(asked))
            return True
        for each in streams:
            os.close(each)
        connection.sendall(b"%d\n" % process)
        status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        connection.sendall(b"%d\n" % status)


def become(streams: list[int], command: list[str], environ: dict[str, str], cwd: str) -> None:
    """Turn this process into one that was started with these streams and values."""
    for place, each in enumerate(streams):
        os.dup2(each, place)
        os.close(each)
    # Python itself sets this one if no language is set.
    coerced = {name: os.environ[name] for name in ("LC_CTYPE",) if name in os.environ}
    os.environ.clear()
    os.environ.update(coerced | environ)
    time.tzset()
    os.chdir(cwd)
    sys.argv = command
    sys.path[0] = os.path.dirname(command[0])  # noqa: PTH120 - as Python has it
    for place, name in enumerate(("stdin", "stdout", "stderr")):
        open_anew(place, name)


def open_anew(descriptor: int, name: str) -> None:
    """Open one of Python's standard streams as Python does when it starts."""
    before = getattr(sys, name)
    stream = open(  # noqa: SIM115 - it is open until the end
        descriptor,
        before.mode,
        encoding=before.encoding,
        errors=before.errors,
        newline="\n",
        closefd=False,
    )
    stream.buffer.raw.name = f"<{name}>"
    stream.reconfigure(line_buffering=name == "stderr" or stream.isatty())
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    from suppress.cli import command_line  # noqa: PLC0415 - imported above, and nowhere else
    from suppress.cli.limits import CommandLimits  # noqa: PLC0415

    command_line.context_settings["obj"] = CommandLimits(quiet=QUIET)
    gc.freeze()
    if serve(socket.socket(fileno=int(sys.argv[1]))):
        # Like the console script, which handles signals from the beginning.
        from suppress_launcher import main as command  # noqa: PLC0415

        command()


if __name__ == "__main__":
    main()
