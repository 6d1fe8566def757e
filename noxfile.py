"""Named tasks for development. List them with `nox -l`, run one with `nox -s NAME`."""

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "quick"]

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests, or those that you name."""
    session.install("-e", ".[libraries]")
    session.run("pytest", *session.posargs)


@nox.session
def quick(session: nox.Session) -> None:
    """Run the tests that take no seconds."""
    session.install("-e", ".[libraries]")
    session.run("pytest", "-m", "not slow", *session.posargs)


@nox.session(python=PYTHONS)
def lowest(session: nox.Session) -> None:
    """Run the quick tests, without servers, with the oldest dependencies that are allowed."""
    session.install("--resolution", "lowest-direct", "-e", ".[libraries]")
    session.run("pytest", "-m", "not slow and not servers", *session.posargs)


@nox.session
def spark(session: nox.Session) -> None:
    """Screen frames of Spark on a cluster of two workers; this needs Java 17 or later."""
    if shutil.which("java") is None:
        session.error("Install Java 17 or later.")
    session.install("-e", ".[spark,test]")
    files = "tests/plugins/test_spark.py", "tests/test_documents.py"
    session.run("pytest", "-n0", "-k", "spark", *files, *session.posargs)
    session.run("python", "tests/benchmarks/spark.py", "20000", "20000")


@nox.session
def apps(session: nox.Session) -> None:
    """Run the tests of task queues and web frameworks."""
    session.install("-e", ".[apps]")
    files = (
        "tests/plugins/test_bsg_sdk.py",
        "tests/plugins/test_celery.py",
        "tests/plugins/test_django.py",
    )
    pages = "tests/test_documents.py", "-k", "celery or django or frameworks or sdk"
    session.run("pytest", *files, *pages, "--no-skips", *session.posargs)


@nox.session
def extras(session: nox.Session) -> None:
    """Install each extra alone, and all of them together, and import what they bring."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    offered = set(project["optional-dependencies"]) - {"test", "libraries", "bench", "apps"}
    for extra in session.posargs or sorted(offered):
        alone = ["--isolated", "--no-project", "--python", sys.executable, "--with", f".[{extra}]"]
        session.run("uv", "run", "-q", *alone, "python", "tests/extras.py", extra, external=True)


@nox.session
def servers(session: nox.Session) -> None:
    """Run the tests that need PostgreSQL, Redis or promtool; where one is missing, they fail."""
    session.install("-e", ".[libraries]")
    # These need none of the servers, but libraries that are missing here.
    others = (f"--ignore=tests/plugins/test_{each}.py" for each in ("serve_recent", "spark"))
    session.run("pytest", "-m", "servers", "--no-skips", *others, *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """Look at the page of a report in Chromium, on screen and on paper, with axe-core."""
    if shutil.which("chromium") is None:
        session.error("Install Chromium.")
    session.install("-e", ".[report,test]", "playwright>=1.50", "axe-playwright-python>=0.1.6")
    file = "tests/screening/test_report_in_browser.py"
    session.run("pytest", "-n0", "--no-skips", file, *session.posargs)


@nox.session
def service(session: nox.Session) -> None:
    """Call the service by its description, in JavaScript, in PHP, and by curl."""
    for program in ("node", "php", "curl", "openssl"):
        if shutil.which(program) is None:
            session.error(f"Install {program}.")
    session.install("-e", ".[serve,test]", "httpx2>=2.16", "schemathesis>=4.10")
    files = sorted(map(str, Path("tests/plugins").glob("test_serve*.py")))
    page = "tests/test_documents.py::test_the_code_of[docs/how-to/serve.md]"
    session.run("pytest", "-n0", "--no-skips", *files, page, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check the format, the style and the direction of imports."""
    session.install("-e", ".", "--group", "lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of the library, the plugins and the tests."""
    session.install("-e", ".[bench]", "--group", "types")
    session.run("mypy", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation; a warning is an error."""
    session.install("-e", ".[test]", "--group", "docs")
    session.run("sphinx-build", "-q", "-W", "-n", "-b", "html", "docs", "docs/_build/html")


@nox.session(reuse_venv=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel, and use it outside the checkout."""
    folder = Path(session.create_tmp())
    shutil.rmtree(folder / "dist", ignore_errors=True)
    session.run("uv", "build", "-q", "--out-dir", str(folder / "dist"), external=True)
    session.install(*(str(path) for path in (folder / "dist").glob("*.whl")))
    session.chdir(folder)
    session.run("suppress", "plugins")
    session.run("suppress", "demo", silent=True)
    session.run("python", "-c", IN_THE_WHEEL)


IN_THE_WHEEL = """\
import importlib.util, pathlib, suppress, suppress_bsg, suppress_file, suppress_launcher
assert "site-packages" in suppress.__file__
assert (pathlib.Path(suppress.__file__).parent / "py.typed").exists()
assert all(map(importlib.util.find_spec, ("suppress_spark", "suppress_sqlalchemy")))
assert all(map(importlib.util.find_spec, ("suppress_aws", "suppress_http", "suppress_telnyx")))
assert all(map(importlib.util.find_spec, ("suppress_celery", "suppress_django")))
assert importlib.util.find_spec("suppress_postgres")
assert (pathlib.Path(suppress.__file__).parent / "screening/templates/report.html").exists()
assert all(map(importlib.util.find_spec, ("suppress_opentelemetry", "suppress_prometheus")))
assert importlib.util.find_spec("suppress_redis")
"""


@nox.session
def bench(session: nox.Session) -> None:
    """Measure beside its rivals, in full or with the options that you give."""
    session.install("-e", ".[bench]")
    session.run("python", "tests/benchmarks", *session.posargs)


@nox.session
def differential(session: nox.Session) -> None:
    """Compare the fast ways of reading numbers with the reference."""
    session.install("-e", ".[test]")
    session.run("python", "tests/differential.py", *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Let processes screen, refresh, opt out and be killed, while the list changes."""
    session.install("-e", ".[postgres,test]")
    session.chdir("tests")
    session.run("python", "-m", "promises.soak", *session.posargs)
