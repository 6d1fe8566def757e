"""A stop list that is followed while recipients come in: their opt-outs, and its age."""

import functools
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, ListSource, listed, stored_by_hand
from suppress import (
    Campaign,
    FollowedList,
    Rows,
    SourceError,
    StopListUnavailable,
    Suppressor,
    UnknownChannel,
    screen_rows,
)

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+14155552673"


@pytest.fixture
def source() -> ListSource:
    return ListSource(listed(LISTED))


@pytest.fixture
def made(source: ListSource, clock: Clock, tmp_path: Path) -> Callable[..., Suppressor]:
    return functools.partial(stored_by_hand, source, clock, tmp_path / "store")


class Slow(io.RawIOBase):
    """An input of two parts; something happens between them."""

    def __init__(self, first: str, between: Callable[[], object], second: str) -> None:
        self._parts = [second.encode(), first.encode()]
        self._between = between

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._parts:
            return 0
        if len(self._parts) == 1:
            self._between()
        part = self._parts.pop()
        buffer[: len(part)] = part
        return len(part)


def filtered(one: Suppressor, clock: Clock, stream: Slow) -> tuple[list[str], Campaign]:
    """The allowed rows, a batch for each part of the input."""
    allowed = io.BytesIO()
    campaign = screen_rows(
        Rows(io.BufferedReader(stream, 2**16)),
        FollowedList(one, "sms", timer=clock),
        allowed=allowed,
        with_receipt=True,
    )
    return allowed.getvalue().decode().split(), campaign


def test_opt_outs_are_looked_at_for_every_batch(
    made: Callable[..., Suppressor], clock: Clock
) -> None:
    one = made()
    stream = Slow(f"{ANN}\n", lambda: one.add([BOB], "sms"), f"{BOB}\n")
    allowed, campaign = filtered(one, clock, stream)
    assert allowed == [ANN]
    receipt = campaign.receipt
    assert receipt is not None
    assert receipt.snapshot.opted_out == 0
    assert [(each.after, each.snapshot.opted_out) for each in receipt.later] == [(1, 1)]
    assert receipt.later[0].snapshot.digest == one.snapshot("sms").digest


def test_so_is_the_age(made: Callable[..., Suppressor], clock: Clock, source: ListSource) -> None:
    one = made()

    def pass_time() -> None:
        clock.now += 3601
        source.failure = SourceError("it is down")

    with pytest.raises(StopListUnavailable, match="SUPPRESS_MAX_STALE"):
        filtered(one, clock, Slow(f"{ANN}\n", pass_time, f"{BOB}\n"))


def test_a_list_that_is_due_is_read_anew(
    made: Callable[..., Suppressor], clock: Clock, source: ListSource
) -> None:
    one = made()

    def pass_time() -> None:
        clock.now += 301
        source.entries = listed(BOB)

    allowed, _ = filtered(one, clock, Slow(f"{ANN}\n", pass_time, f"{BOB}\n{LISTED}\n"))
    assert allowed == [ANN, LISTED]


@pytest.mark.parametrize("store", [None, "store"])
def test_however_small_ttl_is_not_for_every_batch(
    store: str | None,
    made: Callable[..., Suppressor],
    clock: Clock,
    source: ListSource,
    tmp_path: Path,
) -> None:
    one = made(ttl=0.0, store=None if store is None else tmp_path / store)
    rows = f"{ANN}\n" * 50
    allowed, campaign = filtered(one, clock, Slow(rows, lambda: None, rows))
    assert len(allowed) == 100
    assert len(source.loads) == 1
    assert campaign.receipt is not None
    assert campaign.receipt.later == ()


def test_the_sources_are_asked_once_in_a_pause(
    made: Callable[..., Suppressor], clock: Clock, source: ListSource
) -> None:
    followed = FollowedList(made(ttl=1.0), "sms", pause=10.0, timer=clock)
    loads = []
    for _ in range(25):
        clock.now += 1
        followed.look()
        loads.append(len(source.loads))
    assert loads == [1] * 9 + [2] * 10 + [3] * 6


def test_no_pause_makes_an_expired_list_answer(
    made: Callable[..., Suppressor], clock: Clock, source: ListSource
) -> None:
    followed = FollowedList(made(), "sms", pause=math.inf, timer=clock)
    clock.now += 3600
    assert followed.look().snapshot is followed.snapshot
    clock.now += 1
    source.failure = SourceError("it is down")
    with pytest.raises(StopListUnavailable):
        followed.look()


def test_an_unknown_channel(made: Callable[..., Suppressor]) -> None:
    with pytest.raises(UnknownChannel):
        FollowedList(made(), "smss")
