"""A file that was opened: its bytes without compression and in UTF-8, as lines or at any place."""

import codecs
import tempfile
import weakref
from typing import Any, BinaryIO

from suppress.errors import InputError
from suppress.files.compressed import COMPRESSIONS, Unpacked
from suppress.files.encoded import MARKS, Decoded
from suppress.files.lines import DEFAULT_LIMITS, Lines, RowLimits, Stream

_BLOCK = 2**16
_PIECE = 2**20


class OpenedFile:
    """A file whose compression and encoding its first bytes tell.

    Args:
        stream: its bytes.
        name: its name, for errors.
        limits: the bounds within which it is read.

    Attributes:
        name: its name.
        compression: the ending of names of files that are compressed so; empty for none.
        encoding: `utf-8`, `utf-16-le` or `utf-16-be`.
        lines: its lines, in UTF-8. Once they are read, `begins_with` and `seekable` say nothing.

    Raises:
        InputError: it cannot be read.
    """

    def __init__(self, stream: BinaryIO, name: str, limits: RowLimits = DEFAULT_LIMITS) -> None:
        self.name = name
        self.compression = ""
        self.encoding = "utf-8"
        self._original = stream
        try:
            self._is_at_hand = stream.seekable() and stream.tell() == 0
            self._source = self._opened(stream)
        except OSError as error:
            raise InputError(f"{name} cannot be read: {error.strerror}.") from error
        self.lines = Lines(self.stream, name, limits)

    def _opened(self, stream: BinaryIO) -> "_Headed":
        source = _Headed(stream)
        for ending, magic in COMPRESSIONS.items():
            if source.begins_with(magic):
                self.compression = ending
                source = _Headed(Unpacked(source, ending, self.name))
                break
        self.stream: Stream = source
        for mark, encoding in MARKS.items():
            # The mark of UTF-32 begins like one of UTF-16.
            if source.begins_with(mark) and not source.begins_with(codecs.BOM_UTF32_LE):
                source.read1(len(mark))
                self.encoding = encoding
                self.stream = Decoded(source, encoding, self.name)
                break
        return source

    def begins_with(self, magic: bytes) -> bool:
        """Return whether its bytes without compression begin so."""
        try:
            return self._source.begins_with(magic)
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror}.") from error

    def seekable(self) -> BinaryIO:
        """Return its bytes without compression, at any place.

        Those of a pipe and of a compressed file are copied to a temporary file, which has no
        name, and is gone with this object.

        Raises:
            InputError: it cannot be read, or not be copied.
        """
        if self._is_at_hand and not self.compression:
            self._original.seek(0)
            return self._original
        try:
            copy: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        except OSError as error:
            raise self._no_room(error) from error
        weakref.finalize(self, copy.close)
        while piece := self._piece():
            try:
                copy.write(piece)
            except OSError as error:
                raise self._no_room(error) from error
        copy.seek(0)
        return copy

    def _piece(self) -> bytes:
        try:
            return self._source.read1(_PIECE)
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror}.") from error

    def _no_room(self, error: OSError) -> InputError:
        return InputError(
            f"{self.name} has to be copied to a temporary file, which cannot be written: "
            f"{error.strerror}. Set TMPDIR to a folder with more room."
        )


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
