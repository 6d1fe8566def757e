"""What commands read: a file of numbers, or standard input."""

import contextlib
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from suppress.errors import InputError
from suppress.rows import Row, Rows

STANDARD = "-"


def opened(source: str, stack: contextlib.ExitStack) -> tuple[BinaryIO, int | None]:
    """The bytes of the input, and how many there are where that is known.

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


def state(stream: BinaryIO) -> tuple[int, int] | None:
    """What tells that a file was written to; None for a pipe or a terminal."""
    found = os.fstat(stream.fileno())
    return (found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else None


def rows_of(
    stream: BinaryIO,
    source: str,
    columns: Sequence[str],
    format_: str | None,
    default_region: str | None,
) -> Rows:
    """The rows of the input; arguments as for `Rows`.

    Raises:
        InputError: its first line cannot be read.
    """
    name = "standard input" if source == STANDARD else source
    return Rows(stream, name=name, format=format_, columns=columns, default_region=default_region)


def check_unchanged(stream: BinaryIO, rows: Rows, began: tuple[int, int] | None) -> None:
    """Make sure that the input was not written to since its `state` was what it began with.

    Raises:
        InputError: it was: the last row that was read may be half a row.
    """
    if state(stream) != began:
        raise InputError(
            f"{rows.name} changed while it was read. Read it again when it is complete."
        )


def read_rows(
    source: str, columns: Sequence[str], format_: str | None, default_region: str | None
) -> Iterator[tuple[Rows, Row]]:
    """Each row of an input, with the file that it is of, for its errors.

    Raises:
        InputError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        stream, _ = opened(source, stack)
        began = state(stream)
        rows = rows_of(stream, source, columns, format_, default_region)
        for row in rows:
            yield rows, row
        check_unchanged(stream, rows, began)
