"""The outputs of `filter`: never the input, never two in one place, whole or not at all."""

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click

from suppress.atomic import TEMPORARY, atomic_write, with_filename
from suppress.cli.input import STANDARD
from suppress.cli.printing import OutputError
from suppress.errors import InputError
from suppress.files.compressed import compressing

OPTIONS = {
    "allowed": "--output",
    "suppressed": "--suppressed",
    "invalid": "--invalid",
    "decisions": "--decisions",
    "receipt": "--receipt",
    "report": "--report",
}
"""The option for each output."""


class Output:
    """One output that is being written.

    Args:
        place: its file, or `-` for standard output; for errors.
        target: the file.
        packed: compresses what is written to the file; the file itself where nothing does.
        holding: keeps the output until it may go to the file; None to write at once.
    """

    def __init__(
        self, place: str, target: BinaryIO, packed: BinaryIO, holding: BinaryIO | None
    ) -> None:
        self._place = place
        self._target = target
        self._packed = packed
        self._holding = holding

    @property
    def name(self) -> str:
        """The name of its file, which may tell the form of what is written."""
        return self._place

    def writelines(self, parts: Iterable[bytes], /) -> None:
        """Write the parts, one after the other."""
        if self._holding is None:
            with with_filename(self._place):
                self._packed.writelines(parts)
        else:
            with with_filename(TEMPORARY):
                self._holding.writelines(parts)

    def finish(self) -> None:
        """Move what was held back to the file, and flush it: a full disk is noticed now."""
        if self._holding is not None:
            with with_filename(TEMPORARY):
                self._holding.flush()
                self._holding.seek(0)
            with with_filename(self._place):
                shutil.copyfileobj(self._holding, self._packed, 2**20)
        with with_filename(self._place):
            if self._packed is not self._target:
                self._packed.close()
            self._target.flush()


@contextlib.contextmanager
def outputs(
    places: Mapping[str, str],
    compressions: Mapping[str, str],
    *,
    like: os.stat_result | None = None,
    hold: bool = False,
) -> Iterator[dict[str, Output]]:
    """Open the outputs; the files appear when the block ends without an exception.

    Args:
        places: the place of each output.
        compressions: for outputs that are compressed, the ending of such files' names.
        like: the file whose permissions the allowed rows get.
        hold: whether to hold back what goes to standard output or a pipe until the end.

    Raises:
        OutputError: one of them cannot be written.
    """
    try:
        with contextlib.ExitStack() as stack:
            made: dict[str, Output] = {}
            for what, place in places.items():
                if place == STANDARD:
                    target: BinaryIO = sys.stdout.buffer
                else:
                    permissions = like if what == "allowed" else None
                    target = stack.enter_context(atomic_write(Path(place), like=permissions))
                packed = stack.enter_context(compressing(target, compressions.get(what, "")))
                holding = None
                if hold and (place == STANDARD or _is_written_through(place)):
                    with with_filename(TEMPORARY):
                        # It has no name, so nobody else can read it, and it ends with the process.
                        holding = stack.enter_context(_temporary())
                made[what] = Output(place, target, packed, holding)
            yield made
            # A file appears only after all outputs found room.
            for each in made.values():
                each.finish()
    except BrokenPipeError:
        raise
    except OSError as error:
        where = "Standard output" if error.filename == STANDARD else error.filename
        hint = " Set TMPDIR to a folder with more room." if where == TEMPORARY else ""
        raise OutputError(f"{where} cannot be written: {error.strerror}.{hint}") from error


def refuse_conflicts(source: str, places: Mapping[str, str]) -> None:
    """Refuse two outputs in one place, and an output that is the input.

    Args:
        source: the input.
        places: the place of each output, without one that replaces the input.

    Raises:
        click.UsageError: there is such an output.
    """
    identities = {what: _identity(place) for what, place in places.items()}
    files = [each for each in identities.values() if each is not None]
    if len(set(files)) < len(files):
        *most, last = OPTIONS.values()
        raise click.UsageError(
            f"Two of {', '.join(most)} and {last} are the same file. Name two files."
        )
    read = _input_identity(source)
    for what, place in places.items():
        if read is None or identities[what] != read:
            continue
        if place == STANDARD:
            # The command would read what it writes, and never end.
            raise click.UsageError(
                "Standard output is the input. Name another file, or use --output."
            )
        hint = " To replace the input, use --in-place without it." if what == "allowed" else ""
        raise click.UsageError(f"{OPTIONS[what]} names the input. Name another file.{hint}")


def check_replaceable(source: str, stream: BinaryIO) -> os.stat_result:
    """Check that an input is a file, and that no other file took its name.

    Args:
        source: its name.
        stream: its bytes.

    Returns:
        The state of the file.

    Raises:
        click.UsageError: it is not a file.
        InputError: another file has that name now.
    """
    found = os.fstat(stream.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise click.UsageError(f"--in-place needs a file as INPUT, and {source} is not one.")
    if (found.st_dev, found.st_ino) != _input_identity(source):
        raise InputError(f"{source} was replaced while it was read. Filter it again.")
    return found


@contextlib.contextmanager
def _temporary() -> Iterator[BinaryIO]:
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - closed below
    try:
        yield stream
    finally:
        # Closing writes what a full disk did not take, and fails once more.
        with contextlib.suppress(OSError):
            stream.close()


def _is_written_through(place: str) -> bool:
    path = Path(place)
    return path.exists() and not path.is_file()


def _identity(place: str) -> object:
    """Return a value that two names of one file share; None for a device such as a terminal."""
    try:
        found = os.fstat(sys.stdout.fileno()) if place == STANDARD else Path(place).stat()
    except OSError:
        return os.path.realpath(place)
    return None if stat.S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)


def _input_identity(source: str) -> object:
    """Return the same value for the input, if it is a file."""
    if source == STANDARD and sys.stdin is None:
        return None
    try:
        found = os.fstat(sys.stdin.fileno()) if source == STANDARD else Path(source).stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None
