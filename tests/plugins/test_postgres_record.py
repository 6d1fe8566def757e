"""The record of opt-outs in a PostgreSQL database keeps the contract of a shared record."""

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.postgres_server import PASSWORD, PostgresServer, missing_for_postgres
from suppress import (
    Changes,
    ConfigurationError,
    People,
    Person,
    RecordError,
    ServerUrl,
    Settings,
    SharedRecord,
)
from suppress.testing import SharedRecordContract
from suppress.testing.shared_records import Joining
from suppress_postgres import suppress_record

if missing_for_postgres() is None:
    from suppress_postgres.record import PostgresRecord

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(missing_for_postgres() is not None, reason=str(missing_for_postgres())),
]

ANN = People.of([Person("+14155552671", "+14155552671")])
CHANGES = [Changes("add", "sms", ANN, 1000.0)]


def opened_by(url: str) -> "PostgresRecord":
    record = suppress_record(ServerUrl(url), Settings())
    assert isinstance(record, PostgresRecord)
    return record


@pytest.fixture
def joining(postgres_url: str) -> Iterator[Joining]:
    opened = []

    def join() -> SharedRecord:
        record = opened_by(postgres_url)
        opened.append(record)
        return record

    yield join
    for each in opened:
        each.close()


@pytest.fixture
def run_sql(postgres: PostgresServer, postgres_url: str) -> Callable[[str], object]:
    return lambda statement: postgres.run_sql(statement, postgres_url.rpartition("/")[2])


class TestContract(SharedRecordContract):
    @pytest.fixture
    def joining(self, joining: Joining) -> Joining:
        return joining


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM suppress.change",
        "DELETE FROM suppress.batch WHERE ordinal = 0",
        "DELETE FROM suppress.batch WHERE ordinal = 1",
    ],
)
def test_who_is_missing_is_noticed(
    joining: Joining, run_sql: Callable[[str], object], damage: str
) -> None:
    """Else somebody who opted out would be messaged after half a restore."""
    record = joining()
    position = record.append(CHANGES, expected=None)
    record.append(CHANGES, expected=position)
    run_sql(damage)
    with pytest.raises(RecordError, match="is missing"):
        list(joining().changes_since(None))


def test_gives_pages_of_whole_batches(joining: Joining, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suppress_postgres.pages._BATCHES", 3)
    record, position = joining(), None
    for _ in range(7):
        position = record.append(CHANGES * 2, expected=position)
    found = list(joining().changes_since(None))
    assert len(found) == 14
    assert found[-1].position == position


def test_an_opt_out_lasts_where_the_database_commits_carelessly(
    postgres_url: str, run_sql: Callable[[str], object]
) -> None:
    """An answer that it is kept has to be right, whatever the database is set to."""
    database = postgres_url.rpartition("/")[2]
    run_sql(f"ALTER DATABASE {database} SET synchronous_commit = off")
    record = opened_by(postgres_url)
    with contextlib.closing(record), record._database.writing() as connection:
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)


def test_a_commit_that_was_not_heard_of_is_looked_for(
    joining: Joining, monkeypatch: pytest.MonkeyPatch, run_sql: Callable[[str], object]
) -> None:
    """The server is killed behind it, or the network cut: it may be written or not."""
    record = joining()
    position = record.append(CHANGES, expected=None)
    finish = PostgresRecord._finish

    def finish_and_lose(self: PostgresRecord, connection: Any, *values: int) -> None:
        finish(self, connection, *values)
        connection.execute("COMMIT" if written else "ROLLBACK")
        run_sql(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 10000)")

    monkeypatch.setattr(PostgresRecord, "_finish", finish_and_lose)
    written = True
    last = record.append(CHANGES, expected=position)
    assert [each.position for each in joining().changes_since(None)] == [position, last]
    written = False
    with pytest.raises(RecordError):
        record.append(CHANGES, expected=last)
    assert len(list(joining().changes_since(None))) == 2


def test_the_page_says_what_to_grant(
    postgres: PostgresServer, postgres_url: str, run_sql: Callable[[str], object]
) -> None:
    """A role that may do nothing is told; one that owns the schema makes it; another uses it."""
    page = (Path(__file__).parents[2] / "docs/how-to/postgres.md").read_text()
    owner, user = re.findall(r"^```sql\n(.*?)```", page, re.DOTALL | re.MULTILINE)[:2]
    database = postgres_url.rpartition("/")[2]

    def append(role: str) -> int:
        record = opened_by(postgres.url(database, user=role))
        with contextlib.closing(record):
            known = [each.position for each in record.changes_since(None)]
            return record.append(CHANGES, expected=known[-1] if known else None)

    try:
        role, schema = owner.strip().split("\n")
        run_sql(role.replace("...", PASSWORD))
        with pytest.raises(ConfigurationError) as refused:
            append("suppress")
        assert schema.rstrip(";") in str(refused.value)
        run_sql(schema)
        append("suppress")
        run_sql(user.replace("...", PASSWORD))
        append("suppress_user")
    finally:
        run_sql("DROP SCHEMA suppress CASCADE; DROP ROLE IF EXISTS suppress_user, suppress")
