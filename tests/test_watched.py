"""The state of several suppressors in one view: the worst of each channel, and what waits, once."""

from pathlib import Path

import pytest

from support.builders import Clock, GatedSource, ListSource, by_hand, listed, wait_for
from support.takers import Taker
from suppress import Overview, State, StopListUnavailable, Suppressor, Watched

LISTED, OTHER = "+14155552671", "+14155552672"


def test_the_worst_list_of_a_channel_is_shown(clock: Clock) -> None:
    suppressors = []
    for numbers in ([LISTED], [LISTED, OTHER], []):
        suppressors.append(by_hand(ListSource(listed(*numbers)), clock=clock, store="none"))
        suppressors[-1].refresh("sms")
        clock.now += 100
    (channel,) = Watched(*suppressors).overview().channels
    assert (channel.channel, channel.count, channel.age) == ("sms", 1, 300)


def test_a_list_that_was_never_read_is_shown_once_it_has_failed(clock: Clock) -> None:
    source = ListSource()
    suppressor = by_hand(source, clock=clock, store="none")
    watched = Watched(suppressor)
    assert watched.overview() == Overview(is_readable=True)
    source.failure = OSError("no route to host")
    with pytest.raises(StopListUnavailable):
        suppressor.snapshot("sms")
    (channel,) = watched.overview().channels
    assert (channel.state, channel.age) == (State.MISSING, None)
    assert channel.failure is not None


def test_a_list_that_is_kept_recent_is_shown_from_the_start() -> None:
    """While the first reading hangs, nothing may be sent, and an alert has to say so."""
    source = GatedSource(LISTED)
    source.shut()
    suppressor = Suppressor(plugins=[source], sources=["list"], store=None)
    watched = Watched(suppressor)
    assert watched.overview().channels == ()
    suppressor.keep_recent("sms")
    (channel,) = watched.overview().channels
    assert (channel.channel, channel.state, channel.failure) == ("sms", State.MISSING, None)
    assert channel.is_kept_recent
    wait_for(lambda: watched.overview().channels[0].is_being_read)
    source.open.set()
    wait_for(lambda: watched.overview().channels[0].state is State.FRESH)
    wait_for(lambda: not watched.overview().channels[0].is_being_read)


def test_what_waits_in_a_store_that_two_share_comes_once(clock: Clock, tmp_path: Path) -> None:
    first, second = (by_hand(Taker(), clock=clock, store=tmp_path) for _ in range(2))
    first.add([LISTED, OTHER], "sms")
    (found,) = Watched(first, second).overview().waiting
    assert found == ("list", "sms", "add", 2, 0, clock.now)


def test_opt_outs_that_cannot_be_read_hide_nothing_of_the_rest(
    clock: Clock, tmp_path: Path
) -> None:
    broken = by_hand(ListSource(), clock=clock, store=tmp_path)
    broken.add([OTHER], "sms")
    for path in tmp_path.glob("opt-outs*"):
        path.write_bytes(b"not a database")
    broken = by_hand(ListSource(), clock=clock, store=tmp_path)
    well = by_hand(ListSource(listed(LISTED)), clock=clock, store="none")
    well.refresh("sms")
    found = Watched(broken, well).overview()
    assert not found.is_readable
    assert [each.count for each in found.channels] == [1]


def test_none_is_kept_alive_or_watched_twice(clock: Clock) -> None:
    suppressor = by_hand(ListSource(), clock=clock, store="none")
    watched = Watched(suppressor)
    assert not watched.add(suppressor)
    del suppressor
    assert watched.overview() == Overview()
