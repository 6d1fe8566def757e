"""The decisions of a campaign as a CSV file: the outcome of each row, and the reason."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from suppress.files.batch import Batch, is_blank
from suppress.numbers.handed_in import is_missing
from suppress.printable import printable
from suppress.screening.outcome import Outcome
from suppress.screening.screening import Screening
from suppress.stop_list.origins import Origin

COLUMNS = ("line", "number", "outcome", "e164", "reason", "source", "entry", "since")

_BETWEEN = "; "


def decisions_header() -> bytes:
    """Return the first line of the file."""
    return _csv([COLUMNS])


def decisions_of(
    batch: Batch, screening: Screening[Any], repeated: NDArray[np.bool_] | None = None
) -> bytes:
    """Return the lines of some rows, one for each.

    Args:
        batch: the rows.
        screening: the outcome for each of their numbers.
        repeated: for each, whether it is left out because an earlier row has its number.
    """
    count = len(batch.numbers)
    numbers = [each if type(each) is str else _text(each) for each in batch.numbers]
    firsts = [f"+{first}" if first else "" for first in screening.first_readings().tolist()]
    # Most rows are allowed, and have no entry.
    not_listed = f"not listed for {screening.snapshot.channel}"
    outcomes, reasons = [str(Outcome.ALLOWED)] * count, [not_listed] * count
    entries = [("", "", "")] * count
    for outcome in (Outcome.SUPPRESSED, Outcome.INVALID):
        for place in np.flatnonzero(screening.where(outcome)).tolist():
            outcomes[place] = str(outcome)
            reasons[place], origins = screening.explained(place)
            entries[place] = _entries(origins)
    if repeated is not None:
        for place in np.flatnonzero(repeated).tolist():
            reasons[place] = f"{not_listed}; left out, since an earlier row has its number"
    columns = batch.lines, numbers, outcomes, firsts, reasons, *zip(*entries, strict=True)
    return _csv(zip(*columns, strict=True))


def _entries(origins: Sequence[Origin]) -> tuple[str, str, str]:
    """Return the sources of some entries, their ids there, and the times they were added."""
    return (
        _BETWEEN.join(each.source for each in origins),
        _BETWEEN.join("" if each.id is None else printable(str(each.id)) for each in origins),
        _BETWEEN.join("" if each.added_at is None else _moment(each.added_at) for each in origins),
    )


def _moment(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _text(number: Any) -> str:
    """Return a number as it was handed in; several of one row together."""
    if isinstance(number, tuple):
        return _BETWEEN.join(_text(each) for each in number if not is_blank(each))
    if isinstance(number, str):
        return number
    if is_missing(number):
        return ""
    is_of_json = isinstance(number, bool | int | float | list | dict)
    return msgspec.json.encode(number).decode() if is_of_json else str(number)


def _csv(records: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(records)
    return buffer.getvalue().encode("utf-8", "backslashreplace")
