"""The part that formats of text share: blocks of lines as batches, and a writer of bytes."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from suppress.errors import InputError
from suppress.files.batch import Batch, Row, RowsWriter, Writer
from suppress.files.blocks import Block
from suppress.files.lines import Lines
from suppress.files.slices import Slices

TEXT_FORMATS = frozenset({"text", "csv", "tsv", "jsonl", "json"})


class TextFormat(ABC):
    """The rows of a file of text; a `Format`.

    Args:
        lines: the lines of the file.

    Attributes:
        header: the bytes of the header; empty where the format has none.
        columns: the columns or keys in use; none where a line is the number.
    """

    header = b""
    columns: tuple[str, ...] = ()
    writable_as = TEXT_FORMATS
    loses = remark = ""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """Return the rows one by one."""

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows one by one, each with all of its cells by their columns or keys."""
        return ((row, self._cells(row)) for row in self.rows())

    def _cells(self, _row: Row) -> Mapping[str, Any]:
        """Return the cells of a row; a line that is the number has none."""
        return {}

    @abstractmethod
    def batches(self) -> Iterator[Batch]:
        """Return all rows, many at a time."""

    def writer(self, out: Writer, name: str) -> RowsWriter:  # noqa: ARG002 - of the contract
        """Return a writer of rows; the header is written."""
        return BytesWriter(out, self.header)

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a line, by default the one just read."""
        return self._lines.error(problem, line)


class LinedFormat(TextFormat):
    """A format in which rows end where lines do."""

    @abstractmethod
    def at_once(self, block: Block) -> Slices | None:
        """Return the rows of a block, but for the last one where its end is not in the block.

        Returns:
            None where a row needs a closer look.
        """

    def batches(self) -> Iterator[Batch]:
        """Return the rows of one block after the other. A pipe gives what has come."""
        lines, rows = self._lines, self.rows()
        while raw := lines.block():
            block = Block.of(raw, lines.line + 1)
            batch = None if block is None else self.at_once(block)
            if block is None or batch is None:
                lines.put_back(raw)
                yield Slices.of_rows(list(self._of_block(rows)))
                continue
            lines.line += block.count_lines(batch.size)
            lines.keep(raw[batch.size :])
            yield batch

    def _of_block(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows of the block that was put back, read one by one."""
        for row in rows:
            yield row
            if not self._lines.is_ahead:
                break


class BytesWriter:
    """Writes rows of text as they came.

    Args:
        out: where they go.
        header: the bytes before all rows.
    """

    def __init__(self, out: Writer, header: bytes) -> None:
        self._out = out
        out.writelines([header])

    def writelines(self, pieces: Iterable[bytes], /) -> None:
        """Write rows that are side by side in each piece."""
        self._out.writelines(pieces)

    def finish(self) -> None:
        """Do nothing: nothing stands behind the last row."""

    def close(self) -> None:
        """Do nothing: nothing is held."""
