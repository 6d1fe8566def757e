"""The suite of a batch of rows."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from suppress.files.batch import Batch, RowNumbers

NUMBERS = [f"+1415555{place:04}" for place in range(1000)]

Chosen = NDArray[np.bool_]
Opening = Callable[[Sequence[str]], Sequence[Batch]]
Rewriting = Callable[[Sequence[tuple[Batch, Chosen]]], list[Any]]


class BatchContract:
    """Tests of the batches of a file format; subclass it, and give both fixtures."""

    @pytest.fixture
    def opening(self) -> Opening:
        """Return a function that makes a file with a number a row, and returns its batches.

        Its rows should fill several batches.
        """
        raise NotImplementedError("give a fixture named `opening`")

    @pytest.fixture
    def rewriting(self) -> Rewriting:
        """Return a function that writes the chosen rows of batches to a file of the same format.

        It returns the numbers that are in that file.
        """
        raise NotImplementedError("give a fixture named `rewriting`")

    def test_has_every_row(self, opening: Opening) -> None:
        """All numbers arrive in order, each once, with a line each."""
        batches = opening(NUMBERS)
        assert len(batches) > 1
        assert [number for batch in batches for number in batch.numbers] == NUMBERS
        lines = [line for batch in batches for line in batch.lines]
        assert len(lines) == len(NUMBERS)
        assert lines == sorted(set(lines))
        assert lines[0] >= 1

    def test_gives_numbers_on_their_own(self, opening: Opening) -> None:
        """Rows of one number are the same on their own."""
        for batch in opening(NUMBERS):
            found = RowNumbers.of(batch)
            assert list(found.numbers) == list(batch.numbers)
            assert list(found.lines) == list(batch.lines)

    def test_counts_its_bytes(self, opening: Opening) -> None:
        """Each batch takes some bytes of the file."""
        assert all(batch.size > 0 for batch in opening(NUMBERS))

    def test_ends_whole_but_for_the_last(self, opening: Opening) -> None:
        """Only the last row of a file may be half a row."""
        assert not any(batch.is_cut for batch in opening(NUMBERS)[:-1])

    @pytest.mark.parametrize("every", [1, 2, 3, 7, 10**6])
    @pytest.mark.parametrize("first", [0, 1])
    def test_writes_the_chosen_rows(
        self, opening: Opening, rewriting: Rewriting, every: int, first: int
    ) -> None:
        """The chosen rows are written in order, each once, and no others."""
        batches = opening(NUMBERS)
        choices = []
        for batch in batches:
            chosen = np.zeros(len(batch.numbers), np.bool_)
            chosen[first::every] = True
            choices.append((batch, chosen))
        expected = [number for batch in batches for number in list(batch.numbers)[first::every]]
        assert rewriting(choices) == expected

    def test_writes_nothing(self, opening: Opening, rewriting: Rewriting) -> None:
        """Without a choice, there is no row."""
        choices = [(batch, np.zeros(len(batch.numbers), np.bool_)) for batch in opening(NUMBERS)]
        assert rewriting(choices) == []

    def test_writes_again(self, opening: Opening, rewriting: Rewriting) -> None:
        """A batch can be written to several outputs, and leaves the choice as it was."""
        choices = [(batch, np.arange(len(batch.numbers)) % 3 == 0) for batch in opening(NUMBERS)]
        before = [chosen.copy() for _, chosen in choices]
        assert rewriting(choices) == rewriting(choices)
        assert all(map(np.array_equal, before, [chosen for _, chosen in choices]))
