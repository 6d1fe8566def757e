"""The plugin for an in-house list: people who must not be contacted, kept in a file."""

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


@dataclass(frozen=True, kw_only=True)
class FileSourceLimits:
    """Limits that no user has to set.

    Attributes:
        max_wait: seconds to wait for a file that is being written.
        poll_interval: seconds between two looks at such a file, at most.
        max_in_memory: bytes of a file that is copied to memory; a larger one is copied to a
            temporary file.
    """

    max_wait: float = 30.0
    poll_interval: float = 0.2
    max_in_memory: int = 2**26


DEFAULT_LIMITS = FileSourceLimits()


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The table `[suppress.file]` or `[suppress.file.NAME]`.

    Each is also `SUPPRESS_FILE_` or `SUPPRESS_FILE_NAME_` and its name.

    Attributes:
        path: the file, in any format that `suppress filter` can read.
        column: the column or key of the number, or several of them; None to detect it from
            the names and the first cells.
        channels: the channels on which its people must not be messaged.
        format: `text`, `csv` or another format of `suppress.Rows`; None to detect it from the
            file's content and name.
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
        if not 0 <= self.quiet < DEFAULT_LIMITS.max_wait:
            raise suppress.InvalidSetting(
                "quiet",
                "must be a number of seconds from 0 up to, but not including, "
                f"{DEFAULT_LIMITS.max_wait:g}",
            )
        if self.format is not None and self.format not in suppress.Rows.FORMATS:
            raise suppress.InvalidSetting(
                "format", f"must be one of {', '.join(suppress.Rows.FORMATS)}"
            )


class FileSource:
    """Reads a list from a file, the whole of it each time.

    A row that cannot be read fails the load.

    Args:
        settings: the file, and how to read it.
        default_region: the region of its numbers in national form.
        name: the source's name.
        limits: the limits of waiting and of memory.
    """

    strict = True

    def __init__(
        self,
        settings: FileSettings,
        default_region: str | None,
        *,
        name: str = NAME,
        limits: FileSourceLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name
        self._limits = limits
        self.channels = settings.channels
        named = settings.column or ()
        self._columns = (named,) if isinstance(named, str) else named
        # A single column is written as in earlier versions, whose snapshots are still used.
        columns = self._columns if len(self._columns) > 1 else "".join(self._columns) or None
        self.identity = f"{settings.path.absolute()} {columns} {settings.format} {default_region}"
        self.region = default_region
        self._settings = settings

    def load(
        self, channels: frozenset[str], progress: suppress.Progress
    ) -> Iterator[suppress.Entries]:
        """Read the file's rows, each for all of the channels.

        Raises:
            SourceError: the file or a row cannot be read, or somebody is writing the file.
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
                rows.check_whole()
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
                        "or remove the source from the settings."
                    )
                progress(count, count)
        except OSError as error:
            raise suppress.SourceError(f"{path} cannot be read: {error.strerror}.") from error
        except suppress.InputError as error:
            raise suppress.SourceError(str(error)) from error

    def _whole(self, waits: Callable[[], None]) -> BinaryIO:
        """Return a copy of the file, made at a moment when nobody was writing it.

        Args:
            waits: called while somebody is writing the file.

        Raises:
            SourceError: somebody goes on writing it.
            OSError: it cannot be read.
        """
        path, seen, seen_at = self._settings.path, None, 0.0
        deadline = time.monotonic() + self._limits.max_wait
        while True:
            stream = path.open("rb")
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                return stream
            with stream:
                if _state(before) != seen:
                    seen, seen_at = _state(before), time.monotonic()
                # The second figure bounds the wait if the clock is wrong.
                unchanged = max(time.time() - _changed(before), time.monotonic() - seen_at)
                pause = self._settings.quiet - unchanged
                if pause <= 0:
                    copy = self._copy(stream, before.st_size)
                    if seen == _state(os.fstat(stream.fileno())) == _state(path.stat()):
                        return copy
                    copy.close()
            if time.monotonic() + pause > deadline:
                raise suppress.SourceError(
                    f"{path} is being written: it kept changing for {self._limits.max_wait:g} s. "
                    "Write the list to another file, and rename that file when it is complete."
                )
            waits()
            time.sleep(min(max(pause, 0.01), self._limits.poll_interval))

    def _copy(self, stream: BinaryIO, size: int) -> BinaryIO:
        is_small = size <= self._limits.max_in_memory
        copy: BinaryIO = io.BytesIO() if is_small else tempfile.TemporaryFile()  # noqa: SIM115 - the reader closes it
        shutil.copyfileobj(stream, copy, 2**20)
        copy.seek(0)
        return copy


def _state(found: os.stat_result) -> tuple[int, ...]:
    """Return a value that differs once a file was written to, or replaced by another."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _changed(found: os.stat_result) -> float:
    """Return the time of the last change of a file (seconds since the epoch)."""
    # No program can set ctime, except on Windows, where it is the time of creation.
    return found.st_mtime if os.name == "nt" else found.st_ctime


@suppress.hookimpl
def suppress_sources(settings: suppress.Settings) -> list[FileSource]:
    """Offer the list in each file whose path is set."""
    return [
        _made(name, own, settings) for name, own in settings.sections(NAME, FileSettings).items()
    ]


def _made(name: str, own: FileSettings, settings: suppress.Settings) -> FileSource:
    suppress.warn_if_others_write(own.path, "list")
    if own.default_region is None:
        return FileSource(own, settings.default_region, name=name)
    return FileSource(own, suppress.known_region(own.default_region), name=name)
