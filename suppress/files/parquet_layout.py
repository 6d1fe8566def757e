"""The layout of a Parquet file, as far as it can be written again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_WRITE_ROWS = 2**13
"""Values that are encoded at once."""

_SMALL_BYTES = 3
"""Bytes of a text of a column, at most, from which it is clear that it has a dictionary.

In another column, each takes four bytes for its length alone.
"""


@dataclass(frozen=True)
class Layout:
    """The layout of a file, as far as it can be written again.

    Attributes:
        count: the number of rows.
        group_rows: the number of rows of the first group.
        packed: the bytes of the file that they take.
        unpacked: the bytes that they take without compression.
        small: the columns of few different texts.
        has_int96: whether timestamps are written in the old way of Impala and Spark.
        options: the options with which pyarrow writes a file like this one.
    """

    count: int
    group_rows: int
    packed: int
    unpacked: int
    small: frozenset[str]
    has_int96: bool
    options: Mapping[str, Any]

    @classmethod
    def of(cls, metadata: Any) -> Self:
        """Return the layout that the metadata of a file describe."""
        groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
        chunks = [
            [group.column(place) for group in groups] for place in range(metadata.num_columns)
        ]
        columns = [metadata.schema.column(place) for place in range(metadata.num_columns)]
        has_int96 = any(column.physical_type == "INT96" for column in columns)
        options: dict[str, Any] = {
            "store_schema": False,
            "write_batch_size": _WRITE_ROWS,
            "use_deprecated_int96_timestamps": has_int96
            and not any(column.logical_type.type == "TIMESTAMP" for column in columns),
            "store_decimal_as_integer": any(
                column.logical_type.type == "DECIMAL" and column.physical_type.startswith("INT")
                for column in columns
            ),
        }
        if groups:
            firsts = [some[0] for some in chunks]
            options |= {
                "compression": {each.path_in_schema: _codec(each.compression) for each in firsts},
                "use_dictionary": [
                    each.path_in_schema for each in firsts if each.has_dictionary_page
                ],
                "write_statistics": [each.path_in_schema for each in firsts if each.is_stats_set],
                "sorting_columns": groups[0].sorting_columns or None,
            }
        small = {
            column.path
            for column, some in zip(columns, chunks, strict=True)
            if column.physical_type == "BYTE_ARRAY"
            and column.path == column.name
            and all(each.has_dictionary_page for each in some)
            and sum(each.total_uncompressed_size for each in some)
            < _SMALL_BYTES * sum(each.num_values for each in some)
        }
        return cls(
            metadata.num_rows,
            groups[0].num_rows if groups else 0,
            sum(each.total_compressed_size for some in chunks for each in some),
            sum(each.total_uncompressed_size for some in chunks for each in some),
            frozenset(small),
            has_int96,
            options,
        )

    @property
    def bytes_of_a_row(self) -> float:
        """The bytes of the file that a row takes, about."""
        return self.packed / max(self.count, 1)

    def rows_of(self, size: int, most: int) -> int:
        """Return how many rows have so many bytes: those of a group, or the most that may be."""
        if most // 2 < self.group_rows <= most:
            most = self.group_rows
        return max(min(most, size * self.count // max(self.unpacked, 1)), 1)


def _codec(name: str) -> str:
    """Return the name under which pyarrow writes a compression that it has read."""
    return "NONE" if name == "UNCOMPRESSED" else name
