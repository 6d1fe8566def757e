"""A data frame comes in, and the same kind of frame goes out, with the answers of `screen`."""

import datetime as dt
import itertools
import math
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import suppress
from support.builders import ListSource, by_hand, listed

pa = pytest.importorskip("pyarrow")
pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
duckdb = pytest.importorskip("duckdb")
pytest.importorskip("narwhals")

A, B, C = "+14155552671", "+14155552672", "+442079460959"
NUMBERS = [A, B, None, "(415) 555-2671", "x", B, "", "1 415 555 2672", f"{C} / {A}", f"tel:{C}"]

Frame = Callable[..., Any]

CONNECTION = duckdb.connect()
"""Kept, since relations end with their connection."""


@pytest.fixture(scope="module")
def suppressor() -> suppress.Suppressor:
    return by_hand(ListSource(listed(A, C, "12345", "+22997123456")), store=None)


def outcomes(
    suppressor: suppress.Suppressor, numbers: list[Any], region: str | None = "US"
) -> list[tuple[str, str | None, str]]:
    screening = suppressor.screen(numbers, "sms", default_region=region)
    return [(str(each.outcome), each.e164, each.reason) for each in screening]


def of_pandas(dtype: Any) -> Frame:
    def frame(numbers: list[Any], **more: list[Any]) -> Any:
        return pd.DataFrame({"phone": pd.Series(numbers, dtype=dtype), **more})

    return frame


def of_polars(numbers: list[Any], **more: list[Any]) -> Any:
    return pl.DataFrame({"phone": numbers, **more})


def of_lazy_polars(numbers: list[Any], **more: list[Any]) -> Any:
    return of_polars(numbers, **more).lazy()


def of_pyarrow(numbers: list[Any], **more: list[Any]) -> Any:
    return pa.table({"phone": numbers, **more})


def of_duckdb(numbers: list[Any], **more: list[Any]) -> Any:
    table = of_pyarrow(numbers, **more)
    return CONNECTION.from_arrow(table)


def of_dask(numbers: list[Any], **more: list[Any]) -> Any:
    dask = pytest.importorskip("dask.dataframe")
    return dask.from_pandas(of_pandas(object)(numbers, **more), npartitions=3)


def columns(frame: Any) -> dict[str, list[Any]]:
    """The columns of a frame, with None for what is missing."""
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    if hasattr(frame, "to_arrow_table"):
        frame = frame.to_arrow_table()
    if hasattr(frame, "compute"):
        frame = frame.compute()
    if isinstance(frame, pa.Table):
        found = frame.to_pydict()
    else:
        found = {name: frame[name].to_list() for name in frame.columns}
    return {
        name: [None if pd.isna(each) else each for each in values] for name, values in found.items()
    }


TEXTS = {
    "pandas object": of_pandas(object),
    "pandas str": of_pandas("str"),
    "pandas string": of_pandas("string"),
    "pandas string in Python": of_pandas("string[python]"),
    "pandas Arrow": of_pandas(pd.ArrowDtype(pa.string())),
    "pandas large Arrow": of_pandas(pd.ArrowDtype(pa.large_string())),
    "pandas category": of_pandas("category"),
    "polars": of_polars,
    "lazy polars": of_lazy_polars,
    "pyarrow": of_pyarrow,
    "duckdb": of_duckdb,
    "dask": of_dask,
}
WHOLE = {
    "pandas Int64": of_pandas("Int64"),
    "pandas float64": of_pandas("float64"),
    "pandas Float64": of_pandas("Float64"),
    "pandas object": of_pandas(object),
    "pandas Arrow": of_pandas(pd.ArrowDtype(pa.int64())),
    "polars": of_polars,
    "lazy polars": of_lazy_polars,
    "pyarrow": of_pyarrow,
    "duckdb": of_duckdb,
}


