"""Copying a shared record into a folder of this machine, and knowing it from any other."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from suppress.opt_outs.contract import Changes, RecordError, Replaced
from suppress.opt_outs.copied import Copied, RecordCopy
from suppress.opt_outs.image import remove_images
from suppress.opt_outs.limits import OptOutLimits
from suppress.opt_outs.marks import Marks
from suppress.opt_outs.seen import Noted, SeenNote
from suppress.opt_outs.shared import SharedRecord
from suppress.stores.contract import Store, StoreError

logger = logging.getLogger("suppress")

_ACCEPT = (
    "If it is right as it is, run `suppress reset-opt-outs` on each machine, and restart what runs."
)


class Copying:
    """Copies a shared record. One that lost changes, or is another one, is refused.

    Args:
        shared: the shared record.
        folder: where the copy is.
        store: the store of the folder; its locks are those of this machine.
        tell: tells the processes of this machine that there is something new.
        limits: the delays.

    Attributes:
        shared: see the arguments.
        folder: see the arguments.
        copy: the copy.
        note: says when the copy was last seen to be whole.
        is_damaged: whether the copy cannot be read, and has to be made again.
    """

    def __init__(
        self,
        shared: SharedRecord,
        folder: Path,
        *,
        store: Store,
        tell: Callable[[], None],
        limits: OptOutLimits,
    ) -> None:
        self.shared = shared
        self.copy = RecordCopy(folder, self.locked, limits=limits)
        self.note = SeenNote(folder)
        self.is_damaged = False
        self.folder = folder
        self._store = store
        self._tell = tell
        self._marks = Marks(folder)

    def reset(self) -> bool:
        """Accept the shared record as it is; return whether that was in doubt.

        The copy as it was is kept under another name.

        Raises:
            RecordError: the shared record cannot be read, or a mark cannot be changed.
        """
        with explained(self.folder):
            identity, copied, seen = self.shared.identity(), self._copied(), self.note.read()
            known = {copied.position if copied else None, seen.position if seen else None}
            is_whole = all(self._has(each) for each in known if each)
            if is_whole and not self._marks.found() - {identity}:
                return False
            with self.locked():
                self.note.remove()
                kept = self.copy.set_aside()
                if identity is None:
                    self._marks.remove()
                else:
                    self._marks.make(identity)
            self._remove_images()
        if kept is not None:
            logger.warning(
                "The copy of the opt-outs as it was is kept as %s. Delete it when you need it no "
                "more.",
                kept,
                extra={"code": "opt_outs_copy_kept", "path": str(kept)},
            )
        return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the other processes of this machine from writing to the copy."""
        with (
            explained(self.folder),
            self._store.exclusive("opt-outs", math.inf, wait=math.inf),
        ):
            yield

    def copy_news(self) -> int:
        """Copy what is new; return the position of the last change, or 0.

        Raises:
            Overtaken: another process has copied meanwhile.
            RecordError: it cannot be copied, or is not the record that was copied before.
        """
        with explained(self.folder):
            copied, seen = self._copied(), self.note.read()
            if copied is None or copied.position is None or seen is None:
                return self._copy_all(copied, seen)
            try:
                changes = list(self.shared.changes_since(copied.position))
            except Replaced:
                self._refuse_another(self.shared.identity(), copied)
                raise self._gone_back() from None
            if changes:
                self.extend(changes, copied)
            return changes[-1].position if changes else copied.position

    def extend(self, changes: Sequence[Changes], copied: Copied) -> None:
        """Copy the changes that follow those that were copied.

        Raises:
            Overtaken: another process has copied meanwhile; nothing was copied.
            RecordError: they cannot be copied.
        """
        self.copy.extend(changes, copied, self.shared.forgotten)
        if any(each.action == "forget" for each in changes):
            self._remove_images()
        self._tell()

    def _copied(self) -> Copied | None:
        """Return how much has been copied; None where no copy can be read."""
        if self.is_damaged:
            return None
        try:
            return self.copy.copied()
        except RecordError:
            return None

    def _copy_all(self, copied: Copied | None, seen: Noted | None) -> int:
        """Copy everything; return the position of the last change, or 0."""
        identity = self.shared.identity()
        self._refuse_another(identity, copied)
        if identity is None:
            return 0
        known = {copied.position if copied else None, seen.position if seen else None}
        if not all(self._has(each) for each in known if each):
            raise self._gone_back()
        changes = list(self.shared.changes_since(None))
        forgotten = self.shared.forgotten()
        if copied is not None and copied.position is None and not changes:
            return 0
        with self.locked():
            self._marks.make(identity)
        self.copy.replace(identity, changes, forgotten)
        self._remove_images()
        self._tell()
        return changes[-1].position if changes else 0

    def _refuse_another(self, identity: str | None, copied: Copied | None) -> None:
        """Refuse a record that has the place of the one that was here before."""
        known = self._marks.found() | ({copied.identity} if copied is not None else set())
        if known - {identity}:
            raise RecordError(
                "it is gone" if identity is None else "it is not the one that it was before",
                f"Restore it from a backup, or correct the URL. {_ACCEPT}",
            )

    def _has(self, position: int) -> bool:
        """Tell whether the shared record has the change at a position."""
        try:
            next(iter(self.shared.changes_since(position)), None)
        except Replaced:
            return False
        return True

    def _gone_back(self) -> RecordError:
        return RecordError(
            "it lacks changes that were made in it before: it was restored from an older backup, "
            "or has lost them",
            f"This machine has a copy with them in {self.folder}. Restore a newer backup. "
            f"{_ACCEPT}",
        )

    def _remove_images(self) -> None:
        with explained(self.folder):
            remove_images(self.folder)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Raise what goes wrong with the copy's files as an error that says what to do."""
    try:
        yield
    except (OSError, StoreError) as error:
        why = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise RecordError(
            f"there can be no copy of it in {folder}: {why}",
            "Free some space, give yourself write permission there, or name another folder in "
            "SUPPRESS_LOCAL_COPY.",
        ) from error
