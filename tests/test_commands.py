"""A command that is forked is one that was started: the tests of the command line rest on it."""

import re
import subprocess
from pathlib import Path

import pytest

from support import commands
from support.builders import environ_of_list

pytestmark = pytest.mark.slow

LISTED, NOBODY = "+14155552671", "+442079460959"
AGE = re.compile(rb"\d+ s ago")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("filter", "--channel", "sms", "--default-region", "US", "--decisions", "-", "-o", "out"),
        ("filter", "--channel", "sms", "--format", "xlsx"),
        ("check", LISTED, "--channel", "sms"),
        ("check", "n/a", "--channel", "sms"),
        ("plugins",),
    ],
)
def test_it_answers_the_same(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    environ = environ_of_list(tmp_path, f"{LISTED}\n".encode())
    given = f"{LISTED}\r\n{NOBODY}\n(415) 555-2671\n\xff".encode("latin-1")
    forked = commands.run(arguments, env=environ, stdin=given)
    # A variable that changes nothing, but which Python may read.
    started = commands.run(arguments, env=environ | {"PYTHON_OF_TESTS": ""}, stdin=given)
    assert told(forked) == told(started)


def told(done: commands.Done) -> list[object]:
    return [done.returncode, *(AGE.sub(b"", each) for each in (done.stdout, done.stderr))]


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        commands.run(["sandbox", "--port", "0"], timeout=0.2)
    assert commands.run(["--version"]).returncode == 0
