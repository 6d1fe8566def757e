"""JSON arrays: elements as they were written, in an array again."""

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.files import BOM, A, B, rows_of
from suppress import InputError, Rows
from suppress.files.lines import RowLimits

LIMITS = RowLimits(row_bytes=2**12, block_bytes=64)


def chosen(content: bytes, *places: int, **options: Any) -> bytes:
    rows, out, count = Rows(io.BytesIO(content), limits=LIMITS, **options), io.BytesIO(), 0
    assert rows.format == "json"
    writer = rows.writer(out)
    for batch in rows.batches():
        numbers = np.arange(count, count + len(batch.numbers))
        batch.write(np.isin(numbers, places), writer)
        assert not batch.is_cut
        count += len(numbers)
    writer.finish()
    return out.getvalue()


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((0, 1, 2), b'[\n  {"phone": 1 },\n  {"phone" : "2"}, {"phone":3.0}\n]\n'),
        ((0, 2), b'[\n  {"phone": 1 }, {"phone":3.0}\n]\n'),
        ((1, 2), b'[\n  {"phone" : "2"}, {"phone":3.0}\n]\n'),
        ((2,), b'[\n  {"phone":3.0}\n]\n'),
        ((), b"[\n  \n]\n"),
    ],
)
def test_elements_are_kept_as_they_were_written(places: tuple[int, ...], expected: bytes) -> None:
    content = b'[\n  {"phone": 1 },\n  {"phone" : "2"}, {"phone":3.0}\n]\n'
    assert chosen(content, *places) == expected
    assert chosen(BOM + content, *places) == BOM + expected


@pytest.mark.parametrize("content", [b"[]", b" [ \n ] \n"])
def test_an_empty_array(content: bytes) -> None:
    assert rows_of(content, format="json")[1] == []
    assert chosen(content) == content


VALUES = st.recursive(
    st.one_of(st.text(max_size=5), st.integers(), st.none(), st.sampled_from([A, "]", "}", '"'])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(
    values=st.lists(VALUES, max_size=20),
    indent=st.sampled_from([None, 0, 2, "\t"]),
    ascii_only=st.booleans(),
    data=st.data(),
)
@pytest.mark.slow
def test_any_array(values: list[Any], indent: Any, ascii_only: bool, data: st.DataObject) -> None:
    elements = [{"phone": value} for value in values]
    content = json.dumps(elements, indent=indent, ensure_ascii=ascii_only).encode()
    places = [place for place in range(len(values)) if data.draw(st.booleans())]
    found = chosen(content, *places, format="json", column="phone")
    assert json.loads(found) == [elements[place] for place in places]
    rows = list(Rows(io.BytesIO(content), format="json", column="phone", limits=LIMITS))
    assert [row.number for row in rows] == values
    for row in rows:
        # The line where the element begins.
        line = content.split(b"\n")[row.line - 1]
        assert b"{" in line
    if len(places) == len(values):
        assert found == content


def test_plain_values_and_the_key() -> None:
    assert [row.number for row in rows_of(b'["%s", 2]' % A.encode())[1]] == [A, 2]
    content = json.dumps([{"id": "x", "phone": A}, {"id": "y", "phone": B}]).encode()
    rows, found = rows_of(content, "a.json")
    assert (rows.columns, [row.number for row in found]) == (("phone",), [A, B])


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (b'[{"phone": 1},\n{"phone": 2', 2, "not a JSON array"),
        (b'[{"phone": 1}\n{"phone": 2}]', 2, "not a JSON array"),
        (b'[{"phone": 1},\n]', 2, "not a JSON array"),
        (b'[{"phone": NaN}]', 1, "not a JSON array"),
        (b'[{"phone": 1}]\n[2]', 1, "text follows the end"),
        (b'[{"phone": 1},\n{"mobile": 2}]', 2, "no key 'phone'"),
        (b'[{"phone": 1},\n{"phone": 2, "phone": 3}]', 2, "the key 'phone' twice"),
        (b'[{"phone": 1},\n"x"]', 2, "not a JSON object"),
        (b'[{"a": 1, "b": 2}]', 1, "which column"),
        (b'[{"phone": "' + b"x" * 5000, 1, "longer than 4,096 bytes"),
        (b'[{"phone": 1},' + b" " * 5000, 1, "longer than 4,096 bytes"),
        (b'[{"phone": 1},' + b"\n" * 5000 + b"1]", 1, "longer than 4,096 bytes"),
        (b" " * 5000 + b"[1]", 1, "longer than 4,096 bytes"),
        (b"[" * 100_000, 1, "nested too deeply"),
        (b'[{"phone": "\xff"}]', 1, "not UTF-8"),
    ],
)
def test_what_cannot_be_read(content: bytes, line: int, message: str) -> None:
    with pytest.raises(InputError, match=f"^-, line {line}: .*{message}"):
        list(
            Rows(
                io.BytesIO(content),
                column=None if "which" in message else "phone",
                format="json",
                limits=RowLimits(row_bytes=2**20 if "deeply" in message else 2**12),
            )
        )