@pytest.mark.parametrize("frame", TEXTS.values(), ids=TEXTS)
class TestText:
    @pytest.mark.slow
    def test_the_allowed_rows_are_kept(self, frame: Frame, suppressor: suppress.Suppressor) -> None:
        given_ = frame(NUMBERS, place=[*range(len(NUMBERS))])
        found = suppress.filter_frame(
            given_, "sms", column="phone", default_region="US", suppressor=suppressor
        )
        assert type(found) is type(given_)
        expected = outcomes(suppressor, NUMBERS)
        places = [place for place, (outcome, *_) in enumerate(expected) if outcome == "allowed"]
        assert places == [1, 5, 7]
        assert columns(found) == {"phone": [NUMBERS[place] for place in places], "place": places}

    def test_outcomes_are_those_of_screen(
        self, frame: Frame, suppressor: suppress.Suppressor
    ) -> None:
        given_ = frame(NUMBERS)
        found = suppress.screen_frame(
            given_, "sms", column="phone", default_region="US", suppressor=suppressor
        )
        assert type(found) is type(given_)
        expected = outcomes(suppressor, NUMBERS)
        of_all = columns(found)
        assert [*of_all] == ["phone", "outcome", "e164", "reason"]
        assert list(zip(*itertools.islice(of_all.values(), 1, None), strict=True)) == expected

    def test_an_empty_frame(self, frame: Frame, suppressor: suppress.Suppressor) -> None:
        for work in (suppress.filter_frame, suppress.screen_frame):
            found = columns(work(frame([]), "sms", column="phone", suppressor=suppressor))
            assert found["phone"] == []

    def test_nothing_but_gaps(self, frame: Frame, suppressor: suppress.Suppressor) -> None:
        found = suppress.screen_frame(
            frame([None, None]), "sms", column="phone", suppressor=suppressor
        )
        assert columns(found)["reason"] == ["no number was given"] * 2


@pytest.mark.parametrize("frame", WHOLE.values(), ids=WHOLE)
def test_whole_numbers_with_gaps(frame: Frame, suppressor: suppress.Suppressor) -> None:
    numbers = [14155552671, None, 14155552672, 4155552671, 0, 442079460959, 10**16 + 1]
    for region in (None, "US"):
        found = suppress.screen_frame(
            frame(numbers), "sms", column="phone", default_region=region, suppressor=suppressor
        )
        of_all = columns(found)
        expected = outcomes(suppressor, numbers, region)
        got = list(zip(*itertools.islice(of_all.values(), 1, None), strict=True))
        assert [each[:2] for each in got] == [each[:2] for each in expected]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([14155552671, 14155552672], dtype="int64"),
        pd.Series([14155552671, 14155552672], dtype="uint64"),
        np.array([14155552671, 14155552672]),
        np.array([14155552671.0, 14155552672.0]),
        np.array([A, B]),
        np.array([A, B], object),
        pd.Series([A, B], index=[1, 0]),
        pd.Index([A, B]),
        pl.Series([A, B]),
        pl.Series([A, B], dtype=pl.Categorical),
        pa.array([A, B]),
        pa.chunked_array([[A], [B]]),
        pl.Series([A, B], dtype=pl.Object),
        pl.Series([14155552671, 14155552672], dtype=pl.Decimal(20, 0)),
        pd.MultiIndex.from_tuples([(A, B), (B, B)]),
        np.array([14155552671, 14155552672, 0, 0])[:2],
        np.array([14155552671, 14155552672], ">i8"),
        pa.array([Decimal(14155552671), Decimal(14155552672)]),
    ],
    ids=lambda each: f"{type(each).__module__} {getattr(each, 'dtype', getattr(each, 'type', ''))}",
)
def test_screen_takes_a_column_as_it_is(series: Any, suppressor: suppress.Suppressor) -> None:
    values = series.to_pylist() if hasattr(series, "to_pylist") else list(series)
    screening = suppressor.screen(series, "sms")
    assert screening.mask.tolist() == [False, True]
    assert screening.suppressed == values[:1]
    assert [each.recipient for each in screening] == values
    assert suppressor.filter_recipients(series, "sms") == values[1:]
    assert screening.receipt() == suppressor.screen(values, "sms").receipt()


def test_a_masked_number_is_missing(suppressor: suppress.Suppressor) -> None:
    numbers = np.ma.array([14155552671, 14155552672, 14155552672], mask=[False, True, False])
    screening = suppressor.screen(numbers, "sms")
    assert screening.codes.tolist() == suppressor.screen(numbers.tolist(), "sms").codes.tolist()
    assert screening.invalid == [None]


