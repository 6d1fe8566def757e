"""The breakdown of a campaign: its recipients by source, age, reason, country and problem.

It is gathered batch by batch. However long a campaign is, what is kept stays as small: counts,
and a few masked examples.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.mask import mask, mask_numbers
from suppress.numbers.problem import Problem
from suppress.numbers.rule import POWERS
from suppress.opt_outs.contract import Change
from suppress.screening.attribution import FORGOTTEN, NO_POSITION, Attribution
from suppress.screening.outcome import Outcome
from suppress.screening.screening import Screening
from suppress.stop_list.entry_details import NONE

ChangesAt = Callable[[NDArray[np.int64]], Sequence[Change]]
"""Gives the changes at some positions of the record of opt-outs."""

PREFIX_DIGITS = 4
"""Leading digits by which recipients are counted: they tell the country."""

AGES = (1, 7, 28, 91, 365, 730)
"""Days that divide opt-outs by their age; the last group is older than all of them."""

UNKNOWN = ""
"""In place of a source's name, or of a reason that nobody gave."""

_DAY = 86_400
_NOT_KNOWN = np.iinfo(np.int64).max


class BreakdownLimits(NamedTuple):
    """The limits of a breakdown.

    Attributes:
        examples: most examples of a problem.
        reasons: most reasons of opt-outs that are told apart; later ones count together.
        shown: most characters of an example or a reason.
    """

    examples: int = 3
    reasons: int = 1_000
    shown: int = 60


_LIMITS = BreakdownLimits()


class Example(NamedTuple):
    """An invalid recipient.

    Attributes:
        line: the number of its line, from 1; of the recipient where there are no lines.
        number: its number, masked.
    """

    line: int
    number: str


@dataclass(frozen=True)
class Breakdown:
    """The recipients of a campaign by what they have in common.

    Attributes:
        sources: the suppressed by source: a recipient that two sources list counts for both.
            `opt-outs` are those who were opted out here; an empty name, those whose source is
            not known.
        in_several: how many of the suppressed are listed by several sources.
        ages: the suppressed by the age of their earliest opt-out: a count for each of the
            spans that are divided at 1, 7, 28, 91, 365 and 730 days before the screening.
        undated: the suppressed whose entries have no date.
        reasons: those who were opted out here, by the reason that was given.
        ways: those of them for whom no reason was given, by how the opt-out came; empty for
            unknown.
        other_reasons: those whose reason is not among `reasons`, because there are too many.
        forgotten: those who were opted out here and asked to be forgotten.
        allowed: the allowed by the first digits of their numbers.
        suppressed: the suppressed, likewise.
        problems: the invalid by reason.
        examples: some of the invalid, by reason.
    """

    sources: Mapping[str, int]
    in_several: int
    ages: tuple[int, ...]
    undated: int
    reasons: Mapping[str, int]
    ways: Mapping[str, int]
    other_reasons: int
    forgotten: int
    allowed: Mapping[int, int]
    suppressed: Mapping[int, int]
    problems: Mapping[Problem, int]
    examples: Mapping[Problem, tuple[Example, ...]] = field(repr=False)


