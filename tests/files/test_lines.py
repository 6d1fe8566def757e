"""The lines of a file: as long as a row may be, and read as they are asked for."""

import gzip
import io

import pytest

from support.files import LIMITS, Counted, rows_of
from suppress import InputError, Rows
from suppress.files.lines import DEFAULT_LIMITS


@pytest.mark.parametrize(
    ("first", "piece", "line", "message"),
    [
        # A line, a row of many lines, and a field that never end.
        (b"+14155552671\n", b"1" * 4096, 2, "longer than 1,048,576 bytes"),
        (b"phone,x\n1,", b"2" * 4096, 2, "longer than 1,048,576 bytes"),
        (b"phone,x\n1", b',"\n"' * 1000, 2, "longer than 1,048,576 bytes"),
        (b'phone,x\n1,2\n"', b"2\n" * 2000, 3, "a field is too long. Is a quote never closed"),
        (b'{"phone": 1}\n', b"[" * 4096, 2, "longer than 1,048,576 bytes"),
        (b"phone", b",a" * 2000, 1, "longer than 1,048,576 bytes"),
        (b"", b" " * 4096, 1, "longer than 1,048,576 bytes"),
        (b"", b"1\r" * 2000, 1, "longer than 1,048,576 bytes; a carriage return stands"),
    ],
)
@pytest.mark.slow
def test_a_row_without_an_end_does_not_fill_the_memory(
    first: bytes, piece: bytes, line: int, message: str
) -> None:
    stream = Counted(first, piece)
    with pytest.raises(InputError, match=f"^-, line {line}: .*{message}") as raised:
        list(Rows(io.BufferedReader(stream), name="-"))
    assert stream.taken < LIMITS.row_bytes + 100_000
    assert len(str(raised.value)) < 300


def test_the_longest_row_is_read() -> None:
    line = b"1" + b" " * (LIMITS.row_bytes - 2) + b"\n"
    assert [row.raw for row in rows_of(line * 2)[1]] == [line, line]
    with pytest.raises(InputError, match="line 2: it is longer"):
        rows_of(line + b" " + line)


def test_rows_are_read_as_they_are_asked_for() -> None:
    class Endless(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return b"+14155552671\n"

    rows = iter(Rows(Endless()))
    assert [next(rows).line for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "text"])
@pytest.mark.parametrize("blank", [b"\n", b" \n"])
def test_a_file_that_unpacks_to_more_than_it_may_is_an_error(form: str, blank: bytes) -> None:
    begin = {"json": b"[", "csv": b"phone,b\n"}.get(form, b"")
    most = 100_000
    limits = DEFAULT_LIMITS._replace(text_bytes=most)
    packed = gzip.compress(begin + blank * 10_000_000)
    assert len(packed) < most
    with pytest.raises(InputError, match="a has more than 100,000 bytes, unpacked"):
        list(Rows(io.BytesIO(packed), name="a", format=form, limits=limits))
    fits = gzip.compress(begin + blank * 10 + (b"]" if form == "json" else b""))
    assert list(Rows(io.BytesIO(fits), name="a", format=form, limits=limits)) == []
