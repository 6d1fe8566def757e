"""A list in a database: how its rows become a stop list, what is refused, opt-outs beside it."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.postgres_server import PostgresServer
from suppress import ConfigurationError, Settings, StopListUnavailable, Suppressor
from suppress.testing import OptOutContract, SourceContract

sa = pytest.importorskip("sqlalchemy")

from suppress_sqlalchemy.limits import SqlLimits  # noqa: E402
from suppress_sqlalchemy.settings import SqlSettings  # noqa: E402
from suppress_sqlalchemy.source import SqlOptOutSource, SqlSource  # noqa: E402

LISTED, OTHER, LATER = "+14155552671", "+14155552672", "+14155552674"
FREE = "+442079460958"

PEOPLE = """
CREATE TABLE people (
    id INTEGER PRIMARY KEY, phone VARCHAR(40), mobile BIGINT, way VARCHAR(40), since TIMESTAMP
)
"""
OPT_OUTS = """
CREATE TABLE opt_outs (
    number VARCHAR(24) NOT NULL, channel VARCHAR(64) NOT NULL, added_at TIMESTAMP NOT NULL,
    PRIMARY KEY (number, channel)
)
"""
ROWS = [
    {"id": 1, "phone": LISTED, "way": "sms", "since": "2026-01-15 10:00:00"},
    {"id": 20, "phone": OTHER, "way": " SMS, viber", "since": "2026-02-03 00:00:00"},
]

Run = Callable[..., None]


@pytest.fixture(scope="module")
def postgres_database(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture
def postgres_url(postgres_database: str) -> Iterator[str]:
    """The URL of a database with a table of people, and one of opt-outs."""
    run = runner(postgres_database)
    run(PEOPLE)
    run(OPT_OUTS)
    yield postgres_database
    run("DROP SCHEMA public CASCADE")
    run("CREATE SCHEMA public")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The same in a file."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    run = runner(url)
    run(PEOPLE)
    run(OPT_OUTS)
    return url


@pytest.fixture(params=["sqlite_url", pytest.param("postgres_url", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


def runner(url: str) -> Run:
    engine = sa.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool
    )

    def run(statement: str, *rows: dict[str, Any]) -> None:
        with engine.begin() as connection:
            connection.execute(sa.text(statement), [*rows] or None)

    return run


def fill(url: str, *rows: dict[str, Any]) -> None:
    names = ("id", "phone", "mobile", "way", "since")
    statement = f"INSERT INTO people VALUES ({', '.join(f':{each}' for each in names)})"
    runner(url)(statement, *(dict.fromkeys(names) | row for row in rows))


def suppressor_of(url: str, **own: Any) -> Suppressor:
    table = {"url": url, "column": "phone"} | own
    if "query" not in table:
        table.setdefault("table", "people")
    return Suppressor(Settings(store=None, tables={"sqlalchemy": table}))


def source_of(url: str, **own: Any) -> SqlSource:
    given = {"url": url, "column": "phone", "table": "people"} | own
    kind = SqlSource if own.get("opt_outs_table") is None else SqlOptOutSource
    return kind(SqlSettings(**given), None, limits=SqlLimits(batch_rows=2))


class TestTable(SourceContract):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        fill(url, *ROWS, {"id": 3, "phone": LISTED}, {"id": 4, "phone": LATER})
        return source_of(url)

    @pytest.fixture
    def failing_source(self, url: str) -> SqlSource:
        fill(url, *ROWS, {"id": 21, "phone": "n/a"})
        return source_of(url)


class TestQuery(SourceContract):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        fill(url, *ROWS)
        return source_of(
            url,
            table=None,
            query="SELECT phone, way FROM people WHERE phone LIKE '+1%' AND way <> ' :x';",
            channel_column="way",
        )

    @pytest.fixture
    def failing_source(self, url: str) -> SqlSource:
        fill(url, *({"id": each, "phone": LISTED} for each in range(1, 8)))
        # The seventh row cannot be computed: a sum out of range for SQLite, else a division by 0.
        at_seventh = "abs(-9223372036854775807 - (id = 7))"
        if url.startswith("postgres"):
            at_seventh = "1 / (id - 7)"
        return source_of(
            url, table=None, query=f"SELECT phone, {at_seventh} AS x FROM people ORDER BY id"
        )


class TestOptOuts(OptOutContract):
    @pytest.fixture
    def source(self, url: str) -> SqlSource:
        fill(url, *ROWS)
        return source_of(url, channel_column="way", opt_outs_table="opt_outs")

    @pytest.fixture
    def failing_source(self, url: str) -> SqlSource:
        fill(url, *ROWS)
        runner(url)("INSERT INTO opt_outs VALUES ('n/a', 'sms', '2026-01-01')")
        return source_of(url, channel_column="way", opt_outs_table="opt_outs")

    @pytest.fixture
    def number(self) -> str:
        return FREE


def test_reasons_name_the_row_and_the_day(url: str) -> None:
    fill(url, *ROWS)
    suppressor = suppressor_of(url, channel_column="way", date_column="since")
    reasons = [each.reason for each in suppressor.screen([LISTED, OTHER], "sms")]
    assert reasons == [
        "listed for sms by sqlalchemy (entry 1, since 2026-01-15)",
        "listed for sms by sqlalchemy (entry 20, since 2026-02-03)",
    ]
    assert suppressor.filter_recipients([LISTED, OTHER, FREE], "viber") == [LISTED, FREE]


def test_rows_without_a_name_are_counted(url: str) -> None:
    fill(url, *ROWS)
    query = "SELECT phone FROM people ORDER BY id"
    [decision] = suppressor_of(url, query=query).screen([OTHER], "sms")
    assert decision.reason == "listed for sms by sqlalchemy (row 2)"


def test_numbers_of_several_columns(url: str) -> None:
    fill(url, {"id": 1, "phone": LISTED, "mobile": 442079460958}, {"id": 2, "mobile": 14155552672})
    suppressor = suppressor_of(url, column=["phone", "mobile"])
    assert set(suppressor.snapshot("sms").numbers) == {LISTED, FREE, OTHER}
    fill(url, {"id": 3, "phone": " "})
    with pytest.raises(StopListUnavailable, match="entry 3: no number in phone and mobile"):
        suppressor.refresh()


@pytest.mark.parametrize(("region", "phone"), [("US", "(415) 555-2671"), (None, LISTED)])
def test_the_region(sqlite_url: str, region: str | None, phone: str) -> None:
    fill(sqlite_url, {"id": 1, "phone": phone})
    own = {} if region is None else {"default_region": region}
    assert set(suppressor_of(sqlite_url, **own).snapshot("sms").numbers) == {LISTED}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"phone": "(415) 555-2673"}, r"entry 7: \(415\*+73"),
        ({"phone": "14155552673"}, r"entry 7: 141\*+73: digits without a plus"),
        ({"phone": None}, "entry 7: .*no number"),
        ({"phone": ""}, "entry 7: .*no number"),
        ({"phone": "+442079460123 / 0124"}, "entry 7: .*more digits than one number"),
        ({"phone": "+44207946010*"}, "entry 7: .*a wildcard"),
        ({"way": "smss"}, "entry 7: the channel 'smss' is not in `channels`"),
        ({"way": None}, "entry 7: no channel"),
        ({"way": " ,"}, "entry 7: no channel"),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_used_fails_the_load(
    sqlite_url: str, row: dict[str, Any], said: str
) -> None:
    fill(sqlite_url, *ROWS, {"id": 7, "phone": LATER, "way": "sms"} | row)
    suppressor = suppressor_of(sqlite_url, channel_column="way")
    with pytest.raises(StopListUnavailable, match=f"'sqlalchemy': .*people, {said}") as caught:
        suppressor.filter_recipients([FREE], "sms")
    assert "555" not in str(caught.value)
    assert suppressor.stored("sms") is None


def test_an_empty_table_lists_nobody(url: str) -> None:
    assert suppressor_of(url).filter_recipients([LISTED], "sms") == [LISTED]


def test_a_time_that_is_none_is_not_known(sqlite_url: str) -> None:
    fill(sqlite_url, {"id": 1, "phone": LISTED, "since": "0000-00-00"})
    [decision] = suppressor_of(sqlite_url, date_column="since").screen([LISTED], "sms")
    assert decision.reason == "listed for sms by sqlalchemy (entry 1)"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"table": "poeple"}, "poeple"),
        ({"column": "fone"}, "fone"),
        ({"column": "Fone"}, "Fone"),
        ({"query": "SELECT id FROM people"}, "the query has no column 'phone'. Its columns: id"),
        ({"query": "SELECT phone, phone FROM people"}, "more than one column 'phone'"),
        ({"query": "SELEC phone FROM people"}, "SELEC"),
        ({"query": "SELECT 1 WHERE '+14155552671' = 1 / 0 + x"}, "answered with an error"),
        ({"opt_outs_table": "outs"}, r"table outs of opt-outs does not exist. Create it: CREATE T"),
    ],
    ids=str,
)
def test_what_the_database_refuses_is_said(url: str, own: dict[str, Any], said: str) -> None:
    fill(url, *ROWS)
    with pytest.raises(StopListUnavailable, match=said) as caught:
        suppressor_of(url, **own).refresh()
    assert "s3cret" not in str(caught.value)
    assert "5552671" not in str(caught.value)


def test_the_statement_in_the_error_makes_the_table(url: str) -> None:
    source = source_of(url, opt_outs_table="outs")
    assert isinstance(source, SqlOptOutSource)
    with pytest.raises(suppress.SourceError, match="does not exist") as caught:
        source.add([LISTED], "sms")
    runner(url)(str(caught.value).partition("Create it: ")[2])
    source.add([LISTED], "sms")
    assert [each.numbers for each in source.load(frozenset({"sms"}), lambda *_: None)] == [
        (LISTED,)
    ]


def test_opt_outs_go_to_a_table_of_their_own(url: str, tmp_path: Path) -> None:
    fill(url, *ROWS)
    table = {"url": url, "table": "people", "column": "phone", "opt_outs_table": "opt_outs"}
    settings = Settings(store=tmp_path / "store", tables={"sqlalchemy": table})
    suppressor = Suppressor(settings, background=False)
    suppressor.add([FREE, LATER], "sms")
    suppressor.pass_on()
    assert suppressor.waiting() == []
    elsewhere = Suppressor(Settings(store=None, tables={"sqlalchemy": table}))
    assert elsewhere.filter_recipients([FREE, LATER, OTHER], "sms") == []
    assert elsewhere.filter_recipients([FREE, LATER, OTHER], "viber") == [FREE, LATER]
    assert suppressor.remove([FREE, OTHER], "sms")[OTHER] == ("sqlalchemy",)
    suppressor.pass_on()
    assert suppressor.waiting() == []
    assert elsewhere.refresh("sms")["sms"].count == 3
    assert elsewhere.filter_recipients([FREE, LATER, OTHER], "sms") == [FREE]


def test_two_databases(sqlite_url: str, tmp_path: Path) -> None:
    second = f"sqlite:///{tmp_path / 'legacy.db'}"
    runner(second)(PEOPLE)
    fill(sqlite_url, {"id": 1, "phone": LISTED})
    fill(second, {"id": 1, "phone": OTHER})
    (tmp_path / "url").write_text(second)
    (tmp_path / "url").chmod(0o600)
    environ = {
        "SUPPRESS_STORE": "none",
        "SUPPRESS_SOURCES": "sqlalchemy",
        "SUPPRESS_SQLALCHEMY_CRM_URL": sqlite_url,
        "SUPPRESS_SQLALCHEMY_CRM_TABLE": "people",
        "SUPPRESS_SQLALCHEMY_CRM_COLUMN": "phone",
        "SUPPRESS_SQLALCHEMY_LEGACY_URL_FILE": str(tmp_path / "url"),
        "SUPPRESS_SQLALCHEMY_LEGACY_QUERY": "SELECT phone AS number FROM people",
        "SUPPRESS_SQLALCHEMY_LEGACY_COLUMN": "number",
    }
    suppressor = Suppressor(Settings.load(environ=environ))
    assert suppressor.snapshot("sms").sources == ("sqlalchemy.crm", "sqlalchemy.legacy")
    assert suppressor.filter_recipients([LISTED, OTHER, FREE], "sms") == [FREE]


class TestConsistency:
    def test_a_list_that_changes_is_read_as_it_was(self, url: str) -> None:
        """A row that moves behind those that are being read is not missed."""
        runner(url)("CREATE TABLE moved (id INTEGER PRIMARY KEY, phone VARCHAR(40))")
        if url.startswith("sqlite"):
            runner(url)("PRAGMA journal_mode = WAL")
        fill(url, *({"id": each, "phone": f"+1415555{each:04}"} for each in range(1000)))
        source = source_of(url, opt_outs_table="opt_outs")
        reading = source.load(frozenset({"sms"}), lambda *_: None)
        read = [*next(iter(reading)).numbers]
        run = runner(url)
        run("DELETE FROM people WHERE id = 999")
        run(f"INSERT INTO opt_outs VALUES ('{FREE}', 'sms', '2026-01-01')")
        read += [number for entries in reading for number in entries.numbers]
        assert len(read) == 1000
        assert FREE not in read

    @pytest.mark.servers
    def test_nothing_is_written_by_a_query(self, postgres_url: str) -> None:
        runner(postgres_url)("CREATE SEQUENCE counter")
        query = "SELECT nextval('counter') AS phone"
        with pytest.raises(StopListUnavailable, match="read-only"):
            suppressor_of(postgres_url, query=query).refresh()


class TestAnswerThatDoesNotCome:
    @pytest.mark.servers
    def test_a_slow_query_is_ended_by_the_server(self, postgres_url: str) -> None:
        source = SqlSource(
            SqlSettings(url=postgres_url, column="p", query="SELECT pg_sleep(60) AS p"),  # type: ignore[arg-type]
            None,
            load_timeout=0.1,
        )
        with pytest.raises(suppress.SourceError, match="statement timeout"):
            list(source.load(frozenset({"sms"}), lambda *_: None))

    @pytest.mark.servers
    @pytest.mark.parametrize("change", ["username", "password", "database", "port"])
    def test_no_error_shows_the_password(self, postgres_url: str, change: str) -> None:
        address = sa.make_url(postgres_url).set(drivername="postgresql+psycopg")
        shown = "owner" if change == "username" else address.password
        address = address.set(**{change: 9 if change == "port" else "s3cret-too"})
        url = address.render_as_string(hide_password=False)
        with pytest.raises(StopListUnavailable, match="cannot be reached: ") as caught:
            suppressor_of(url).refresh()
        assert shown is None or str(shown) not in str(caught.value)
        assert "s3cret:" not in str(caught.value)

    @pytest.mark.servers
    def test_a_connection_that_ends_in_the_middle(self, postgres_url: str) -> None:
        fill(postgres_url, *({"id": each, "phone": LISTED} for each in range(1, 8)))
        reading = iter(source_of(postgres_url).load(frozenset({"sms"}), lambda *_: None))
        next(reading)
        runner(postgres_url)(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        with pytest.raises(suppress.SourceError, match=r"answered with an error: .*terminat"):
            list(reading)

    @pytest.mark.parametrize(
        "url",
        [
            "postgresql+psycopg://u:nowhere.invalid@nowhere.invalid/d",
            "postgresql+psycopg://u:p@127.0.0.1/d?sslmode=nowhere.invalid",
        ],
    )
    def test_no_error_shows_a_secret_that_the_driver_shows(self, url: str) -> None:
        pytest.importorskip("psycopg")
        source = source_of(url)
        with pytest.raises(suppress.SourceError, match=r"cannot be reached: .*\*\*\*") as caught:
            list(source.load(frozenset({"sms"}), lambda *_: None))
        assert "nowhere" not in str(caught.value).partition("reached: ")[2]

    def test_a_locked_file_of_sqlite(self, sqlite_url: str) -> None:
        fill(sqlite_url, *ROWS)
        engine = sa.create_engine(sqlite_url, poolclass=sa.NullPool)
        source = SqlSource(
            SqlSettings(url=sqlite_url, column="phone", table="people"),  # type: ignore[arg-type]
            None,
            limits=SqlLimits(connect_within=0.1),
        )
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            with pytest.raises(suppress.SourceError, match="database is locked"):
                list(source.load(frozenset({"sms"}), lambda *_: None))
        assert list(source.load(frozenset({"sms"}), lambda *_: None))


@pytest.mark.servers
def test_two_who_add_the_same_at_once_both_succeed_in_the_end(postgres_url: str) -> None:
    source = source_of(postgres_url, opt_outs_table="opt_outs")
    assert isinstance(source, SqlOptOutSource)
    failures: list[str] = []

    def add() -> None:
        try:
            source.add([LISTED, OTHER], "sms")
        except suppress.SourceError as error:
            failures.append(str(error))
            source.add([LISTED, OTHER], "sms")

    threads = [threading.Thread(target=add) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    [entries] = source.load(frozenset({"sms"}), lambda *_: None)
    assert sorted(entries.numbers) == [LISTED, OTHER]
    assert all("5552671" not in each for each in failures)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": "sqlite:////x"}, r"SUPPRESS_SQLALCHEMY_COLUMN \(`column`.*missing"),
        ({"column": "a", "table": "b"}, r"SUPPRESS_SQLALCHEMY_URL \(`url`.*missing"),
        ({"column": ""}, "COLUMN .* must name"),
        ({"column": []}, "COLUMN .* must name"),
        ({"table": None}, "TABLE .* or `query` must be set"),
        ({"query": "SELECT phone FROM people"}, "TABLE .* or `query` must be set"),
        ({"opt_outs_table": "people"}, "OPT_OUTS_TABLE .* another table"),
        ({"default_region": "UK"}, "region 'UK'"),
        ({"channels": ["SMS"]}, "channel name 'SMS'"),
        ({"url": "nowhere"}, "URL .* is not the URL of a database"),
        ({"url": "postgresql://u:s3cret@h:port/d"}, "URL .* is not the URL of a database"),
        ({"url": "postgresql://u:p@s3cret@h/d"}, "has a password with an @"),
        ({"url": "crm://u:s3cret@h/d"}, "'crm', which SQLAlchemy does not know"),
        ({"url": "mssql+pymssql://u:s3cret@h/d"}, "needs the driver pymssql"),
        ({"url": "sqlite+aiosqlite:////x"}, "driver"),
        ({"url": "sqlite://"}, "in memory"),
        ({"url": "sqlite:///:memory:"}, "in memory"),
        ({"url": "sqlite:///crm.db"}, "the whole path"),
        ({"url": "sqlite:///~nobody-of-that-name/crm.db"}, "the whole path"),
        ({"tabel": "people"}, "Did you mean 'table'"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense(table: dict[str, Any], said: str) -> None:
    whole = {"url": "sqlite:////x", "column": "phone", "table": "people"} | table
    if set(table) in ({"url"}, {"column", "table"}) and "missing" in said:
        whole = table
    given = {name: value for name, value in whole.items() if value is not None}
    with pytest.raises(ConfigurationError, match=said) as caught:
        Suppressor(Settings(store=None, tables={"sqlalchemy": given}))
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StopListUnavailable, match=r"crm\.db does not exist"):
        suppressor_of(f"sqlite:///{tmp_path / 'crm.db'}").refresh()
    assert not (tmp_path / "crm.db").exists()


def test_a_file_of_the_home_folder(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    monkeypatch.setenv("HOME", sqlite_url.removeprefix("sqlite:///").removesuffix("/crm.db"))
    fill(sqlite_url, *ROWS)
    assert suppressor_of("sqlite:///~/crm.db").is_suppressed(LISTED, "sms")


def test_a_file_that_others_write(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    Path(sqlite_url.removeprefix("sqlite:///")).chmod(0o666)
    with caplog.at_level(logging.WARNING):
        suppressor_of(sqlite_url)
    assert "crm.db" in caplog.text


class TestIdentity:
    """The identity changes with what makes it another list, and with nothing else."""

    def of(self, **own: Any) -> str:
        given = {"url": "postgresql://u:p@h/d", "column": "phone", "table": "people"}
        return SqlSource(SqlSettings(**(given | own)), None).identity

    @pytest.mark.parametrize(
        "own",
        [
            {"url": "postgresql://u:p@h/other"},
            {"url": "postgresql://u:p@other/d"},
            {"url": "postgresql://other:p@h/d"},
            {"url": "postgresql://u:p@h/d?options=-csearch_path%3Dcrm"},
            {"table": "others"},
            {"column": "mobile"},
            {"channel_column": "way"},
            {"opt_outs_table": "outs"},
        ],
        ids=str,
    )
    def test_another_list(self, own: dict[str, Any]) -> None:
        pytest.importorskip("psycopg")
        assert self.of(**own) != self.of()

    @pytest.mark.parametrize(
        "own",
        [{"url": "postgresql+psycopg://u:new@h/d"}, {"id_column": "id"}, {"column": ("phone",)}],
        ids=str,
    )
    def test_the_same_list(self, own: dict[str, Any]) -> None:
        pytest.importorskip("psycopg")
        assert self.of(**own) == self.of()


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "suppress_sqlalchemy.address", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'suppress-filter\[sqlalchemy\]'"):
        suppressor_of("sqlite:////x")
