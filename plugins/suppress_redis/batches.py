"""Batches of changes as they are kept on the server: each is one value with a digest."""

import dataclasses
import hashlib
import zlib
from collections.abc import Sequence
from typing import Literal, Self, TypeVar

import msgspec

from suppress import Changes, Evidence, People

FORMAT = 1
"""The version of the layout: a newer one is refused."""

_DIGEST_BYTES = 16
_SMALL = 512

S = TypeVar("S", bound=msgspec.Struct)


class RecordDamaged(Exception):
    """A value is not as it was written, or is gone."""


class RedisRecordState(msgspec.Struct, frozen=True, array_like=True):
    """The small value that changes with every change of the record, and says what has to be there.

    Attributes:
        format: the version of the layout.
        id: the name that the record gave itself by chance when it was made.
        key: the secret of keyed hashes.
        last: the position of the last change; None where there is none.
        batches: how many batches there are.
        forgettings: how many of them have forgotten somebody.
        last_id: the last id that was given in the outbox.
        revision: how often the record or its outbox was changed.
    """

    format: int
    id: str
    key: bytes
    last: int | None = None
    batches: int = 0
    forgettings: int = 0
    last_id: int = 0
    revision: int = 0


class KeptHash(msgspec.Struct, frozen=True, array_like=True):
    """A keyed hash of a forgotten number: on which channel, and whether it is the line's own."""

    channel: str
    hashed: bytes
    is_line: bool


class StoredBatch(msgspec.Struct, frozen=True, array_like=True):
    """A batch of changes.

    Attributes:
        ordinal: how many batches were made before it.
        position: as for `suppress.Changes`, as what follows with a name of theirs.
        size: how many positions it takes.
        places: the places in it of those people who were not forgotten; None for all.
        numbers: the numbers of these people.
        texts: what they handed in; None where all of that is the number.
        regions: the regions of these; one for all, where it is the same.
        evidence: when it was wished, by whom, why, how it came, and the reference.
        hashes: what it has left of those whom it has forgotten.
    """

    ordinal: int
    position: int
    size: int
    action: Literal["add", "remove", "forget"]
    channel: str
    made_at: float
    correction: bool
    takes_back: Sequence[int]
    releases: Sequence[int]
    places: Sequence[int] | None
    numbers: Sequence[str]
    texts: Sequence[str] | None
    regions: Sequence[str] | str
    evidence: tuple[float | None, str | None, str | None, str | None, str | None]
    hashes: Sequence[KeptHash] = ()

    @classmethod
    def of(cls, changes: Changes, ordinal: int, position: int) -> Self:
        """Return the batch of some changes that get this position."""
        numbers, texts, regions = changes.people
        return cls(
            ordinal=ordinal,
            position=position,
            size=changes.size,
            action=changes.action,
            channel=changes.channel,
            made_at=float(changes.made_at),
            correction=changes.correction,
            takes_back=list(changes.takes_back),
            releases=list(changes.releases),
            places=None,
            numbers=list(numbers),
            texts=None if list(texts) == list(numbers) else list(texts),
            regions=regions[0] if len(set(regions)) == 1 else list(regions),
            evidence=(changes.evidence.wished_at, *changes.evidence.texts),  # type: ignore[arg-type]
        )

    @property
    def first(self) -> int:
        """The position of its first person."""
        return self.position - self.size + 1

    @property
    def changes(self) -> Changes:
        """The changes, as the record gives them back."""
        positions = range(self.first, self.first + len(self.numbers))
        if self.places is not None:
            positions = [self.first + place for place in self.places]  # type: ignore[assignment]
        is_same = isinstance(self.regions, str)
        return Changes(
            self.action,
            self.channel,
            People(
                self.numbers,
                self.numbers if self.texts is None else self.texts,
                [self.regions] * len(self.numbers) if is_same else self.regions,  # type: ignore[list-item]
            ),
            self.made_at,
            Evidence(*self.evidence),
            correction=self.correction,
            takes_back=self.takes_back,
            releases=self.releases,
            positions=positions,
            position=self.position,
        )

    def without(self, positions: frozenset[int]) -> Self:
        """Return the batch without some people, and without evidence where nobody is left."""
        changes = self.changes
        left = [place for place, at in enumerate(changes.positions) if at not in positions]
        people = changes.people.chosen(left)
        evidence = changes.evidence if left else Evidence(changes.evidence.wished_at)
        same = dataclasses.replace(changes, people=people, evidence=evidence)
        return msgspec.structs.replace(
            type(self).of(same, self.ordinal, self.position),
            size=self.size,
            hashes=self.hashes,
            places=[changes.positions[place] - self.first for place in left],
        )

    def with_hashes(self, hashes: Sequence[KeptHash]) -> Self:
        """Return the batch with other hashes."""
        return msgspec.structs.replace(self, hashes=list(hashes))


def packed(value: msgspec.Struct) -> bytes:
    """Return a value as bytes, with its digest before it, and smaller where that pays."""
    content = msgspec.msgpack.encode(value)
    content = b"-" + content if len(content) < _SMALL else b"z" + zlib.compress(content, 1)
    return _digest(content) + content


def unpacked_batches(positions: Sequence[int], values: Sequence[bytes | None]) -> list[StoredBatch]:
    """Return the batches at some positions.

    Args:
        positions: the positions.
        values: the values there; None for one that is gone.

    Raises:
        RecordDamaged: one is gone, or is not as it was written.
    """
    return [_batch(*each) for each in zip(positions, values, strict=True)]


def _batch(position: int, value: bytes | None) -> StoredBatch:
    if value is None:
        raise RecordDamaged
    batch = unpacked(value, StoredBatch)
    if batch.position != position:
        raise RecordDamaged
    return batch


def unpacked(value: bytes, kind: type[S]) -> S:
    """Return the value in some bytes.

    Raises:
        RecordDamaged: they are not as they were written.
    """
    digest, content = value[:_DIGEST_BYTES], value[_DIGEST_BYTES:]
    if _digest(content) != digest:
        raise RecordDamaged
    packing, content = content[:1], content[1:]
    return msgspec.msgpack.decode(
        zlib.decompress(content) if packing == b"z" else content, type=kind
    )


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_DIGEST_BYTES]
