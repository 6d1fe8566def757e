"""Compressed files: told by their first bytes when they are read, by their name when written."""

from __future__ import annotations

import contextlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from suppress.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPRESSIONS = {
    ".gz": b"\x1f\x8b\x08",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\0",
    ".zst": b"\x28\xb5\x2f\xfd",
}
"""The endings of compressed files' names, and their first bytes."""

_FAULTS = {"error", "LZMAError", "ZstdError"}
"""The names of the errors of zlib, lzma and zstd."""


def compression_of(place: str) -> str:
    """Return the ending of a name if it is that of a compressed file; empty for another."""
    ending = PurePath(place).suffix.lower()
    return ending if ending in COMPRESSIONS else ""


def without_compression(name: str) -> str:
    """Return the name that a file has when it is not compressed."""
    return name[: len(name) - len(compression_of(name))]


@contextlib.contextmanager
def compressing(target: BinaryIO, compression: str) -> Iterator[BinaryIO]:
    """Compress what is written to a file, if asked for; to close it writes the end.

    Args:
        target: the file.
        compression: the ending of names of files that are compressed so; empty for none.
    """
    if not compression:
        yield target
        return
    packing = _file(compression, target, "wb")
    try:
        yield packing
    finally:
        # Who wants to know whether it was written closes it before.
        with contextlib.suppress(OSError):
            packing.close()


class Unpacked:
    """A stream that is unpacked; damage is an error of ours.

    Args:
        stream: reads the compressed bytes.
        compression: the ending of names of files that are compressed so.
        name: the file's name, for errors.
    """

    def __init__(self, stream: Any, compression: str, name: str) -> None:
        self._stream = _file(compression, stream, "rb")
        self._name = name

    def read1(self, size: int) -> bytes:
        """Return the next bytes, at most so many; empty at the end."""
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


def _file(compression: str, stream: Any, mode: Literal["rb", "wb"]) -> Any:
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
    return _zstd().ZstdFile(stream, mode)


def _zstd() -> Any:
    try:
        from compression import zstd  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError:
        from backports import zstd  # noqa: PLC0415 - before Python 3.14
    return zstd
