"""The service, run as users run it: `suppress serve` on a free port, ended with the test."""

import contextlib
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests

from support.commands import COMMAND


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
