"""Data frames, screened as they are: a frame comes in, and a frame of the same kind goes out.

The numbers are read in the frame's own memory where they lie there as text, integers or floats.
The answers are those of `screen`.
"""

import functools
import importlib
import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from suppress.default import default_suppressor
from suppress.errors import InvalidArgument
from suppress.followed import FollowedList
from suppress.numbers.handed_in import Numbers
from suppress.screening.campaign import View
from suppress.screening.recipients import refuse_foreign, taken
from suppress.screening.screening import Screening, outcomes_of
from suppress.screening.segment import ALLOWED, INVALID, OUTCOMES
from suppress.screening.tally import OutcomeTally
from suppress.suppressor import Suppressor
from suppress.tracebacks import without_frames

F = TypeVar("F")

ADDED = ("outcome", "e164", "reason")
"""The columns that `screen_frame` adds."""


@without_frames
def filter_frame(
    frame: F,
    channel: str,
    *,
    column: str | Iterable[str],
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> F:
    """Return the rows of a data frame that may be messaged: the same kind of frame, in order.

    A lazy frame of polars or dask stays lazy. Its rows are screened when it is computed, against
    the stop list of that moment. A relation of duckdb is read at once.

    Args:
        frame: a data frame of pandas, polars (eager or lazy), pyarrow, modin or dask, or a
            relation of duckdb.
        channel: the channel of the campaign, for example `"sms"`.
        column: the name of the column of numbers, or several names: none of a row's numbers may
            be listed, and at least one has to be valid.
        default_region: ISO 3166 region of numbers in national form, or `international`;
            None for the setting.
        suppressor: the one to ask; None for the default one.

    Raises:
        InvalidArgument: the frame has no such column.
        TypeError: frames of this kind cannot be screened, or none of the numbers has a type
            that a number can have.
        ImportError: the extra `frames` is not installed.
        SuppressError: as for `filter_recipients`.
    """
    look = functools.partial(_look, channel, default_region, suppressor)
    return FrameScreening.of(look, column).screened(frame)


@without_frames
def screen_frame(
    frame: F,
    channel: str,
    *,
    column: str | Iterable[str],
    default_region: str | None = None,
    suppressor: Suppressor | None = None,
) -> F:
    """Return a data frame with the outcome for each row, in three more columns.

    These are `outcome` (allowed, suppressed or invalid), `e164` (the first reading of the number
    that decides, if it has one) and `reason`.

    Arguments and errors as for `filter_frame`. A frame that has a column of one of these names
    is an `InvalidArgument`.
    """
    look = functools.partial(_look, channel, default_region, suppressor)
    return FrameScreening.of(look, column, explains=True).screened(frame)


@dataclass(frozen=True)
class FrameScreening:
    """The screening of a frame, or of each part of one.

    Attributes:
        look: gives the stop list as it is now.
        columns: the columns of numbers.
        explains: True to add the outcomes to all rows; False to keep the allowed rows alone.
    """

    look: Callable[[], View]
    columns: tuple[str, ...]
    explains: bool

    @classmethod
    def of(
        cls, look: Callable[[], View], column: str | Iterable[str], *, explains: bool = False
    ) -> Self:
        """Return the screening of one column, or of several; other arguments as above.

        Raises:
            InvalidArgument: no column is named.
        """
        columns = (column,) if isinstance(column, str) else tuple(column)
        if not columns:
            raise InvalidArgument("Name a column of numbers.")
        return cls(look, columns, explains)

    def __dask_tokenize__(self) -> str:
        """Name this work, for dask: no other one has the same result."""
        return uuid.uuid4().hex

    def screened(self, frame: F) -> F:
        """Return what becomes of a frame of any kind."""
        narwhals, native = _narwhals(), cast("Any", frame)
        if narwhals.dependencies.is_polars_lazyframe(frame):
            found = self._of_polars(native)
        elif narwhals.dependencies.is_dask_dataframe(frame):
            found = self._of_dask(native)
        elif type(frame).__name__ == "DuckDBPyRelation":
            found = self._of_duckdb(native)
        else:
            found = self._of_eager(native)
        return cast("F", found)

    def _of_polars(self, frame: Any) -> Any:
        """Return a lazy frame that is screened when it is collected."""
        schema = dict(frame.collect_schema())
        self._check(schema)
        if self.explains:
            schema |= dict.fromkeys(ADDED, importlib.import_module("polars").String)
        # What follows is not done before: it may need the new columns, or not the numbers.
        return frame.map_batches(
            self._of_part,
            schema=schema,
            predicate_pushdown=False,
            projection_pushdown=False,
            slice_pushdown=False,
            streamable=True,
        )

    def _of_dask(self, frame: Any) -> Any:
        """Return a frame whose partitions are screened when they are computed."""
        self._check(frame.columns)
        empty = frame.partitions[0].compute().head(0)
        return frame.map_partitions(self._of_part, meta=self._of_part(empty))

    def _of_duckdb(self, relation: Any) -> Any:
        """Return a relation of what the given one holds now, on the same connection."""
        screened = self._of_eager(relation.to_arrow_table())
        types = dict(zip(relation.columns, relation.types, strict=True))
        quoted = {name: '"{}"'.format(name.replace('"', '""')) for name in screened.column_names}
        # Arrow has fewer types than duckdb.
        columns = ", ".join(
            f"CAST({name} AS {types.get(plain, 'VARCHAR')}) AS {name}"
            for plain, name in quoted.items()
        )
        # duckdb finds the table under the name that it has here.
        return relation.query("suppress_frame", f"SELECT {columns} FROM screened")  # noqa: S608

    def _of_part(self, part: Any) -> Any:
        """Return what becomes of a part of a frame, which may happen to hold no number."""
        return self._of_eager(part, check_types=False)

    def _of_eager(self, native: Any, *, check_types: bool = True) -> Any:
        """Return what becomes of a frame that lies in memory."""
        try:
            frame = _narwhals().from_native(native, eager_only=True)
        except TypeError as error:
            kind = type(native).__name__
            raise TypeError(
                f"A {kind} cannot be screened. Pass a data frame of pandas, polars, pyarrow, modin "
                "or dask, or a relation of duckdb."
            ) from error
        self._check_columns(frame.columns)
        numbers = [_numbers(frame[name]) for name in self.columns]
        began = time.monotonic()
        view = self.look()
        tally = OutcomeTally(view.snapshot.channel, view.listeners, began=began)
        codes, added = _explained(numbers, view) if self.explains else (_codes(numbers, view), None)
        if check_types and len(codes) and codes.max() == INVALID:
            refuse_foreign(itertools.chain.from_iterable(numbers))
        tally.add(codes)
        tally.tell()
        if added is None:
            chosen = _narwhals().Series.from_numpy(
                "chosen", codes == ALLOWED, backend=frame.implementation
            )
            return frame.filter(chosen).to_native()
        table = _narwhals().from_arrow(added, backend=frame.implementation)
        return frame.with_columns(*(table[name] for name in ADDED)).to_native()

    def _check(self, names: Iterable[object]) -> None:
        """Refuse now what would fail when a lazy frame is computed."""
        self._check_columns(names)
        self.look()

    def _check_columns(self, names: Iterable[object]) -> None:
        """Refuse columns that are not there, and new ones that are there already.

        Raises:
            InvalidArgument: there is one.
        """
        names = list(names)
        for name in self.columns:
            if name not in names:
                listed = ", ".join(map(str, names))
                raise InvalidArgument(f"The frame has no column {name!r}. Name one of: {listed}.")
        for name in ADDED if self.explains else ():
            if name in names:
                raise InvalidArgument(f"The frame has a column {name!r} already. Rename it first.")


def _look(channel: str, default_region: str | None, suppressor: Suppressor | None) -> View:
    """Return the stop list as it is now; arguments as for `filter_frame`."""
    one = suppressor or default_suppressor()
    return FollowedList(one, channel, default_region=default_region).look()


def _codes(numbers: Sequence[Numbers], view: View) -> NDArray[np.uint8]:
    """Return the outcome of each row, as a code.

    Args:
        numbers: the numbers of each column.
        view: the stop list.
    """
    codes = [outcomes_of(each, view.snapshot, view.reader) for each in numbers]
    largest: NDArray[np.uint8] = np.maximum.reduce(codes)
    return largest


def _explained(numbers: Sequence[Numbers], view: View) -> tuple[NDArray[np.uint8], Any]:
    """Return the outcome of each row, as a code, and the columns to add as a table of Arrow.

    Arguments as for `_codes`.
    """
    screenings = [
        Screening(
            cast("Sequence[Any]", each),
            view.snapshot,
            numbers=each,
            reader=view.reader,
            screened_at=view.at,
            check_types=False,
        )
        for each in numbers
    ]
    all_codes = np.array([each.codes for each in screenings])
    # Of several numbers that decide alike, the first.
    deciding = all_codes.argmax(axis=0)[np.newaxis]
    codes = np.take_along_axis(all_codes, deciding, axis=0)[0]
    all_values = np.array([each.first_readings() for each in screenings])
    values = np.take_along_axis(all_values, deciding, axis=0)[0]
    reasons = np.empty(len(codes), object)
    allowed = np.flatnonzero(codes == ALLOWED)
    for place in (*allowed[:1].tolist(), *np.flatnonzero(codes != ALLOWED).tolist()):
        reasons[place], _ = screenings[deciding.item(place)].explained(place)
    # The allowed have one reason.
    reasons[allowed[1:]] = reasons[allowed[0]] if len(allowed) else None
    pa, compute = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.compute")
    digits = pa.array(values, mask=values == 0).cast(pa.string())
    outcomes = pa.array(list(map(str, OUTCOMES)))
    added = {
        "outcome": outcomes.take(pa.array(codes)),
        "e164": compute.binary_join_element_wise(pa.scalar("+"), digits, ""),
        "reason": pa.array(reasons, pa.string()),
    }
    return codes, pa.table(added)


def _numbers(series: Any) -> Numbers:
    """Return the numbers of a column."""
    native = series.to_native()
    if type(native).__module__.startswith("modin."):
        native = series.to_pandas()
    return taken(native)[1]


def _narwhals() -> Any:
    """Import narwhals, and pyarrow, which it needs for columns of text.

    Raises:
        ImportError: the extra is not installed.
    """
    try:
        importlib.import_module("pyarrow")
        return importlib.import_module("narwhals.stable.v2")
    except ImportError as error:
        raise ImportError(
            "Data frames need an extra. Run: pip install 'suppress-filter[frames]'"
        ) from error
