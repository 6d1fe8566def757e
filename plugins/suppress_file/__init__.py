"""The plugin for an in-house list of people who must not be contacted, kept in a file."""

import io
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import suppress

NAME = "file"

PATIENCE = 30.0
"""Seconds to wait for a file that is being written."""

LOOK_EVERY = 0.2
"""Seconds between two looks at such a file, at most."""

MOST_IN_MEMORY = 2**26
"""Bytes of a file that is read into memory; of a larger one there is a temporary copy."""


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The table `[suppress.file]`; each is also `SUPPRESS_FILE_` and its name.

    Attributes:
        path: the file: text with a number a line, CSV or TSV with a header, or JSON lines.
        column: the column or key of the number, or several of them; None for the only one,
            else for the one that holds numbers by its name and its first cells.
        channels: the channels on which its people must not be messaged.
        format: `text`, `csv`, `tsv` or `jsonl`; None to tell by the file's name and first line.
        default_region: ISO 3166 region of numbers in national form, or `international`; None
            for the setting of suppress.
        quiet: seconds for which the file has to be unchanged before it is read.
    """

    path: Path
    column: str | tuple[str, ...] | None = None
    channels: tuple[str, ...] = ("sms", "viber")
    format: str | None = None
    default_region: str | None = None
    quiet: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.quiet < PATIENCE:
            raise suppress.ConfigurationError(
                "SUPPRESS_FILE_QUIET (`quiet` in the table [suppress.file]) has to be 0 or more "
                f"seconds, and less than {PATIENCE:g}."
            )
        if self.format is not None and self.format not in suppress.Rows.FORMATS:
            raise suppress.ConfigurationError(
                "SUPPRESS_FILE_FORMAT (`format` in the table [suppress.file]) has to be one of "
                f"{', '.join(suppress.Rows.FORMATS)}."
            )


class FileSource:
    """Reads a list from a file, anew each time. A row that cannot be read fails the load.

    Args:
        settings: which file, and what of it.
        default_region: the region of its numbers in national form.
        patience: seconds to wait for a file that is being written.
    """

    name = NAME
    strict = True

    def __init__(
        self, settings: FileSettings, default_region: str | None, patience: float = PATIENCE
    ) -> None:
        self._patience = patience
        self.channels = settings.channels
        named = settings.column or ()
        self._columns = (named,) if isinstance(named, str) else named
        # One column is in it as ever, so that a snapshot from before is still used.
        columns = self._columns if len(self._columns) > 1 else "".join(self._columns) or None
        self.identity = f"{settings.path.absolute()} {columns} {settings.format} {default_region}"
        self.region = default_region
        self._settings = settings

    def load(
        self, channels: frozenset[str], progress: suppress.Progress
    ) -> Iterator[suppress.Entries]:
        """The file's rows, each for all of the channels.

        Raises:
            SourceError: the file or one of its rows cannot be read, or it is being written.
        """
        path = self._settings.path
        try:
            with self._whole(lambda: progress(0, None)) as stream:
                rows = suppress.Rows(
                    stream,
                    name=str(path),
                    format=self._settings.format,
                    columns=self._columns,
                    default_region=self.region,
                )
                count = 0
                for batch in rows.batches():
                    numbers, lines = suppress.RowNumbers.of(batch)
                    yield suppress.Entries(
                        numbers=numbers,
                        channels=channels,
                        ids=lines,
                        id_word="line",
                        place=str(path),
                    )
                    count += len(numbers)
                    progress(count, None)
                if not count and not rows.header:
                    raise suppress.SourceError(
                        f"{path} is empty. If nobody is on the list, leave a header in it, "
                        "or take the source out of the settings."
                    )
                progress(count, count)
        except OSError as error:
            raise suppress.SourceError(f"{path} cannot be read: {error.strerror}.") from error
        except suppress.InputError as error:
            raise suppress.SourceError(str(error)) from error

    def _whole(self, waits: Callable[[], None]) -> BinaryIO:
        """The bytes of the file, of one moment at which nobody was writing it.

        Args:
            waits: called while a file that is being written is waited for.

        Raises:
            SourceError: it goes on being written.
            OSError: it cannot be read.
        """
        path, seen, since = self._settings.path, None, 0.0
        give_up = time.monotonic() + self._patience
        while True:
            stream = path.open("rb")
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                return stream
            with stream:
                if _state(before) != seen:
                    seen, since = _state(before), time.monotonic()
                # A clock that is wrong cannot make it wait for longer than that.
                unchanged = max(time.time() - _changed(before), time.monotonic() - since)
                pause = self._settings.quiet - unchanged
                if pause <= 0:
                    copy = _copy(stream, before.st_size)
                    if seen == _state(os.fstat(stream.fileno())) == _state(path.stat()):
                        return copy
                    copy.close()
            if time.monotonic() + pause > give_up:
                raise suppress.SourceError(
                    f"{path} is being written: it changed again and again for "
                    f"{self._patience:g} s. Write the list to another file, and rename that."
                )
            waits()
            time.sleep(min(max(pause, 0.01), LOOK_EVERY))


def _state(found: os.stat_result) -> tuple[int, ...]:
    """What is another one when a file was written to, or another took its place."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _changed(found: os.stat_result) -> float:
    """When the file was changed (seconds since the epoch)."""
    # Nobody can set that time, except on Windows, where it is that at which it was made.
    return found.st_mtime if os.name == "nt" else found.st_ctime


def _copy(stream: BinaryIO, size: int) -> BinaryIO:
    copy: BinaryIO = io.BytesIO() if size <= MOST_IN_MEMORY else tempfile.TemporaryFile()  # noqa: SIM115 - who reads it closes it
    shutil.copyfileobj(stream, copy, 2**20)
    copy.seek(0)
    return copy


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> suppress.Source | None:
    """The list in the file, when a path is set."""
    own = settings.section(NAME, FileSettings)
    if own is None:
        if NAME in (settings.sources or ()):
            raise suppress.ConfigurationError(
                "SUPPRESS_FILE_PATH (`path` in the table [suppress.file]) is missing."
            )
        return None
    suppress.warn_if_others_write(own.path, "list")
    if own.default_region is not None:
        return FileSource(own, suppress.known_region(own.default_region))
    return FileSource(own, settings.default_region)