def test_a_mask_picks_rows(suppressor: suppress.Suppressor) -> None:
    frame = pd.DataFrame({"phone": [A, B, "x"]}, index=[7, 7, 8])
    mask = suppressor.screen(frame["phone"], "sms").mask
    assert frame[mask]["phone"].to_list() == [B]
    assert np.array([A, B, "x"])[mask].tolist() == [B]


def test_a_series_keeps_what_was_handed_in(suppressor: suppress.Suppressor) -> None:
    series = pd.Series([A, None, B], dtype="string", index=[2, 1, 0])
    screening = suppressor.screen(series, "sms")
    assert screening.invalid == [pd.NA]
    assert screening.allowed == [B]
    assert all(
        type(each) is int for each in suppressor.filter_recipients(pd.Series([14155552672]), "sms")
    )


def test_an_index_and_the_order_are_kept(suppressor: suppress.Suppressor) -> None:
    frame = pd.DataFrame({"phone": [B, A, "+14155552673", "x"]}, index=["b", "a", "b", "c"])
    frame.index.name = "who"
    found = suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)
    pd.testing.assert_frame_equal(found, frame.iloc[[0, 2]])
    explained = suppress.screen_frame(frame, "sms", column="phone", suppressor=suppressor)
    assert explained.index.equals(frame.index)
    assert explained["outcome"].to_list() == ["allowed", "suppressed", "allowed", "invalid"]
    assert list(frame.columns) == ["phone"]


SEVERAL = {"pandas": of_pandas(object), "polars": of_polars, "lazy polars": of_lazy_polars}


@pytest.mark.parametrize("frame", [*SEVERAL.values(), of_pyarrow], ids=[*SEVERAL, "pyarrow"])
def test_several_columns_are_read_like_a_tuple(
    frame: Frame, suppressor: suppress.Suppressor
) -> None:
    values = [A, B, None, "x", "12345", ""]
    pairs = [*itertools.product(values, repeat=2)]
    given_ = frame([one for one, _ in pairs], home=[other for _, other in pairs])
    found = suppress.screen_frame(given_, "sms", column=["phone", "home"], suppressor=suppressor)
    got = list(zip(*itertools.islice(columns(found).values(), 2, None), strict=True))
    assert got == outcomes(suppressor, pairs, None)
    kept = suppress.filter_frame(given_, "sms", column=("phone", "home"), suppressor=suppressor)
    allowed = suppressor.filter_recipients(pairs, "sms")
    assert list(zip(*columns(kept).values(), strict=True)) == allowed


def test_columns_of_different_types(suppressor: suppress.Suppressor) -> None:
    frame = pl.DataFrame({"one": [B, None, "x"], "other": [None, 14155552671, 14155552672]})
    found = suppress.screen_frame(frame, "sms", column=["one", "other"], suppressor=suppressor)
    assert found["outcome"].to_list() == ["allowed", "suppressed", "allowed"]
    assert found["e164"].to_list() == [B, A, B]


ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.floats(1e9, 1e16).map(math.floor).map(float),
    st.decimals(),
    st.binary(max_size=12),
    st.dates(),
    st.text("+0123456789 /.-()x\n\u202aé\u0663", max_size=24),
    st.sampled_from([A, B, C, "12345", "4155552671", f"{A} ", f"={A}", pd.NA, pd.NaT, np.int8(5)]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY, min_size=1, max_size=12), st.sampled_from([None, "US", "international"]))
@pytest.mark.slow
def test_any_python_values_in_a_column_of_objects(
    suppressor: suppress.Suppressor, values: list[Any], region: str | None
) -> None:
    frame = pd.DataFrame({"phone": pd.Series(values, dtype=object)})
    try:
        expected = outcomes(suppressor, values, region)
    except TypeError:
        with pytest.raises(TypeError, match="None of the recipients is a number"):
            suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)
        return
    found = suppress.screen_frame(
        frame, "sms", column="phone", default_region=region, suppressor=suppressor
    )
    assert [
        (outcome, None if pd.isna(e164) else e164, reason)
        for outcome, e164, reason in found[["outcome", "e164", "reason"]].itertuples(index=False)
    ] == expected
    kept = suppress.filter_frame(
        frame, "sms", column="phone", default_region=region, suppressor=suppressor
    )
    places = [place for place, (outcome, *_) in enumerate(expected) if outcome == "allowed"]
    assert kept.index.to_list() == places


