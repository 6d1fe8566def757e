"""Many rows of a file at once: the same numbers, lines, bytes and errors as one by one."""

import io
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suppress import Batch, InputError, Row, RowNumbers, Rows
from suppress.files.lines import RowLimits

Outcome = tuple[list[Row], list[tuple[Any, int]], str]
SMALL = RowLimits(row_bytes=2**12, block_bytes=2**11)
"""Files of some kilobytes have many blocks."""


def one_by_one(content: bytes, **options: Any) -> Outcome:
    found: list[Row] = []
    numbers: list[tuple[Any, int]] = []
    error = ""
    try:
        for row in Rows(io.BytesIO(content), limits=SMALL, **options):
            found.append(row)
            numbers += [(number, row.line) for number in row.numbers]
    except InputError as fault:
        error = str(fault)
    return found, numbers, error


def at_once(content: bytes, **options: Any) -> Outcome:
    found: list[Row] = []
    numbers: list[tuple[Any, int]] = []
    error = ""
    try:
        for batch in Rows(io.BytesIO(content), limits=SMALL, **options).batches():
            raws = [written(batch, place) for place in range(len(batch.numbers))]
            found += map(Row, batch.lines, raws, batch.numbers)
            numbers += zip(*RowNumbers.of(batch), strict=True)
    except InputError as fault:
        error = str(fault)
    return found, numbers, error


def agree(content: bytes, **options: Any) -> bool:
    """Return whether both give the same; before an error, only whole batches are given."""
    rows, numbers, error = at_once(content, **options)
    wanted_rows, wanted_numbers, wanted_error = one_by_one(content, **options)
    if error and error == wanted_error:
        wanted_rows, wanted_numbers = wanted_rows[: len(rows)], wanted_numbers[: len(numbers)]
    return (rows, numbers, error) == (wanted_rows, wanted_numbers, wanted_error)


def written(batch: Batch, *places: int) -> bytes:
    """The bytes of the rows at these places."""
    chosen = np.zeros(len(batch.numbers), np.bool_)
    chosen[list(places)] = True
    out = io.BytesIO()
    batch.write(chosen, out)
    return out.getvalue()


FIELDS = st.sampled_from(
    ["+14155552671", "a", "", " ", '"x\ny"', '"x,y"', '"', 'a"b', '"c', "é", "\ufeff"]
)
LINES = st.one_of(
    st.lists(FIELDS, min_size=1, max_size=4).map(",".join),
    st.sampled_from(["A,+14155552672,B"] * 5),
    # A row of two lines, each with as many quotes as one of a single line has.
    st.just('a"b,"+1415\n5552671",x"y'),
)


@given(
    lines=st.lists(LINES, max_size=20),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    columns=st.sampled_from([("b",), ("a", "c"), ()]),
    odd=st.sampled_from([b"", b"\xff", b"\0", b"a,b,c\r\r\n"]),
)
@pytest.mark.slow
def test_any_table(lines: list[str], end: str, columns: Sequence[str], odd: bytes) -> None:
    content = end.join(["a,b,c", *lines]).encode() + odd
    options = {"name": "list.csv", "columns": columns}
    assert agree(content, **options)


@given(
    lines=st.lists(FIELDS, max_size=20),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    odd=st.sampled_from([b"", b"\xff", b"\0", b"\xef\xbb\xbf"]),
)
def test_any_text(lines: list[str], end: str, odd: bytes) -> None:
    content = odd + end.join(lines).encode() + odd
    assert agree(content, format="text")


JSON_LINES = [
    *(b'{"a":"+14155552671","b":1}', b'{"b":null,"a":[1]}', b'{"a":"1","a":"2","b":""}'),
    *(b'{"a":"\\u0061","b":2}', b'{"\\u0061":1,"a":2,"b":3}', b'{"b":1}', b'"a"', b"1", b""),
    *(b'["a"]', b"{", b'{"a":"a","b":"b"}', b"[" * 3000, b'{"a":1,"b":2} ', b"\xff"),
]


@pytest.mark.parametrize("columns", [("a",), ("a", "b"), ()])
@pytest.mark.parametrize("odd", JSON_LINES)
def test_an_oddity_in_json_lines(odd: bytes, columns: Sequence[str]) -> None:
    for good in (b'{"a":"+14155552671","b":1}', b'"+14155552671"'):
        for lines in ([odd], [odd, good], [good, odd, good]):
            assert agree(b"\n".join(lines), format="jsonl", columns=columns)


