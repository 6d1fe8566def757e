"""The history of opt-outs: the changes that are about a person."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.convention import Convention
from suppress.opt_outs.contract import Change, Record
from suppress.opt_outs.people import People, Person, Sought, read_people
from suppress.stop_list.forgotten import Forgotten

_PAGE = 10_000
"""Changes that are read at once."""


def changes_of(sought: Sought, record: Record, convention: Convention) -> list[Change]:
    """Return the changes of the people who have the same line as those sought, oldest first.

    Args:
        sought: whom to find.
        record: where to look.
        convention: how numbers are to be read.
    """
    changes = record.changes_ending(sought.endings())
    people = People.of([Person(each.number, each.text, each.region) for each in changes])
    readings = read_people(people, convention)
    places = distinct(readings.places[np.isin(readings.values, sought.values)])
    same = sought.match(people.chosen(places.tolist()))
    odd = [
        place
        for place in readings.missing(len(changes)).tolist()
        if sought.is_unread(people.numbers[place])
    ]
    return [changes[place] for place in sorted([*places[same].tolist(), *odd])]


def forgettings_of(sought: Sought, forgotten: Mapping[str, Forgotten]) -> list[Change]:
    """Return the changes that forgot the people sought, for each channel that still has a trace.

    Args:
        sought: whom to find.
        forgotten: those who were forgotten, by channel.
    """
    values = sought.values.tolist()
    return [
        Change(
            *(trace.position, "forget", channel, "", "", ""),
            datetime.fromtimestamp(trace.made_at, UTC),
        )
        for channel, people in forgotten.items()
        for trace in people.traces_of_line(values)
    ]


def changes_at(positions: NDArray[np.int64], record: Record) -> Iterator[Change]:
    """Give the changes at some positions, in that order, but for those that are gone."""
    for start in range(0, len(positions), _PAGE):
        yield from record.changes_at(positions[start : start + _PAGE].tolist())