TYPED = st.one_of(
    st.tuples(
        st.just(pa.string()), st.lists(st.none() | st.text("+01245679 /.\n\u202aé", max_size=20))
    ),
    st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just(pa.uint64()), st.lists(st.none() | st.integers(0, 2**64 - 1))),
    st.tuples(st.just(pa.int64()), st.lists(st.none() | st.integers(10**9, 10**12))),
    st.tuples(st.just(pa.float64()), st.lists(st.none() | st.floats())),
    st.tuples(st.just(pa.float64()), st.lists(st.none() | st.integers(10**9, 10**16).map(float))),
    st.tuples(st.just(pa.float32()), st.lists(st.none() | st.floats(width=32))),
    st.tuples(st.just(pa.bool_()), st.lists(st.none() | st.booleans())),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TYPED, st.sampled_from([None, "US", "international"]))
@pytest.mark.slow
def test_any_values_of_a_type_in_each_kind_of_frame(
    suppressor: suppress.Suppressor, typed: tuple[Any, list[Any]], region: str | None
) -> None:
    type_, values = typed
    table = pa.table({"phone": pa.array(values, type_)})
    frames = [table, pl.from_arrow(table), table.to_pandas(types_mapper=pd.ArrowDtype)]
    expected = outcomes(suppressor, values, region)
    for frame in (*frames, pl.from_arrow(table).lazy(), table.to_pandas()):
        found = suppress.screen_frame(
            frame, "sms", column="phone", default_region=region, suppressor=suppressor
        )
        got = list(zip(*itertools.islice(columns(found).values(), 1, None), strict=True))
        assert [each[:2] for each in got] == [each[:2] for each in expected]
        if frame is table:
            assert got == expected


class TestLazy:
    def test_the_list_is_that_of_the_moment_of_collecting(self) -> None:
        source = ListSource(listed(A))
        suppressor = by_hand(source, store=None)
        lazy = suppress.filter_frame(
            pl.LazyFrame({"phone": [A, B]}), "sms", column="phone", suppressor=suppressor
        )
        source.entries = listed(A, B)
        suppressor.refresh("sms")
        assert lazy.collect()["phone"].to_list() == []

    def test_an_error_comes_at_once(self, suppressor: suppress.Suppressor) -> None:
        frame = pl.LazyFrame({"phone": [A]})
        with pytest.raises(suppress.UnknownChannel):
            suppress.filter_frame(frame, "smss", column="phone", suppressor=suppressor)
        with pytest.raises(suppress.InvalidArgument, match=r"no column 'fone'.*phone"):
            suppress.filter_frame(frame, "sms", column="fone", suppressor=suppressor)
        with pytest.raises(suppress.ConfigurationError):
            suppress.filter_frame(
                frame, "sms", column="phone", default_region="XX", suppressor=suppressor
            )

    @pytest.mark.parametrize("engine", ["in-memory", "streaming"])
    def test_what_follows_is_done_after_it(
        self, suppressor: suppress.Suppressor, engine: Any
    ) -> None:
        numbers = [A, B, "x"] * 1000
        frame = pl.LazyFrame({"phone": numbers, "place": range(len(numbers))})
        kept = suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)
        assert kept.head(2).collect(engine=engine)["place"].to_list() == [1, 4]
        assert kept.select("place").collect(engine=engine)["place"].to_list() == [
            *range(1, 3000, 3)
        ]
        assert kept.filter(pl.col("place") > 2990).select("place").collect(engine=engine)[
            "place"
        ].to_list() == [2992, 2995, 2998]
        explained = suppress.screen_frame(frame, "sms", column="phone", suppressor=suppressor)
        assert (
            explained.filter(pl.col("outcome") == "suppressed").select(pl.len()).collect().item()
            == 1000
        )
        assert explained.collect_schema().names() == ["phone", "place", "outcome", "e164", "reason"]


def test_duckdb_keeps_types_and_connection(suppressor: suppress.Suppressor) -> None:
    connection = duckdb.connect()
    connection.sql("CREATE TABLE other AS SELECT 2 AS place, 'Bea' AS name")
    relation = connection.sql(
        f"""SELECT '{A}' AS "the ""phone", 1::HUGEINT AS place, 'a'::ENUM('a', 'b') AS kind
        UNION ALL SELECT '{B}', 2, 'b'"""
    )
    found = suppress.filter_frame(relation, "sms", column='the "phone', suppressor=suppressor)
    assert found.types == relation.types
    joined = found.set_alias("found").join(connection.table("other"), "place")
    assert joined.fetchall() == [(2, B, "b", "Bea")] or joined.fetchall() == [(B, 2, "b", "Bea")]


