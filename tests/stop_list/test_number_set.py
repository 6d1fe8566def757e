"""A set of numbers on an array is the same set."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suppress.stop_list.number_set import NumberSet

NUMBERS = st.one_of(
    st.integers(10, 50),
    st.integers(14155550000, 14155550999),
    st.integers(10**19 - 3, 10**19 - 1),
    st.integers(10, 10**19 - 1),
).map(lambda value: f"+{value}")
OTHERS = st.one_of(
    NUMBERS,
    st.integers(2**64 - 3, 2**64 + 3).map(lambda value: f"+{value}"),
    st.integers(10, 50).map(lambda value: f"+{2**64 + value}"),
    st.sampled_from(["+014155552671", "14155552671", "+", "", "+1 2", "+\u0661", "x12", "+12\n"]),
)


@given(st.sets(NUMBERS), st.sets(OTHERS))
@pytest.mark.slow
def test_is_the_set_of_its_numbers(members: set[str], others: set[str]) -> None:
    numbers = NumberSet.of(members)
    assert len(numbers) == len(members)
    assert set(numbers) == members
    assert hash(numbers) == hash(NumberSet.of(members))
    assert numbers.__eq__(others) == (members == others)
    assert numbers & others == members & others
    assert {each in numbers for each in members} <= {True}
    assert {each in numbers for each in others - members} <= {False}
    assert not numbers.__contains__(14155552671)


def test_no_set_has_what_does_not_fit_64_bits() -> None:
    with pytest.raises(OverflowError):
        NumberSet.of(["+" + "9" * 20])
    assert f"+{2**64 + 14155552671}" not in NumberSet.of(["+14155552671"])


@given(st.sets(st.integers(1, 200), max_size=150), st.integers(0, 40))
def test_in_bulk_and_one_by_one(members: set[int], shift: int) -> None:
    numbers = NumberSet.of_values(np.array(sorted(members), np.uint64) << np.uint64(shift))
    asked = np.arange(256, dtype=np.uint64) << np.uint64(shift)
    expected = [value in members for value in range(256)]
    assert numbers.have(asked).tolist() == expected
    assert [numbers.has(value << shift) for value in range(256)] == expected


def test_of_many() -> None:
    rng = random.Random(1)
    members = {rng.randrange(10**9, 10**12) for _ in range(50_000)}
    numbers = NumberSet.of_values(np.array([*members, *members], np.uint64))
    assert len(numbers) == len(members)
    asked = [rng.choice((rng.randrange(10**9, 10**12), value)) for value in members]
    assert numbers.have(np.array(asked, np.uint64)).tolist() == [each in members for each in asked]
    assert numbers.nbytes <= 10 * len(numbers)


@given(st.sets(NUMBERS))
def test_an_image_is_read_back(members: set[str]) -> None:
    numbers = NumberSet.of(members)
    image = b"".join(numbers.image())
    back, rest = NumberSet.read(image + b"rest")
    assert back == numbers
    assert bytes(rest) == b"rest"
    assert b"".join(back.image()) == image
    assert b"".join(NumberSet.of(reversed(sorted(members))).image()) == image  # noqa: C413


@pytest.mark.parametrize("kept", [0, 8, 23, 24, 40, -1])
def test_a_part_of_an_image_is_refused(kept: int) -> None:
    image = b"".join(NumberSet.of(f"+{value}" for value in range(1, 30)).image())
    with pytest.raises(ValueError, match="too short"):
        NumberSet.read(image[:kept])


def test_nobody_is_shown() -> None:
    assert repr(NumberSet.of(["+14155552671"])) == "<NumberSet: 1 number>"
