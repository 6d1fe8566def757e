"""The rules of the house that no other tool checks: sizes, names, and imports that wait."""

import ast
import json
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import suppress

ROOT = Path(__file__).parents[1]
MODULES = sorted(path for name in ("suppress", "plugins") for path in (ROOT / name).rglob("*.py"))

MOST_LINES = 400
MOST_LINES_OF_A_CLASS = 300

OF_EXTRAS = {
    *("babel", "boto3", "botocore", "cryptography", "dask", "duckdb", "jinja2", "modin"),
    *("narwhals", "opentelemetry", "pandas", "polars", "prometheus_client", "psycopg", "pyarrow"),
    *("pyspark", "python_calamine", "redis", "sqlalchemy", "sqlite_utils", "starlette", "uvicorn"),
    *("celery", "django", "xlsxwriter"),
}
"""Libraries that no command needs for a file of text."""

OF_OTHERS = {
    *(f"suppress.files.{each}" for each in ("json_array", "json_lines", "parquet", "workbook")),
    *("suppress.frames", "suppress.guarded_sends", "suppress.opt_outs.copying", "suppress.sql"),
    *("filelock", "fractions", "numpy.ma"),
}
"""Modules that a table whose column is named does without; each takes its time at the start."""

HEAVY = {"click", "requests", "rich", *OF_EXTRAS}
"""Libraries that only some users or some calls need."""


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_module_and_no_class_is_long(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= MOST_LINES
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            assert node.end_lineno is not None
            lines = node.end_lineno - node.lineno + 1
            assert lines <= MOST_LINES_OF_A_CLASS, node.name


def test_no_two_classes_have_one_name() -> None:
    classes = Counter(
        node.name for path in MODULES for node in tree(path).body if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in classes.items() if count > 1] == []


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.arg | ast.Name]:
    for node in ast.walk(function):
        if isinstance(node, ast.arg) or (
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        ):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_no_local_name_is_that_of_a_function(path: Path) -> None:
    functions = {node.name for node in tree(path).body if isinstance(node, ast.FunctionDef)}
    shadows = {
        f"{name} in line {local.lineno}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for local in local_names(node)
        if (name := local.arg if isinstance(local, ast.arg) else local.id) in functions
    }
    assert sorted(shadows) == []


def test_names_that_are_imported_later_are_there_from_the_start() -> None:
    assert set(dir(suppress)) >= {*suppress.__all__}
    for name in suppress.__all__:
        assert getattr(suppress, name) is not None
    with pytest.raises(AttributeError, match="module 'suppress' has no attribute 'nothing'"):
        _ = suppress.nothing


def test_importing_suppress_and_its_plugins_imports_no_heavy_library() -> None:
    plugins = (
        "suppress_aws, suppress_bsg, suppress_file, suppress_http, suppress_opentelemetry, "
        "suppress_postgres, suppress_prometheus, suppress_sqlalchemy, suppress_telnyx"
    )
    code = f"import json, suppress, {plugins}, sys; print(json.dumps([*sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert HEAVY & set(json.loads(done.stdout)) == set()


def test_filtering_a_table_imports_nothing_of_extras_and_of_other_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "stopped.txt").write_text("+14155552671\n")
    (tmp_path / "in.csv").write_text("phone\n+14155552671\n+14155552672\n")
    monkeypatch.setenv("SUPPRESS_FILE_PATH", str(tmp_path / "stopped.txt"))
    monkeypatch.setenv("SUPPRESS_STORE", "none")
    code = """
import json, sys
from suppress.cli import main
sys.argv = "suppress filter in.csv --channel sms --column phone -o out.csv".split()
try:
    main()
except SystemExit as ended:
    print(json.dumps([ended.code, *sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    status, *modules = json.loads(done.stdout)
    assert status in (0, None)
    assert (tmp_path / "out.csv").read_text() == "phone\n+14155552672\n"
    assert OF_EXTRAS & set(modules) == set()
    assert OF_OTHERS & set(modules) == set()


def test_the_extra_all_has_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    offered = sorted(extras.keys() - {"all", "apps", "bench", "libraries", "test"})
    assert extras["all"] == [f"suppress-filter[{','.join(offered)}]"]
