"""The age up to which a snapshot may answer: one rule, whoever asks."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.builders import Clock, ListSource, listed
from suppress import Failure, SourceError, State, StopListUnavailable, Suppressor
from suppress.serving.freshness import (
    Step,
    age_of,
    current_failure,
    next_step,
    renewal_age,
    renewal_pause,
    state_of,
)
from suppress.serving.limits import ServingLimits

LISTED = "+14155552671"
TTL, MAX_STALE = 300.0, 3600.0
LIMITS = ServingLimits(retry_delay=5.0, renew_at=0.8, min_pause=1.0)


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (None, State.MISSING),
        (-0.001, State.EXPIRED),
        (0.0, State.FRESH),
        (299.9, State.FRESH),
        (300.0, State.STALE),
        (3600.0, State.STALE),
        (3600.1, State.EXPIRED),
        (math.inf, State.EXPIRED),
    ],
)
def test_the_state_goes_by_the_age(age: float | None, state: State) -> None:
    assert state_of(age, TTL, MAX_STALE) is state


def test_it_is_fresh_until_ttl_however_short_max_stale_is() -> None:
    assert state_of(200.0, TTL, 100.0) is State.FRESH
    assert state_of(300.0, TTL, 100.0) is State.EXPIRED


@pytest.mark.parametrize(
    ("read_at", "now", "elapsed", "age"),
    [
        (1000.0, 1030.0, 30.0, 30.0),
        (1000.0, 1030.0, 500.0, 500.0),  # the clock was set back
        (1000.0, 1500.0, 30.0, 500.0),  # the computer slept, and the timer with it
        (1000.0, 999.0, 30.0, -1.0),  # from the future
    ],
)
def test_the_age_is_that_of_the_clock_or_of_the_timer(
    read_at: float, now: float, elapsed: float, age: float
) -> None:
    assert age_of(read_at, now, elapsed) == age


@pytest.mark.parametrize(
    ("state", "failed_ago", "reading", "slow", "step"),
    [
        (State.FRESH, None, False, False, Step.SERVE),
        (State.FRESH, 1.0, True, True, Step.SERVE),
        (State.STALE, None, False, False, Step.WAIT),
        (State.STALE, None, True, False, Step.WAIT),
        (State.STALE, None, True, True, Step.SERVE),
        (State.STALE, 4.9, False, False, Step.SERVE),
        (State.STALE, 5.0, False, False, Step.RENEW),
        (State.STALE, -1.0, False, False, Step.RENEW),  # the clock was set back
        (State.STALE, 4.9, True, False, Step.RENEW),
        (State.EXPIRED, None, False, False, Step.WAIT),
        (State.EXPIRED, None, True, True, Step.WAIT),
        (State.EXPIRED, 4.9, False, False, Step.REFUSE),
        (State.EXPIRED, 4.9, True, False, Step.WAIT),
        (State.EXPIRED, 5.0, False, False, Step.WAIT),
        (State.MISSING, None, False, False, Step.WAIT),
        (State.MISSING, 0.0, False, False, Step.REFUSE),
    ],
)
def test_the_next_step(
    state: State, failed_ago: float | None, reading: bool, slow: bool, step: Step
) -> None:
    found = next_step(
        state, failed_ago, reading=reading, slow=slow, kept_recent=False, limits=LIMITS
    )
    assert found is step


@pytest.mark.parametrize(
    ("state", "failed_ago", "slow", "step"),
    [
        (State.STALE, None, True, Step.SERVE),
        (State.STALE, 60.0, True, Step.RENEW),
        (State.EXPIRED, None, False, Step.WAIT),
        (State.EXPIRED, None, True, Step.REFUSE),
        (State.MISSING, 1.0, True, Step.REFUSE),
        (State.MISSING, 60.0, False, Step.WAIT),
        (State.MISSING, 60.0, True, Step.REFUSE),
    ],
)
def test_nobody_waits_for_a_slow_reading_that_goes_on_without_them(
    state: State, failed_ago: float | None, slow: bool, step: Step
) -> None:
    found = next_step(state, failed_ago, reading=True, slow=slow, kept_recent=True, limits=LIMITS)
    assert found is step


def failure(began: float, ended: float) -> Failure:
    return Failure(began, began, ended, f"{began:g}")


def test_a_failure_counts_until_the_list_is_read() -> None:
    first, second = failure(100, 110), failure(120, 130)
    assert current_failure([first, None, second], None, 200) is second
    assert current_failure([first, second], 110, 200) is second
    assert current_failure([first, second], 120, 200) is None
    assert current_failure([first, second], 300, 200) is second, (
        "read before the clock was set back"
    )


@pytest.mark.parametrize(
    ("ttl", "took", "age"), [(300, 0, 240), (300, 50, 200), (300, 1000, 150), (0, 3, 0)]
)
def test_renewal_begins_early_enough(ttl: float, took: float, age: float) -> None:
    assert renewal_age(ttl, took, LIMITS) == age


@pytest.mark.parametrize(
    ("age", "failed_ago", "ended_ago", "pause"),
    [
        (None, None, math.inf, 0.0),
        (None, None, 0.25, 0.75),
        (100.0, None, 100.0, 140.0),
        (240.0, None, 240.0, 0.0),
        (240.0, None, 0.25, 0.75),
        (-5.0, None, 60.0, 0.0),  # the clock was set back
        (None, 2.0, 2.0, 3.0),
        (100.0, 6.0, 6.0, -1.0),
        (100.0, -60.0, 6.0, 0.0),
    ],
)
def test_the_pause_before_a_renewal(
    age: float | None, failed_ago: float | None, ended_ago: float, pause: float
) -> None:
    found = renewal_pause(age, failed_ago, ended_ago, renew_after=240, limits=LIMITS)
    assert found == pytest.approx(pause) or (found <= 0 and pause <= 0)


def answers(one: Suppressor, source: ListSource) -> tuple[bool, bool]:
    """Say whether a channel answers while its source is down, and whether that was asked."""
    loads = len(source.loads)
    try:
        one.snapshot("sms")
    except StopListUnavailable:
        return False, len(source.loads) > loads
    return True, len(source.loads) > loads


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wait", "set the clock", "read", "fail", "another process"]),
            st.one_of(
                st.sampled_from([0.0, 0.4, 1.0, 5.0, TTL, MAX_STALE, 86400.0]),
                st.floats(0.0, 2 * MAX_STALE),
            ),
            st.booleans(),
        ),
        max_size=8,
    )
)
@pytest.mark.slow
def test_status_and_answers_never_disagree_whatever_the_clock_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, float, bool]]
) -> None:
    clock, timer, source = Clock(), Clock(), ListSource(listed(LISTED))
    store = tmp_path_factory.mktemp("store")

    def made() -> Suppressor:
        return Suppressor(
            plugins=[source],
            sources=["list"],
            store=store,
            ttl=TTL,
            max_stale=MAX_STALE,
            background=False,
            clock=clock,
            timer=timer,
        )

    one = made()
    for what, seconds, back in steps:
        source.failure = None
        if what == "wait":
            clock.now += seconds
            timer.now += seconds
        elif what == "set the clock":
            clock.now += -seconds if back else seconds
        elif what == "another process":
            one = made()
        elif what == "fail":
            source.failure = SourceError("down.")
            with pytest.raises(StopListUnavailable):
                one.refresh("sms")
        else:
            one.refresh("sms")
        source.failure = SourceError("down.")
        for each in (one, made()):
            state = each.status().channels["sms"].state
            answered, asked = answers(each, source)
            assert answered == (state in (State.FRESH, State.STALE)), state
            assert not (asked and state is State.FRESH), "a fresh one asks nobody"
            # The failure that was met meanwhile changes nothing.
            assert each.status().channels["sms"].state is state
