"""The group of all commands: their help, and the commands of plugins."""

import os
from pathlib import Path

import pytest

from support.command_line import Run, refuses


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ((), ["filter", "check", "refresh", "status", "plugins", "demo", "sandbox", "--version"]),
        (
            ("filter",),
            [
                *("--channel", "--column", "--format", "--default-region", "--output"),
                *("--suppressed", "--invalid", "--receipt", "[INPUT]", "standard input"),
                *("--decisions", "--max-invalid", "--once", "--in-place"),
            ],
        ),
        (("check",), ["--channel", "--default-region", "--json", "NUMBER", "Exit status"]),
        (("refresh",), ["--channel", "--json"]),
        (("status",), ["--json", "fresh", "stale", "expired", "missing"]),
        (("plugins",), ["--json"]),
        (("demo",), []),
        (("sandbox",), ["--port", "--size", "--file", "--latency", "--require-key"]),
        (("login",), ["standard input", "delete the file"]),
    ],
)
def test_help(run: Run, command: tuple[str, ...], options: list[str]) -> None:
    # Neither a key nor any other setting is needed for it.
    done = run(*command, "--help", unset="BSG_API_KEY", SUPPRESS_TTL="soon")
    assert done.returncode == 0
    assert done.stderr == b""
    text = done.stdout.decode()
    assert text.startswith("Usage: " + " ".join(["suppress", *command]))
    assert [each for each in options if each not in " ".join(text.split())] == []
    assert run(*command, "-h", unset="BSG_API_KEY").stdout == done.stdout
    assert "\x1b" not in text


@pytest.mark.slow
def test_a_plugin_whose_hooks_fail_is_named(run: Run, broken: dict[str, str]) -> None:
    """It is in nobody's way but its own, and nothing is screened without it."""
    module = Path(broken["PYTHONPATH"].split(os.pathsep)[0]) / "suppress_broken.py"
    module.write_text(
        "import suppress\n"
        "@suppress.hookimpl\n"
        "def suppress_commands():\n    raise RuntimeError('no commands')\n"
        "@suppress.hookimpl\n"
        "def suppress_sources(settings):\n    raise RuntimeError('no sources')\n"
    )
    done = run("--help", **broken)
    assert done.returncode == 0
    assert b"demo" in done.stdout
    assert b"'broken' cannot offer its commands (RuntimeError: no commands)" in done.stderr
    refuses(run("status", **broken), 2, "'broken' cannot offer its sources .*no sources")
    assert b"no commands" in run("plugins", **broken).stdout


@pytest.mark.slow
def test_a_plugin_replaces_no_command(run: Run, broken: dict[str, str]) -> None:
    module = Path(broken["PYTHONPATH"].split(os.pathsep)[0]) / "suppress_broken.py"
    module.write_text(
        "import click, suppress\n"
        "@suppress.hookimpl\n"
        "def suppress_commands():\n"
        "    return [click.Command('refresh', help='odd one'), click.Command('tell', help='a')]\n"
    )
    done = run("--help", **broken)
    assert done.returncode == 0
    assert b"tell" in done.stdout
    assert b"odd one" not in done.stdout
    assert (
        b"Warning: The command 'refresh' of the plugin 'broken' is not used: there is another "
        b"command of that name."
    ) in done.stderr
