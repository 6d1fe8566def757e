"""The state of each channel, and how it is judged."""

from pathlib import Path

import pytest

import suppress
from support.builders import Clock, ListSource, by_hand, listed
from suppress import Health, SourceError, State, StopListUnavailable, UnknownChannel

LISTED = "+14155552671"


def test_each_channel_has_its_state() -> None:
    clock, source = Clock(), ListSource(listed(LISTED))
    one = by_hand(source, clock=clock, store=None, ttl=300, max_stale=3600)
    one.refresh("sms")
    clock.now += 30
    status = one.status()
    assert (status.ttl, status.max_stale, list(status.channels)) == (300, 3600, ["sms", "viber"])
    sms, viber = status.channels["sms"], status.channels["viber"]
    assert (sms.state, sms.age, sms.count, sms.sources) == (State.FRESH, 30, 1, ("list",))
    assert (sms.ttl, sms.max_stale, sms.failure) == (300, 3600, None)
    assert sms.snapshot is not None
    assert (sms.digest, sms.read_at) == (sms.snapshot.digest, sms.snapshot.read_at)
    assert (viber.state, viber.age, viber.count, viber.sources) == (State.MISSING, None, 0, ())
    assert (viber.digest, viber.read_at) == (None, None)
    assert len(source.loads) == 1, "no source is asked"


def test_it_is_judged_by_its_worst_channel() -> None:
    clock, source = Clock(), ListSource(listed(LISTED))
    one = by_hand(source, clock=clock, store=None, ttl=300, max_stale=3600)
    assert one.status().health() is Health.UNAVAILABLE, "none was ever read"
    one.refresh("sms")
    assert one.status().health() is Health.READY, "viber was never read here"
    assert one.status().health(["viber"]) is Health.UNAVAILABLE
    assert one.status().health(["sms", "viber"]) is Health.UNAVAILABLE
    clock.now += 300
    one.refresh("viber")
    assert one.status().health(["viber"]) is Health.READY
    assert one.status().health() is Health.STALE
    clock.now += 3301
    assert one.status().health() is Health.UNAVAILABLE
    with pytest.raises(UnknownChannel, match="'smss'"):
        one.status().health(["smss"])


def test_one_that_fails_is_judged_so_though_it_serves() -> None:
    clock, source = Clock(), ListSource(listed(LISTED))
    one = by_hand(source, clock=clock, store=None)
    one.refresh("sms")
    clock.now += 1
    source.failure = SourceError("down.")
    with pytest.raises(StopListUnavailable):
        one.refresh("sms")
    status = one.status()
    assert status.channels["sms"].state is State.FRESH
    assert status.channels["sms"].failure is not None
    assert status.health() is Health.UNAVAILABLE


def test_the_function(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one = by_hand(ListSource(listed(LISTED)), store=tmp_path)
    monkeypatch.setattr("suppress.default._made", one)
    one.refresh()
    assert suppress.status().channels["viber"].count == 0
    assert suppress.status().health() == 0


def test_every_error_says_whether_trying_again_can_help() -> None:
    family = [each for each in vars(suppress).values() if isinstance(each, type)]
    errors = {each for each in family if issubclass(each, suppress.SuppressError)}
    retryable = {each for each in errors if each.retryable}
    assert retryable == {suppress.StopListUnavailable, suppress.StoreUnavailable}
