"""The lines of a file: as text one by one, with their bytes and numbers, or many in a block."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from suppress.errors import InputError
from suppress.files.encodings import BOM, why_unreadable

CR_ALONE = (
    "a carriage return stands in it where no line ends. If that is how the file's lines "
    "end, convert it first: tr '\\r' '\\n'."
)


@dataclass(frozen=True)
class Limits:
    """The bounds within which a file is read.

    Attributes:
        row_bytes: the most bytes of a row or a header, line ends included.
        sample_rows: the rows that are read to find the column of the number.
        sample_bytes: the bytes after which no more rows are read for that.
        block_bytes: the most bytes that are read at once.
    """

    row_bytes: int = 2**20
    sample_rows: int = 200
    sample_bytes: int = 2**20
    block_bytes: int = 2**19


DEFAULT_LIMITS = Limits()


class Lines:
    """The lines of a file; iterates over them as text, once.

    The bytes of the lines are kept until the row that they belong to ends: `take` returns
    them, `drop` forgets them.

    Args:
        stream: the file's bytes.
        name: the file's name, for errors.
        limits: the bounds within which it is read.

    Attributes:
        name: the file's name.
        limits: the bounds within which it is read.
        line: the number of the line that was read last, from 1.
        first: the number of the first line of the row that was read last.
    """

    def __init__(self, stream: BinaryIO, name: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self.name = name
        self.limits = limits
        self.line = 0
        self.first = 1
        self._stream = stream
        # A pipe gives what is there, and nobody waits for the rest of a block.
        self._read_some = getattr(stream, "read1", stream.read)
        self._ahead = io.BytesIO()
        self._rest = b""
        self._peeked = b""
        self._taken: list[bytes] = []
        self._texts = self._decoded()

    def __iter__(self) -> Iterator[str]:
        return self._texts

    def peek(self) -> bytes:
        """Return the first line that is not blank, which is still to be read."""
        if not self._peeked:
            for raw in self._raw():
                if raw.removeprefix(BOM).strip() or len(raw) > self.limits.row_bytes:
                    self._peeked = raw
                    break
                self.line += 1
        return self._peeked

    def take(self) -> bytes:
        """Return the bytes of the row that was read."""
        raw = b"".join(self._taken)
        self._taken.clear()
        return raw

    def drop(self) -> None:
        """Forget the bytes of lines that are no row."""
        self._taken.clear()

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a line, by default the first of the last row."""
        return InputError(f"{self.name}, line {line or self.first}: {problem}")

    def block(self) -> bytes:
        """Return the next lines as they are; empty at the end.

        Raises:
            InputError: they cannot be read.
        """
        block = self._peeked + self._ahead.read() + self._rest
        self._peeked = self._rest = b""
        while more := self._read():
            block += more
            end = block.rfind(b"\n") + 1
            if end:
                self._rest = block[end:]
                return block[:end]
            if len(block) > self.limits.row_bytes:
                break
        return block

    def put_back(self, block: bytes) -> None:
        """Take back a block, to be read line by line."""
        self._ahead = io.BytesIO(block)

    @property
    def is_ahead(self) -> bool:
        """Whether lines of a block are still to be read one by one."""
        return self._ahead.tell() < len(self._ahead.getbuffer())

    def _decoded(self) -> Iterator[str]:
        size = 0
        longest = self.limits.row_bytes
        for raw in self._raw():
            self.line += 1
            if self._taken:
                size += len(raw)
            else:
                self.first = self.line
                size = len(raw)
            if size > longest:
                hint = f"; {CR_ALONE}" if b"\r" in raw.rstrip(b"\r\n") else "."
                raise self.error(f"it is longer than {longest:,} bytes{hint}")
            self._taken.append(raw)
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                raise self.error(why_unreadable(raw, "it is not UTF-8"), self.line) from None
            if "\0" in text:
                raise self.error(why_unreadable(raw, "it has a NUL character"), self.line)
            yield text.removeprefix("\ufeff") if self.line == 1 else text

    def _raw(self) -> Iterator[bytes]:
        # The rest of a line that is longer than a row may be is a line of its own.
        longest = self.limits.row_bytes + 1
        if self._peeked:
            peeked, self._peeked = self._peeked, b""
            yield peeked
        try:
            while line := self._ahead.readline(longest) or self._line(longest):
                yield line
        except OSError as error:
            raise self._unreadable(error) from error

    def _line(self, longest: int) -> bytes:
        rest, self._rest = self._rest[:longest], self._rest[longest:]
        return rest + self._stream.readline(longest - len(rest))

    def _read(self) -> bytes:
        try:
            return bytes(self._read_some(self.limits.block_bytes))
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> InputError:
        return InputError(f"{self.name} cannot be read: {error.strerror}.")


def plain_lines(block: bytes) -> list[str] | None:
    """Return the lines of a block without their ends; None where one is no plain text."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\r" in text:
            return None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines
