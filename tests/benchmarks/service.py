"""Single checks by the service, beside an empty Starlette application, asked by wrk.

A rate is that of one core: answers for each second that the process computed.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

EMPTY = """\
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route


async def nothing(request):
    return Response(b"{}", media_type="application/json")


app = Starlette(routes=[Route("/check", nothing, methods=["POST"])])
"""

SCRIPT = """\
local place = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  place = (place + 7919) % 10000000
  local body = string.format('{"number":"+1415%07d","channel":"sms"}', place)
  return wrk.format(nil, nil, nil, body)
end
"""

CONNECTIONS = 16


class Server(NamedTuple):
    """A server that runs."""

    port: int
    process: int


ENTRIES = 5_000


def measure(seconds: int) -> str:
    """Return in words how many checks the service answers in a second.

    Args:
        seconds: how long each of both is asked.
    """
    if (wrk := shutil.which("wrk")) is None:
        return "Single checks by the service: not measured, since wrk is not installed."
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "empty.py").write_text(EMPTY)
        (home / "check.lua").write_text(SCRIPT)
        (home / "stopped.txt").write_text("".join(f"+1415{n:07}\n" for n in range(ENTRIES)))
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": folder,
            "SUPPRESS_FILE_PATH": str(home / "stopped.txt"),
            "SUPPRESS_FILE_QUIET": "0",
            "SUPPRESS_STORE": "none",
        }
        suppress = str(Path(sys.executable).with_name("suppress"))
        uvicorn = [sys.executable, "-m", "uvicorn", "--no-access-log", "--log-level", "warning"]
        with (
            _running([suppress, "serve", "--port"], environ, home) as ours,
            _running([*uvicorn, "empty:app", "--port"], environ, home) as empty,
        ):
            # Once before, so that the list is there and all is compiled.
            rates = [
                _rate(wrk, port, home, each) for each in (1, seconds) for port in (ours, empty)
            ]
    checks, nothing = rates[2:]
    return (
        f"Single checks by the service on one core, {CONNECTIONS} connections: {checks:,.0f} a "
        f"second; an empty Starlette application answers {nothing:,.0f}: "
        f"{checks / nothing:.0%} of it."
    )


@contextlib.contextmanager
def _running(command: list[str], environ: dict[str, str], home: Path) -> Iterator[Server]:
    """Run a server on the first core; yield it when it answers."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    if hasattr(os, "sched_getaffinity"):
        core = min(os.sched_getaffinity(0))
        pinned = (
            "import os, sys; os.sched_setaffinity(0, {%d}); os.execv(sys.argv[1], sys.argv[1:])"
        )
        command = [sys.executable, "-c", pinned % core, *command]
    with subprocess.Popen(
        [*command, str(port)], env=environ, cwd=home, stdout=subprocess.DEVNULL
    ) as process:
        try:
            while True:
                assert process.poll() is None
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
            yield Server(port, process.pid)
        finally:
            process.kill()


def _computed(process: int) -> float:
    """Return the seconds that a process has computed; those that have passed, if unknown."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rate(wrk: str, server: Server, home: Path, seconds: int) -> float:
    """Return the answers for each second that a server computed."""
    before = _computed(server.process)
    done = subprocess.run(
        [
            *(wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(home / "check.lua")),
            f"http://127.0.0.1:{server.port}/check",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Non-2xx" not in done.stdout, done.stdout
    found = re.search(r"(\d+) requests in", done.stdout)
    assert found is not None, done.stdout
    return int(found[1]) / (_computed(server.process) - before)


if __name__ == "__main__":
    print(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 5))
