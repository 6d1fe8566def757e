"""Looking people up among those who are opted out: by their line, and by their first reading."""

from collections.abc import Callable, Sequence

import numpy as np

from suppress.opt_outs.contract import Overtaken
from suppress.opt_outs.people import People, Sought
from suppress.stop_list.opted_out import OptedOut


def find(
    sought: Sought, opted_out: OptedOut, people_at: Callable[[Sequence[int]], People]
) -> tuple[list[int], list[str]]:
    """Find those opted out who have the same line as somebody sought.

    Args:
        sought: whom to find.
        opted_out: those who are opted out.
        people_at: gives the people at positions.

    Returns:
        Their positions, and their numbers.

    Raises:
        Overtaken: one of them was forgotten meanwhile.
    """
    positions: list[int] = []
    numbers: list[str] = []
    for run in opted_out.runs:
        candidates = run.positions[run.places_of(sought.values)].tolist()
        people = people_at(candidates)
        if len(people.numbers) < len(candidates):
            raise Overtaken
        for place in np.flatnonzero(sought.match(people)).tolist():
            positions.append(candidates[place])
            numbers.append(people.numbers[place])
        for person in run.unread_alive:
            if sought.is_unread(f"+{person.digits}"):
                positions.append(person.position)
                numbers.append(f"+{person.digits}")
    return positions, numbers


def not_among(numbers: Sequence[str], opted_out: OptedOut) -> list[str]:
    """Return those of some numbers, each once, that nobody is opted out with."""
    different = list(dict.fromkeys(numbers))
    if not opted_out:
        return different
    values = [int(each) for each in different]
    fitting = np.array([each if each < 2**64 else 0 for each in values], np.uint64)
    known = opted_out.have_firsts(fitting).tolist()
    return [
        number
        for number, is_known in zip(different, known, strict=True)
        if not is_known and number[1:] not in opted_out.unread
    ]
