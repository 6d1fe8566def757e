"""The copy of a remote's snapshots in a folder of this machine."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator

import msgspec

from suppress.stores.contract import Failure, StoreError
from suppress.stores.folder import FolderStore
from suppress.stores.image import Damaged, Header, Image, Part, unseal
from suppress.stores.remote import PartGone, Remote

logger = logging.getLogger("suppress")

ATTEMPTS = 5
"""Attempts at a snapshot that is replaced while it is being copied."""

PIECE = 1 << 20
"""Bytes of a part that are handed to a remote at once."""


class Copier:
    """Copies snapshots and failures from a remote to a folder.

    Args:
        remote: where they are.
        local: where the copies go. Any number of processes may do so at once.
        clock: gives the time, in seconds since the epoch.
    """

    def __init__(
        self, remote: Remote, local: FolderStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._remote = remote
        self._local = local
        self._clock = clock
        self._damaged: dict[str, bytes] = {}

    def copy(self, key: str) -> None:
        """Have the snapshot and the failure under the key here, as the remote has them now.

        A snapshot that is damaged is reported once, and not copied.

        Raises:
            StoreError: the remote cannot be asked, or the copy cannot be written.
        """
        # Before the head: a snapshot that is published meanwhile ends an earlier failure.
        failure = self._remote.failure(key)
        for _ in range(ATTEMPTS):
            try:
                if self._copied(key):
                    break
            except PartGone:
                continue  # another one was published: read its head
        else:
            raise StoreError(f"the snapshot {key} was replaced each time it was copied")
        self._copy_failure(key, failure)

    def is_damaged(self, key: str) -> bool:
        """Tell whether the remote's snapshot under the key was found to be damaged.

        Raises:
            StoreError: the remote cannot be asked.
        """
        return key in self._damaged and self._remote.head(key) == self._damaged[key]

    def replaced(self, key: str) -> None:
        """Forget the damage: the snapshot was replaced as a whole."""
        self._damaged.pop(key, None)

    def is_later_here(self, key: str, header: Header) -> bool:
        """Tell whether the copy under the key was read later than another snapshot.

        One from the future was read before the clock was set back, so it counts as earlier.
        """
        found = self._local.header(key)
        return (
            found is not None
            and found.read_at > header.read_at
            and found.read_at.timestamp() <= self._clock()
        )

    def _copied(self, key: str) -> bool:
        """Copy the head; return False if another process has replaced the copy meanwhile."""
        head = self._remote.head(key)
        if head is not None and head == self._damaged.get(key):
            return True
        self.replaced(key)
        if head is None:
            return True
        before = self._local.header(key)
        try:
            header = unseal(head, Header)
            # Later here: the remote could not be reached when it was read.
            if header == before or self.is_later_here(key, header):
                return True
            image = Image(header, self._part(key, header.numbers), self._part(key, header.origins))
            return self._local.adopt(key, image, instead_of=before)
        except Damaged as error:
            self._damaged[key] = head
            logger.warning(
                "The snapshot %s in %s is damaged and not used: %s. The list is read again.",
                key,
                self._remote.describe(),
                error,
                extra={"code": "snapshot_damaged", "key": key, "error": str(error)},
            )
            return True

    def _part(self, key: str, digest: str) -> Part:
        return Part(digest, _checked(self._remote.part(key, digest), digest))

    def _copy_failure(self, key: str, failure: bytes | None) -> None:
        if failure is None:
            return
        try:
            found = msgspec.json.decode(failure, type=Failure)
        except (ValueError, msgspec.DecodeError):
            return
        known = self._local.failure(key)
        if known is None or known.ended < found.ended:
            self._local.fail(key, found)


def _checked(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """Yield the pieces; raise `Damaged` at their end if they do not match the digest."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        yield piece
    if found.hexdigest() != digest:
        raise Damaged("a part does not match its digest")


def in_pieces(part: Part) -> Iterator[bytes]:
    """Yield the bytes of a part, none of the pieces large."""
    for piece in part.pieces:
        view = memoryview(piece).cast("B")
        for start in range(0, len(view), PIECE):
            yield bytes(view[start : start + PIECE])
