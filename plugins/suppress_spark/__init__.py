"""Data frames of Apache Spark, screened by its executors against one stop list.

The driver takes the stop list once, and ships it as one broadcast. Executors need no network,
no store and no key, and a task that runs again gives the same rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Self

import msgspec
import phonenumbers

from suppress import (
    Against,
    InvalidArgument,
    PinnedList,
    Suppressor,
    __version__,
    default_suppressor,
)

try:
    import pyarrow as pa
    from pyspark.sql.types import (
        CharType,
        FractionalType,
        IntegralType,
        StringType,
        StructField,
        StructType,
        VarcharType,
    )
except ImportError as error:
    raise ImportError(
        "suppress_spark needs an extra. Run: pip install 'suppress-filter[spark]'"
    ) from error

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import DataFrame

__all__ = ["SparkReceipt", "filter_frame", "receipt", "screen_frame"]

ADDED = ("outcome", "e164", "reason")
"""The columns that `screen_frame` adds."""

_NUMBERS = (CharType, FractionalType, IntegralType, StringType, VarcharType)
"""Types of columns that can hold numbers."""

_METADATA = "suppress."
"""Before the channel: the name of a receipt in the metadata of a column."""

_Batches = Iterator[pa.RecordBatch]


class SparkReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt of a frame: which of its columns were screened against which stop list, and when.

    Attributes:
        suppress: the version of suppress.
        phonenumbers: the version of phonenumbers, which decides how numbers are read.
        channel: the channel of the campaign.
        screened_at: the time when the stop list was taken; opt-outs up to then were known
            (aware, UTC).
        default_region: the region of numbers in national form, if any.
        possible_only: whether only a number of a possible length was a reading.
        renumbering: SHA-256 of the changes of numbering plans in force, in hexadecimal.
        columns: the columns of numbers.
        snapshot: the stop list, with its digest.
    """

    suppress: str
    phonenumbers: str
    channel: str
    screened_at: datetime
    default_region: str | None
    possible_only: bool
    renumbering: str
    columns: tuple[str, ...]
    snapshot: Against

    @classmethod
    def of(cls, stop_list: PinnedList, columns: tuple[str, ...]) -> Self:
        """Return the receipt of the columns that are screened against a stop list."""
        view = stop_list.view
        snapshot, convention = view.snapshot, view.reader.convention
        return cls(
            suppress=__version__,
            phonenumbers=phonenumbers.__version__,
            channel=snapshot.channel,
            screened_at=view.at,
            default_region=convention.region,
            possible_only=convention.possible_only,
            renumbering=convention.renumbering.digest,
            columns=columns,
            snapshot=Against.of(snapshot),
        )

    def to_json(self) -> bytes:
        """Return the receipt as a JSON document, with a line for each field."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def filter_frame(
    df: "DataFrame",
    channel: str,
    column: str | Iterable[str],
    default_region: str | None = None,
    *,
    suppressor: Suppressor | None = None,
) -> "DataFrame":
    """Return the rows of a data frame that may be messaged.

    The stop list is taken now, however often and however late the frame is computed. Call it
    again for each run of a campaign.

    Args:
        df: the data frame of a batch, not of a stream.
        channel: the channel of the campaign, for example `"sms"`.
        column: the name of the column of numbers, or several names: none of a row's numbers may
            be listed, and at least one has to be valid.
        default_region: ISO 3166 region of numbers in national form, or `international`;
            None for the setting.
        suppressor: the one to ask, on the driver; None for the default one.

    Raises:
        InvalidArgument: the frame has no such column, has several of one name, or is a stream.
        TypeError: it is not a frame of a Spark session with a driver in this process, or the
            column has a type that no number has.
        SuppressError: as for `suppress.filter_recipients`.
    """
    columns = _columns(df, column)
    context, stop_list = _context(df), _pinned(channel, default_region, suppressor)
    broadcast = context.broadcast(stop_list)

    def filtered(table: pa.Table) -> pa.Table:
        return broadcast.value.filter_frame(table, column=columns)

    schema = _marked(df.schema.fields, columns, SparkReceipt.of(stop_list, columns))
    return df.mapInArrow(_over_batches(filtered), schema)


def screen_frame(
    df: "DataFrame",
    channel: str,
    column: str | Iterable[str],
    default_region: str | None = None,
    *,
    suppressor: Suppressor | None = None,
) -> "DataFrame":
    """Return a data frame with the outcome for each row, in three more columns.

    These are `outcome` (allowed, suppressed or invalid), `e164` (the first reading of the number
    that decides, if it has one) and `reason`.

    Arguments and errors as for `filter_frame`. A frame that has a column of one of these names
    is an `InvalidArgument`.
    """
    columns = _columns(df, column)
    for name in df.columns:
        # Spark tells no upper from lower case.
        if name.lower() in ADDED:
            raise InvalidArgument(f"The frame has a column {name!r} already. Rename it first.")
    context, stop_list = _context(df), _pinned(channel, default_region, suppressor)
    broadcast = context.broadcast(stop_list)

    def screened(table: pa.Table) -> pa.Table:
        return broadcast.value.screen_frame(table, column=columns)

    fields = [*df.schema.fields, *(StructField(name, StringType()) for name in ADDED)]
    schema = _marked(fields, (*columns, *ADDED), SparkReceipt.of(stop_list, columns))
    return df.mapInArrow(_over_batches(screened), schema)


def receipt(df: "DataFrame", channel: str | None = None) -> SparkReceipt:
    """Return the receipt of a frame that was screened, without computing it.

    The receipt goes with the screened columns: through selections and joins, and into a file of
    Parquet and back. It tells nothing of rows that were added later, as by a union.

    Args:
        df: the frame.
        channel: the channel; None where it was screened for only one.

    Raises:
        InvalidArgument: no column that was screened is left, or several channels were.
    """
    found = {
        name.removeprefix(_METADATA): document
        for field in df.schema.fields
        for name, document in field.metadata.items()
        if name.startswith(_METADATA)
    }
    channels = ", ".join(sorted(found)) or "none"
    if channel is None and len(found) == 1:
        (channel,) = found
    if channel is None and found:
        raise InvalidArgument(f"Name the channel of the receipt, one of: {channels}.")
    if channel not in found:
        raise InvalidArgument(
            "The frame has no receipt for the channel. Keep a column that was screened; there "
            f"are receipts for: {channels}."
        )
    return msgspec.json.decode(found[channel], type=SparkReceipt)


def _columns(df: "DataFrame", column: str | Iterable[str]) -> tuple[str, ...]:
    """Return the names of the columns of numbers.

    Raises:
        InvalidArgument: there is none, or several of a name; or the frame is a stream.
        TypeError: a column has a type that no number has.
    """
    if df.isStreaming:
        raise InvalidArgument(
            "A stream outlives its stop list. Screen each batch of it, in a function that you "
            "pass to DataStreamWriter.foreachBatch."
        )
    columns = (column,) if isinstance(column, str) else tuple(column)
    if not columns:
        raise InvalidArgument("Name a column of numbers.")
    for name, count in Counter(df.columns).items():
        if count > 1:
            raise InvalidArgument(f"The frame has {count} columns {name!r}. Rename them first.")
    for name in columns:
        if name not in df.columns:
            listed = ", ".join(df.columns)
            raise InvalidArgument(f"The frame has no column {name!r}. Name one of: {listed}.")
        kind = df.schema[name].dataType
        if not isinstance(kind, _NUMBERS):
            raise TypeError(
                f"The column {name!r} has the type {kind.simpleString()}. Pass a column of text "
                "or of numbers."
            )
    return columns


def _pinned(channel: str, default_region: str | None, suppressor: Suppressor | None) -> PinnedList:
    one = suppressor or default_suppressor()
    return PinnedList.of(one, channel, default_region=default_region)


def _context(df: "DataFrame") -> "SparkContext":
    """Return the context of the frame's session, which broadcasts.

    Raises:
        TypeError: the driver is not in this process.
    """
    try:
        return df.sparkSession.sparkContext
    except AttributeError as error:
        raise TypeError(
            "A frame of Spark Connect cannot be screened: its client has no broadcasts. Call "
            "this in the process of the driver."
        ) from error


def _over_batches(change: Callable[[pa.Table], pa.Table]) -> Callable[[_Batches], _Batches]:
    """Return a function for `mapInArrow` that changes each batch."""

    def over(batches: _Batches) -> _Batches:
        for batch in batches:
            yield from change(pa.Table.from_batches([batch])).to_batches()

    return over


def _marked(
    fields: Iterable[StructField], columns: tuple[str, ...], made: SparkReceipt
) -> StructType:
    """Return a schema with the receipt in the metadata of some columns."""
    mark = {_METADATA + made.channel: msgspec.json.encode(made).decode()}
    return StructType(
        [
            StructField(
                field.name,
                field.dataType,
                field.nullable,
                {**(field.metadata or {}), **(mark if field.name in columns else {})},
            )
            for field in fields
        ]
    )
