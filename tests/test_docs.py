"""The reference lists exactly what the code has: hooks, settings, commands, statuses, names."""

import dataclasses
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

import suppress
import suppress.cli
import suppress.testing
from support.builders import row
from suppress import hookspecs
from suppress.cli import exit_statuses
from suppress.settings.settings import CoreSettings
from suppress_aws.settings import AwsSettings
from suppress_bsg.sandbox import Sandbox
from suppress_bsg.settings import BsgSettings
from suppress_file import FileSettings
from suppress_http.settings import ServeSettings
from suppress_opentelemetry import OpenTelemetrySettings
from suppress_postgres.settings import PostgresSettings
from suppress_prometheus import PrometheusSettings
from suppress_redis.settings import RedisSettings
from suppress_sqlalchemy.settings import SqlSettings
from suppress_telnyx.settings import TelnyxSettings

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


HOOKS = [name for name in vars(hookspecs) if name.startswith("suppress_")]


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented_with_its_arguments(name: str) -> None:
    assert f"autofunction:: suppress.hookspecs.{name}" in page("reference/hooks.md")
    arguments = ", ".join(inspect.signature(getattr(hookspecs, name)).parameters)
    assert f"def {name}({arguments})" in page("how-to/plugin.md")


def settings() -> Iterator[tuple[str, str, object]]:
    tables = (
        ("SUPPRESS", CoreSettings),
        ("BSG", BsgSettings),
        ("SUPPRESS_FILE", FileSettings),
        ("TELNYX", TelnyxSettings),
        ("SUPPRESS_AWS", AwsSettings),
        ("SUPPRESS_OPENTELEMETRY", OpenTelemetrySettings),
        ("SUPPRESS_PROMETHEUS", PrometheusSettings),
        ("SUPPRESS_SQLALCHEMY", SqlSettings),
        ("SUPPRESS_POSTGRES", PostgresSettings),
        ("SUPPRESS_REDIS", RedisSettings),
        ("SUPPRESS_SERVE", ServeSettings),
    )
    for prefix, kind in tables:
        for field in dataclasses.fields(kind):
            yield prefix, field.name, field.default


@pytest.mark.parametrize(("prefix", "name", "default"), list(settings()))
def test_every_setting_is_documented_with_its_default(
    prefix: str, name: str, default: object
) -> None:
    (line,) = (
        line
        for line in page("reference/settings.md").splitlines()
        if line.startswith(f"| `{prefix}_{name.upper()}` | `{name}` |")
    )
    shown = line.split("|")[3].replace("`", "").strip()
    if isinstance(default, bool):
        assert shown == str(default).lower()
    elif isinstance(default, int | float):
        assert shown in (f"{default:g}", str(default))
    elif isinstance(default, str):
        assert shown == default
    elif isinstance(default, tuple):
        assert shown == ", ".join(default)


def test_no_setting_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)`", page("reference/settings.md"), re.MULTILINE))
    assert documented == {f"{prefix}_{name.upper()}" for prefix, name, _ in settings()}


def test_every_command_says_what_it_does_and_what_its_options_are() -> None:
    group = suppress.cli.command_line
    context = click.Context(group)
    names = group.list_commands(context)
    assert {"filter", "check", "refresh", "status", "plugins", "demo", "sandbox"} <= set(names)
    for name in names:
        command = group.get_command(context, name)
        assert command is not None
        assert command.help
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.opts}"


def statuses(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| (\d+) +\| (.*?) \|$", text, re.MULTILINE))


def test_every_exit_status_is_documented() -> None:
    in_code = statuses(inspect.getdoc(exit_statuses) or "")
    assert statuses(page("reference/command-line.md")) == in_code
    used = {str(status) for _, status in exit_statuses.OF_ERRORS}
    used |= {"0", "1", str(exit_statuses.INTERRUPTED), str(exit_statuses.NOBODY_READS)}
    used |= {str(exit_statuses.TERMINATED), str(exit_statuses.HUNG_UP)}
    assert in_code.keys() == used


@pytest.mark.parametrize("module", [suppress, suppress.testing])
def test_the_reference_lists_every_public_name_and_no_other(module: ModuleType) -> None:
    pages = page("reference/python.md") + page("reference/hooks.md")
    listed = rf"^\.\. (?:auto(?!module)\w+|py:\w+):: {re.escape(module.__name__)}\.(\w+)$"
    assert sorted(re.findall(listed, pages, re.MULTILINE)) == sorted(module.__all__)


@pytest.mark.parametrize(
    ("package", "heading"), [("suppress", "## The house"), ("suppress/numbers", "## Numbers")]
)
def test_the_design_shows_every_module(package: str, heading: str) -> None:
    section = page("explanation/design.md").partition(heading)[2].partition("\n## ")[0]
    named = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)))
    modules = {
        path.stem
        for path in (ROOT / package).iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert sorted(named) == sorted(modules - {"__init__", "__main__", "version"})


@pytest.mark.parametrize(
    "named", re.findall(r"`((?:\w+/)*test_\w+\.py[\w:]*)`", page("explanation/promises.md"))
)
def test_every_promise_has_its_test(named: str) -> None:
    file, *names = named.split("::")
    code = (ROOT / "tests" / file).read_text()
    for name in names:
        assert re.search(rf"^ *(def|class) {name}\b", code, re.MULTILINE), name


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = set(re.findall(r"^[a-z-]+(?:/[a-z-]+)?$", page("index.md"), re.MULTILINE))
    pages = {str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.rglob("*.md")}
    assert listed == pages - {"index"}


def test_every_task_is_documented() -> None:
    tasks = re.findall(
        r"^@nox\.session.*\ndef (\w+)", (ROOT / "noxfile.py").read_text(), re.MULTILINE
    )
    page = (ROOT / "CONTRIBUTING.md").read_text()
    assert sorted(re.findall(r"^\| `nox -s (\w+)`", page, re.MULTILINE)) == sorted(tasks)


def test_the_changelog_tells_of_this_version() -> None:
    assert f"## {suppress.__version__}" in (ROOT / "CHANGELOG.md").read_text()


class TestMessagingApp:
    def run(self, url: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                sys.executable,
                DOCS / "examples" / "messaging_app.py",
                "+14155552671",
                "+14155552672",
            ],
            env={
                **os.environ,
                "BSG_BASE_URL": url,
                "BSG_API_KEY": "test_sandbox",
                "SUPPRESS_STORE": "none",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @pytest.mark.slow
    def test_sends_to_the_allowed_alone(self) -> None:
        with Sandbox([row(1, 14155552671, "sms")]) as sandbox:
            done = self.run(sandbox.url)
        assert done.stdout == "to +14155552672: Our spring sale begins on Monday.\n"
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.slow
    def test_sends_to_nobody_in_doubt(self) -> None:
        with Sandbox(api_key="test_another") as sandbox:
            done = self.run(sandbox.url)
        assert done.stdout == ""
        assert done.returncode == 1
        assert done.stderr.startswith("Nothing was sent. The stop list cannot be read")
