"""Files that are not plain UTF-8: compressed ones and UTF-16, told by their first bytes."""

from __future__ import annotations

import codecs
import contextlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple

from suppress.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from suppress.files.batch import Writer

_BLOCK = 2**16

_COMPRESSIONS = {
    ".gz": b"\x1f\x8b\x08",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\0",
    ".zst": b"\x28\xb5\x2f\xfd",
}
"""The endings of compressed files' names, and their first bytes."""

_FAULTS = {"error", "LZMAError", "ZstdError"}
"""The names of the errors of zlib, lzma and zstd."""

_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class Opened(NamedTuple):
    """A file that was opened.

    Attributes:
        stream: reads its bytes in UTF-8 and without compression.
        compression: the ending of names of files that are compressed so; empty for none.
        encoding: `utf-8`, `utf-16-le` or `utf-16-be`.
    """

    stream: _Headed | _Decoded
    compression: str
    encoding: str


def opened(stream: BinaryIO, name: str) -> Opened:
    """Open a file whose compression and encoding its first bytes tell.

    Args:
        stream: its bytes.
        name: its name, for errors.

    Raises:
        InputError: it cannot be read, or nothing can decompress it.
    """
    try:
        return _opened(_Headed(stream), name)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}.") from error


def _opened(source: _Headed, name: str) -> Opened:
    compression = ""
    for ending, magic in _COMPRESSIONS.items():
        if source.begins_with(magic):
            compression = ending
            source = _Headed(_Unpacked(_file(ending, source, "rb", name), name))
            break
    for mark, encoding in _UTF_16.items():
        # The mark of UTF-32 begins like one of UTF-16.
        if source.begins_with(mark) and not source.begins_with(codecs.BOM_UTF32_LE):
            source.read1(len(mark))
            return Opened(_Decoded(source, encoding, name), compression, encoding)
    return Opened(source, compression, "utf-8")


def compression_of(place: str) -> str:
    """Return the ending of a name if it is that of a compressed file; empty for another."""
    ending = PurePath(place).suffix.lower()
    return ending if ending in _COMPRESSIONS else ""


def without_compression(name: str) -> str:
    """Return the name that a file has when it is not compressed."""
    return name[: len(name) - len(compression_of(name))]


@contextlib.contextmanager
def compressing(target: BinaryIO, compression: str) -> Iterator[BinaryIO]:
    """Compress what is written to a file, if asked for; to close it writes the end.

    Args:
        target: the file.
        compression: the ending of names of files that are compressed so; empty for none.

    Raises:
        InputError: the library for it is missing.
    """
    if not compression:
        yield target
        return
    packing = _file(compression, target, "wb", "the output")
    try:
        yield packing
    finally:
        # Who wants to know whether it was written closes it before.
        with contextlib.suppress(OSError):
            packing.close()


class _Headed:
    """A stream whose first bytes can be looked at."""

    def __init__(self, stream: Any) -> None:
        self._read = stream.read1 if hasattr(stream, "read1") else stream.read
        self._head = b""

    def begins_with(self, magic: bytes) -> bool:
        # A pipe is not waited for once it is clear.
        while len(self._head) < len(magic) and magic.startswith(self._head):
            more = self._read(_BLOCK)
            if not more:
                break
            self._head += more
        return self._head.startswith(magic)

    def read1(self, size: int) -> bytes:
        if not self._head:
            read: bytes = self._read(size)
            return read
        found, self._head = self._head[:size], self._head[size:]
        return found

    read = read1


class _Unpacked:
    """A stream that is unpacked; damage is an error of ours."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream = stream
        self._name = name

    def read1(self, size: int) -> bytes:
        try:
            read: bytes = self._stream.read1(size)
        except Exception as error:
            if getattr(error, "errno", None) or not _is_damage(error):
                raise
            raise InputError(
                f"{self._name} cannot be decompressed: it is damaged, or not complete. "
                "Get it again."
            ) from error
        return read


def _is_damage(error: Exception) -> bool:
    """Return whether a library says that what it unpacks is damaged."""
    # Each library has an error of its own, and three are imported only for their files.
    return isinstance(error, EOFError | OSError) or type(error).__name__ in _FAULTS


class _Decoded:
    """A stream in UTF-16, read in UTF-8."""

    def __init__(self, stream: _Headed, encoding: str, name: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._name = name

    def read1(self, size: int) -> bytes:
        try:
            while raw := self._stream.read1(size):
                if text := self._decoder.decode(raw):
                    return text.encode()
            self._decoder.decode(b"", final=True)
        except UnicodeError:
            raise InputError(
                f"{self._name} cannot be read: it begins like UTF-16, but some of it is not. "
                "Save it again in UTF-8."
            ) from None
        return b""


def _file(compression: str, stream: Any, mode: Literal["rb", "wb"], name: str) -> Any:
    """Return a file that packs or unpacks; the libraries are imported where one is used."""
    if compression == ".gz":
        import gzip  # noqa: PLC0415

        return gzip.GzipFile("", mode, 6, stream)
    if compression == ".bz2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2File(stream, mode)
    if compression == ".xz":
        import lzma  # noqa: PLC0415

        return lzma.LZMAFile(stream, mode)
    return _zstd(name).ZstdFile(stream, mode)


def _zstd(name: str) -> Any:
    with contextlib.suppress(ImportError):
        from compression import zstd  # type: ignore[import-not-found] # noqa: PLC0415

        return zstd
    try:
        from backports import zstd  # noqa: PLC0415 - few files are compressed so
    except ImportError:
        raise InputError(
            f"{name} is compressed with zstd, for which a library is missing. Run "
            "`pip install 'suppress-filter[zstd]'`."
        ) from None
    return zstd


class RowsWriter:
    """Writes rows of a file as they came: in the encoding and the frame of that file.

    Args:
        out: where they go.
        header: what stands before all rows.
        encoding: the encoding of the file.
        separated: whether a row begins with what separates it from the one before.
    """

    def __init__(
        self, out: Writer, header: bytes, encoding: str, *, separated: bool = False
    ) -> None:
        self._out = out
        self._encoding = encoding
        self._is_first = False
        if encoding != "utf-8":
            out.writelines(
                [codecs.BOM_UTF16_LE if encoding == "utf-16-le" else codecs.BOM_UTF16_BE]
            )
        self.writelines([header])
        self._is_first = separated

    def writelines(self, pieces: Iterable[bytes], /) -> None:
        """Write rows that are side by side in each piece."""
        if self._is_first:
            joined = b"".join(pieces)
            self._is_first = not joined
            pieces = [joined.lstrip(b", \t\r\n")]
        if self._encoding != "utf-8":
            pieces = [piece.decode().encode(self._encoding) for piece in pieces]
        self._out.writelines(pieces)

    def finish(self, footer: bytes) -> None:
        """Write what stands behind all rows."""
        self._is_first = False
        self.writelines([footer])
