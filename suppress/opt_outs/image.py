"""The image of a fold: a file that is mapped into memory in place of folding all changes again.

It only saves time. A record is whole without it; it is used as long as it fits the record, the
way in which numbers are read, and its own digest.
"""

import contextlib
import hashlib
import mmap
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import msgspec
import numpy as np
import phonenumbers

from suppress.atomic import atomic_write
from suppress.numbers.convention import Convention
from suppress.opt_outs.fold import Fold
from suppress.ownership import group_of, in_other_hands
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.opted_out import OptedOut
from suppress.stop_list.run import Readings, Run, Unread

FORMAT = 1

# An unfinished one was left by a process that was killed, or is being written just now.
_OF_IMAGES = re.compile(r"\.?opt-outs\.[0-9a-f]{16}\.")

Stamp = tuple[int, int, int]
"""Differs between two versions of a file: its inode, time (ns since the epoch) and size."""


class _Part(msgspec.Struct, frozen=True):
    """The people of one channel in an image: how many they are, and their readings."""

    channel: str
    people: int
    readings: int
    numbers: int
    unread: tuple[Unread, ...]


class _Head(msgspec.Struct, frozen=True):
    """The small file that says which image is there."""

    position: int
    digest: str
    stamp: Stamp
    parts: tuple[_Part, ...]


class Images:
    """The image of a record's fold in a folder.

    Args:
        folder: where the record is.
        convention: how numbers are read.
    """

    def __init__(self, folder: Path, convention: Convention) -> None:
        made_from = [
            *(FORMAT, phonenumbers.__version__, convention.possible_only),
            convention.renumbering.digest,
        ]
        key = hashlib.sha256(msgspec.json.encode(made_from)).hexdigest()[:16]
        self._folder = folder
        self._path = folder / f"opt-outs.{key}.head"
        self._prefix = f"opt-outs.{key}."
        self._seen: Stamp | None = None

    def newer(self, position: int | None) -> Fold | None:
        """Return the fold of an image that is behind a position; None where there is none.

        The record may not have its changes yet, or never.
        """
        try:
            stamp = _stamp(self._path.stat())
            if stamp == self._seen:
                return None
            with self._path.open("rb") as stream:
                _refuse_foreign(stream)
                head = msgspec.json.decode(stream.read(), type=_Head)
            is_older = position is not None and head.position <= position
            self._seen = stamp if is_older else None
            return None if is_older else self._mapped(head)
        except (OSError, ValueError, msgspec.DecodeError):
            return None  # the record has all that is in it

    def save(self, fold: Fold) -> Fold:
        """Keep a fold, and return it as one run for each channel.

        Where it cannot be written, there is none.
        """
        if fold.position is None:
            return fold
        runs = {name: each.merged() for name, each in fold.channels.items()}
        digest, path = hashlib.sha256(), self._data(fold.position)
        with contextlib.suppress(OSError):
            with atomic_write(path, share=True) as stream:
                for piece in _pieces(runs.values()):
                    digest.update(piece)
                    stream.write(piece)
            parts = tuple(_part(name, run) for name, run in runs.items())
            stamp = _stamp(path.stat())
            head = _Head(fold.position, digest.hexdigest(), stamp, parts)
            with atomic_write(self._path, share=True) as stream:
                stream.write(msgspec.json.encode(head))
            self._remove_but(path)
        return Fold(
            fold.position,
            MappingProxyType(
                {
                    name: OptedOut((run,) if len(run) else (), fold.of(name).forgotten)
                    for name, run in runs.items()
                }
            ),
        )

    def remove(self) -> None:
        """Remove every image of the folder, whatever it was made from, and what is unfinished.

        Raises:
            OSError: one is there, and cannot be removed.
        """
        remove_images(self._folder)
        self._seen = None

    def _mapped(self, head: _Head) -> Fold:
        with self._data(head.position).open("rb") as stream:
            _refuse_foreign(stream)
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            unchanged = _stamp(os.fstat(stream.fileno())) == head.stamp
        if not unchanged and hashlib.sha256(content).hexdigest() != head.digest:
            raise ValueError("the digest of the image is not that of its content")
        rest, channels = memoryview(content), {}
        for part in head.parts:
            run, rest = _run(part, rest)
            channels[part.channel] = OptedOut((run,) if len(run) else ())
        return Fold(head.position, MappingProxyType(channels))

    def _data(self, position: int) -> Path:
        return self._folder / f"{self._prefix}{position}.image"

    def _remove_but(self, used: Path) -> None:
        for path in self._folder.glob(f"{self._prefix}*.image"):
            if path != used:
                path.unlink(missing_ok=True)


def remove_images(folder: Path) -> None:
    """Remove every image of a folder, whatever it was made from, and what is unfinished.

    Raises:
        OSError: one is there, and cannot be removed.
    """
    for path in folder.iterdir():
        if _OF_IMAGES.match(path.name):
            path.unlink(missing_ok=True)


def _part(channel: str, run: Run) -> _Part:
    numbers = sum(memoryview(each).nbytes for each in run.numbers.image())
    return _Part(channel, len(run), len(run.readings.values), numbers, run.unread)


def _pieces(runs: Iterable[Run]) -> Iterator[bytes | memoryview]:
    """Give the bytes of some runs, each array on a multiple of eight bytes."""
    for run in runs:
        for array in (run.positions, run.since, run.firsts, *run.readings):
            yield np.ascontiguousarray(array).data.cast("B")
        size = 0
        for piece in run.numbers.image():
            size += memoryview(piece).nbytes
            yield piece
        yield bytes(-size % 8)


def _run(part: _Part, content: memoryview) -> tuple[Run, memoryview]:
    """Return a run that lies on the bytes, and the bytes behind it."""
    n, m, arrays, at = part.people, part.readings, [], 0
    for kind, count in (("<i8", n), ("<f8", n), ("<u8", n), ("<i8", m), ("<u8", m), ("<u8", m)):
        arrays.append(np.frombuffer(content, kind, count, at))
        at += 8 * count
    positions, since, firsts, *readings = arrays
    numbers, _ = NumberSet.read(content[at : at + part.numbers])
    run = Run(positions, since, firsts, Readings(*readings), numbers, part.unread)
    return run, content[at + part.numbers + -part.numbers % 8 :]


def _refuse_foreign(stream: BinaryIO) -> None:
    group = group_of(Path(stream.name).parent)
    if (how := in_other_hands(os.fstat(stream.fileno()), group)) is not None:
        raise ValueError(f"its file {how}")


def _stamp(stat: os.stat_result) -> Stamp:
    # The time of the last change of the file, its mode and name: nobody can set it back.
    return stat.st_ino, stat.st_ctime_ns, stat.st_size
