"""Parquet: numbers of every type, and a file of the same form with the rows that were chosen."""

import gzip
import io
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.builders import ListSource, by_hand, listed
from suppress import Batch, InputError, Rows
from suppress.files.lines import RowLimits

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

A, B, C = "+14155552671", "+14155552672", "+442079460958"
TEXTS = [A, B, None, "", "x", "(415) 555-2671", f"{B} Ann", "1 415 555 2672", C]
WHOLE = [14155552671, 14155552672, None, 0, 1, 442079460958]
SMALL = RowLimits(batch_rows=100)


def file_of(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def filtered(content: bytes, every: int = 2, **options: Any) -> bytes:
    """A file with each second row of another one."""
    out = io.BytesIO()
    rows = Rows(io.BytesIO(content), **options)
    writer = rows.writer(out)
    count = 0
    for batch in rows.batches():
        places = np.arange(count, count + len(batch.numbers))
        batch.write(places % every == 0, writer)
        count += len(batch.numbers)
    writer.finish()
    return out.getvalue()


COLUMNS: dict[str, Any] = {
    "string": pa.array(TEXTS),
    "large_string": pa.array(TEXTS, pa.large_string()),
    "string_view": pa.array(TEXTS, pa.string_view()),
    "dictionary": pa.array(TEXTS).dictionary_encode(),
    "int64": pa.array(WHOLE),
    "uint64": pa.array(WHOLE, pa.uint64()),
    "double": pa.array([14155552671.0, 14155552672.0, 442079460958.0, 0.5, float("nan"), None]),
    "decimal": pa.array([Decimal(14155552671), Decimal("0.5"), None], pa.decimal128(20, 2)),
    "null": pa.nulls(3),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_numbers_are_read_as_screen_reads_them(kind: str) -> None:
    suppressor = by_hand(ListSource(listed(A, C)), store=None, default_region="US")
    column = COLUMNS[kind]
    content = file_of(pa.table({"place": range(len(column)), "phone": column}))
    rows = Rows(io.BytesIO(content), column="phone")
    (batch,) = rows.batches()
    expected = suppressor.screen(column.to_pylist(), "sms")
    assert suppressor.screen(batch.numbers, "sms").counts == expected.counts
    assert suppressor.screen(batch.numbers, "sms").mask.tolist() == expected.mask.tolist()
    assert list(batch.lines) == list(range(1, len(column) + 1))
    one_by_one = Rows(io.BytesIO(content), column="phone")
    assert [row.line for row in one_by_one] == list(batch.lines)


def test_several_columns_are_one_tuple_each() -> None:
    content = file_of(pa.table({"a": [A, None], "b": [1, 2], "c": [B, C]}))
    rows = Rows(io.BytesIO(content), columns=["c", "a"])
    assert rows.columns == ("c", "a")
    assert [row.number for row in rows] == [(B, A), (C, None)]


def test_rows_come_with_all_of_their_cells() -> None:
    rows = Rows(io.BytesIO(file_of(pa.table({"phone": [A], "n": [1], "none": [None]}))))
    assert [(row.number, cells) for row, cells in rows.with_cells()] == [
        (A, {"phone": A, "n": 1, "none": None})
    ]


def all_types() -> Any:
    count = 1000
    columns: dict[str, Any] = {
        "phone": [f"+1415555{place:04}" for place in range(count)],
        "town": pa.array(["Oslo", "Rome"] * (count // 2)),
        "kind": pa.array(["a", "b"] * (count // 2)).dictionary_encode(),
        "view": pa.array(["x"] * count, pa.string_view()),
        "bytes": pa.array([b"\xff"] * count),
        "nested": pa.array([{"a": [1, None], "b": {"c": "x"}}] * count),
        "map": pa.array([[("a", 1)]] * count, pa.map_(pa.string(), pa.int32())),
        "at": pa.array([datetime(2026, 1, 2, tzinfo=UTC)] * count, pa.timestamp("ns", "UTC")),
        "price": pa.array([Decimal("1.50")] * count, pa.decimal128(9, 2)),
        "tiny": pa.array([1] * count, pa.uint8()),
        "none": pa.nulls(count),
    }
    fields = [pa.field(name, pa.array(each).type) for name, each in columns.items()]
    fields[0] = pa.field("phone", pa.string(), nullable=False, metadata={b"pii": b"yes"})
    return pa.table(list(columns.values()), pa.schema(fields, {b"team": b"growth"}))


def test_the_file_keeps_its_form() -> None:
    """Schema, metadata and the compression of each column, for rows in order."""
    table = all_types()
    packed = {"phone": "zstd", "town": "gzip", "tiny": "none"}
    content = file_of(
        table,
        compression={name: packed.get(name, "snappy") for name in table.column_names},
        use_dictionary=["town", "kind"],
        write_statistics=["phone"],
        store_decimal_as_integer=True,
        row_group_size=300,
    )
    found = filtered(content, limits=SMALL)
    before, after = pq.ParquetFile(io.BytesIO(content)), pq.ParquetFile(io.BytesIO(found))
    assert after.read().to_pylist() == before.read().to_pylist()[::2]
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert after.metadata.schema.equals(before.metadata.schema)
    assert after.metadata.metadata == before.metadata.metadata

    def layout(file: Any) -> list[Any]:
        group = file.metadata.row_group(0)
        chunks = map(group.column, range(group.num_columns))
        return [(each.compression, each.has_dictionary_page, each.is_stats_set) for each in chunks]

    assert layout(after) == layout(before)


def test_a_file_without_the_schema_of_arrow_keeps_being_so() -> None:
    content = file_of(pa.table({"phone": [A, B] * 50, "town": ["Oslo"] * 100}), store_schema=False)
    found = pq.ParquetFile(io.BytesIO(filtered(content)))
    assert not found.metadata.metadata
    assert found.schema_arrow.field("town").type == pa.string()


def test_small_groups_are_written_together() -> None:
    table = pa.table({"phone": [A] * 1000})
    found = pq.ParquetFile(io.BytesIO(filtered(file_of(table, row_group_size=10))))
    assert found.metadata.num_row_groups == 1
    many = filtered(file_of(table, row_group_size=10), limits=SMALL)
    assert pq.ParquetFile(io.BytesIO(many)).metadata.num_row_groups == 3


def test_old_timestamps_far_in_the_future_are_kept() -> None:
    """They have 96 bits, of which Arrow keeps 64: as nanoseconds, they would end in 2262."""
    far = pa.array(
        [datetime(9999, 12, 31, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("us")
    )
    content = file_of(pa.table({"phone": [A, B], "at": far}), use_deprecated_int96_timestamps=True)
    found = io.BytesIO(filtered(content, every=1))
    after = pq.ParquetFile(found, coerce_int96_timestamp_unit="us")
    assert after.metadata.schema.column(1).physical_type == "INT96"
    assert after.read()["at"].to_pylist() == far.to_pylist()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["x"], "phone": [A]}, None),
        ({"a": [A], "b": [datetime(2026, 1, 2, tzinfo=UTC)], "c": [[1]]}, None),
        ({"a": [1.5], "b": [442079460958]}, None),
        ({"phone": [A], "mobile": [B]}, "which column holds the number.*'phone', 'mobile'"),
        (
            {"at": [datetime(2026, 1, 2, tzinfo=UTC)]},
            r"'at' has the type timestamp\[us, tz=UTC\]. Numbers are text",
        ),
    ],
)
def test_the_column_is_found(columns: dict[str, Any], message: str | None) -> None:
    content = file_of(pa.table(columns))
    if message is None:
        assert [row.number for row in Rows(io.BytesIO(content))] != []
        return
    with pytest.raises(InputError, match=message):
        Rows(io.BytesIO(content), name="a.parquet")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("Phone", "a.parquet: the column 'Phone' is not in the schema"),
        ("twice", "the column 'twice' is twice in the schema"),
        ("raw", "the column 'raw' has the type binary.*cast it to text"),
    ],
)
def test_a_column_that_cannot_be_used(column: str, message: str) -> None:
    table = pa.table([[A], [A], [A], [b"1"]], ["phone", "twice", "twice", "raw"])
    with pytest.raises(InputError, match=message):
        Rows(io.BytesIO(file_of(table)), name="a.parquet", column=column)


def test_no_rows() -> None:
    content = file_of(pa.table({"phone": pa.array([], pa.string()), "town": pa.nulls(0)}))
    found = filtered(content)
    assert pq.read_table(io.BytesIO(found)).schema == pq.read_table(io.BytesIO(content)).schema


class Pipe(io.RawIOBase):
    """A stream that cannot go back."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


@pytest.mark.parametrize("form", ["pipe", "gz"])
def test_what_cannot_go_back_is_copied(form: str) -> None:
    content = file_of(pa.table({"phone": [A, B, C]}))
    stream = io.BufferedReader(Pipe(content)) if form == "pipe" else gzip.compress(content)
    rows = Rows(stream if form == "pipe" else io.BytesIO(stream), name="-")  # type: ignore[arg-type]
    assert rows.compression == ("" if form == "pipe" else ".gz")
    batches = rows.batches()
    del rows
    assert [number for batch in batches for number in batch.numbers] == [A, B, C]


@pytest.mark.parametrize("damage", ["cut", "changed", "nothing but the beginning"])
def test_damage_is_an_error(damage: str) -> None:
    content = bytearray(file_of(pa.table({"phone": [f"+1415555{each:04}" for each in range(900)]})))
    if damage == "cut":
        del content[-30:]
    elif damage == "changed":
        content[100:2000] = bytes(1900)
    else:
        del content[4:]
    with pytest.raises(InputError, match=r"^a\.parquet cannot be read as Parquet: it is damaged"):
        list(Rows(io.BytesIO(bytes(content)), name="a.parquet", column="phone").batches())


def batches_of(content: bytes) -> Sequence[Batch]:
    return list(Rows(io.BytesIO(content), limits=SMALL).batches())


def test_rows_that_were_given_up_make_no_file() -> None:
    """Half of the rows must not look like all of them."""
    content, out = file_of(pa.table({"phone": [A] * 1000})), io.BytesIO()
    rows = Rows(io.BytesIO(content), limits=SMALL)
    writer = rows.writer(out)
    for batch in batches_of(content):
        batch.write(np.ones(len(batch.numbers), np.bool_), writer)
    writer.close()
    del writer
    assert out.tell() > 100
    with pytest.raises(pa.ArrowInvalid):
        pq.read_table(io.BytesIO(out.getvalue()))


def test_pandas_is_not_imported(tmp_path: Path) -> None:
    """It takes longer than two million rows, and pyarrow imports it where it is asked too much."""
    (tmp_path / "in.parquet").write_bytes(file_of(pa.table({"phone": [A, B, C], "n": [1, 2, 3]})))
    code = """
import sys
import numpy as np
from suppress import Rows
with open("in.parquet", "rb") as given, open("out.parquet", "wb") as out:
    rows = Rows(given, column="phone")
    writer = rows.writer(out)
    for batch in rows.batches():
        batch.numbers.in_bulk()
        batch.write(np.array([True, False, True]), writer)
    writer.finish()
print("pandas" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "False\n"
    assert pq.read_table(tmp_path / "out.parquet")["n"].to_pylist() == [1, 3]


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"a\.parquet is a Parquet file.*suppress-filter\[parquet"):
        Rows(io.BytesIO(b"PAR1"), name="a.parquet")


@pytest.mark.parametrize(
    ("content", "format_", "message"),
    [
        (b"PAR1", "csv", "a is no csv, but a parquet"),
        (b"phone\n1\n", "parquet", "a is no parquet, by its first bytes"),
    ],
)
def test_the_content_contradicts_the_format(content: bytes, format_: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Rows(io.BytesIO(content), name="a", format=format_)


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx", "out.json.gz"])
def test_a_name_that_promises_another_form_is_refused(name: str) -> None:
    rows = Rows(io.BytesIO(file_of(pa.table({"phone": [A]}))), name="a.parquet")
    with pytest.raises(InputError, match=f"^{name} would not be what its name says: .* as parquet"):
        rows.writer(io.BytesIO(), name)
    for right in ("out.parquet", "out", "out.parquet.gz", "out.dat"):
        rows.writer(io.BytesIO(), right).close()
