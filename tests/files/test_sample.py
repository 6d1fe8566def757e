"""The first rows: they find the column, and are rows all the same."""

import io
import itertools

import pytest

from support.files import LIMITS, A, Counted
from suppress import InputError, Rows


def many(form: str) -> tuple[bytes, list[bytes]]:
    """A file of more rows than are judged, with rows of several lines and blank ones."""
    raws = []
    for place in range(3 * LIMITS.sample_rows):
        number = "n/a" if place % 3 == 0 else f"+1415555{place:04}"
        if form == "csv":
            raws.append(f'"{place}\r\n",{number}\r\n'.encode())
        else:
            raws.append(b'{"id": %d, "phone": "%s"}\n' % (place, number.encode()))
    return b"id,phone\r\n" if form == "csv" else b"", raws


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("end", [b"", b"\xff"])
def test_rows_that_were_judged_come_back(form: str, end: bytes) -> None:
    header, raws = many(form)
    rows = Rows(io.BytesIO(header + b"\n".join(raws) + end), name=f"a.{form}")
    assert (rows.columns, rows.header) == (("phone",), header)
    found = list(itertools.islice(rows, len(raws)))
    assert [row.raw for row in found[:-1]] == raws[:-1]
    each, start = (3, 2) if form == "csv" else (2, 1)
    assert [row.line for row in found] == [start + each * place for place in range(len(raws))]
    assert found[-2].number == f"+1415555{len(raws) - 2:04}"
    if end:
        with pytest.raises(InputError, match="not UTF-8"):
            next(iter(rows))
    else:
        assert list(rows) == []


@pytest.mark.parametrize(
    "line", [1, 2, LIMITS.sample_rows // 2, LIMITS.sample_rows - 1, LIMITS.sample_rows]
)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_those_before_a_row_that_cannot_be_read_come_back(form: str, line: int) -> None:
    header, raws = many(form)
    numbered = [raw for raw in raws if b"n/a" not in raw]
    broken = b"".join([header, *numbered[:line], b"[\n"])
    rows = Rows(io.BytesIO(broken), name=f"a.{form}")
    assert [row.raw for row in itertools.islice(rows, line)] == numbered[:line]
    with pytest.raises(InputError, match=r"line \d+: it (has 1 field,|is not JSON)"):
        next(iter(rows))
    assert list(rows) == []


def test_the_rows_that_are_judged_fill_no_memory() -> None:
    stream = Counted(b"phone,x\n", f"{A},{'x' * 40_000}\n".encode())
    rows = Rows(io.BufferedReader(stream, 2**16), name="a.csv")
    assert rows.columns == ("phone",)
    assert stream.taken < LIMITS.sample_bytes + 100_000
