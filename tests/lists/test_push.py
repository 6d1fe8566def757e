"""A source handed what it lacks: in its batches, once, and never lost."""

import itertools
from pathlib import Path

import pytest

from support.builders import Clock, ListSource, by_hand, listed
from support.takers import Taker
from suppress import ConfigurationError, Suppressor, UnknownChannel, lists

ANN, BOB, CY, DEE, EVE = (
    *("+14155552671", "+14155552672", "+442079460958", "+442079460959", "+442079460960"),
)


@pytest.fixture
def taker() -> Taker:
    return Taker(ANN, name="taker")


@pytest.fixture
def one(taker: Taker, clock: Clock, tmp_path: Path) -> Suppressor:
    """A source that has one of five, a list with two of them, and three opt-outs from before."""
    house = ListSource(listed(BOB, CY, "12"), name="house")
    before = by_hand(house, clock=clock, store=tmp_path / "store")
    before.add([ANN, CY, DEE, EVE], "sms")
    return by_hand(taker, house, clock=clock, store=tmp_path / "store")


def told(taker: Taker) -> list[str]:
    return list(itertools.chain.from_iterable(numbers for *_, numbers in taker.took()))


def test_it_gets_what_it_lacks_in_its_batches(one: Suppressor, taker: Taker) -> None:
    found = lists.lacking("taker", "sms", suppressor=one)
    assert found.numbers == [BOB, CY, DEE, EVE]
    assert (found.waiting, found.without_reading, found.forgotten) == (0, 1, 0)
    assert lists.push("taker", "sms", suppressor=one) == 4
    one.pass_on()
    assert [numbers for *_, numbers in taker.took()] == [(BOB, CY, DEE), (EVE,)]
    # Nothing has changed here.
    assert len(list(one.opt_outs("sms"))) == 4
    assert one.history(BOB) == []
    assert one.snapshot("sms").opted_out.count == 4


def test_nothing_is_told_twice(one: Suppressor, taker: Taker, clock: Clock) -> None:
    taker.down = ConnectionError("down")
    assert lists.push("taker", "sms", suppressor=one) == 4
    one.pass_on()
    taker.took()
    assert lists.push("taker", "sms", suppressor=one) == 0
    found = lists.lacking("taker", "sms", suppressor=one)
    assert (found.numbers, found.waiting) == ([], 4)
    # A process that was killed has left it all on disk.
    again = by_hand(taker, clock=clock, store=one.settings.store)
    assert len(again.waiting()) == 4
    taker.down = None
    again.pass_on()
    assert told(taker) == [BOB, CY, DEE, EVE]
    taker.entries = listed(ANN, BOB, CY, DEE, EVE)
    one.refresh()
    assert lists.push("taker", "sms", suppressor=one) == 0
    one.pass_on()
    assert told(taker) == []


def test_what_it_refuses_is_not_offered_again(one: Suppressor, taker: Taker) -> None:
    taker.poison = {CY}
    lists.push("taker", "sms", suppressor=one)
    one.pass_on()
    found = lists.lacking("taker", "sms", suppressor=one)
    assert CY not in found.numbers
    assert found.waiting == 1


def test_only_what_was_agreed_to(one: Suppressor, taker: Taker) -> None:
    """Whoever came on a list, or left all of them, since somebody agreed is not handed over."""
    one.remove([DEE], "sms")
    assert lists.push("taker", "sms", only=[CY, DEE, "+14155550000"], suppressor=one) == 1
    one.pass_on()
    assert ("add", "sms", (CY,)) in taker.took()


def test_the_forgotten_cannot_be_handed_over(one: Suppressor) -> None:
    one.forget(DEE)
    found = lists.lacking("taker", "sms", suppressor=one)
    assert found.numbers == [BOB, CY, EVE]
    assert found.forgotten == 1


def test_a_source_that_takes_nothing(one: Suppressor) -> None:
    with pytest.raises(ConfigurationError, match=r"'house' takes no opt-outs for sms.*taker"):
        lists.push("house", "sms", suppressor=one)
    with pytest.raises(ConfigurationError, match="There is no source 'nobody'"):
        lists.push("nobody", "sms", suppressor=one)
    with pytest.raises(UnknownChannel, match="Served are"):
        lists.push("taker", "rcs", suppressor=one)
