"""Many texts as one buffer of bytes, however the column is made."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from suppress.numbers.bulk import Reader
from suppress.numbers.column import ROOM, Column
from suppress.numbers.convention import Convention
from suppress.testing import ColumnContract
from suppress.testing.columns import MakeColumn


def packed(texts: Sequence[str | None]) -> Column:
    """One text right behind the other, as Arrow has them, with rubbish in a missing one."""
    encoded = [b"rubbish" if text is None else text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)])
    lengths = [0 if text is None else len(each) for text, each in zip(texts, encoded, strict=True)]
    starts = ends[:-1]
    return Column(memoryview(b"".join(encoded)), starts, starts + np.array(lengths, np.intp))


def among_others(texts: Sequence[str | None]) -> Column:
    """Each text a field among others, as a block of a file has them."""
    pieces, starts, ends = b"name,phone\r\n", [], []
    for text in texts:
        pieces += b"Ann\n5,"
        starts.append(len(pieces))
        pieces += (text or "").encode()
        ends.append(len(pieces))
        pieces += b",+15\r\n"
    return Column(pieces, np.array(starts, np.intp), np.array(ends, np.intp))


def part_of_more(texts: Sequence[str | None]) -> Column:
    return Column.of(["+1", *texts, "2"])[1:-1]


def picked(texts: Sequence[str | None]) -> Column:
    """The texts stand in another order than they are wanted in."""
    return Column.of([*reversed(texts)]).take(np.arange(len(texts))[::-1])


class TestColumns(ColumnContract):
    @pytest.fixture(
        params=[Column.of, packed, among_others, part_of_more, picked],
        ids=["of texts", "packed", "among others", "part of more", "picked"],
    )
    def make(self, request: pytest.FixtureRequest) -> MakeColumn:
        maker: MakeColumn = request.param
        return maker

    @pytest.mark.parametrize("text", ["+44207946\n0123", "x\n+442079460123", "\n", "1\n"])
    def test_a_line_end_within(self, make: MakeColumn, text: str) -> None:
        reader = Reader(Convention())
        column = make([text, "+1 415 5552671", text])
        assert list(column) == [text, "+1 415 5552671", text]
        found = reader.read_all(column)
        first = reader.read(text).first
        expected = 0 if first is None else int(first)
        assert reader.firsts(found).tolist() == [expected, 14155552671, expected]


@given(st.lists(st.one_of(st.none(), st.text(max_size=5), st.text("1\n+ ", max_size=5))))
@pytest.mark.slow
def test_any_texts(texts: list[str | None]) -> None:
    column = Column.of(texts)
    assert list(column) == [text or "" for text in texts]
    assert column.in_lines == (bool(texts) and not any("\n" in (text or "") for text in texts))


def test_of_texts_alone() -> None:
    for other in (5, b"5", object(), Mock(spec=str)):
        for texts in ([other], ["+442079460123", other], [None, other]):
            with pytest.raises(TypeError):
                Column.of(texts)  # type: ignore[arg-type]


@example(["1.", "..", "."], "..")
@given(
    st.lists(st.text("1./-a\u00e9", max_size=5), max_size=8),
    st.sampled_from(["..", "--", "/", "\u00e9\u00e9", "a.a"]),
)
@pytest.mark.slow
def test_the_texts_that_contain_a_mark(texts: list[str], mark: str) -> None:
    expected = [place for place, text in enumerate(texts) if mark in text]
    for column in (Column.of(texts), packed(texts), among_others(texts)):
        assert column.containing(mark).tolist() == expected


def test_a_block_of_lines_is_read_where_it_stands() -> None:
    numbers = ["+442079460123", "", "x", "+14155552671"]
    data = b"?" * ROOM + ("\n" + "\n".join(numbers) + "\n").encode() + b"?" * ROOM
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    column = Column(data, ends[:-1] + 1, ends[1:], in_lines=True)
    assert list(column) == numbers
    found = Reader(Convention()).read_all(column)
    assert found.values.tolist() == [442079460123, 0, 0, 14155552671]
    assert found.numbers is column


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.int32])
def test_an_array_of_integers(dtype: type) -> None:
    limits = np.iinfo(dtype)
    values: Any = np.array(
        [0, 5, 442079460123 % limits.max, 14155552671 % limits.max, limits.max], dtype
    )
    reader = Reader(Convention())
    found = reader.read_all(values)
    singly = [reader.read(int(value)) for value in values]
    assert [found.problem(place) for place in range(len(values))] == [
        each.problem for each in singly
    ]
    firsts = [f"+{value}" if value else None for value in reader.firsts(found).tolist()]
    assert firsts == [each.first for each in singly]


def test_a_file_of_many_columns() -> None:
    """Bytes between the texts do not matter, be they line ends or digits."""
    rows = [["Ann", "+442079460123", "5"], ["Bob\nB.", "020 7946 0123", "+1"]]
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    data = out.getvalue().encode()
    starts = np.array([data.index(row[1].encode()) for row in rows])
    column = Column(data, starts, starts + [len(row[1]) for row in rows])
    found = Reader(Convention("GB")).read_all(column)
    assert found.values.tolist() == [442079460123, 442079460123]


def test_nobody_is_shown() -> None:
    assert repr(Column.of(["+14155552671"])) == "<Column: 1 text>"
