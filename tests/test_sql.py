"""SQL functions give the answers of `screen`, and no query passes over a list that is missing."""

import contextlib
import itertools
import logging
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import suppress
from support.builders import ListSource, by_hand, listed
from suppress import sql

A, B, C = "+14155552671", "+14155552672", "+442079460959"
NUMBERS = [
    *(A, B, C, None, "x", "", "(415) 555-2671", "14155552672", f"{B} / {C}"),
    *(14155552671, 14155552672, 0, -1, 5, 14155552671.0, 14155552672.0, 1.5, 1e300),
    *(b"+14155552671", 4155552671),
]


@pytest.fixture(scope="module")
def suppressor() -> suppress.Suppressor:
    return by_hand(ListSource(listed(A, C, channels=["sms"])), store=None)


def of_sqlite() -> Any:
    return sqlite3.connect(":memory:")


def of_sqlite_utils() -> Any:
    return pytest.importorskip("sqlite_utils").Database(memory=True)


def of_duckdb() -> Any:
    pytest.importorskip("pyarrow")
    return pytest.importorskip("duckdb").connect()


@pytest.fixture(params=[of_sqlite, of_sqlite_utils, of_duckdb])
def connection(request: pytest.FixtureRequest) -> Iterator[Any]:
    connect: Callable[[], Any] = request.param
    with contextlib.closing(connect()) as connection:
        yield connection


def one(connection: Any, query: str, *values: Any) -> Any:
    return connection.execute(query, values).fetchone()[0]


def expected(
    suppressor: suppress.Suppressor, number: Any, region: str | None
) -> tuple[str, bool | None]:
    outcome = str(
        next(
            iter(suppressor.screen([number, "+14155552673"], "sms", default_region=region))
        ).outcome
    )
    return outcome, {"allowed": False, "suppressed": True, "invalid": None}[outcome]


@pytest.mark.parametrize("region", [None, "US", "international"])
def test_each_number_has_the_outcome_of_screen(
    connection: Any, region: str | None, suppressor: suppress.Suppressor
) -> None:
    sql.register(connection, default_region=region, suppressor=suppressor)
    for number in NUMBERS:
        outcome, suppressed = expected(suppressor, number, region)
        assert one(connection, "SELECT outcome(?, 'sms')", number) == outcome
        assert one(connection, "SELECT is_suppressed(?, 'sms')", number) == suppressed


def test_rows_are_found(connection: Any, suppressor: suppress.Suppressor) -> None:
    sql.register(connection, suppressor=suppressor)
    connection.execute("CREATE TABLE people (place INTEGER, phone VARCHAR)")
    for place, phone in enumerate([A, B, "x", None, C]):
        connection.execute("INSERT INTO people VALUES (?, ?)", (place, phone))

    def places(condition: str) -> list[int]:
        query = f"SELECT place FROM people WHERE {condition} ORDER BY place"
        return [place for (place,) in connection.execute(query).fetchall()]

    assert places("outcome(phone, 'sms') = 'allowed'") == [1]
    assert places("NOT is_suppressed(phone, 'sms')") == [1]
    assert places("is_suppressed(phone, 'sms')") == [0, 4]
    assert places("NOT is_suppressed(phone, 'viber')") == [0, 1, 4]
    assert places(
        "outcome(phone, CASE WHEN place = 0 THEN 'viber' ELSE 'sms' END) = 'allowed'"
    ) == [
        0,
        1,
    ]


def test_registered_again_the_last_one_counts(
    connection: Any, suppressor: suppress.Suppressor
) -> None:
    sql.register(connection, suppressor=suppressor)
    sql.register(connection, default_region="US", suppressor=suppressor)
    assert one(connection, "SELECT outcome('(415) 555-2672', 'sms')") == "allowed"


def test_who_opts_out_is_suppressed_by_the_next_query(connection: Any, tmp_path: Any) -> None:
    suppressor = by_hand(ListSource(listed(A)), store=tmp_path)
    sql.register(connection, suppressor=suppressor)
    assert one(connection, f"SELECT outcome('{B}', 'sms')") == "allowed"
    suppressor.add([B], "sms")
    assert one(connection, f"SELECT outcome('{B}', 'sms')") == "suppressed"


@pytest.mark.parametrize("query", ["outcome('+14155552671', ?)", "is_suppressed(NULL, ?)"])
@pytest.mark.parametrize("channel", ["smss", None])
def test_a_channel_that_nobody_serves_fails_the_query(
    connection: Any, suppressor: suppress.Suppressor, query: str, channel: str | None
) -> None:
    sql.register(connection, suppressor=suppressor)
    with pytest.raises(Exception, match=r"UnknownChannel|user-defined function raised exception"):
        one(connection, f"SELECT {query}", channel)


