"""Numbers that were seen: a set of them, at eight bytes each."""

import tracemalloc

import numpy as np
import pytest

from suppress.screening.once import Seen


@pytest.mark.parametrize("most", [3, 1000, 10**6, 10**12])
@pytest.mark.parametrize("block", [20, 2**17])
@pytest.mark.slow
def test_seen_is_a_set(most: int, block: int) -> None:
    dice = np.random.default_rng(most)
    seen, known = Seen(block), set()
    for size in dice.integers(0, 300, 200).tolist():
        values = dice.integers(1, most, size).astype(np.uint64)
        expected = []
        for each in values.tolist():
            expected.append(each not in known)
            known.add(each)
        assert seen.first_time(values).tolist() == expected
        assert len(seen) == len(known)


@pytest.mark.slow
def test_seen_takes_eight_bytes_a_person() -> None:
    numbers = np.random.default_rng(1).permutation(np.arange(1_000_000, dtype=np.uint64))
    tracemalloc.start()
    try:
        seen = Seen()
        for start in range(0, len(numbers), 10_000):
            assert seen.first_time(numbers[start : start + 10_000]).all()
        now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert now / len(numbers) < 8.5
    # Each is looked for in every run.
    assert len(seen._runs) < 10
    # Besides, what a piece of rows takes.
    assert (most - 1_000_000) / len(numbers) < 9.5
