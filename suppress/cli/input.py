"""Inputs of commands: a file of numbers, or standard input."""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from suppress.errors import InputError
from suppress.files.batch import Row
from suppress.files.rows import Rows

STANDARD = "-"


def opened(source: str, stack: contextlib.ExitStack) -> tuple[BinaryIO, int | None]:
    """Open an input; return its bytes, and how many there are if that is known.

    Args:
        source: the file's name, or `-` for standard input.
        stack: closes the file.

    Raises:
        InputError: it cannot be read.
    """
    if source == STANDARD:
        if sys.stdin is None:
            raise InputError("Standard input is closed.")
        return sys.stdin.buffer, None
    try:
        stream = stack.enter_context(Path(source).open("rb"))  # noqa: SIM115 - it is the stack's
        return stream, Path(source).stat().st_size
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.") from error


class FileState(NamedTuple):
    """The state of a file; a write changes it, even if the modification time is set back."""

    device: int
    inode: int
    size: int
    modified: int
    links: int
    changed: int

    def is_same(self, other: "FileState | None") -> bool:
        """Return whether nothing was written in between."""
        if other is not None and other.links != self.links:
            # Another file took its name, which changes the times, but not the content.
            return self[:4] == other[:4]
        return self == other


def state(stream: BinaryIO) -> FileState | None:
    """Return the state of a file; None for a pipe or a terminal."""
    found = os.fstat(stream.fileno())
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileState(
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_nlink,
        found.st_ctime_ns,
    )


def rows_of(
    stream: BinaryIO,
    source: str,
    columns: Sequence[str],
    format_: str | None,
    default_region: str | None,
    *,
    has_header: bool,
    sheet: str | None = None,
) -> Rows:
    """Return the rows of the input; arguments as for `Rows`.

    Raises:
        InputError: its first line cannot be read.
    """
    name = "standard input" if source == STANDARD else source
    return Rows(
        stream,
        name=name,
        format=format_,
        columns=columns,
        default_region=default_region,
        has_header=has_header,
        sheet=sheet,
    )


def check_unchanged(
    stream: BinaryIO, rows: Rows, before: FileState | None, *, quiet: float = 0.0
) -> None:
    """Check that the input was not written to while it was read.

    Args:
        stream: its bytes.
        rows: its rows, all of them read.
        before: its state before they were read.
        quiet: seconds without a change to wait for.

    Raises:
        InputError: the input changed, so the last row may be half a row.
    """
    if before is not None:
        changed = max(before.modified, before.changed) / 10**9
        time.sleep(min(max(quiet - (time.time() - changed), 0), quiet))
    if before is not None and not before.is_same(state(stream)):
        raise InputError(f"{rows.name} changed while it was read. Try again when it is complete.")


def read_rows(
    source: str,
    columns: Sequence[str],
    format_: str | None,
    default_region: str | None,
    *,
    has_header: bool,
    sheet: str | None = None,
    quiet: float = 0.0,
) -> Iterator[tuple[Rows, Row]]:
    """Yield each row of an input, with the rows it belongs to, which make its errors.

    Args:
        source: the file's name, or `-` for standard input.
        columns: as for `Rows`, like the next three.
        format_: the format of the input.
        default_region: the region of numbers in national form.
        has_header: whether a table begins with the names of its columns.
        sheet: the sheet of a workbook.
        quiet: seconds without a change to wait for at the end.

    Raises:
        InputError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        stream, _ = opened(source, stack)
        before = state(stream)
        rows = rows_of(
            stream, source, columns, format_, default_region, has_header=has_header, sheet=sheet
        )
        for row in rows:
            yield rows, row
        check_unchanged(stream, rows, before, quiet=quiet)
