"""Output of commands that write bytes, for whoever gave a stream that takes text alone."""

from __future__ import annotations

import codecs
import functools
import io
from typing import TYPE_CHECKING, Any

from django.core.management.base import OutputWrapper

if TYPE_CHECKING:
    from collections.abc import Callable


def with_bytes(stream: Any) -> Any:
    """Return a stream that takes bytes beside text, and writes both to the one that is given."""
    if hasattr(stream, "buffer"):
        return stream
    # Django's own wrapper ends whatever is written with a line end.
    is_wrapper = isinstance(stream, OutputWrapper)
    write = functools.partial(stream.write, ending="") if is_wrapper else stream.write
    return io.TextIOWrapper(_Decoded(write), encoding="utf-8", newline="", write_through=True)


class _Decoded(io.BufferedIOBase):
    """Bytes that are written as text."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._write(self._decoder.decode(bytes(data)))
        return len(data)

    def close(self) -> None:
        if not self.closed and (rest := self._decoder.decode(b"", final=True)):
            self._write(rest)
        super().close()
