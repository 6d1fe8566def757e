"""Fixtures of tests that need a server, which are skipped where it is not installed.

Mark such tests with `servers`. With `--no-skips`, a test that would be skipped fails: so
`nox -s servers` shows that all of them have run.
"""

from collections.abc import Generator, Iterator

import pytest

from support.postgres_server import PostgresServer, missing_for_postgres
from support.redis_server import RedisServer, missing_for_redis


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="let a test that is skipped fail")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _fail_if_skipped(report, "test", item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _fail_if_skipped(report, "file", collector.config)
    return report


def _fail_if_skipped(
    report: pytest.TestReport | pytest.CollectReport, what: str, config: pytest.Config
) -> None:
    if report.skipped and config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"This {what} was skipped: {report.longrepr}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this process. A test that kills it starts it again."""
    if (missing := missing_for_postgres()) is not None:
        pytest.skip(missing)
    with PostgresServer() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The server of this process, which keeps what it acknowledges.

    A test that kills it, or changes its settings, starts one of its own.
    """
    if (missing := missing_for_redis()) is not None:
        pytest.skip(missing)
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of an empty database."""
    with redis_server.client() as client:
        client.flushall()
    return redis_server.url()
