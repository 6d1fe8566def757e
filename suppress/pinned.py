"""A stop list as it was at one moment, to take to other processes and machines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self, TypeVar

import msgspec
import phonenumbers
from numpy.typing import NDArray

from suppress.errors import SuppressError
from suppress.followed import FollowedList
from suppress.frames import FrameScreening
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.equivalence import PlanChange, Renumbering
from suppress.screening.campaign import View
from suppress.stop_list.forgotten import Forgotten, Trace
from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.opted_out import OptedOut
from suppress.stop_list.run import Readings, Run, Unread
from suppress.stop_list.snapshot import Snapshot
from suppress.stores.image import (
    Damaged,
    Header,
    check_digest,
    image_of,
    seal,
    snapshot_of,
    unseal,
)
from suppress.suppressor import Suppressor
from suppress.version import __version__

F = TypeVar("F")

_People = tuple[NDArray[Any], ...]
"""The arrays of a run: positions, times, first readings, and the readings."""


@dataclass(frozen=True)
class PinnedList:
    """A stop list as it was at one moment, with the people who were opted out here.

    It never changes. Pickle it to screen in another process or on another machine, which then
    needs no source, no store and no key. It holds the numbers of the list, so guard it alike.

    Attributes:
        view: the stop list, the reader of recipients' numbers, and the moment.
    """

    view: View

    @classmethod
    def of(cls, suppressor: Suppressor, channel: str, *, default_region: str | None = None) -> Self:
        """Return the stop list of a channel as it is now.

        Args:
            suppressor: reads the stop list.
            channel: the channel.
            default_region: the region of numbers in national form; None for the setting.

        Raises:
            UnknownChannel: no source serves the channel.
            StopListUnavailable: the stop list cannot be read.
        """
        return cls(FollowedList(suppressor, channel, default_region=default_region).look())

    def look(self) -> View:
        """Return the stop list as it was, however long ago that is."""
        return self.view

    def filter_frame(self, frame: F, *, column: str | Iterable[str]) -> F:
        """Return the rows of a data frame that may be messaged, as `suppress.filter_frame` does."""
        return FrameScreening.of(self.look, column).screened(frame)

    def screen_frame(self, frame: F, *, column: str | Iterable[str]) -> F:
        """Return a data frame with the outcome for each row, as `suppress.screen_frame` does."""
        return FrameScreening.of(self.look, column, explains=True).screened(frame)

    def __reduce__(self) -> tuple[Any, ...]:
        snapshot, convention = self.view.snapshot, self.view.reader.convention
        image, run = image_of(snapshot), snapshot.opted_out.merged()
        forgotten = snapshot.opted_out.forgotten
        label = _Label(
            suppress=__version__,
            phonenumbers=phonenumbers.__version__,
            at=self.view.at,
            digest=snapshot.digest,
            snapshot=image.header,
            region=convention.region,
            possible_only=convention.possible_only,
            changes=convention.renumbering.changes,
            unread=run.unread,
            key=forgotten.key,
            traces=dict(forgotten.traces),
        )
        people = run.positions, run.since, run.firsts, *run.readings
        parts = (b"".join(part.pieces) for part in (image.numbers, image.origins))
        return _unpickled, (seal(label), *parts, people)


class _Label(msgspec.Struct, frozen=True, kw_only=True):
    """All of a pinned list but its large parts.

    Attributes:
        suppress: the version that made it.
        phonenumbers: the version of phonenumbers there.
        at: the moment (aware, UTC).
        digest: the digest of the snapshot, opt-outs included.
        snapshot: the small parts of the snapshot.
        region: the region of numbers in national form.
        possible_only: whether only a number of a possible length is a reading.
        changes: the changes of numbering plans in force.
        unread: the people who were opted out here without a reading.
        key: the secret of the traces.
        traces: what is known of those who were forgotten.
    """

    suppress: str
    phonenumbers: str
    at: datetime
    digest: str
    snapshot: Header
    region: str | None
    possible_only: bool
    changes: tuple[PlanChange, ...]
    unread: tuple[Unread, ...]
    key: bytes
    traces: dict[bytes, Sequence[Trace]]


class _Versions(msgspec.Struct, frozen=True):
    """The versions in a label, which say whether the rest of it can be understood."""

    suppress: str
    phonenumbers: str


def _unpickled(label: bytes, numbers: bytes, origins: bytes, people: _People) -> PinnedList:
    """Return the list that was pickled.

    Raises:
        SuppressError: other versions read numbers here, or the bytes were changed.
    """
    try:
        _refuse_others(unseal(label, _Versions))
        read = unseal(label, _Label)
        snapshot = _snapshot(read, numbers, origins, people)
    except Damaged as error:
        raise SuppressError(f"The stop list was damaged on its way: {error}.") from error
    convention = Convention(read.region, read.possible_only, Renumbering(read.changes))
    return PinnedList(View(snapshot, Reader(convention), read.at))


def _refuse_others(made_by: _Versions) -> None:
    """Make sure that numbers are read here as where the list was pinned.

    Raises:
        SuppressError: they may be read in another way.
    """
    here = _Versions(__version__, phonenumbers.__version__)
    if made_by != here:
        raise SuppressError(
            f"The stop list comes from suppress {made_by.suppress} with phonenumbers "
            f"{made_by.phonenumbers}, but here are {here.suppress} and {here.phonenumbers}, which "
            "may read numbers in another way. Install the same versions on both sides."
        )


def _snapshot(label: _Label, numbers: bytes, origins: bytes, people: _People) -> Snapshot:
    """Return the snapshot that lies on the bytes.

    Raises:
        Damaged: they are not those of the label.
    """
    check_digest("numbers", memoryview(numbers), label.snapshot.numbers)
    check_digest("origins", memoryview(origins), label.snapshot.origins)
    listed = snapshot_of(label.snapshot, memoryview(numbers), memoryview(origins))
    snapshot = listed.with_opted_out(_opted_out(label, people))
    if snapshot.digest != label.digest:
        raise Damaged("its opt-outs do not match their digest")
    return snapshot


def _opted_out(label: _Label, people: _People) -> OptedOut:
    positions, since, firsts, *readings = people
    numbers = NumberSet.of_values(readings[1])
    run = Run(positions, since, firsts, Readings(*readings), numbers, label.unread)
    traces = MappingProxyType(label.traces)
    return OptedOut((run,) if len(run) else (), Forgotten(label.key, traces))
