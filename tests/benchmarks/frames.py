"""Measures data frames and SQL beside the joins of polars and duckdb, which normalize nothing."""

import operator
from collections.abc import Callable, Collection, Iterable, Iterator

import duckdb
import pandas as pd
import polars as pl
from campaigns import Campaign
from rich.table import Table

import suppress
from suppress import Suppressor

BY_ROWS = 200_000
"""Rows for the way by Python objects, whose time is the same for each."""

Measure = Callable[[Callable[[], object]], float]


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


def frames(made: Campaign, listed: Collection[str], measure: Measure) -> Table:
    """Return a table of nanoseconds a row.

    Args:
        made: a campaign of E.164 texts.
        listed: the numbers on the stop list.
        measure: returns the seconds that some work takes.
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

    def seconds_for(work: Callable[[], object]) -> float:
        return measure(work) / len(made.numbers) * 1e9

    def filtered(frame: object) -> Callable[[], object]:
        return lambda: suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)

    rows = [*of_objects[:BY_ROWS].itertuples()]
    by_rows = measure(
        lambda: suppressor.filter_recipients(
            of_objects[:BY_ROWS].itertuples(), "sms", key=operator.attrgetter("phone")
        )
    )
    by_rows *= 1e9 / len(rows)
    polars = seconds_for(
        lambda: of_polars.join(stopped, on="phone", how="anti", maintain_order="left")
    )
    joined = seconds_for(
        lambda: database.sql("FROM recipients ANTI JOIN stopped USING (phone)").to_arrow_table()
    )
    table = Table(title=f"{len(made.numbers):,} rows, {len(listed):,} entries")
    table.add_column("rows")
    for name in ("ns each", "against polars'\nanti-join", "against duckdb's\nanti-join"):
        table.add_column(name, justify="right")
    table.add_column("against\npandas by rows", justify="right")
    for name, work in (
        ("pyarrow, text", filtered(of_arrow)),
        ("polars, text", filtered(of_polars)),
        ("polars, lazy", lambda: filtered(of_polars.lazy())().collect()),  # type: ignore[attr-defined]
        ("pandas, Arrow text", filtered(of_pandas)),
        ("pandas, objects", filtered(of_objects)),
        ("polars, integers", filtered(whole)),
        (
            "duckdb, is_suppressed",
            lambda: database.sql(
                "FROM recipients WHERE NOT is_suppressed(phone, 'sms')"
            ).to_arrow_table(),
        ),
    ):
        ours = seconds_for(work)
        table.add_row(
            name,
            f"{ours:.0f}",
            f"{polars / ours:.2f}x",
            f"{joined / ours:.2f}x",
            f"{by_rows / ours:.1f}x",
        )
    table.add_row("polars' anti-join", f"{polars:.0f}")
    table.add_row("duckdb's anti-join", f"{joined:.0f}")
    table.add_row("pandas by rows", f"{by_rows:.0f}")
    table.caption = "Asked for from Arrow text: 0.5x polars' anti-join, 10x pandas by rows."
    return table
