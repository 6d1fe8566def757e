"""One campaign gives the same people in whatever form it comes, as a file or as a frame."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

import suppress
from support.builders import ListSource, by_hand, listed
from support.people import LISTED, REGION, TEXTS, WHOLE, expected, outcomes, without_gaps

People = Mapping[str, Any]
CAMPAIGNS: dict[str, People] = {"text": TEXTS, "whole numbers": WHOLE}


@pytest.fixture(scope="module")
def suppressor() -> suppress.Suppressor:
    return by_hand(ListSource(listed(*LISTED)), store=None, default_region=REGION)


def as_table(people: People, **options: Any) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, **options).writerows([("name", "phone"), *people.items()])
    return out.getvalue().encode()


def as_objects(people: People) -> list[dict[str, Any]]:
    return [{"name": name, "phone": phone} for name, phone in people.items()]


def as_json_lines(people: People) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in as_objects(people)).encode()


def as_parquet(people: People, kind: Any = None) -> bytes:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    phones = pa.array(people.values())
    if kind == "dictionary":
        phones = phones.dictionary_encode()
    elif kind is not None:
        phones = phones.cast(kind)
    out = io.BytesIO()
    pq.write_table(pa.table({"name": list(people), "phone": phones}), out, row_group_size=3)
    return out.getvalue()


def as_workbook(people: People) -> bytes:
    pytest.importorskip("python_calamine")
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False}
    with pytest.importorskip("xlsxwriter").Workbook(out, options) as book:
        sheet = book.add_worksheet()
        for place, cells in enumerate([("name", "phone"), *people.items()]):
            sheet.write_row(place, 0, cells)
    return out.getvalue()


FILES: dict[str, Callable[[People], bytes]] = {
    "csv": as_table,
    "quoted": lambda people: as_table(people, quoting=csv.QUOTE_ALL),
    "semicolons": lambda people: as_table(people, delimiter=";"),
    "tsv": lambda people: as_table(people, delimiter="\t"),
    "utf-16": lambda people: as_table(people).decode().encode("utf-16"),
    "json lines": as_json_lines,
    "json array": lambda people: json.dumps(as_objects(people), indent=1).encode(),
    "gz": lambda people: gzip.compress(as_table(people)),
    "parquet": as_parquet,
    "parquet, dictionary": lambda people: as_parquet(people, "dictionary"),
    "parquet.gz": lambda people: gzip.compress(as_parquet(people)),
    "workbook": as_workbook,
}


@pytest.mark.parametrize("campaign", CAMPAIGNS)
@pytest.mark.parametrize("form", FILES)
def test_files(suppressor: suppress.Suppressor, campaign: str, form: str) -> None:
    people = CAMPAIGNS[campaign]
    assert outcomes_of_file(suppressor, FILES[form](people)) == expected(people)


@pytest.mark.parametrize("kind", ["double", "decimal"])
def test_parquet_files_of_decimals(suppressor: suppress.Suppressor, kind: str) -> None:
    pa = pytest.importorskip("pyarrow")
    content = as_parquet(WHOLE, kind if kind == "double" else pa.decimal128(24, 2))
    assert outcomes_of_file(suppressor, content) == expected(WHOLE)


def outcomes_of_file(suppressor: suppress.Suppressor, content: bytes) -> dict[str, list[str]]:
    """Screen a file, and return who is in each of the three files that come out."""
    outs = {outcome: io.BytesIO() for outcome in ("allowed", "suppressed", "invalid")}
    rows = suppress.Rows(io.BytesIO(content), column="phone")
    stop_list = suppress.FollowedList(suppressor, "sms")
    suppress.screen_rows(rows, stop_list, **outs)  # type: ignore[arg-type]
    return {
        outcome: [row.number for row in suppress.Rows(io.BytesIO(out.getvalue()), column="name")]
        for outcome, out in outs.items()
    }


def of_pandas(dtype: str) -> Callable[[People], Any]:
    def made(people: People) -> Any:
        pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
        arrow = {"arrow text": pa.string(), "arrow integers": pa.int64()}.get(dtype)
        kind = dtype if arrow is None else pd.ArrowDtype(arrow)
        phones = pd.Series(list(people.values()), dtype=kind)
        return pd.DataFrame({"name": list(people), "phone": phones})

    return made


def of_polars(people: People) -> Any:
    return pytest.importorskip("polars").DataFrame({"name": [*people], "phone": [*people.values()]})


def of_arrow(people: People) -> Any:
    return pytest.importorskip("pyarrow").table({"name": [*people], "phone": [*people.values()]})


def of_duckdb(people: People) -> Any:
    duckdb, table = pytest.importorskip("duckdb"), of_arrow(people)
    return duckdb.from_arrow(table)


OF_PANDAS: dict[str, list[People]] = {
    "object": [TEXTS, WHOLE],
    "string": [TEXTS],
    "category": [TEXTS],
    "arrow text": [TEXTS],
    "int64": [without_gaps(WHOLE)],
    "Int64": [WHOLE],
    "float64": [WHOLE],
    "arrow integers": [WHOLE],
}
FRAMES: dict[str, tuple[list[People], Callable[[People], Any]]] = {
    "polars": ([TEXTS, WHOLE], of_polars),
    "polars, lazy": ([TEXTS, WHOLE], lambda people: of_polars(people).lazy()),
    "arrow": ([TEXTS, WHOLE], of_arrow),
    "duckdb": ([TEXTS, WHOLE], of_duckdb),
    **{f"pandas, {dtype}": (people, of_pandas(dtype)) for dtype, people in OF_PANDAS.items()},
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames(suppressor: suppress.Suppressor, kind: str) -> None:
    pytest.importorskip("narwhals")
    pytest.importorskip("pyarrow")
    campaigns, made = FRAMES[kind]
    for people in campaigns:
        screened = suppress.screen_frame(made(people), "sms", column="phone", suppressor=suppressor)
        names, found = columns_of(screened)
        assert outcomes(names, found) == expected(people)
        allowed = suppress.filter_frame(made(people), "sms", column="phone", suppressor=suppressor)
        assert columns_of(allowed)[0] == expected(people)["allowed"]


def columns_of(frame: Any) -> tuple[list[str], list[str]]:
    """Return the names and, if there are any, the outcomes in a frame of any kind."""
    for collect in ("collect", "to_arrow_table"):
        if hasattr(frame, collect):
            frame = getattr(frame, collect)()
    names = list(getattr(frame, "column_names", None) or frame.columns)
    return _listed(frame["name"]), _listed(frame["outcome"]) if "outcome" in names else []


def _listed(column: Any) -> list[Any]:
    to_list = next(
        getattr(column, each) for each in ("to_pylist", "to_list") if hasattr(column, each)
    )
    found: list[Any] = to_list()
    return found
