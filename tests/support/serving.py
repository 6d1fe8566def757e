"""The service, run as users run it: `suppress serve` on a free port, ended with the test."""

import base64
import contextlib
import hmac
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from support.commands import COMMAND

TOKEN = "0123456789abcdef0123"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Service:
    """A service that runs.

    Attributes:
        url: its address; empty for one on a Unix socket.
        process: its process.
    """

    url: str
    process: subprocess.Popen[str]

    def post(self, path: str, content: object = None, **options: Any) -> requests.Response:
        """Post a JSON document, unless the options have another body."""
        given = {"timeout": 30, **options}
        if "data" not in given:
            given["json"] = content
        return requests.post(f"{self.url}{path}", **given)

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=30, **options)

    def end(self) -> int:
        """End it with SIGTERM; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@contextlib.contextmanager
def served(environ: Mapping[str, str], *options: str) -> Iterator[Service]:
    """Run the service until the block ends."""
    with subprocess.Popen(
        [COMMAND, "serve", *(options or ("--port", "0"))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("Serving"):
                assert process.stderr is not None
                raise RuntimeError(process.stderr.read())
            found = re.search(r"http://\S+?(?=\.? )", line)
            yield Service("" if found is None else found[0], process)
        finally:
            process.kill()
            process.communicate()


def is_suppressed(service: Service, number: str, channel: str = "sms") -> bool:
    question = {"number": number, "channel": channel}
    found = service.post("/check", question, headers={"Authorization": f"Bearer {TOKEN}"})
    return bool(found.json()["outcome"] == "suppressed")


def signature_of(form: Mapping[str, str]) -> str:
    """Sign a form as Twilio does, for the token 12345 and a service below example.com/stop."""
    text = "https://example.com/stop/replies/twilio" + "".join(
        name + form[name] for name in sorted(form)
    )
    return base64.b64encode(hmac.digest(b"12345", text.encode(), "sha1")).decode()


def peak(process: int) -> int:
    """Return the most memory of a process so far, in kB."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return 0
    (line,) = (each for each in status.read_text().splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1])