class BreakdownBuilder:
    """A breakdown in the making.

    Args:
        limits: how much is kept.
    """

    def __init__(self, limits: BreakdownLimits = _LIMITS) -> None:
        self._limits = limits
        self._sources = Counter[str]()
        self._in_several = self._undated = self._other_reasons = self._forgotten = 0
        self._ages = np.zeros(len(AGES) + 1, np.int64)
        self._reasons = Counter[str]()
        self._ways = Counter[str]()
        self._prefixes = {
            outcome: np.zeros(10**PREFIX_DIGITS, np.int64)
            for outcome in (Outcome.ALLOWED, Outcome.SUPPRESSED)
        }
        self._problems = Counter[Problem]()
        self._examples: dict[Problem, list[Example]] = {}
        self._count = 0

    def add(
        self,
        screening: Screening[Any],
        lines: Sequence[int] | None = None,
        changes_at: ChangesAt | None = None,
    ) -> None:
        """Add the next recipients.

        Args:
            screening: their outcomes.
            lines: for each the number of its line; None to count them.
            changes_at: gives the changes of the record of opt-outs; None where there is none.

        Raises:
            StoreUnavailable: the record cannot be read.
        """
        self._add_countries(screening)
        if screening.counts[Outcome.SUPPRESSED]:
            self._add_suppressed(screening, changes_at)
        if screening.counts[Outcome.INVALID]:
            self._add_invalid(screening, lines)
        self._count += len(screening)

    def _add_countries(self, screening: Screening[Any]) -> None:
        values = screening.first_readings()
        lengths = np.searchsorted(POWERS, values.view(np.int64), side="right")
        prefixes = values.view(np.int64) // POWERS[np.maximum(lengths - PREFIX_DIGITS, 0)]
        for outcome, counts in self._prefixes.items():
            found = prefixes[screening.where(outcome)]
            np.add(counts, np.bincount(found, minlength=len(counts)), out=counts)

    def _add_suppressed(self, screening: Screening[Any], changes_at: ChangesAt | None) -> None:
        found = Attribution.of(screening)
        pairs = distinct(found.places * len(found.names) + found.sources)
        whose, by = np.divmod(pairs, len(found.names))
        counts = np.bincount(by, minlength=len(found.names)).tolist()
        self._sources.update(
            {name: count for name, count in zip(found.names, counts, strict=True) if count}
        )
        recipients, listings = np.unique(whose, return_counts=True)
        self._in_several += int(np.count_nonzero(listings > 1))
        if unknown := screening.counts[Outcome.SUPPRESSED] - len(recipients):
            self._sources[UNKNOWN] += unknown
        earliest = np.full(len(screening), _NOT_KNOWN)
        is_dated = found.added != NONE
        np.minimum.at(earliest, found.places[is_dated], found.added[is_dated])
        dated = earliest[earliest != _NOT_KNOWN]
        self._undated += screening.counts[Outcome.SUPPRESSED] - len(dated)
        age = int(screening.screened_at.timestamp()) - dated
        group = np.searchsorted(np.array(AGES) * _DAY, age, side="right")
        self._ages += np.bincount(group, minlength=len(self._ages))
        self._add_reasons(found, changes_at)

    def _add_reasons(self, found: Attribution, changes_at: ChangesAt | None) -> None:
        here = np.flatnonzero(found.sources == 0)
        # Of several additions of a person the first one counts.
        here = here[np.lexsort((found.added[here], found.positions[here] < 0, found.places[here]))]
        _, first = np.unique(found.places[here], return_index=True)
        chosen = here[first]
        positions = found.positions[chosen]
        self._forgotten += int(np.count_nonzero(positions == FORGOTTEN))
        self._ways[UNKNOWN] += int(np.count_nonzero(positions == NO_POSITION))
        firsts = dict(
            zip(positions.tolist(), (f"+{each}" for each in found.firsts[chosen]), strict=True)
        )
        times = Counter(positions[positions >= 0].tolist())
        sought = np.array(sorted(times), np.int64)
        for change in changes_at(sought) if changes_at is not None and len(sought) else ():
            # One that could not be kept has a position of its own, that of another in the record.
            if firsts[change.position] == change.number:
                self._add_reason(change, times.pop(change.position))
        self._ways[UNKNOWN] += times.total()

    def _add_reason(self, change: Change, count: int) -> None:
        reason = mask_numbers((change.reason or "").strip(), self._limits.shown)
        counts = self._reasons if reason else self._ways
        key = reason or mask_numbers((change.via or UNKNOWN).strip(), self._limits.shown)
        if key in counts or len(counts) < self._limits.reasons:
            counts[key] += count
        else:
            self._other_reasons += count

    def _add_invalid(self, screening: Screening[Any], lines: Sequence[int] | None) -> None:
        self._problems.update(screening.problems)
        most = self._limits.examples
        wanted = {each for each in screening.problems if len(self._examples.get(each, ())) < most}
        for place in np.flatnonzero(screening.where(Outcome.INVALID)).tolist():
            if not wanted:
                break
            problem = screening.problem(place)
            if problem in wanted:
                line = self._count + place + 1 if lines is None else lines[place]
                number = screening.number(place)
                shown = "" if problem is Problem.NO_NUMBER else mask(number, self._limits.shown)
                some = self._examples.setdefault(problem, [])
                some.append(Example(line, shown))
                if len(some) == most:
                    wanted.remove(problem)

    def breakdown(self) -> Breakdown:
        """Return the breakdown of everything that was added."""
        found = {
            outcome: {place: counts.item(place) for place in np.flatnonzero(counts).tolist()}
            for outcome, counts in self._prefixes.items()
        }
        return Breakdown(
            sources=dict(self._sources.most_common()),
            in_several=self._in_several,
            ages=tuple(self._ages.tolist()),
            undated=self._undated,
            reasons=dict(self._reasons.most_common()),
            ways={way: count for way, count in self._ways.most_common() if count},
            other_reasons=self._other_reasons,
            forgotten=self._forgotten,
            allowed=found[Outcome.ALLOWED],
            suppressed=found[Outcome.SUPPRESSED],
            problems=dict(self._problems.most_common()),
            examples={problem: tuple(some) for problem, some in self._examples.items()},
        )
