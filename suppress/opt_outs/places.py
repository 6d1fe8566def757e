"""The places where a record of opt-outs can be: a folder, or a server with a copy in a folder."""

import functools
import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from suppress.errors import ConfigurationError
from suppress.opt_outs.contract import Record
from suppress.opt_outs.database import FILE, Database
from suppress.opt_outs.delivery import Exclusive
from suppress.opt_outs.limits import LIMITS, OptOutLimits
from suppress.opt_outs.marks import HasMarks, Marks
from suppress.opt_outs.shared import SharedRecord
from suppress.opt_outs.sqlite import SqliteRecord
from suppress.settings.folders import data_folder
from suppress.settings.settings import Settings
from suppress.stores.contract import Lease, Store
from suppress.stores.folder import FolderStore

if TYPE_CHECKING:
    from suppress.opt_outs.upkeep import Upkeep


class Place(NamedTuple):
    """A record of opt-outs, and what goes with it.

    Attributes:
        record: the record.
        folder: the folder of this machine, for images; None for none.
        exclusive: keeps everybody else who has the record from delivering to the same source.
        upkeep: keeps the copy of a shared record up to date; None where the record is here.
    """

    record: Record
    folder: Path | None
    exclusive: Exclusive
    upkeep: "Upkeep | None" = None


def open_record(
    settings: Settings,
    shared: SharedRecord | None,
    *,
    given: Record | None,
    store: Store,
    clock: Callable[[], float],
    timer: Callable[[], float],
    in_background: bool,
) -> Place | None:
    """Return the record that is given, or that the settings name; None where there is none.

    Args:
        settings: name the record.
        shared: the record, if it is on a server.
        given: takes the place of what the settings name.
        store: where snapshots stay, whose processes are told of changes.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        in_background: whether a thread of its own keeps a copy up to date.

    Raises:
        ConfigurationError: there is no folder for a copy, or opt-outs of before would be lost.
    """
    if given is not None:
        return Place(given, None, functools.partial(_held_by, store, settings.load_timeout))
    folder = settings.folder_of(settings.record)
    if folder is None:
        return None
    if shared is None:
        return in_folder(folder, store, settings.load_timeout)
    earlier = (settings.store, data_folder())
    refuse_left_behind([each for each in earlier if isinstance(each, Path)], shared.where)
    return on_server(
        shared, folder, tell=store.notify, clock=clock, timer=timer, in_background=in_background
    )


def in_folder(folder: Path, store: Store, load_timeout: float) -> Place:
    """Return the record in a folder.

    Args:
        folder: the folder.
        store: keeps other processes from writing at the same time.
        load_timeout: seconds that a source may take.
    """
    exclusive = functools.partial(_held_by, store, load_timeout)
    return Place(record_in(folder, store, Marks(folder)), folder, exclusive)


def record_in(folder: Path, store: Store, marks: HasMarks) -> Record:
    """Return the record in a folder.

    Args:
        folder: the folder.
        store: keeps other processes from making the database at the same time.
        marks: say that there is one, and which.
    """
    lock = functools.partial(store.exclusive, "opt-outs", lease=math.inf, wait=math.inf)
    database = Database(folder, lock, LIMITS.max_wait, marks)
    return SqliteRecord(folder, lock, database=database)


def on_server(
    shared: SharedRecord,
    folder: Path,
    *,
    tell: Callable[[], None],
    clock: Callable[[], float],
    timer: Callable[[], float],
    in_background: bool,
    limits: OptOutLimits = LIMITS,
) -> Place:
    """Return a shared record that is read from its copy in a folder.

    Args:
        shared: the shared record.
        folder: for the copy.
        tell: tells the processes of this machine that there is something new.
        clock: gives the time, in seconds since the epoch.
        timer: gives seconds that never run backwards.
        in_background: whether a thread of its own keeps the copy up to date.
        limits: the delays.
    """
    # Most commands have no server, and start faster so.
    from suppress.opt_outs.copying import Copying  # noqa: PLC0415
    from suppress.opt_outs.replica import Replica  # noqa: PLC0415
    from suppress.opt_outs.upkeep import Upkeep  # noqa: PLC0415

    local = FolderStore(folder)
    copying = Copying(shared, folder, store=local, tell=tell, limits=limits)
    upkeep = Upkeep(
        copying, store=local, clock=clock, timer=timer, in_background=in_background, limits=limits
    )
    exclusive = functools.partial(_held_by, shared, limits.lease)
    return Place(Replica(copying, upkeep), folder, exclusive, upkeep)


def refuse_left_behind(folders: Iterable[Path], where: str) -> None:
    """Refuse to go on where opt-outs stay behind in a folder, and would hold no more.

    Args:
        folders: where opt-outs may have been made before.
        where: the server that keeps them from now on.

    Raises:
        ConfigurationError: there are some.
    """
    for folder in folders:
        if (folder / FILE).exists():
            raise ConfigurationError(
                f"Opt-outs were made in {folder}, and would no longer hold: from now on they are "
                f"kept in {where}. Run `suppress export` under the settings of before, then "
                f"`suppress import` under these, with {folder / FILE} moved away."
            )


def _held_by(
    holder: Store | SharedRecord, lease: float, name: str, wait: float
) -> AbstractContextManager[Lease]:
    return holder.exclusive(name, lease, wait=wait)
