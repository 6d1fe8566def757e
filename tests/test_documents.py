"""The code in the README and the docs runs, and prints what the page says.

Blocks of `python` are executed, and blocks of `console` are typed into a shell. A block with a
caption is a file, and is written where they run. The stop list is the tutorial's.
"""

import contextlib
import doctest
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from sybil.parsers.myst.lexers import DirectiveLexer

from support.builders import environ_of_list, row
from support.faulty_aws import FaultyAws, opted_out
from support.faulty_telnyx import FaultyTelnyx, blocks
from support.postgres_server import PostgresServer, missing_for_postgres
from support.serving import served
from support.spark import MARKS, missing_for_spark
from suppress_bsg.sandbox import Sandbox

ROOT = Path(__file__).parents[1]
SPARK = ROOT / "docs/how-to/spark.md"
SERVE = ROOT / "docs/how-to/serve.md"
MACHINES = ROOT / "docs/how-to/several-machines.md"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
END = "@@"

NEEDED = {
    "docs/how-to/aws.md": ("boto3",),
    "docs/how-to/celery.md": ("celery",),
    "docs/how-to/data-frames.md": ("narwhals", "pandas", "polars", "pyarrow"),
    "docs/how-to/database.md": ("sqlalchemy",),
    "docs/how-to/django.md": ("celery", "django"),
    "docs/how-to/files.md": ("pyarrow", "python_calamine", "xlsxwriter"),
    "docs/how-to/frameworks.md": ("dramatiq", "fakeredis", "fastapi", "httpx2", "rq"),
    "docs/how-to/monitoring.md": ("opentelemetry.sdk", "prometheus_client", "structlog"),
    "docs/how-to/report.md": ("babel", "jinja2"),
    "docs/how-to/serve.md": ("prometheus_client", "starlette", "uvicorn"),
    "docs/how-to/testing.md": ("fastapi", "httpx2"),
    "docs/how-to/sql.md": ("duckdb", "pyarrow", "sqlite_utils"),
}
"""Libraries of extras that the code of a page imports."""


@contextlib.contextmanager
def aws() -> Iterator[dict[str, str]]:
    """Serve three opt-outs as AWS does; yield the environment of whoever may read them."""
    with FaultyAws({"Default": [opted_out(place) for place in range(3)]}) as server:
        yield {
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "x",
            "SUPPRESS_AWS_ENDPOINT_URL": server.url,
        }


@contextlib.contextmanager
def telnyx() -> Iterator[dict[str, str]]:
    """Serve three opt-outs as Telnyx does."""
    with FaultyTelnyx(blocks(3)) as server:
        yield {"TELNYX_BASE_URL": server.url}


@contextlib.contextmanager
def postgres() -> Iterator[dict[str, str]]:
    """Serve an empty database for a store."""
    with PostgresServer() as server, server.database() as database:
        yield {"SUPPRESS_STORE": server.url(database)}


@contextlib.contextmanager
def service() -> Iterator[dict[str, str]]:
    """Run `suppress serve` with the tutorial's stop list, open for replies."""
    secrets = {
        "SUPPRESS_SERVE_TWILIO_AUTH_TOKEN": "12345",
        "SUPPRESS_SERVE_REPLY_SECRET": "0123456789abcdef",
    }
    with tempfile.TemporaryDirectory() as folder:
        environ = environ_of_list(Path(folder), b"+14155552671\n+442079460958\n")
        with served({**environ, **secrets}) as found:
            yield {"SERVICE": found.url, **secrets}


SERVERS: dict[str, Callable[[], AbstractContextManager[dict[str, str]]]] = {
    "docs/how-to/aws.md": aws,
    "docs/how-to/telnyx.md": telnyx,
    "docs/how-to/several-machines.md": postgres,
    "docs/how-to/serve.md": service,
}
"""Servers that the code of a page asks, besides BSG's; each yields variables of the environment."""

NO_CURL = pytest.mark.skipif(
    None in map(shutil.which, ("curl", "openssl")), reason="curl or openssl is not installed"
)

MARKS_OF = {SPARK: MARKS, MACHINES: [pytest.mark.servers], SERVE: [NO_CURL]}

STOP_LIST = [row(1, 14155552671, "sms", "viber"), row(2, 442079460958, "sms", "viber")]


def run_console(example: Example) -> None:
    """Run the lines after `$`, and compare the output of each with the lines that follow it."""
    typed: list[tuple[str, str]] = []
    for line in str(example.parsed).splitlines(keepends=True):
        if line.startswith("$ "):
            typed.append((line[2:], ""))
        else:
            command, output = typed[-1]
            typed[-1] = (command, output + line)
    # The status of each command is kept for the next one to ask for.
    script = "".join(f"{command}s=$?; echo {END}; (exit $s)\n" for command, _ in typed)
    done = subprocess.run(
        ["bash", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    outputs = done.stdout.split(f"{END}\n")[:-1]
    assert len(outputs) == len(typed), done.stdout
    for (command, expected), output in zip(typed, outputs, strict=True):
        same = doctest.OutputChecker().check_output(expected, output, FLAGS)
        assert same, f"$ {command}expected:\n{expected}\ncame:\n{output}"


def write_file(example: Example) -> None:
    name, text = example.parsed
    path = Path(name).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    if path.name == "pyproject.toml":
        install(path.parent)


def install(folder: Path) -> None:
    """Write the metadata of a package that an installer would write: its entry points."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(points)
    os.environ["PYTHONPATH"] = str(folder.absolute())


def files(document: Document) -> Iterable[Region]:
    for region in DirectiveLexer("code-block")(document):
        if name := region.lexemes["options"].get("caption"):
            yield Region(
                region.start, region.end, (name, str(region.lexemes["source"])), write_file
            )


SYBIL = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=FLAGS),
        CodeBlockParser("console", run_console),
        files,
    ]
)


@pytest.mark.slow
@pytest.mark.timeout(240)  # some pages type dozens of commands
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=MARKS_OF.get(path, ())) for path in DOCUMENTS],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_code_of(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for library in NEEDED.get(str(path.relative_to(ROOT)), ()):
        pytest.importorskip(library)
    if path == SPARK and (missing := missing_for_spark()) is not None:
        pytest.skip(missing)
    if path == MACHINES and (missing := missing_for_postgres()) is not None:
        pytest.skip(missing)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.syspath_prepend(work)
    monkeypatch.setattr("suppress.default._made", None)
    monkeypatch.delenv("XDG_CONFIG_HOME")  # so that settings are where Linux has them
    server = SERVERS.get(str(path.relative_to(ROOT)), contextlib.nullcontext)
    with Sandbox(STOP_LIST) as sandbox, server() as environ:
        for name, value in {
            "BSG_BASE_URL": sandbox.url,
            "BSG_API_KEY": "test_sandbox",
            "SUPPRESS_STORE": str(tmp_path / "store"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": "",
            "PYSPARK_PYTHON": sys.executable,
            **(environ or {}),
        }.items():
            monkeypatch.setenv(name, value)
        for example in SYBIL.parse(path).examples():
            example.evaluate()
