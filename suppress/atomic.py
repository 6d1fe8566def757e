"""Files that appear whole or not at all, readable by their owner alone."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes the path's place when the block ends without an exception.

    A link is followed. What is no regular file (a terminal, a pipe, `/dev/null`) is
    written to as it is: it cannot be replaced.

    Raises:
        OSError: the file cannot be written; what was at the path is still there.
    """
    if path.exists() and not path.is_file():
        with path.open("wb") as stream:
            yield stream
        return
    target = path.resolve()
    try:
        # mkstemp's files are readable by their owner alone.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        error.filename = str(path)
        raise
    try:
        with open(handle, "wb") as stream:  # noqa: PTH123 - it is a descriptor
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
