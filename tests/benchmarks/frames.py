"""Measures data frames and SQL beside the joins of polars and duckdb, which normalize nothing."""

import math
import operator
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import duckdb
import pandas as pd
import polars as pl
from campaigns import Campaign
from rich.table import Table

import suppress
from suppress import Suppressor

POLARS, DUCKDB, BY_ROWS = "polars' anti-join", "duckdb's anti-join", "pandas by rows"

SAMPLE = 200_000
"""Rows for the way by Python objects, whose time is the same for each."""


class Listed:
    """A source of the entries of a campaign's stop list.

    Args:
        numbers: E.164 texts.
    """

    name = "listed"
    channels = frozenset({"sms"})

    def __init__(self, numbers: Iterable[str]) -> None:
        self._numbers = sorted(numbers)

    @suppress.hookimpl
    def suppress_sources(self) -> list[suppress.Source]:
        return [self]

    def load(
        self, channels: frozenset[str], progress: suppress.Progress
    ) -> Iterator[suppress.Entry]:
        return (suppress.Entry(number, {"sms"}) for number in self._numbers)


def frames(made: Campaign, listed: Collection[str], runs: int) -> Table:
    """Return a table of nanoseconds a row. In each run, all take their turn; the fastest counts.

    Args:
        made: a campaign of E.164 texts.
        listed: the numbers on the stop list.
        runs: how often each is measured.
    """
    suppressor = Suppressor(
        plugins=[Listed(listed)], background=False, sources=["listed"], store="none", ttl=1e6
    )
    suppressor.refresh("sms")
    of_polars = pl.DataFrame({"phone": made.numbers})
    of_arrow, of_objects = of_polars.to_arrow(), pd.DataFrame({"phone": made.numbers}, dtype=object)
    of_pandas = of_objects.astype(pd.ArrowDtype(of_arrow.schema.field("phone").type))
    whole = pl.DataFrame({"phone": [int(each) for each in made.numbers]})
    stopped = pl.DataFrame({"phone": sorted(listed)})
    database = duckdb.connect()
    database.execute("CREATE TABLE recipients AS FROM of_polars")
    database.execute("CREATE TABLE stopped AS FROM stopped")
    suppress.sql.register(database, suppressor=suppressor)

    def filtered(frame: Any) -> Any:
        return suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)

    def in_sql(query: str) -> object:
        return database.sql(query).to_arrow_table()

    works: dict[str, Callable[[], object]] = {
        "pyarrow, text": lambda: filtered(of_arrow),
        "polars, text": lambda: filtered(of_polars),
        "polars, lazy": lambda: filtered(of_polars.lazy()).collect(),
        "pandas, Arrow text": lambda: filtered(of_pandas),
        "pandas, objects": lambda: filtered(of_objects),
        "polars, integers": lambda: filtered(whole),
        "duckdb, is_suppressed": lambda: in_sql(
            "FROM recipients WHERE NOT is_suppressed(phone, 'sms')"
        ),
        POLARS: lambda: of_polars.join(stopped, on="phone", how="anti", maintain_order="left"),
        DUCKDB: lambda: in_sql("FROM recipients ANTI JOIN stopped USING (phone)"),
        BY_ROWS: lambda: suppressor.filter_recipients(
            of_objects[:SAMPLE].itertuples(), "sms", key=operator.attrgetter("phone")
        ),
    }
    best = dict.fromkeys(works, math.inf)
    for _ in range(runs):
        for name, work in works.items():
            begin = time.perf_counter()
            work()
            count = min(SAMPLE, len(made.numbers)) if name == BY_ROWS else len(made.numbers)
            best[name] = min(best[name], (time.perf_counter() - begin) / count * 1e9)
    table = Table(title=f"{len(made.numbers):,} rows, {len(listed):,} entries")
    table.add_column("rows")
    table.add_column("ns each", justify="right")
    for rival in (POLARS, DUCKDB, BY_ROWS):
        table.add_column(f"against\n{rival}", justify="right")
    for name, each in best.items():
        times = (f"{best[rival] / each:.2f}x" for rival in (POLARS, DUCKDB, BY_ROWS))
        table.add_row(name, f"{each:.0f}", *times)
    table.caption = "Asked for from Arrow text: 0.5x polars' anti-join, 10x pandas by rows."
    return table
