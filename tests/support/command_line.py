"""A stop list, an environment and assertions for tests of the command line."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from support.builders import row
from support.commands import Done, DoneInText
from suppress_bsg.sandbox import Sandbox

KEY = "test_right"

SMS, VIBER, BOTH, NOBODY = "+14155552671", "+14155552672", "+442079460958", "+442079460959"

FIXED = [
    row(1, int(SMS), "sms"),
    row(2, int(VIBER), "viber"),
    row(3, int(BOTH), "sms", "viber"),
]

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+442079460958"
ROWS = [row(1, int(LISTED), "sms", "viber")]
"""The list of a provider that is told of opt-outs: of these three it has one."""

GOOD = f"{SMS}\n{NOBODY}\n".encode()

FILTER = ("filter", "--channel", "sms", "-o", "out", "--suppressed", "no", "--invalid", "bad")

Run = Callable[..., Done]

Typed = Callable[..., DoneInText]

Start = Callable[..., subprocess.Popen[bytes]]


def environ_of(url: str, home: Path, store: Path) -> dict[str, str]:
    """All of a command's environment, but for where Python finds its modules."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "BSG_BASE_URL": url,
        "BSG_API_KEY": KEY,
        "SUPPRESS_STORE": str(store),
    } | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def listed(provider: Sandbox) -> dict[str, set[str]]:
    return {f"+{each.phone}": each.channels for each in provider.rows}


def port_of(provider: Sandbox) -> int:
    return int(provider.url.rpartition(":")[2])


def refuses(done: Done | DoneInText, status: int, message: str) -> None:
    """It ended with the status and that one message, and wrote nothing."""
    errors = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()
    assert done.returncode == status, errors
    assert "Traceback" not in errors
    assert "\x1b" not in errors
    *usage, error = errors.splitlines()
    assert error.startswith("Error: "), errors
    # click tells how a command is called above what is wrong with the call.
    assert not usage or (status == 2 and usage[0].startswith("Usage: ")), errors
    assert re.search(message, error), error
    assert not done.stdout
