"""A snapshot as bytes, and back: the same bytes on every machine, and none that are damaged."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from support.builders import snapshot
from suppress import Snapshot
from suppress.stop_list.opted_out import OptedOut
from suppress.stores.image import (
    Damaged,
    Header,
    Image,
    Part,
    check_digest,
    image_of,
    seal,
    snapshot_of,
    unseal,
)
from suppress.testing.snapshots import contents, read

ANN, BOB = "+14155552671", "+14155552672"


def content(part: Part) -> memoryview:
    return memoryview(b"".join(part.pieces))


def opened(image: Image) -> Snapshot:
    header = unseal(seal(image.header), Header)
    return snapshot_of(header, content(image.numbers), content(image.origins))


def test_every_attribute_comes_back() -> None:
    assert contents(opened(image_of(read(ANN, BOB)))) == contents(read(ANN, BOB))


def test_the_digests_name_the_parts() -> None:
    image = image_of(read(ANN))
    for kind, part in (("numbers", image.numbers), ("origins", image.origins)):
        check_digest(kind, content(part), part.digest)
        assert part.digest == getattr(image.header, kind)
        with pytest.raises(Damaged, match=f"its {kind} do not match their digest"):
            check_digest(kind, memoryview(bytes(content(part)) + b"1"), part.digest)


def test_the_bytes_are_the_same_everywhere() -> None:
    """Machines may share a store. Whoever changes the bytes has to raise FORMAT as well."""
    image = image_of(snapshot(ANN, BOB, unread=("12",)))
    assert image.numbers.digest[:16] == "e3b6eb03c08a69e2"
    assert image.origins.digest[:16] == "49987790e7668c3b"


def test_equal_lists_are_equal_bytes() -> None:
    one, two = (image_of(read(*numbers)) for numbers in ((ANN, BOB), (ANN, BOB)))
    assert seal(one.header) == seal(two.header)
    assert content(one.numbers) == content(two.numbers)
    assert content(one.origins) == content(two.origins)


def test_the_digest_is_not_made_again() -> None:
    """It would take as long as reading the whole list."""
    assert "numbers_digest" in vars(opened(image_of(read(ANN))))


def test_opt_outs_made_here_are_left_out() -> None:
    here = OptedOut.of([BOB])
    image = image_of(read(ANN).with_opted_out(here))
    assert contents(opened(image)) == contents(read(ANN))


def test_a_source_without_a_time_of_its_own_has_that_of_the_snapshot() -> None:
    given = snapshot(ANN)
    assert set(given.sources) == {"bsg", "file"}
    assert opened(image_of(given)).sources_read_at == dict.fromkeys(given.sources, given.read_at)


@pytest.mark.parametrize(
    "parts", [(b"", None), (b"numbers2", None), (None, b""), (None, b"x" * 99)]
)
def test_what_is_no_image_is_damaged(parts: tuple[bytes | None, bytes | None]) -> None:
    image = image_of(read(ANN))
    numbers, origins = (
        memoryview(bytes(content(part)) if other is None else other)
        for part, other in zip((image.numbers, image.origins), parts, strict=True)
    )
    with pytest.raises(Damaged):
        snapshot_of(image.header, numbers, origins)


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: b"",
        lambda sealed: sealed[:-1],
        lambda sealed: sealed + b"\n",
        lambda sealed: sealed.replace(b"sms", b"sms "),
        lambda sealed: sealed.replace(b'"further":1', b'"further":2'),
        lambda sealed: b"\xff" + sealed[1:],
        lambda sealed: sealed.partition(b"\n")[0],
    ],
)
def test_a_header_that_is_not_as_it_was_sealed_is_damaged(
    damage: Callable[[bytes], bytes],
) -> None:
    sealed = seal(image_of(read(ANN)).header)
    with pytest.raises(Damaged, match="its header does not match its digest"):
        unseal(damage(sealed), Header)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"read_at": datetime(2026, 1, 2)}, "it has a time without a zone"),  # noqa: DTZ001 - that is it
        ({"sources": {"bsg": datetime(2026, 1, 2)}}, "it has a time without a zone"),  # noqa: DTZ001
        ({"numbers": "../../etc/passwd"}, "it names a file by no digest"),
        ({"origins": "0" * 63}, "it names a file by no digest"),
        ({"origins": "0" * 64 + "\n"}, "it names a file by no digest"),
        ({"further": "many"}, "Expected `int`"),
    ],
)
def test_a_header_that_makes_no_sense_is_damaged(changes: dict[str, Any], why: str) -> None:
    document = msgspec.to_builtins(image_of(read(ANN)).header) | changes
    sealed = seal(msgspec.defstruct("Other", list(document))(**document))
    with pytest.raises(Damaged, match=why):
        unseal(sealed, Header)


def test_a_time_of_any_zone_is_kept() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert opened(image_of(dataclasses.replace(read(ANN), read_at=moment))).read_at == moment
