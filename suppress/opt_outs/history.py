"""The history of opt-outs: the changes about a person, and the additions that are in force."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from suppress.numbers.convention import Convention
from suppress.opt_outs.contract import Change, Changes
from suppress.opt_outs.fold import united
from suppress.opt_outs.people import People, Sought, read_people
from suppress.stop_list.forgotten import Forgotten


def history_of(
    person: People,
    channel: str | None,
    changes: Sequence[Changes],
    forgotten: Mapping[str, Forgotten],
    convention: Convention,
) -> list[Change]:
    """Return all changes that are about one person, oldest first.

    Args:
        person: the person.
        channel: the channel to look at; None for all.
        changes: all changes of a record.
        forgotten: those who were forgotten, by channel.
        convention: how numbers are to be read.
    """
    sought = Sought(person, convention)
    about = [each for each in changes if channel in (None, each.channel)]
    found = [each.at(place) for each, place in of_lines(sought, about, convention)]
    made = {each.position: each.made_at for each in changes if each.action == "forget"}
    for name, people in forgotten.items():
        for position in people.positions_of(sought.values.tolist()):
            moment = datetime.fromtimestamp(made[position], UTC)
            found.append(Change(position, "forget", name, "", "", "", moment))
    return sorted(found, key=lambda change: (change.position, change.channel))


def in_force(
    changes: Sequence[Changes],
    channel: str | None,
    *,
    since: float | None,
    until: float | None,
    via: str | None,
) -> Iterator[Change]:
    """Give the additions that are in force, the newest of each person, oldest first.

    Args:
        changes: all changes of a record.
        channel: the channel; None for all.
        since: from when on people opted out (seconds since the epoch); None for any time.
        until: up to when; None for any time.
        via: how the opt-outs came; None for any way.
    """
    taken = frozenset(at for each in changes for at in each.takes_back)
    added = [each for each in changes if each.action == "add" and channel in (None, each.channel)]
    newest = {
        (each.channel, number): at
        for each in added
        for at, number in zip(each.positions, each.people.numbers, strict=True)
        if at not in taken
    }
    chosen = frozenset(newest.values())
    for each in added:
        if (
            (since is None or each.since >= since)
            and (until is None or each.since <= until)
            and via in (None, each.evidence.via)
        ):
            yield from (each.at(place) for place, at in enumerate(each.positions) if at in chosen)


def of_lines(
    sought: Sought, changes: Sequence[Changes], convention: Convention
) -> list[tuple[Changes, int]]:
    """Find the people who have the same line as those sought: their changes and places.

    Args:
        sought: whom to find.
        changes: where to look.
        convention: how numbers are to be read.
    """
    people = united([each.people for each in changes])
    readings = read_people(people, convention)
    places = np.unique(readings.places[np.isin(readings.values, sought.values)])
    odd = [
        place
        for place in readings.missing(len(people.numbers)).tolist()
        if sought.is_unread(people.numbers[place])
    ]
    same = sought.match(people.chosen(places.tolist()))
    ends = np.cumsum([len(each.people.numbers) for each in changes])
    found = []
    for place in sorted([*places[same].tolist(), *odd]):
        of = int(np.searchsorted(ends, place, "right"))
        found.append((changes[of], place - int(ends[of]) + len(changes[of].people.numbers)))
    return found