@pytest.mark.parametrize(
    "frame",
    [[A], {"phone": [A]}, A, None, pa.array([A])],
    ids=["list", "dict", "text", "nothing", "array"],
)
def test_what_is_no_frame(frame: Any, suppressor: suppress.Suppressor) -> None:
    with pytest.raises(TypeError, match=r"cannot be screened. Pass a data frame of pandas"):
        suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)


def test_columns_that_are_wrong(suppressor: suppress.Suppressor) -> None:
    frame = pl.DataFrame({"phone": [A], "outcome": [1]})
    with pytest.raises(suppress.InvalidArgument, match=r"no column 'tel'. Name one of: phone, out"):
        suppress.filter_frame(frame, "sms", column=["phone", "tel"], suppressor=suppressor)
    with pytest.raises(suppress.InvalidArgument, match="a column 'outcome' already"):
        suppress.screen_frame(frame, "sms", column="phone", suppressor=suppressor)
    with pytest.raises(suppress.InvalidArgument, match="Name a column"):
        suppress.filter_frame(frame, "sms", column=[], suppressor=suppressor)
    suppress.filter_frame(frame, "sms", column="phone", suppressor=suppressor)


@pytest.mark.parametrize(
    "frame",
    [pl.DataFrame({"phone": [dt.date(2026, 1, 1)]}), pd.DataFrame({"phone": [b"1"]})],
    ids=["dates", "bytes"],
)
def test_a_column_without_numbers_is_refused(frame: Any, suppressor: suppress.Suppressor) -> None:
    for work in (suppress.filter_frame, suppress.screen_frame):
        with pytest.raises(TypeError, match="None of the recipients is a number"):
            work(frame, "sms", column="phone", suppressor=suppressor)


@pytest.mark.parametrize(
    "table", [pd.DataFrame({"phone": [A]}), pl.DataFrame({"phone": [A]}), pa.table({"phone": [A]})]
)
def test_a_table_is_no_list(table: Any, suppressor: suppress.Suppressor) -> None:
    with pytest.raises(TypeError, match=r"a table was given.*filter_frame"):
        suppressor.screen(table, "sms")


def test_an_array_of_two_dimensions_is_no_list(suppressor: suppress.Suppressor) -> None:
    with pytest.raises(TypeError, match="an array of 2 dimensions was given"):
        suppressor.screen(np.array([[A, B]]), "sms")


@pytest.mark.parametrize("library", ["narwhals.stable.v2", "pyarrow"])
def test_without_the_extra_the_error_says_so(
    library: str, suppressor: suppress.Suppressor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=r"pip install 'suppress-filter\[frames\]'"):
        suppress.filter_frame(
            pl.DataFrame({"phone": [A]}), "sms", column="phone", suppressor=suppressor
        )


def test_a_column_is_screened_without_pyarrow(
    suppressor: suppress.Suppressor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for series in (pl.Series([A, B]), pd.Series([A, B], dtype="string[python]")):
        assert suppressor.filter_recipients(series, "sms") == [B]


def test_no_list_no_rows() -> None:
    source = ListSource()
    source.failure = suppress.SourceError("down")
    suppressor = by_hand(source, store=None)
    with pytest.raises(suppress.StopListUnavailable):
        suppress.filter_frame(
            pl.DataFrame({"phone": [A]}), "sms", column="phone", suppressor=suppressor
        )


@pytest.mark.slow
def test_the_default_suppressor_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stopped.txt").write_text(f"{A}\n")
    program = f"""
import pandas, suppress
frame = pandas.DataFrame({{"phone": ["{A}", "{B}"]}})
print(suppress.filter_frame(frame, "sms", column="phone")["phone"].to_list())
"""
    monkeypatch.setenv("SUPPRESS_FILE_PATH", str(tmp_path / "stopped.txt"))
    monkeypatch.setenv("SUPPRESS_STORE", "none")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"['{B}']\n"
