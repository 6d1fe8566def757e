"""Arrow's arrays are read from their own buffers, with the answers for their Python values."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suppress.numbers.arrow import ArrowNumbers
from suppress.numbers.bulk import Reader
from suppress.numbers.column import Column
from suppress.numbers.convention import Convention
from suppress.testing import ColumnContract
from suppress.testing.columns import MakeColumn

pa = pytest.importorskip("pyarrow")


def whole(texts: Sequence[str | None]) -> Any:
    return pa.array(texts, pa.string())


def large(texts: Sequence[str | None]) -> Any:
    return pa.array(texts, pa.large_string())


def sliced(texts: Sequence[str | None]) -> Any:
    return pa.array(["+1", *texts, "2"])[1:-1]


def in_chunks(texts: Sequence[str | None]) -> Any:
    middle = len(texts) // 2
    return pa.chunked_array([texts[:middle], [], texts[middle:]], pa.string())


def in_views(texts: Sequence[str | None]) -> Any:
    return pa.array(texts, pa.string_view())


def as_dictionary(texts: Sequence[str | None]) -> Any:
    return pa.array(texts, pa.string()).dictionary_encode()


def with_rubbish_in_nulls(texts: Sequence[str | None]) -> Any:
    """A null may have bytes in its place."""
    of_all = pa.array(["+442079460123" if text is None else text for text in texts], pa.string())
    present = pa.array([text is not None for text in texts], pa.bool_())
    buffers = [present.buffers()[1], *of_all.buffers()[1:]]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


MAKERS = [whole, large, sliced, in_chunks, in_views, as_dictionary, with_rubbish_in_nulls]


class TestColumnsOfArrow(ColumnContract):
    @pytest.fixture(params=MAKERS, ids=lambda maker: maker.__name__)
    def make(self, request: pytest.FixtureRequest) -> MakeColumn:
        def make(texts: Sequence[str | None]) -> Column:
            numbers = ArrowNumbers.readable(request.param(texts))
            assert numbers is not None
            column = numbers.in_bulk()
            assert isinstance(column, Column)
            return column

        return make


@pytest.mark.parametrize("make", MAKERS)
def test_they_are_a_sequence_of_python_values(make: Callable[..., Any]) -> None:
    numbers = ArrowNumbers.readable(make(["+442079460123", None, "5", ""]))
    assert numbers is not None
    assert list(numbers) == ["+442079460123", None, "5", ""]
    assert [numbers[0], numbers[1]] == ["+442079460123", None]
    assert list(numbers[1:3]) == [None, "5"]
    assert len(numbers) == 4


@pytest.mark.parametrize(
    "type_", ["int8", "int64", "uint8", "uint64", "float", "double", "halffloat", "string"]
)
def test_readings_are_those_of_the_python_values(type_: str) -> None:
    values: list[Any] = [0, 5, 100, None]
    if type_ in ("int64", "uint64"):
        values += [442079460123, 44207946012, 10**16, 10**17]
    if type_ == "double":
        values = [442079460123.0, 442079460123.5, math.inf, math.nan, -442079460123.0, 1e300, 1e16]
    if type_ == "uint64":
        values += [2**63, 2**64 - 1]
    if type_ == "string":
        values = ["+442079460123", "+44 20 7946 0123 / 0124", None, "x"]
    if type_ == "halffloat":
        array = pa.array(np.array([0, 5, 100], np.float16))
    else:
        array = pa.array(values, type_)
    numbers = ArrowNumbers.readable(array)
    assert numbers is not None
    assert_read_alike(numbers, list(numbers))


def assert_read_alike(numbers: ArrowNumbers, values: list[Any]) -> None:
    for region in (None, "GB", "international"):
        reader = Reader(Convention(region))
        found, expected = reader.read_all(numbers), reader.read_all(values)
        for pairs, others in ((found.further, expected.further), (found.maybe, expected.maybe)):
            assert sorted(zip(*pairs, strict=True)) == sorted(zip(*others, strict=True))
        assert found.values.tolist() == expected.values.tolist()
        assert found.problems.tolist() == expected.problems.tolist()
        assert reader.firsts(found).tolist() == reader.firsts(expected).tolist()


@pytest.mark.parametrize("array", [[True, None], [b"+442079460123"], [["+1"]], [{"a": 1}]])
def test_no_other_type_is_readable(array: list[Any]) -> None:
    assert ArrowNumbers.readable(pa.array(array)) is None


@given(
    st.lists(st.none() | st.text("+0123456789 /.\n\u202axé", max_size=20)),
    st.sampled_from(MAKERS),
    st.integers(0, 3),
)
@pytest.mark.slow
def test_any_texts_are_read_like_python_texts(
    texts: list[str | None], make: Callable[..., Any], start: int
) -> None:
    numbers = ArrowNumbers.readable(make(texts))
    assert numbers is not None
    assert_read_alike(numbers[start:], texts[start:])


def test_two_numbers_in_one_text_among_many_clean_ones() -> None:
    """Proof that a number is valid is made for many numbers only; a slash leaves a doubt."""
    texts = [*["+14155552671"] * 5000, "+49 30 1234567/68", "+4930123456/78", "030 1234567/68"]
    numbers = ArrowNumbers.readable(pa.array(texts))
    assert numbers is not None
    assert_read_alike(numbers, texts)


def test_an_empty_text_between_digits_and_a_plus() -> None:
    texts = ["1234567890123456", "", "+1", "+4420794601234567", None, "+442079460123"]
    numbers = ArrowNumbers.readable(pa.array(texts))
    assert numbers is not None
    assert_read_alike(numbers, texts)


def test_texts_are_not_copied() -> None:
    array = pa.array(["+442079460123"] * 100)
    numbers = ArrowNumbers.readable(array)
    assert numbers is not None
    column = numbers[40:].in_bulk()
    assert isinstance(column, Column)
    text = np.frombuffer(column.data, np.uint8).ctypes.data + column.starts.item(0)
    assert text == array.buffers()[2].address + 40 * 13
