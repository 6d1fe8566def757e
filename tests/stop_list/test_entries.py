"""Entries in many forms are the same batches."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from suppress import Column, Entries
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.stop_list.entries import batches


@pytest.mark.parametrize(
    "made",
    [
        list,
        tuple,
        lambda numbers: Column.of(list(map(str, numbers))),
        np.array,
        lambda numbers: np.array(list(map(str, numbers))),
    ],
    ids=["list", "tuple", "column", "integers", "array of texts"],
)
def test_numbers_in_any_form(made: Callable[[list[int]], Any]) -> None:
    numbers = [442079460000 + place for place in range(BATCH_SIZE + 5)]
    given = Entries(numbers=made(numbers), channels={"sms"}, ids=range(len(numbers)))
    first, second = batches([given])
    assert (len(first.numbers), len(second.numbers)) == (BATCH_SIZE, 5)
    assert second.named(4) == f"entry {BATCH_SIZE + 4}: "
    assert second.digits(4) == str(numbers[-1])
    found = Reader(Convention("international")).read_all(second.numbers)
    assert found.values.tolist() == numbers[BATCH_SIZE:]
