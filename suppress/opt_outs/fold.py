"""The people who are opted out: all changes of a record, folded.

An addition is in force as long as no later change takes it back. So the order in which changes
are folded does not matter, and one more costs no more than itself.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from suppress.numbers.convention import Convention
from suppress.opt_outs.contract import Changes
from suppress.opt_outs.people import People, read_people
from suppress.stop_list.forgotten import Forgotten
from suppress.stop_list.opted_out import NO_OPT_OUTS, OptedOut
from suppress.stop_list.run import Run

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Fold:
    """The people who are opted out after the change at a position.

    Attributes:
        position: the position; None where there was no change yet.
        channels: who is opted out, by channel.
        unsaved: how many people's changes were folded since the image that this began with.
    """

    position: int | None = None
    channels: Mapping[str, OptedOut] = field(default_factory=lambda: MappingProxyType({}))
    unsaved: int = 0

    def of(self, channel: str) -> OptedOut:
        """Return who is opted out of a channel."""
        return self.channels.get(channel, NO_OPT_OUTS)

    def __len__(self) -> int:
        return sum(len(run) for each in self.channels.values() for run in each.runs)

    def then(self, changes: Sequence[Changes], convention: Convention) -> "Fold":
        """Return who is opted out after some changes more.

        Args:
            changes: all changes behind the position, in order.
            convention: how numbers are to be read.
        """
        if not changes:
            return self
        channels = dict(self.channels)
        for channel in dict.fromkeys(each.channel for each in changes if each.action == "add"):
            added = [each for each in changes if (each.action, each.channel) == ("add", channel)]
            channels[channel] = self.of(channel).and_run(run_of(added, convention))
        taken = np.fromiter((at for each in changes for at in each.takes_back), np.int64)
        return Fold(
            changes[-1].position,
            MappingProxyType({name: each.without(taken) for name, each in channels.items()}),
            self.unsaved + sum(map(len, (each.positions for each in changes))) + len(taken),
        )

    def with_forgotten(self, forgotten: Mapping[str, Forgotten]) -> "Fold":
        """Return the same with others who were forgotten, by channel."""
        channels = {
            name: OptedOut(self.of(name).runs, forgotten.get(name, NO_OPT_OUTS.forgotten))
            for name in {*self.channels, *forgotten}
        }
        return dataclasses.replace(self, channels=MappingProxyType(channels))


NO_FOLD = Fold()


def run_of(changes: Iterable[Changes], convention: Convention) -> Run:
    """Return the people of some additions as a run.

    Args:
        changes: additions to one channel, in order.
        convention: how numbers are to be read.
    """
    positions: list[int] = []
    since: list[NDArray[np.float64]] = [np.zeros(0)]
    for each in changes:
        positions += each.positions
        since.append(np.full(len(each.positions), each.since))
    people = united([each.people for each in changes])
    readings = read_people(people, convention)
    return Run.of(positions, np.concatenate(since), people.numbers, readings)


def united(people: Sequence[People]) -> People:
    """Return all of some people, one after another."""
    if len(people) == 1:
        return people[0]
    columns = zip(People(), *people, strict=True)
    return People(*(list(itertools.chain.from_iterable(column)) for column in columns))
