"""The columns of a file by their names, as users and headers give them."""

import re
from collections.abc import Iterable, Sequence

from suppress.numbers.mask import mask

_LONGEST_NAME = 40
"""The most characters of a name that an error shows."""

_LONG_NUMBER = re.compile(r"(?<!\w)\d(\W{0,3}\d){5,}")


def places_of(
    columns: Sequence[str], names: Sequence[str], *, has_header: bool = True, of: str = "header"
) -> list[int]:
    """Return the positions of the columns that were named.

    Args:
        columns: their names.
        names: the names of all columns.
        has_header: whether the file has these names; else they are places, from 1 on.
        of: the part of the file that has them, for errors.

    Raises:
        ValueError: a column is not there, or twice.
    """
    for column in columns:
        if names.count(column) != 1 and has_header:
            often = "twice" if column in names else "not"
            raise ValueError(f"the column {shown(column)} is {often} in the {of}.")
        if column not in names:
            raise ValueError(
                f"there is no column {shown(column)}. Without a header, a column is named by "
                f"its place, from 1 to {len(names)}."
            )
    return list(map(names.index, columns))


def refuse_numbers_for_names(names: Iterable[str]) -> None:
    """Refuse a header that is a row of numbers.

    Raises:
        ValueError: a name is a number.
    """
    if any(map(is_number_for_name, names)):
        raise ValueError(
            "a number stands where the names of the columns belong. Add a line with the "
            "names, or use --no-header. If it is the name of a column, name that column."
        )


def is_number_for_name(name: str) -> bool:
    """Return whether the name of a column is a number, so that the header is missing."""
    if _LONG_NUMBER.search(name):
        return True
    return any(map(str.isdigit, name)) and not any(map(str.isalpha, name))


def shown(name: str) -> str:
    """Return a name for an error: in one line, masked, and only the beginning of a long one."""
    return mask(repr(name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."))
