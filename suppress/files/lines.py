"""The lines of a file: as text one by one, with their bytes and numbers, or many in a block."""

import io
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from suppress.errors import InputError
from suppress.files.encodings import BOM, why_unreadable

CR_ALONE = (
    "a carriage return stands in it where no line ends. If that is how the file's lines "
    "end, convert it first: tr '\\r' '\\n'."
)

_MARK = BOM.decode()
_CTRL_Z = b"\x1a"


class RowLimits(NamedTuple):
    """The bounds within which a file is read.

    Attributes:
        row_bytes: the most bytes of a row or a header, line ends included.
        sample_rows: the rows that are read to find the column of the number.
        sample_bytes: the bytes after which no more rows are read for that.
        block_bytes: the most bytes that are read at once.
        batch_rows: the most rows that are read at once, where rows have no bytes.
        text_bytes: the most bytes of a file of text, unpacked; None for any number.
    """

    row_bytes: int = 2**20
    sample_rows: int = 200
    sample_bytes: int = 2**20
    block_bytes: int = 2**19
    batch_rows: int = 2**17
    text_bytes: int | None = None


DEFAULT_LIMITS = RowLimits()


class Stream(Protocol):
    """The bytes of a file in UTF-8."""

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most so many; empty at the end."""


class Lines:
    """The lines of a file; iterates over them as text.

    The bytes of the lines are kept until the row that they belong to ends: `take` returns
    them, `drop` forgets them. A pipe is never waited for while it has given whole lines.

    Args:
        stream: the file's bytes, in UTF-8.
        name: the file's name, for errors.
        limits: the bounds within which it is read.

    Attributes:
        name: the file's name.
        limits: the bounds within which it is read.
        line: the number of the line that was read last, from 1.
        first: the number of the first line of the row that was read last.
    """

    def __init__(self, stream: Stream, name: str, limits: RowLimits = DEFAULT_LIMITS) -> None:
        self.name = name
        self.limits = limits
        self.line = 0
        self.first = 1
        self._read = stream.read1
        self._ahead = io.BytesIO()
        self._rest = b""
        self._size = 0
        self._taken: list[bytes] = []
        self._mark = 0
        self._since_mark: list[bytes] | None = None

    def __iter__(self) -> Iterator[str]:
        size = 0
        longest = self.limits.row_bytes
        while raw := self._raw():
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
            yield text.removeprefix(_MARK) if self.line == 1 else text

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

    def peek(self) -> bytes:
        """Return the first line that is not blank, and pass over those before it."""
        while raw := self._raw():
            if raw.removeprefix(BOM).strip() or len(raw) > self.limits.row_bytes:
                self.put_back(raw)
                return raw
            self.line += 1
        return b""

    def mark(self) -> None:
        """Remember this place, to come back with `rewind`."""
        self._mark, self._since_mark = self.line, []

    def rewind(self) -> None:
        """Go back to the place that was marked; lines from there are read by a new iterator."""
        self.put_back(b"".join(self._since_mark or ()))
        self.line, self._since_mark = self._mark, None
        self._taken.clear()

    def block(self) -> bytes:
        """Return the next lines as they are; empty at the end.

        Raises:
            InputError: they cannot be read.
        """
        return self._ahead.read() or self._block()

    def put_back(self, block: bytes) -> None:
        """Take back bytes that were read, to be read again."""
        self._ahead = io.BytesIO(block + self._ahead.read())

    def keep(self, rest: bytes) -> None:
        """Take back the beginning of a row, to be read with the lines that follow."""
        self._rest = rest + self._rest

    @property
    def is_ahead(self) -> bool:
        """True if lines of a block are still to be read one by one."""
        return self._ahead.tell() < len(self._ahead.getbuffer())

    def _raw(self) -> bytes:
        # The rest of a line that is longer than a row may be is a line of its own.
        longest = self.limits.row_bytes + 1
        raw = self._ahead.readline(longest)
        if not raw:
            self._ahead = io.BytesIO(self._block())
            raw = self._ahead.readline(longest)
        if self._since_mark is not None:
            self._since_mark.append(raw)
        return raw

    def _count(self, block: bytes) -> None:
        self._size += len(block)
        most = self.limits.text_bytes
        if most is not None and self._size > most:
            raise InputError(f"{self.name} has more than {most:,} bytes, unpacked. Split it.")

    def _block(self) -> bytes:
        """Read whole lines; the last one of a file and one that is too long have no end."""
        block, self._rest = self._rest, b""
        try:
            while more := self._read(self.limits.block_bytes):
                self._count(more)
                block += more
                if end := block.rfind(b"\n", -len(more)) + 1:
                    self._rest = block[end:]
                    return block[:end]
                if len(block) > self.limits.row_bytes:
                    break
        except OSError as error:
            raise InputError(f"{self.name} cannot be read: {error.strerror}.") from error
        # Old programs end a text with this character, which belongs to no row.
        return block.removesuffix(_CTRL_Z) if len(block) <= self.limits.row_bytes else block
