"""Rows a second of frames of Spark, beside Spark's own anti-join on clean text.

pip install -e '.[spark,test]' && python tests/benchmarks/spark.py [ROWS] [ENTRIES]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from campaigns import campaign, e164
from pyspark.sql import DataFrame, SparkSession

import suppress_spark
from suppress import Entries, Progress, Settings, Source, Suppressor, hookimpl

ROWS, ENTRIES = 2_000_000, 1_000_000
PARTS = 8
LISTED = 33
RUNS = 3
"""Of which the fastest counts: the first one starts the workers."""


class Listed:
    """A source of some numbers."""

    name = "list"
    channels = ("sms",)

    def __init__(self, numbers: Sequence[str]) -> None:
        self.numbers = numbers

    @hookimpl
    def suppress_sources(self, settings: Settings) -> Source:
        """Provide itself."""
        return self

    def load(self, channels: frozenset[str], progress: Progress) -> Iterable[Entries]:
        """Return all of them."""
        return [Entries(numbers=self.numbers, channels=channels)]


def rows_a_second(rows: int, frame: Callable[[], DataFrame]) -> float:
    """Return the rows that are computed in a second, all columns of them."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        frame().write.format("noop").mode("overwrite").save()
        times.append(time.perf_counter() - began)
    return rows / min(times)


def measure(cores: int, folder: Path, rows: int, suppressor: Suppressor) -> None:
    """Print the rows a second of both with so many cores."""
    spark = (
        SparkSession.builder.master(f"local[{cores}]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.memory", "2g")
        .config("spark.sql.shuffle.partitions", str(PARTS))
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    people = spark.read.parquet(str(folder / "people"))
    stopped = spark.read.parquet(str(folder / "stopped"))
    anti_join = people.join(stopped, "phone", "left_anti")
    filtered = suppress_spark.filter_frame(people, "sms", "phone", suppressor=suppressor)
    assert filtered.count() == anti_join.count()
    ours = rows_a_second(
        rows, lambda: suppress_spark.filter_frame(people, "sms", "phone", suppressor=suppressor)
    )
    screened = rows_a_second(
        rows, lambda: suppress_spark.screen_frame(people, "sms", "phone", suppressor=suppressor)
    )
    theirs = rows_a_second(rows, lambda: anti_join)
    print(
        f"{cores} {'core' if cores == 1 else 'cores'}: filter_frame {ours:,.0f} rows a second, "
        f"screen_frame {screened:,.0f}, left_anti {theirs:,.0f}; filter_frame is "
        f"{ours / theirs:.2f} times as fast as left_anti"
    )
    spark.stop()


def main(rows: int = ROWS, entries: int = ENTRIES) -> None:
    os.environ |= {
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_HOSTNAME": "localhost",
        "PYSPARK_PYTHON": sys.executable,
    }
    made = campaign(e164, recipients=rows, entries=0)
    others = campaign(e164, recipients=entries, entries=0, seed=2).clean
    # Some three in a hundred of the people are listed.
    listed = sorted({*made.clean[::LISTED], *others[: entries - rows // LISTED]})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in ("people", "stopped"):
            (folder / each).mkdir()
        table = pa.table({"phone": pa.array(made.numbers), "place": pa.array(range(rows))})
        size = -(-rows // PARTS)
        for part in range(PARTS):
            pq.write_table(
                table[part * size : (part + 1) * size], folder / f"people/{part}.parquet"
            )
        pq.write_table(pa.table({"phone": listed}), folder / "stopped/0.parquet")
        settings = Settings(store=None, sources=("list",), ttl=1e6, max_stale=1e6)
        suppressor = Suppressor(settings, plugins=[Listed(listed)], background=False)
        suppressor.refresh("sms")
        print(f"{rows:,} rows, {len(listed):,} entries; {os.cpu_count()} processors")
        for cores in (1, 2):
            measure(cores, folder, rows, suppressor)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
