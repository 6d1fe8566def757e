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
        if start is NO_FOLD and fold.unsaved >= self._limits.image_after:
            fold = self._saved_apart(fold)
        self._fold = fold
        return fold

    def keep_image(self) -> None:
        """Keep an image again, after the images were removed, where there would be one.

        Raises:
            RecordError: the record cannot be read.
        """
        fold = self.now()
        if len(fold) >= self._limits.image_after:
            self._fold = self._saved_apart(fold)

    def append(self, make: Callable[[Fold], Sequence[Changes]]) -> None:
        """Append what is made of the fold, again as long as others are faster.

        Args:
            make: makes the changes; where it makes none, nothing is appended.

        Raises:
            RecordError: the record cannot be read or written; nothing was appended.
        """
        while True:
            fold = self.now()
            try:
                if not (changes := make(fold)):
                    return
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
                    "Give yourself write permission there.",
                ) from error

    def _saved(self, fold: Fold) -> Fold:
        """Return the fold, from an image that saves the next process the work where that pays."""
        enough = max(self._limits.image_after, len(fold) // GROWTH)
        if self._images is None or fold.unsaved < enough:
            return fold
        return self._images.save(fold)

    def _saved_apart(self, fold: Fold) -> Fold:
        """Return the fold from an image that is made while others may change the record."""
        if self._images is None:
            return fold
        saved = self._images.save(fold)
        # Whoever forgets somebody removes the images that are there then: this one may be late.
        with contextlib.suppress(Replaced):
            after = self._record.changes_since(fold.position)
            if not any(each.action == "forget" for each in after):
                return saved
        # Where it cannot be removed, this process has not written it.
        with contextlib.suppress(RecordError):
            self.remove_images()
        return saved


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
