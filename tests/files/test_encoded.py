"""Compressed files and UTF-16: read as they are, and written as they came."""

import bz2
import codecs
import gzip
import io
import lzma
import sys
from collections.abc import Callable

import numpy as np
import pytest

from support.files import A, B
from suppress import InputError, Rows
from suppress.files.compressed import compressing
from suppress.files.opened import OpenedFile

CONTENT = f"name,phone\r\nZo\u00eb,{A}\r\n\U0001f4de,{B}\r\n"
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
UTF_16 = {
    "little": codecs.BOM_UTF16_LE + CONTENT.encode("utf-16-le"),
    "big": codecs.BOM_UTF16_BE + CONTENT.encode("utf-16-be"),
}


def rewritten(content: bytes, *, name: str = "-") -> tuple[Rows, bytes]:
    rows, out = Rows(io.BytesIO(content), name=name), io.BytesIO()
    writer = rows.writer(out)
    for batch in rows.batches():
        batch.write(np.ones(len(batch.numbers), np.bool_), writer)
    writer.finish()
    return rows, out.getvalue()


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.xz", "-"])
def test_the_first_bytes_tell_the_compression(name: str, compression: str) -> None:
    packed = COMPRESSIONS[compression](CONTENT.encode())
    # Several compressed files in one are as good.
    rows, found = rewritten(packed + COMPRESSIONS[compression](b"x,1\r\n"), name=name)
    assert (rows.format, rows.compression, rows.is_plain) == ("csv", compression, False)
    assert found.decode() == CONTENT + "x,1\r\n"


@pytest.mark.parametrize("compression", [*COMPRESSIONS, ".zst", ""])
def test_what_is_compressed_can_be_read(compression: str) -> None:
    if compression == ".zst":
        pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    target = io.BytesIO()
    with compressing(target, compression) as packing:
        packing.write(CONTENT.encode())
    rows, found = rewritten(target.getvalue())
    assert rows.compression == compression
    assert found.decode() == CONTENT


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("damage", ["cut", "changed"])
@pytest.mark.slow
def test_damage_is_an_error(compression: str, damage: str) -> None:
    content = b"".join(b"+1415%07d\n" % (place * 7919 % 10**7) for place in range(10**5))
    packed = bytearray(COMPRESSIONS[compression](content))
    middle = len(packed) // 2
    if damage == "cut":
        del packed[middle:]
    else:
        packed[middle : middle + 50] = bytes(50)
    with pytest.raises(InputError, match=r"^a\.gz cannot be decompressed: it is damaged, or not"):
        rewritten(bytes(packed), name="a.gz")


@pytest.mark.parametrize("order", UTF_16)
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_utf_16_is_written_as_it_came(order: str, compress: Callable[[bytes], bytes]) -> None:
    rows, found = rewritten(compress(UTF_16[order]))
    assert found == UTF_16[order]
    assert rows.columns == ("phone",)
    assert [row.number for row in Rows(io.BytesIO(compress(UTF_16[order])))] == [A, B]


@pytest.mark.parametrize("broken", [b"\xd8", b"\x00\xd8\n\x00"])
def test_broken_utf_16(broken: bytes) -> None:
    with pytest.raises(InputError, match=r"^-? cannot be read: it begins like UTF-16"):
        rewritten(UTF_16["little"] + broken)


def test_a_pipe_is_not_waited_for() -> None:
    """The first bytes are enough to tell that nothing is compressed."""

    class Pipe(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return self.read(1) or pytest.fail("it is waited for")

    assert OpenedFile(Pipe(b"+"), "-").stream.read1(10) == b"+"
