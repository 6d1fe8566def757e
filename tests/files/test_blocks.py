"""Many rows of a file at once: the same numbers, lines and errors as one by one."""

import io
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suppress import InputError, Rows
from suppress.files.blocks import _SIZE
from suppress.files.rows import LONGEST_ROW

Outcome = tuple[list[tuple[Any, int]], str]


def one_by_one(content: bytes, **options: Any) -> Outcome:
    found: list[tuple[Any, int]] = []
    try:
        for row in Rows(io.BytesIO(content), **options):
            found += [(number, row.line) for number in row.numbers]
    except InputError as error:
        return found, str(error)
    return found, ""


def at_once(content: bytes, **options: Any) -> Outcome:
    found: list[tuple[Any, int]] = []
    try:
        for numbers, lines in Rows(io.BytesIO(content), **options).batches():
            found += zip(numbers, lines, strict=True)
    except InputError as error:
        return found, str(error)
    return found, ""


FIELDS = st.sampled_from(["+14155552671", "a", "", " ", '"x\ny"', '"x,y"', '"', "é", "\ufeff"])
LINES = st.one_of(
    st.lists(FIELDS, min_size=1, max_size=4).map(",".join),
    st.sampled_from(["A,+14155552672,B"] * 5),
)


@given(
    lines=st.lists(LINES, max_size=20),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    columns=st.sampled_from([("b",), ("a", "c"), ()]),
    odd=st.sampled_from([b"", b"\xff", b"\0", b"a,b,c\r\r\n"]),
)
def test_any_table(lines: list[str], end: str, columns: Sequence[str], odd: bytes) -> None:
    content = end.join(["a,b,c", *lines]).encode() + odd
    options = {"name": "list.csv", "columns": columns}
    try:
        wanted = one_by_one(content, **options)
    except ValueError:
        wanted = ([], "")
    assert at_once(content, **options) == wanted


@given(
    lines=st.lists(FIELDS, max_size=20),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    odd=st.sampled_from([b"", b"\xff", b"\0", b"\xef\xbb\xbf"]),
)
def test_any_text(lines: list[str], end: str, odd: bytes) -> None:
    content = odd + end.join(lines).encode() + odd
    assert at_once(content, format="text") == one_by_one(content, format="text")


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
    "a row that is too long": b"Ann" * LONGEST_ROW + b",+14155550000,x\n",
    "a long field": b"A" * 200_000 + b",+14155550000,x\n",
    "an empty number": b"Ann,,x\n",
}


@pytest.mark.parametrize("where", [0, 12_000, 30_000])
@pytest.mark.parametrize("odd", ODDITIES.values(), ids=ODDITIES)
def test_an_oddity_in_a_long_table(odd: bytes, where: int) -> None:
    rows = [b"Ann %d,+1415%07d,xxxxxxxx\n" % (place, place) for place in range(30_000)]
    rows.insert(where, odd)
    content = b"name,phone,note\n" + b"".join(rows)
    assert len(content) > 1.5 * _SIZE
    assert at_once(content, name="list.csv") == one_by_one(content, name="list.csv")


@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_long_files_of_other_forms(form: str) -> None:
    rows = [str(14155500000 + place) for place in range(60_000)]
    content = "\n\n".join(rows).encode()
    found, error = at_once(content, format=form)
    assert (found, error) == one_by_one(content, format=form)
    assert len(found) == len(rows)


def test_rows_before_a_bad_one_are_given() -> None:
    rows = Rows(io.BytesIO(b"+14155552671\n\n+14155552672\n\xff\n"), format="text").batches()
    assert next(rows) == (["+14155552671"], [1])
    assert next(rows) == (["+14155552672"], [3])
    with pytest.raises(InputError, match="line 4"):
        next(rows)


def test_a_block_ends_anywhere() -> None:
    """Whatever byte of a row, of a line end or of a character the end of a block cuts."""
    draw = random.Random(1)
    for _ in range(20):
        first = "x" * draw.randrange(_SIZE - 20, _SIZE + 20)
        content = f'name,phone\r\nA,1\r\n"é{first}é",+14155552671\r\nB,+14155552672\r\n'.encode()
        options = {"name": "list.csv", "columns": ("phone",)}
        assert at_once(content, **options) == one_by_one(content, **options)
