"""The fields of random tables, found in blocks: as Python's csv module reads the whole file."""

import csv
import io
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from support.files import BOM
from suppress import Rows
from suppress.files.blocks import Block
from suppress.files.fields import Fields
from suppress.files.lines import RowLimits

LIMITS = RowLimits(row_bytes=2**12, block_bytes=64)
"""Every few rows, a block ends somewhere."""

TEXTS = st.text(
    st.sampled_from([*'"",;|\t\n\r ab1+', "é", "\u2028", "\U0001f4de", "\ufeff", "\x1c"]),
    max_size=6,
)
PLAIN = st.sampled_from(["+14155552671", "Ann", "", " ", "x y", "é"])


@st.composite
def tables(draw: st.DrawFn) -> tuple[bytes, str, int]:
    """A table as bytes, its delimiter, and its width: some fields quoted, some rows blank."""
    delimiter = draw(st.sampled_from(",;|\t"))
    width = draw(st.integers(2, 4))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    always = draw(st.booleans())

    def field() -> str:
        text = draw(st.one_of(PLAIN, TEXTS).filter(lambda text: not _ends_oddly(text)))
        if always or set(text) & {delimiter, '"', "\n", "\r"} or draw(st.booleans()):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(f"c{place}" for place in range(width))]
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["row"] * 8 + ["blank", "delimiters"]))
        rows = {"blank": "", "delimiters": delimiter * (width - 1)}
        lines.append(rows.get(kind) or delimiter.join(field() for _ in range(width)))
    last = draw(st.sampled_from(["", end]))
    return BOM * draw(st.booleans()) + (end.join(lines) + last).encode(), delimiter, width


def _ends_oddly(text: str) -> bool:
    """Return whether a text has a return that no line end follows, which files rarely have."""
    return "\r" in text.replace("\r\n", "")


def by_csv(content: bytes, delimiter: str) -> list[tuple[int, bytes, list[str]]]:
    """The line, the bytes and the fields of each row that is not blank, as csv reads them."""
    lines = content.removeprefix(BOM).split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + lines[-1:]
    reader = csv.reader((line.decode() for line in lines), delimiter=delimiter, strict=True)
    found, first = [], 0
    for record in reader:
        if any(map(str.strip, record)):
            found.append((first + 1, b"".join(lines[first : reader.line_num]), record))
        first = reader.line_num
    return found[1:]


@settings(deadline=None, max_examples=300)
@given(table=tables(), data=st.data())
@example(table=(b'c0,c1\n"a\n",1\n"b""",2', ",", 2), data=None)
@pytest.mark.slow
def test_any_table_is_read_as_csv_reads_it(
    table: tuple[bytes, str, int], data: st.DataObject | None
) -> None:
    content, delimiter, width = table
    position = 0 if data is None else data.draw(st.integers(0, width - 1))
    rows = Rows(io.BytesIO(content), format="csv", column=f"c{position}", limits=LIMITS)
    expected = by_csv(content, delimiter)
    found = []
    for batch in rows.batches():
        for place, (line, number) in enumerate(zip(batch.lines, batch.numbers, strict=True)):
            out = io.BytesIO()
            batch.write(np.arange(len(batch.numbers)) == place, out)
            found.append((line, out.getvalue(), number))
    assert found == [(line, raw, record[position]) for line, raw, record in expected]


def fields_of(content: bytes, width: int = 2) -> Fields | None:
    block = Block.of(content, 1)
    assert block is not None
    return Fields.of(block, ",", width, 2**20)


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (b"a,1\nb,2\n", ["1", "2"]),
        (b"a,1\r\nb,2\r\n", ["1", "2"]),
        (b"a,1\n\n\nb,2", ["1", "2"]),
        (b'"a","1"\n"b","2"\n', ["1", "2"]),
        (b'"a,\n""x""","1"\nb,2\n', ["1", "2"]),
        (b'"",""\n"b","2"\r\n', ["", "2"]),
        (b'a,1\n"b\n', ["1"]),
    ],
)
def test_what_blocks_are_read_for(content: bytes, column: Sequence[str]) -> None:
    """Otherwise the csv module would read these, slower, and no other test would tell."""
    fields = fields_of(content)
    assert fields is not None
    found = fields.column(1)
    assert found is not None
    assert list(found) == column


@pytest.mark.parametrize(
    "content",
    [b"a\n", b"a,1,x\n", b'a"b,1\n', b'"a"b,1\n', b'a, "1"\n', b'"a\n', b'a,1\n"b""c,"2\n'],
)
def test_what_is_left_to_the_csv_module(content: bytes) -> None:
    assert fields_of(content) is None
