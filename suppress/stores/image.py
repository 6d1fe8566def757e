"""A snapshot as bytes, and back: a small header, the numbers, and their origins.

The numbers and the origins are named by their digests, so equal ones are the same bytes under
the same name. The header tells which of them are in force. The bytes are the same on every
machine and in every store; a snapshot lies on them, so nothing of them is copied.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import msgspec

from suppress.stop_list.origins import Origins
from suppress.stop_list.snapshot import Snapshot, Tally, digest_of

FORMAT = 7
"""The version of the layout, part of every name: other versions are never read."""

_DIGEST = re.compile("[0-9a-f]{64}")
_SEAL = 65

D = TypeVar("D", bound=msgspec.Struct)


class Damaged(ValueError):
    """Bytes are not as they were written; the text says what is wrong, without a full stop."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """All of a snapshot but its numbers and origins, which it names by their digests."""

    channel: str
    read_at: datetime
    sources: dict[str, datetime]
    further: int
    tallies: dict[str, Tally]
    numbers: str
    origins: str

    def __post_init__(self) -> None:
        if any(moment.tzinfo is None for moment in (self.read_at, *self.sources.values())):
            raise ValueError("it has a time without a zone")
        if not all(map(_DIGEST.fullmatch, (self.numbers, self.origins))):
            raise ValueError("it names a file by no digest")


class Part(NamedTuple):
    """Bytes, in pieces, and the digest that names them."""

    digest: str
    pieces: Iterable[bytes | memoryview]


class Image(NamedTuple):
    """A snapshot as bytes."""

    header: Header
    numbers: Part
    origins: Part


def image_of(snapshot: Snapshot) -> Image:
    """Return the snapshot as bytes, without the opt-outs that were made here."""
    numbers = Part(snapshot.numbers_digest, snapshot.image())
    pieces = snapshot.origins.image()
    origins = Part(digest_of(pieces), pieces)
    header = Header(
        channel=snapshot.channel,
        read_at=snapshot.read_at,
        sources={
            name: snapshot.sources_read_at.get(name, snapshot.read_at) for name in snapshot.sources
        },
        further=snapshot.further,
        tallies=dict(snapshot.tallies),
        numbers=numbers.digest,
        origins=origins.digest,
    )
    return Image(header, numbers, origins)


def snapshot_of(header: Header, numbers: memoryview, origins: memoryview) -> Snapshot:
    """Return the snapshot that lies on the bytes, whose digests were checked.

    Raises:
        Damaged: the bytes hold no numbers or no origins.
    """
    try:
        listed, unread = Snapshot.read_image(numbers)
        known = Origins.read(origins)
    except ValueError as error:
        raise Damaged(str(error)) from error
    snapshot = Snapshot(
        channel=header.channel,
        read_at=header.read_at,
        sources=tuple(header.sources),
        numbers=listed,
        unread=unread,
        further=header.further,
        tallies=MappingProxyType(header.tallies),
        sources_read_at=MappingProxyType(header.sources),
        origins=known,
    )
    snapshot.__dict__["numbers_digest"] = header.numbers
    return snapshot


def check_digest(kind: str, content: memoryview, digest: str) -> None:
    """Make sure that the digest is that of the bytes.

    Raises:
        Damaged: it is not.
    """
    if hashlib.sha256(content).hexdigest() != digest:
        raise Damaged(f"its {kind} do not match their digest")


def seal(document: msgspec.Struct) -> bytes:
    """Return the document as a line of JSON, with a line that is its digest."""
    line = msgspec.json.encode(document) + b"\n"
    return line + f"{digest_of([line])}\n".encode("ascii")


def unseal(content: bytes, kind: type[D]) -> D:
    """Return the document that was sealed.

    Raises:
        Damaged: the content is not what was sealed, or is of another kind.
    """
    line = content[:-_SEAL]
    if content[-_SEAL:] != f"{digest_of([line])}\n".encode("ascii"):
        raise Damaged("its header does not match its digest")
    try:
        return msgspec.json.decode(line, type=kind)
    except (ValueError, msgspec.DecodeError) as error:
        raise Damaged(str(error)) from error
