"""The criteria of a search of the stop list."""

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from suppress_bsg.sandbox.request import Query, channel_of, unprocessable, whole
from suppress_bsg.sandbox.stop_list import SandboxEntry


class Criterion(msgspec.Struct):
    """A condition of a search; None stands for a part that the query lacks."""

    field: str | None = None
    operator: str | None = None
    value: str | None = None


_PART: Final = re.compile(r"(search|search_fields\[\d+\])\[(field|operator|value)\]")
_FIELDS: Final[dict[str, tuple[Callable[[SandboxEntry], Iterable[Any]], Callable[[str], Any]]]] = {
    "id": (lambda row: (row.id,), whole),
    "phone": (lambda row: (row.phone,), whole),
    "created_at": (lambda row: (row.created_at,), str),
    "type": (lambda row: row.channels, channel_of),
}
_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
    "<": operator.lt,
    "<=": operator.le,
}


def criteria_of(query: Query) -> dict[str, Criterion]:
    """Return the criteria by their names, `search` and `search_fields[N]`."""
    found: dict[str, Criterion] = {}
    for name, values in query.items():
        if part := _PART.fullmatch(name):
            setattr(found.setdefault(part[1], Criterion()), part[2], values[-1])
    return found


def _like(value: str) -> re.Pattern[str]:
    wanted = value if "%" in value else f"%{value}%"
    return re.compile(".*".join(map(re.escape, re.split("%+", wanted))), re.IGNORECASE)


def test_of(criterion: Criterion) -> Callable[[SandboxEntry], bool]:
    """Return a function that tells whether an entry meets a criterion."""
    if criterion.field is None or criterion.operator is None or criterion.value is None:
        raise unprocessable("A search needs a field, an operator and a value.")
    if criterion.field not in _FIELDS:
        raise unprocessable(f"The search field must be one of {', '.join(_FIELDS)}.")
    values, read = _FIELDS[criterion.field]
    if criterion.operator == "like":
        pattern = _like(criterion.value)
        return lambda row: any(pattern.fullmatch(str(value)) for value in values(row))
    if criterion.operator not in _OPERATORS:
        raise unprocessable(f"The operator must be one of like, {', '.join(_OPERATORS)}.")
    holds, operand = _OPERATORS[criterion.operator], read(criterion.value)
    return lambda row: any(holds(value, operand) for value in values(row))
