"""The same people are opted out, however many runs they are in, and whoever has left."""

import random

import numpy as np
import pytest

from suppress.stop_list.number_set import NumberSet
from suppress.stop_list.opted_out import NO_OPT_OUTS, OptedOut
from suppress.stop_list.run import Readings, Run


def run_of(people: dict[int, tuple[int, ...]]) -> Run:
    """A run of people by position, each with the values of its readings."""
    places = [place for place, values in enumerate(people.values()) for _ in values]
    values = np.array([value for each in people.values() for value in each], np.uint64)
    readings = Readings(np.array(places, np.intp), values, np.zeros_like(values))
    numbers = [f"+{(each or (position,))[0]}" for position, each in people.items()]
    return Run.of(list(people), [float(each) for each in people], numbers, readings)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.slow
def test_as_a_plain_dictionary_has_them(seed: int) -> None:
    dice = random.Random(seed)
    alive: dict[int, tuple[int, ...]] = {}
    opted_out, position = NO_OPT_OUTS, 0
    universe = np.arange(100, 400, dtype=np.uint64)
    for _ in range(120):
        if alive and dice.random() < 0.4:
            gone = dice.sample(sorted(alive), dice.randint(1, min(5, len(alive))))
            for each in gone:
                del alive[each]
            opted_out = opted_out.without([*gone, position + 10**6])
        else:
            new = {}
            for _ in range(dice.choice([1, 1, 1, 2, 40])):
                position += dice.randint(1, 9)
                count = dice.choice([0, 1, 1, 1, 2])
                new[position] = tuple(dice.sample(range(100, 400), count))
            alive |= new
            opted_out = opted_out.and_run(run_of(new))
        assert len(opted_out.runs) <= 4
        listed = {value for values in alive.values() for value in values}
        firsts = {values[0] for values in alive.values() if values}
        unread = {str(each) for each, values in alive.items() if not values}
        expected = [value in listed for value in universe.tolist()]
        assert opted_out.have(universe).tolist() == expected
        assert [opted_out.has(value) for value in universe.tolist()] == expected
        are_firsts = [value in firsts for value in universe.tolist()]
        assert opted_out.have_firsts(universe).tolist() == are_firsts
        assert opted_out.unread.keys() == unread
        assert opted_out.count == len(firsts) + len(unread)
        assert opted_out.count_missing_in(NumberSet.of_values(universe[:150])) == len(unread) + sum(
            value >= 250 for value in firsts
        )
        assert bool(opted_out) == bool(alive)
        for value in dice.sample(range(100, 400), 5):
            holders = [each for each, values in alive.items() if value in values]
            since = opted_out.since(value)
            assert (None if since is None else since[0]) == min(holders, default=None)
        merged = OptedOut((opted_out.merged(),) if alive else ())
        assert merged == opted_out
        assert merged.image == opted_out.image or not alive
        assert {
            position
            for run in opted_out.runs
            for position in run.positions[run.places_of(universe)].tolist()
        } == {each for each, values in alive.items() if values}


def test_nobody_leaves_it_as_it_is() -> None:
    opted_out = OptedOut.of(["+14155552671"])
    assert opted_out.without([]) is opted_out
    assert opted_out.without([99]) is opted_out
    assert opted_out != NO_OPT_OUTS
    assert opted_out.without([0]) == NO_OPT_OUTS
    assert hash(opted_out) == hash(OptedOut.of(["+14155552671"]))
    assert "+14155552671" in opted_out
    assert "x" not in opted_out