def test_a_list_that_is_missing_fails_the_query(
    connection: Any, caplog: pytest.LogCaptureFixture
) -> None:
    source = ListSource()
    source.failure = suppress.SourceError("the server is down")
    sql.register(connection, suppressor=by_hand(source, store=None))
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(
            Exception, match=r"server is down|user-defined function raised exception"
        ) as told,
    ):
        one(connection, f"SELECT is_suppressed('{A}', 'sms')")
    assert "the server is down" in caplog.text + str(told.value)
    assert A not in caplog.text


def test_no_other_connection(suppressor: suppress.Suppressor) -> None:
    with pytest.raises(TypeError, match="A dict has no SQL functions"):
        sql.register({}, suppressor=suppressor)


class TestDuckDB:
    @pytest.fixture
    def connection(self, suppressor: suppress.Suppressor) -> Any:
        made = of_duckdb()
        sql.register(made, suppressor=suppressor)
        return made

    @pytest.mark.parametrize(
        ("value", "outcome"),
        [
            ("14155552671::BIGINT", "suppressed"),
            ("14155552672::HUGEINT", "allowed"),
            ("14155552672::UBIGINT", "allowed"),
            ("14155552672::DOUBLE", "allowed"),
            ("14155552672.5::DOUBLE", "invalid"),
            ("14155552672::DECIMAL(18, 0)", "allowed"),
            ("14155552672.5::DECIMAL(18, 1)", "invalid"),
            ("'+14155552672'::ENUM('+14155552672')", "allowed"),
            ("'\"+14155552672\"'::JSON", "allowed"),
            ("true", "invalid"),
            ("'+14155552672'::BLOB", "invalid"),
            ("DATE '2026-01-01'", "invalid"),
            ("['+14155552672']", "invalid"),
            ("NULL", "invalid"),
        ],
    )
    def test_types(self, connection: Any, value: str, outcome: str) -> None:
        assert one(connection, f"SELECT outcome({value}, 'sms')") == outcome

    @pytest.mark.parametrize("rows", [1, 2047, 2048, 2049, 100_000])
    def test_many_rows(self, connection: Any, rows: int) -> None:
        counts = connection.execute(
            f"""SELECT outcome(CASE i % 3 WHEN 0 THEN '{A}' WHEN 1 THEN '{B}' END, 'sms'), count(*)
            FROM range({rows}) AS each(i) GROUP BY ALL"""
        ).fetchall()
        assert dict(counts) == {
            outcome: count
            for place, outcome in enumerate(["suppressed", "allowed", "invalid"])
            if (count := len(range(place, rows, 3)))
        }

    def test_a_prepared_query_asks_again(self, tmp_path: Any) -> None:
        suppressor = by_hand(ListSource(listed(A)), store=tmp_path)
        connection = of_duckdb()
        sql.register(connection, suppressor=suppressor)
        connection.execute(f"PREPARE asked AS SELECT outcome('{B}', 'sms')")
        assert one(connection, "EXECUTE asked") == "allowed"
        suppressor.add([B], "sms")
        assert one(connection, "EXECUTE asked") == "suppressed"

    @settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.none() | st.text("+0123456789 /.-()x\n\u202aé", max_size=24), min_size=1))
    @pytest.mark.slow
    def test_any_texts(
        self, connection: Any, suppressor: suppress.Suppressor, texts: list[str | None]
    ) -> None:
        pa = pytest.importorskip("pyarrow")
        table = pa.table({"place": range(len(texts)), "phone": pa.array(texts, pa.string())})
        connection.register("texts", table)
        found = connection.execute(
            "SELECT outcome(phone, 'sms') FROM texts ORDER BY place"
        ).fetchall()
        screening = suppressor.screen(texts, "sms")
        assert [*itertools.chain(*found)] == [str(each.outcome) for each in screening]


def test_sqlite_utils_finds_the_plugin(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = pytest.importorskip("sqlite_utils.plugins")
    sqlite_utils = pytest.importorskip("sqlite_utils")
    assert any(each["name"] == "suppress-filter" for each in plugins.get_plugins())
    monkeypatch.setattr(
        "suppress.sql.default_suppressor", lambda: by_hand(ListSource(listed(A)), store=None)
    )
    with contextlib.closing(sqlite_utils.Database(memory=True)) as database:
        assert one(database, f"SELECT outcome('{A}', 'sms')") == "suppressed"
