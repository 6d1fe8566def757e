"""`suppress plugins`: what is installed, and what happens when one is broken."""

import json
import re
from pathlib import Path

import pytest

from support.command_line import FILTER, GOOD, NOBODY, Run, names, refuses
from support.commands import Done


def test_plugins(run: Run) -> None:
    document = json.loads(run("plugins", "--json").stdout)
    found = {each["name"]: each for each in document["plugins"]}
    assert found["bsg"]["sources"] == [{"name": "bsg", "channels": ["sms", "viber"]}]
    assert found["bsg"]["commands"] == ["login", "sandbox", "demo"]
    assert found["file"]["sources"] == []
    assert all(each["error"] is None and each["version"] for each in found.values())
    human = run("plugins").stdout.decode()
    assert re.search(r"bsg .*source bsg for sms, viber", human)
    assert re.search(r"file .*nothing with the current settings", human)
    assert "\x1b" not in human


def test_plugins_tells_which_settings_are_wrong(run: Run) -> None:
    message = "BSG_API_KEY (`api_key` in the table [suppress.bsg]) is missing."
    done = run("plugins", unset="BSG_API_KEY")
    assert message in done.stdout.decode()
    found = json.loads(run("plugins", "--json", unset="BSG_API_KEY").stdout)["plugins"]
    errors = {each["name"]: each["error"] for each in found}
    assert errors.pop("bsg") == message
    assert set(errors.values()) == {None}


@pytest.mark.slow
def test_a_broken_plugin_is_shown(run: Run, broken: dict[str, str]) -> None:
    done = run("plugins", "--json", **broken)
    assert done.returncode == 0
    (found,) = (each for each in json.loads(done.stdout)["plugins"] if each["name"] == "broken")
    assert found["version"] == "1.5"
    assert found["error"] == "RuntimeError: see [/etc/it] or [bold] it"
    done = run("plugins", **broken)
    assert done.returncode == 0, done.stderr
    assert re.search(
        r"broken .*1\.5 .*RuntimeError: see \[/etc/it\] or \[bold\] it", done.stdout.decode()
    )


@pytest.mark.parametrize("sources", ["", "broken", "bsg,broken"])
@pytest.mark.slow
def test_nothing_is_screened_without_a_broken_plugin(
    run: Run, folder: Path, broken: dict[str, str], sources: str
) -> None:
    done = run(*FILTER, stdin=GOOD, SUPPRESS_SOURCES=sources, **broken)
    warning, _, error = done.stderr.partition(b"\n")
    assert b"'broken' cannot be imported" in warning
    refuses(
        Done(done.args, done.returncode, done.stdout, error),
        2,
        "'broken' cannot be imported.*SUPPRESS_SOURCES",
    )
    assert names(folder) == set()


@pytest.mark.slow
def test_a_broken_plugin_that_is_not_asked_for(run: Run, broken: dict[str, str]) -> None:
    done = run("filter", "--channel", "sms", stdin=GOOD, SUPPRESS_SOURCES="bsg", **broken)
    assert done.returncode == 0
    assert done.stdout == f"{NOBODY}\n".encode()
