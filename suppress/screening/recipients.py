"""Recipients as they are handed in, and the number of each: in a list, or in an array."""

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar, cast, overload

import numpy as np
from phonenumbers import PhoneNumber

from suppress.numbers.arrow import ArrowNumbers
from suppress.numbers.column import Column
from suppress.numbers.handed_in import Numbers, is_missing
from suppress.screening.segment import singles_of

R = TypeVar("R")

_TYPES_OF_POLARS = frozenset(
    f"{kind}{bits}" for kind in ("Int", "UInt", "Float") for bits in (8, 16, 32, 64)
) | {"String", "Categorical", "Enum"}
"""Types of polars that Arrow has too. It takes values of others for what they are not."""

_TABLE = (
    "A list of numbers is needed, but a table was given. Pass its column of numbers, or the "
    "table itself to suppress.filter_frame."
)


def taken(
    recipients: Iterable[R], key: Callable[[R], Any] | None = None
) -> tuple[Sequence[R], Numbers]:
    """Return all recipients, and their numbers.

    Arrays of numpy, pandas, polars and Arrow are not turned into lists where their
    values can be read as they lie in memory.

    Args:
        recipients: any iterable of them.
        key: takes the number from a recipient; None where it is the recipient itself.

    Raises:
        TypeError: one text, or a table, was handed in.
    """
    if isinstance(recipients, str | bytes):
        raise TypeError("A list of numbers is needed, but one text was given. Put it in a list.")
    if type(recipients) is not list and not isinstance(recipients, Column):
        of_array = _taken_from_array(recipients)
        recipients, numbers = (list(recipients), None) if of_array is None else of_array
        if key is None and numbers is not None:
            return recipients, numbers
    in_order = cast("Sequence[R]", recipients)
    if key is None:
        return in_order, in_order
    return in_order, [key(each) for each in in_order]


def refuse_foreign(numbers: Iterable[object]) -> None:
    """Refuse numbers of which none is of a type that a number can have.

    Raises:
        TypeError: there is none. Values for a missing number do not count.
    """
    kinds = {
        type(each)
        for each in singles_of(numbers)[0]
        if not isinstance(each, bool | np.bool_) and not is_missing(each)
    }
    if not kinds or any(issubclass(each, str | float | Decimal | np.floating) for each in kinds):
        return
    if any(hasattr(each, "__index__") or issubclass(each, PhoneNumber) for each in kinds):
        return
    names = ", ".join(sorted(each.__name__ for each in kinds))
    raise TypeError(
        f"None of the recipients is a number; their type is {names}. Pass text or whole numbers, "
        "or a function as key= that takes the number from a recipient."
    )


def _taken_from_array(array: Any) -> tuple[Any, Numbers] | None:
    """Return the recipients and the numbers of an array; None for anything else.

    A library that was not imported has made no array.
    """
    if isinstance(array, np.ndarray):
        if array.ndim != 1:
            raise TypeError(
                f"A list of numbers is needed, but an array of {array.ndim} dimensions "
                "was given. Pass one column of it."
            )
        if isinstance(array, np.ma.MaskedArray):
            values = array.tolist()  # with None for what is masked
            return values, values
        return (array, array) if array.dtype.kind in "iuf" else None
    if hasattr(array, "columns") and hasattr(array, "dtypes"):
        raise TypeError(_TABLE)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(array, pandas.Series | pandas.Index):
        return None if isinstance(array, pandas.MultiIndex) else _taken_from_pandas(array)
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(array, polars.Series):
        if array.dtype.base_type().__name__ not in _TYPES_OF_POLARS or _pyarrow() is None:
            return None
        array = array.to_arrow()
    return _taken_from_arrow(array)


def _taken_from_pandas(series: Any) -> tuple[Sequence[Any], Numbers] | None:
    values = series.array
    if series.dtype.kind in "iuf" and isinstance(series.dtype, np.dtype):
        return _Values(series), series.to_numpy()
    if not hasattr(values, "__arrow_array__") or (pa := _pyarrow()) is None:
        return None
    try:
        numbers = ArrowNumbers.readable(pa.array(values))
    except (pa.ArrowException, TypeError):
        return None
    return None if numbers is None else (_Values(series), numbers)


def _taken_from_arrow(array: Any) -> tuple[Sequence[Any], Numbers] | None:
    """Return the recipients and the numbers of anything that gives its values to Arrow."""
    stream = hasattr(array, "__arrow_c_stream__")
    if not (stream or hasattr(array, "__arrow_c_array__")) or (pa := _pyarrow()) is None:
        return None
    try:
        values = pa.chunked_array(array) if stream else pa.array(array)
    except pa.ArrowException:
        return None
    if pa.types.is_struct(values.type):
        raise TypeError(_TABLE)
    numbers = ArrowNumbers.readable(values)
    if numbers is not None:
        return numbers, numbers
    return (found := values.to_pylist()), found


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ImportError:
        return None


class _Values(Sequence[Any]):
    """The values of a Series or an Index of pandas, by their places and not by their labels.

    Args:
        series: the Series or Index.
    """

    def __init__(self, series: Any) -> None:
        self._series = series
        self._by_place = getattr(series, "iloc", series)

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._series.tolist())

    @overload
    def __getitem__(self, place: int) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> "_Values": ...

    def __getitem__(self, place: int | slice) -> Any:
        found = self._by_place[place]
        return _Values(found) if isinstance(place, slice) else found
