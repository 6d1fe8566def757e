"""Frames of Spark are screened on a real cluster of two workers, with the answers of `screen`.

The stop list lies in this process alone: its source and its store cannot be reached, nor even
imported, where the tasks run.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import suppress
from support.builders import ListSource, by_hand, listed
from support.people import LISTED, REGION, TEXTS, WHOLE
from support.people import expected as expected_people
from support.people import outcomes as outcomes_of
from support.spark import MARKS, missing_for_spark

if (missing := missing_for_spark()) is not None:
    pytest.skip(missing, allow_module_level=True)

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

import suppress_spark

pytestmark = MARKS

A, B, C = "+14155552671", "+14155552672", "+442079460959"
NUMBERS = [A, B, None, "(415) 555-2671", "x", B, "", "1 415 555 2672", f"{C} / {A}", f"tel:{C}"]


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patched:
        for name in os.environ:
            if name.startswith(("SUPPRESS_", "BSG_")):
                patched.delenv(name)
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patched.setenv("SPARK_LOCAL_HOSTNAME", "localhost")
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        patched.setenv("SPARK_WORKER_DIR", str(tmp_path_factory.mktemp("workers")))
        session = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.execution.arrow.maxRecordsPerBatch", "100")
            .getOrCreate()
        )
        yield session
        session.stop()


@pytest.fixture
def source() -> ListSource:
    return ListSource(listed(A, C, "12345", "+22997123456"))


@pytest.fixture
def suppressor(source: ListSource, tmp_path: Path) -> suppress.Suppressor:
    return by_hand(source, store=tmp_path / "store")


def frame(spark: SparkSession, numbers: list[Any], kind: str = "string") -> DataFrame:
    rows = [(place, each) for place, each in enumerate(numbers)]
    return spark.createDataFrame(rows, f"place int, phone {kind}").repartition(2)


def outcomes(screened: DataFrame) -> list[tuple[str, str | None, str]]:
    rows = sorted(screened.collect(), key=lambda row: row.place)
    return [(row.outcome, row.e164, row.reason) for row in rows]


def expected(
    suppressor: suppress.Suppressor, numbers: list[Any], region: str | None = "US"
) -> list[tuple[str, str | None, str]]:
    screening = suppressor.screen(numbers, "sms", default_region=region)
    return [(str(each.outcome), each.e164, each.reason) for each in screening]


def test_all_outcomes_are_those_of_screen(
    spark: SparkSession, suppressor: suppress.Suppressor
) -> None:
    suppressor.add([B], "sms")
    suppressor.add(["+14155552674"], "sms")
    suppressor.forget("+14155552674")
    numbers = [*NUMBERS, "+14155552674", "+14155552675", "12345", "+2290197123456"]
    df = frame(spark, numbers)
    screened = suppress_spark.screen_frame(df, "sms", "phone", "US", suppressor=suppressor)
    assert screened.columns == ["place", "phone", "outcome", "e164", "reason"]
    answers = expected(suppressor, numbers)
    assert outcomes(screened) == answers
    allowed = suppress_spark.filter_frame(
        df, "sms", column="phone", default_region="US", suppressor=suppressor
    )
    assert allowed.columns == df.columns
    assert sorted(row.place for row in allowed.collect()) == [
        place for place, (outcome, _, _) in enumerate(answers) if outcome == "allowed"
    ]


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("long", [14155552671, 14155552672, None, 0]),
        ("double", [14155552671.0, 14155552672.0, None, float("nan"), 0.5]),
        ("decimal(20, 2)", [Decimal(14155552671), Decimal(14155552672), None, Decimal("1.5")]),
    ],
)
def test_columns_of_numbers(
    spark: SparkSession, suppressor: suppress.Suppressor, kind: str, numbers: list[Any]
) -> None:
    df = frame(spark, numbers, kind)
    screened = suppress_spark.screen_frame(df, "sms", "phone", suppressor=suppressor)
    assert outcomes(screened) == expected(suppressor, numbers, None)


@pytest.mark.parametrize(
    ("people", "kind"), [(TEXTS, "string"), (WHOLE, "long"), (WHOLE, "double")]
)
def test_the_people_are_those_of_every_other_form(
    spark: SparkSession, people: Mapping[str, Any], kind: str
) -> None:
    suppressor = by_hand(ListSource(listed(*LISTED)), store=None, default_region=REGION)
    rows = [
        (name, float(number) if kind == "double" and number is not None else number)
        for name, number in people.items()
    ]
    df = spark.createDataFrame(rows, f"name string, phone {kind}")
    screened = suppress_spark.screen_frame(df, "sms", "phone", suppressor=suppressor)
    found = {row.name: row.outcome for row in screened.collect()}
    assert outcomes_of(list(people), [found[name] for name in people]) == expected_people(people)


def test_several_columns(spark: SparkSession, suppressor: suppress.Suppressor) -> None:
    df = spark.createDataFrame(
        [(0, B, A), (1, None, B), (2, None, None), (3, B, "x")],
        "place int, mobile string, home string",
    )
    columns = ["mobile", "home"]
    screened = suppress_spark.screen_frame(df, "sms", columns, suppressor=suppressor)
    assert [each for each, _, _ in outcomes(screened)] == [
        *("suppressed", "allowed", "invalid", "allowed")
    ]
    allowed = suppress_spark.filter_frame(df, "sms", columns, suppressor=suppressor)
    assert sorted(row.place for row in allowed.collect()) == [1, 3]


def test_all_columns_come_back_as_they_were(
    spark: SparkSession, suppressor: suppress.Suppressor
) -> None:
    df = spark.createDataFrame([(A,), (B,)], "phone string").selectExpr(
        *("phone", "named_struct('a', 1, 'b', array(1.5, null)) nested", "map('k', 1) mapping"),
        *("binary('x') bytes", "timestamp '2026-01-02 03:04:05' at", "date '1600-01-02' day"),
        *("timestamp_ntz '2026-01-02 03:04:05' local", "interval '1' day span", "null nothing"),
        *("cast(1.50 as decimal(30, 2)) price", "cast('nan' as float) odd", "true flag", "1Y tiny"),
    )
    allowed = suppress_spark.filter_frame(df, "sms", "phone", suppressor=suppressor)
    assert [str(row) for row in allowed.collect()] == [
        str(row) for row in df.where(f"phone = '{B}'").collect()
    ]
    assert allowed.dtypes == df.dtypes
    screened = suppress_spark.screen_frame(df, "sms", "phone", suppressor=suppressor)
    added = ("outcome", "e164", "reason")
    assert sorted(map(str, screened.drop(*added).collect())) == sorted(map(str, df.collect()))


def test_an_empty_frame(spark: SparkSession, suppressor: suppress.Suppressor) -> None:
    df = frame(spark, [])
    assert suppress_spark.filter_frame(df, "sms", "phone", suppressor=suppressor).collect() == []
    assert suppress_spark.screen_frame(df, "sms", "phone", suppressor=suppressor).collect() == []


def test_an_executor_that_is_killed_changes_no_row(
    spark: SparkSession, suppressor: suppress.Suppressor, source: ListSource, tmp_path: Path
) -> None:
    """Have an executor killed while its task runs, when it has results that others need.

    Meanwhile the list changes on the driver.
    """
    killed = tmp_path / "killed"

    def perilous(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for count, batch in enumerate(batches):
            yield batch
            # The task that comes last has the number 3; the executor has finished others.
            task = TaskContext.get()
            assert task is not None
            if task.partitionId() == 3 and count == 2 and not killed.exists():
                killed.touch()
                status = Path(f"/proc/{os.getppid()}/stat").read_text()
                os.kill(int(status.rpartition(")")[2].split()[1]), signal.SIGKILL)
                time.sleep(60)

    import signal  # noqa: PLC0415 - a task takes with it only what a test imports itself
    import time  # noqa: PLC0415

    from pyspark import TaskContext  # noqa: PLC0415

    numbers = [f"+1415555{place:04}" for place in range(2_000)]
    df = spark.range(0, 2_000, 1, 4).selectExpr(
        "cast(id as int) place", "'+1415555' || lpad(id, 4, '0') phone"
    )
    screened = suppress_spark.screen_frame(
        df.mapInArrow(perilous, df.schema), "sms", "phone", suppressor=suppressor
    )
    before = expected(suppressor, numbers)
    digest = suppressor.snapshot("sms").digest
    suppressor.add(numbers, "sms")
    source.failure = OSError("gone")
    # Exchanged rows wait with the executor that made them, and are gone with it.
    assert outcomes(screened.repartition(2, "place")) == before
    assert killed.exists()
    assert suppress_spark.receipt(screened).snapshot.digest == digest
    # The source was asked once, by the driver.
    assert len(source.loads) == 1
    # A job more of the same frame has the same rows.
    assert screened.where("outcome = 'suppressed'").count() == sum(
        outcome == "suppressed" for outcome, _, _ in before
    )


def test_the_receipt_goes_with_the_columns(
    spark: SparkSession, suppressor: suppress.Suppressor, tmp_path: Path
) -> None:
    suppressor.add([B], "sms")
    df = frame(spark, NUMBERS)
    snapshot = suppressor.snapshot("sms")
    screened = suppress_spark.screen_frame(df, "sms", "phone", "US", suppressor=suppressor)
    made = suppress_spark.receipt(screened)
    assert made.channel == "sms"
    assert made.columns == ("phone",)
    assert made.default_region == "US"
    assert made.snapshot.digest == snapshot.digest
    assert (made.snapshot.count, made.snapshot.opted_out) == (snapshot.count, 1)
    assert made.screened_at == suppressor.now()
    assert f'"digest": "{snapshot.digest}"' in made.to_json().decode()
    assert A[1:] not in made.to_json().decode()
    path = str(tmp_path / "screened.parquet")
    screened.where("outcome = 'allowed'").select("phone", "place").write.parquet(path)
    assert suppress_spark.receipt(spark.read.parquet(path)) == made
    assert suppress_spark.receipt(screened.select("outcome")) == made


def test_each_channel_has_a_receipt(spark: SparkSession, suppressor: suppress.Suppressor) -> None:
    df = frame(spark, NUMBERS)
    for channel in ("sms", "viber"):
        df = suppress_spark.filter_frame(df, channel, "phone", suppressor=suppressor)
    assert suppress_spark.receipt(df, "viber").channel == "viber"
    assert suppress_spark.receipt(df, "sms").channel == "sms"
    with pytest.raises(suppress.InvalidArgument, match="one of: sms, viber"):
        suppress_spark.receipt(df)
    for bare in (df.select("place"), frame(spark, NUMBERS)):
        with pytest.raises(suppress.InvalidArgument, match="receipts for: none"):
            suppress_spark.receipt(bare)


def test_mistakes_are_found_on_the_driver(
    spark: SparkSession, suppressor: suppress.Suppressor
) -> None:
    df = frame(spark, NUMBERS)

    def refused(
        error: type[Exception],
        match: str,
        df: DataFrame,
        channel: str = "sms",
        column: Any = "phone",
    ) -> None:
        for work in (suppress_spark.filter_frame, suppress_spark.screen_frame):
            with pytest.raises(error, match=match):
                work(df, channel, column, suppressor=suppressor)

    refused(suppress.UnknownChannel, "smss", df, "smss")
    refused(suppress.InvalidArgument, "no column 'Phone'.*place, phone", df, column="Phone")
    refused(suppress.InvalidArgument, "Name a column", df, column=[])
    for name in ("phone", "place"):
        doubled = df.select("phone", "place", name)
        refused(suppress.InvalidArgument, f"2 columns '{name}'.*Rename", doubled)
    refused(TypeError, "has the type boolean", df.selectExpr("true phone"))
    refused(TypeError, "has the type array<string>", df.selectExpr("array(phone) phone"))
    stream = spark.readStream.format("rate").load().selectExpr("cast(value as string) phone")
    refused(suppress.InvalidArgument, "foreachBatch", stream)
    with pytest.raises(suppress.InvalidArgument, match="column 'Outcome' already"):
        suppress_spark.screen_frame(
            df.selectExpr("phone", "1 Outcome"), "sms", "phone", suppressor=suppressor
        )


def test_a_list_that_cannot_be_read_screens_nothing(
    spark: SparkSession, suppressor: suppress.Suppressor, source: ListSource
) -> None:
    source.failure = suppress.SourceError("gone")
    with pytest.raises(suppress.StopListUnavailable):
        suppress_spark.filter_frame(frame(spark, NUMBERS), "sms", "phone", suppressor=suppressor)


def test_the_list_leaves_the_driver_in_a_broadcast(
    spark: SparkSession, suppressor: suppress.Suppressor, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    context = spark.sparkContext
    broadcast = context.broadcast

    def counting(value: object) -> Any:
        sent.append(value)
        return broadcast(value)

    monkeypatch.setattr(context, "broadcast", counting)
    df = frame(spark, NUMBERS).repartition(5)
    assert suppress_spark.filter_frame(df, "sms", "phone", "US", suppressor=suppressor).count() == 3
    (pinned,) = sent
    assert isinstance(pinned, suppress.PinnedList)


def test_a_frame_of_a_remote_session_is_refused(
    spark: SparkSession, suppressor: suppress.Suppressor
) -> None:
    class Remote:
        """A frame of Spark Connect, whose session has no context."""

        columns = ("phone",)
        schema = frame(spark, NUMBERS).schema
        isStreaming = False  # noqa: N815 - Spark's name
        sparkSession = object()  # noqa: N815

    remote: Any = Remote()
    with pytest.raises(TypeError, match="in the process of the driver"):
        suppress_spark.filter_frame(remote, "sms", "phone", suppressor=suppressor)