@given(
    lines=st.lists(st.sampled_from(JSON_LINES), max_size=8),
    columns=st.sampled_from([("a",), ("a", "b"), ()]),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
@pytest.mark.slow
def test_any_json_lines(lines: list[bytes], columns: Sequence[str], end: bytes) -> None:
    assert agree(end.join(lines), format="jsonl", columns=columns)


ODDITIES = {
    "nothing": b"",
    "a blank line": b"\n",
    "a row of blanks": b" , ,\r\n",
    "a quoted field": b'"Ann, the second",+14155550000,x\n',
    "a row of two lines": b'"Ann\r\nB",+14155550000,x\n',
    "one field less": b"Ann,+14155550000\n",
    "a quote that is not closed": b'"Ann,+14155550000,x\n',
    "no UTF-8": b"Ann\xff,+14155550000,x\n",
    "a NUL": b"Ann\0,+14155550000,x\n",
    "a carriage return": b"Ann\r,+14155550000,x\n",
    "a row that is too long": b"Ann" * SMALL.row_bytes + b",+14155550000,x\n",
    "a long field": b"A" * SMALL.row_bytes + b",+14155550000,x\n",
    "an empty number": b"Ann,,x\n",
}


@pytest.mark.parametrize("where", [0, 120, 300])
@pytest.mark.parametrize("odd", ODDITIES.values(), ids=ODDITIES)
def test_an_oddity_in_a_long_table(odd: bytes, where: int) -> None:
    rows = [b"Ann %d,+1415%07d,xxxxxxxx\n" % (place, place) for place in range(300)]
    rows.insert(where, odd)
    content = b"name,phone,note\n" + b"".join(rows)
    assert len(content) > 1.5 * SMALL.block_bytes
    assert agree(content, name="list.csv")


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_long_files_of_other_forms(form: str) -> None:
    rows = [str(14155500000 + place) for place in range(600)]
    content = "\n\n".join(rows).encode()
    found = at_once(content, format=form)
    assert found == one_by_one(content, format=form)
    assert len(found[0]) == len(rows)


@pytest.mark.parametrize("form", ["text", "csv", "jsonl"])
@pytest.mark.parametrize("count", range(4))
def test_files_of_few_rows(form: str, count: int) -> None:
    """The first line is read to find the format; it is a row all the same."""
    row = b'{"p":1}\n' if form == "jsonl" else b"1\n"
    content = b"p\n" * (form == "csv") + row * count
    for columns in ((), ("p",)) if form != "text" else ((),):
        found = at_once(content, format=form, columns=columns)
        assert found == one_by_one(content, format=form, columns=columns)
        assert len(found[0]) == count


def test_an_object_behind_plain_values() -> None:
    content = b'"+14155552671"\n' * (SMALL.sample_rows + 50) + b'{"a":1}\n'
    assert agree(content, format="jsonl")
    assert "it is a JSON object" in at_once(content, format="jsonl")[2]


def test_batches_before_a_bad_row_are_given() -> None:
    content = b"+14155552671\n\n" + b" " * SMALL.block_bytes + b"\n+14155552672\n\xff\n"
    batches = Rows(io.BytesIO(content), format="text", limits=SMALL).batches()
    first = next(batches)
    assert (list(first.numbers), list(first.lines)) == (["+14155552671"], [1])
    with pytest.raises(InputError, match="line 5"):
        next(batches)


def test_a_pipe_gives_what_has_come() -> None:
    """Nobody waits for a block to be full, nor for the rest of a line."""
    parts = [b"+14155552671\n", b"+14155552672\n+1415", b"5552673\n+14155552674"]

    class Pipe(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            part = parts.pop(0) if parts else b""
            buffer[: len(part)] = part
            return len(part)

    batches = Rows(io.BufferedReader(Pipe())).batches()
    found = [(list(batch.numbers), batch.is_cut, len(parts)) for batch in batches]
    assert found == [
        (["+14155552671"], False, 2),
        (["+14155552672"], False, 1),
        (["+14155552673"], False, 0),
        (["+14155552674"], True, 0),
    ]


def test_a_block_ends_anywhere() -> None:
    """Whatever byte of a row, of a line end or of a character the end of a block cuts."""
    draw = random.Random(1)
    for _ in range(20):
        first = "x" * draw.randrange(SMALL.block_bytes - 20, SMALL.block_bytes + 20)
        content = f'name,phone\r\nA,1\r\n"é{first}é",+14155552671\r\nB,+14155552672\r\n'.encode()
        options = {"name": "list.csv", "columns": ("phone",)}
        assert at_once(content, **options) == one_by_one(content, **options)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([b"1\n", b"22\r\n", b"\n"])), min_size=1))
def test_any_choice_of_rows_is_written(rows: list[tuple[bool, bytes]]) -> None:
    content = b"".join(raw for _, raw in rows)
    batches = list(Rows(io.BytesIO(content), format="text").batches())
    filled = [(is_chosen, raw) for is_chosen, raw in rows if raw.strip()]
    chosen = [place for place, (is_chosen, _) in enumerate(filled) if is_chosen]
    found = [written(batch, *chosen) for batch in batches]
    assert b"".join(found) == b"".join(raw for is_chosen, raw in filled if is_chosen)
