"""Running the command `suppress` as users do, without importing it each time.

Where a process can be forked, a command runs in one that is forked from a server: a process that
has imported what the command imports, and has run none of it. Otherwise it behaves like a new
process, from its arguments to its exit status; only an input file counts as complete sooner. Tests
of starting, of signals, and of closed streams run `COMMAND` in a process of its own.
"""

import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

Done = subprocess.CompletedProcess[bytes]
DoneInText = subprocess.CompletedProcess[str]

COMMAND = str(Path(sys.executable).with_name("suppress"))

_READ_BY_PYTHON = ("PYTHON", "LC_", "LANG", "LD_", "DYLD_")
_SERVER = Path(__file__).with_name("command_server.py")


def run(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    stdin: bytes = b"",
    stdout: int | IO[bytes] = subprocess.PIPE,
    timeout: float = 60,
    check: bool = False,
) -> Done:
    """Run the command as `subprocess.run` does, with pipes for its streams, and wait for it."""
    environ = dict(os.environ if env is None else env)
    done = None
    if _can_be_forked(environ) and _LOCK.acquire(blocking=False):
        try:
            server = _server(frozenset(_set_up(environ).items()))
            done = server.run(arguments, environ, Path.cwd() / (cwd or ""), stdin, stdout, timeout)
        finally:
            _LOCK.release()
    if done is None:
        done = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environ,
            timeout=timeout,
            check=False,
        )
    if check:
        done.check_returncode()
    return done


def run_text(arguments: Sequence[str], *, stdin: str = "", **options: Any) -> DoneInText:
    """Run the command with text in and out."""
    done = run(arguments, stdin=stdin.encode(), **options)
    return subprocess.CompletedProcess(
        done.args, done.returncode, (done.stdout or b"").decode(), done.stderr.decode()
    )


_LOCK = threading.Lock()
"""A server runs one command at a time."""


def _set_up(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are read before anything of ours runs."""
    found = {name: value for name, value in environ.items() if name.startswith(_READ_BY_PYTHON)}
    if not {"LANG", "LC_ALL"} & found.keys() and found.get("LC_CTYPE") == "C.UTF-8":
        # Python's own choice where there is none.
        del found["LC_CTYPE"]
    return found


def _can_be_forked(environ: Mapping[str, str]) -> bool:
    return hasattr(os, "fork") and hasattr(socket, "send_fds") and _set_up(environ).items() <= _OWN


class _Server:
    """A process of which commands are forked; it ends with the socket that leads to it."""

    def __init__(self, set_up: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, str(_SERVER), str(theirs.fileno())],
                # One thread alone can be forked.
                env={"PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1", **set_up},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._answers = self._socket.makefile("r")

    def run(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        cwd: Path,
        given: bytes,
        stdout: int | IO[bytes],
        timeout: float,
    ) -> Done:
        """Run a command, and wait for it."""
        command = [COMMAND, *map(str, arguments)]
        asked = json.dumps([command, dict(environ), str(cwd)]).encode()
        stdin_there, stdin = os.pipe()
        stderr, stderr_there = os.pipe()
        out: int | None = None
        if stdout == subprocess.PIPE:
            out, stdout_there = os.pipe()
        else:
            stdout_there = os.dup(stdout if isinstance(stdout, int) else stdout.fileno())
        theirs = [stdin_there, stdout_there, stderr_there]
        try:
            socket.send_fds(self._socket, [len(asked).to_bytes(4, "big")], theirs)
            self._socket.sendall(asked)
        finally:
            for each in theirs:
                os.close(each)
        process = int(self._answers.readline())
        timer = threading.Timer(timeout, os.kill, (process, signal.SIGKILL))
        began = time.monotonic()
        timer.start()
        try:
            with ThreadPoolExecutor(3) as pool:
                pool.submit(_write, stdin, given)
                errors = pool.submit(_read, stderr)
                output = None if out is None else pool.submit(_read, out)
            status = int(self._answers.readline())
        finally:
            timer.cancel()
        if time.monotonic() - began > timeout:
            raise subprocess.TimeoutExpired(command, timeout)
        return subprocess.CompletedProcess(
            command, status, None if output is None else output.result(), errors.result()
        )


_OWN = _set_up(os.environ).items()


@functools.cache
def _server(set_up: frozenset[tuple[str, str]]) -> _Server:
    return _Server(dict(set_up))


def _write(descriptor: int, given: bytes) -> None:
    # Whoever is asked need not read it.
    with contextlib.suppress(BrokenPipeError), open(descriptor, "wb") as stream:
        stream.write(given)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        return stream.read()
