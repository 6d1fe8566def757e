"""Files in UTF-16: read in UTF-8, and written in UTF-16 again."""

import codecs
from collections.abc import Iterable

from suppress.errors import InputError
from suppress.files.batch import Writer
from suppress.files.lines import Stream

MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
"""The bytes with which a file in UTF-16 begins, and the name of its encoding."""


class Decoded:
    """A stream in UTF-16, read in UTF-8.

    Args:
        stream: its bytes, without the mark at the beginning.
        encoding: `utf-16-le` or `utf-16-be`.
        name: the file's name, for errors.
    """

    def __init__(self, stream: Stream, encoding: str, name: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._name = name

    def read1(self, size: int) -> bytes:
        """Return the next bytes; empty at the end."""
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


class Encoding:
    """Writes what comes in UTF-8 in UTF-16, with the mark at the beginning.

    Args:
        out: where it goes.
        encoding: `utf-16-le` or `utf-16-be`.
    """

    def __init__(self, out: Writer, encoding: str) -> None:
        self._out = out
        self._encoding = encoding
        out.writelines([next(mark for mark, name in MARKS.items() if name == encoding)])

    def writelines(self, pieces: Iterable[bytes], /) -> None:
        """Write the pieces; each has whole characters."""
        self._out.writelines([piece.decode().encode(self._encoding) for piece in pieces])
