"""What commands read: a file of numbers, or standard input."""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from suppress.errors import InputError
from suppress.files.rows import Rows
from suppress.files.slices import Row

STANDARD = "-"

QUIET = 2.0
"""Seconds for which an input has to be unchanged that may be in the middle of being written."""


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


class State(NamedTuple):
    """What tells that a file was written to, whatever it says of the time of that."""

    device: int
    inode: int
    size: int
    modified: int
    links: int
    changed: int

    def is_same(self, other: "State | None") -> bool:
        """Tell whether nothing was written in between."""
        if other is not None and other.links != self.links:
            # Another file took its name, which changes the time and nothing in the file.
            return self[:4] == other[:4]
        return self == other


def state(stream: BinaryIO) -> State | None:
    """The state of a file; None for a pipe or a terminal."""
    found = os.fstat(stream.fileno())
    if not stat.S_ISREG(found.st_mode):
        return None
    return State(
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
) -> Rows:
    """The rows of the input; arguments as for `Rows`.

    Raises:
        InputError: its first line cannot be read.
    """
    name = "standard input" if source == STANDARD else source
    return Rows(stream, name=name, format=format_, columns=columns, default_region=default_region)


def check_unchanged(
    stream: BinaryIO, rows: Rows, began: State | None, *, quiet: float = 0.0
) -> None:
    """Make sure that the input was not written to since its `state` was what it began with.

    Args:
        stream: its bytes.
        rows: its rows, which have been read.
        began: its state before that.
        quiet: seconds for which it has to be unchanged; that is waited for.

    Raises:
        InputError: it was: the last row that was read may be half a row.
    """
    if began is not None:
        changed = max(began.modified, began.changed) / 10**9
        time.sleep(min(max(quiet - (time.time() - changed), 0), quiet))
    if began is not None and not began.is_same(state(stream)):
        raise InputError(
            f"{rows.name} changed while it was read. Read it again when it is complete."
        )


def is_cut(raw: bytes) -> bool:
    """Tell a last row without a line end: whoever writes it may be in the middle of it."""
    return not raw.endswith((b"\n", b"\r"))


def read_rows(
    source: str,
    columns: Sequence[str],
    format_: str | None,
    default_region: str | None,
    *,
    quiet: float = 0.0,
) -> Iterator[tuple[Rows, Row]]:
    """Each row of an input, with the file that it is of, for its errors.

    Args:
        source: its name.
        columns: as for `Rows`, like the next two.
        format_: its format.
        default_region: the region of its numbers in national form.
        quiet: seconds for which it has to be unchanged when it has been read.

    Raises:
        InputError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        stream, _ = opened(source, stack)
        began = state(stream)
        rows = rows_of(stream, source, columns, format_, default_region)
        for row in rows:
            yield rows, row
        check_unchanged(stream, rows, began, quiet=quiet)
