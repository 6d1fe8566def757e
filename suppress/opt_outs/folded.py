"""The fold of a record, kept up to date: at first from an image, then by what is new."""

import contextlib
from collections.abc import Callable, Sequence

from suppress.numbers.convention import Convention
from suppress.opt_outs.contract import (
    Changes,
    Overtaken,
    Record,
    RecordError,
    Replaced,
    positioned,
)
from suppress.opt_outs.fold import NO_FOLD, Fold
from suppress.opt_outs.image import Images
from suppress.opt_outs.limits import OptOutLimits
from suppress.stop_list.opted_out import GROWTH


class FoldedRecord:
    """A record and its fold.

    Args:
        record: the record.
        convention: how numbers are to be read.
        images: keeps images of the fold; None for none.
        limits: when an image is kept.
    """

    def __init__(
        self,
        record: Record,
        convention: Convention,
        images: Images | None,
        limits: OptOutLimits,
    ) -> None:
        self._record = record
        self._convention = convention
        self._images = images
        self._limits = limits
        # Replaced as a whole, never changed, so that threads need not wait for each other.
        self._fold = NO_FOLD

    def now(self) -> Fold:
        """Take over what has changed in the record since the last time, and return the fold.

        Raises:
            RecordError: the record cannot be read.
        """
        known = self._fold
        image = None if self._images is None else self._images.newer(known.position)
        for start in [*([] if image is None else [image]), known, NO_FOLD]:
            with contextlib.suppress(Replaced):
                changes = list(self._record.changes_since(start.position))
                break
        if start is known and not changes:
            return known
        fold = start.then(changes, self._convention)
        if start is not known or any(each.changes_forgotten for each in changes):
            fold = fold.with_forgotten(self._record.forgotten())
        if start is NO_FOLD:
            saved = self._saved(fold)
            if saved is not fold and self._somebody_forgotten_after(fold):
                # Where that is not possible, this process has written none.
                with contextlib.suppress(RecordError):
                    self.remove_images()
            fold = saved
        self._fold = fold
        return fold

    def _somebody_forgotten_after(self, fold: Fold) -> bool:
        """Tell whether the image of a fold may have somebody who was forgotten while it was made.

        Whoever forgets somebody removes the images that are there then.
        """
        try:
            changes = self._record.changes_since(fold.position)
            return any(each.action == "forget" for each in changes)
        except Replaced:
            return True

    def refold(self) -> None:
        """Fold the whole record again.

        Raises:
            RecordError: the record cannot be read.
        """
        self._fold = NO_FOLD
        self.now()

    def append(self, make: Callable[[Fold], Sequence[Changes]]) -> None:
        """Append what is made of the fold, again as long as others are faster.

        Raises:
            RecordError: the record cannot be read or written; nothing was appended.
        """
        while True:
            fold = self.now()
            try:
                changes = make(fold)
                then = _Then(fold, changes, self._convention, self._saved)
                self._record.append(changes, expected=fold.position, prepare=then.make)
            except Overtaken:
                continue
            break
        # Who was forgotten and is released is not in the fold, and is read again.
        if self._fold is fold and not any(each.releases for each in changes):
            self._fold = then.fold

    def remove_images(self) -> None:
        """Remove the images, in which somebody is who is to be forgotten.

        Raises:
            RecordError: one cannot be removed.
        """
        if self._images is not None:
            try:
                self._images.remove()
            except OSError as error:
                raise RecordError(
                    f"an image of them cannot be removed: {error.strerror}",
                    "Give yourself the right to write there.",
                ) from error

    def _saved(self, fold: Fold) -> Fold:
        """Return the fold, from an image that saves the next process the work where that pays."""
        enough = max(self._limits.image_after, len(fold) // GROWTH)
        if self._images is None or fold.unsaved < enough:
            return fold
        return self._images.save(fold)


class _Then:
    """The fold after changes that are being appended.

    It is made before anybody can read the changes: where they are many, others then find an
    image, and need not fold them again.
    """

    def __init__(
        self,
        fold: Fold,
        changes: Sequence[Changes],
        convention: Convention,
        saved: Callable[[Fold], Fold],
    ) -> None:
        self.fold = fold
        self._changes = changes
        self._convention = convention
        self._saved = saved

    def make(self, position: int) -> None:
        """Make the fold, given the position of the last change."""
        first = position + 1 - sum(each.size for each in self._changes)
        done = positioned(self._changes, first)
        self.fold = self._saved(self.fold.then(done, self._convention))
