"""The screening of a list: each recipient is allowed, suppressed or invalid.

A recipient is suppressed if any of its readings is on the snapshot, invalid if it has
none, and allowed otherwise: the same objects in the same order, repeats kept.
"""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from suppress.lazy import cached_property
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.e164_array import Pairs
from suppress.numbers.handed_in import Numbers
from suppress.numbers.mask import mask_numbers
from suppress.numbers.parsed import MOST_DIGITS
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning
from suppress.screening.outcome import Decision, Outcome
from suppress.screening.receipt import Receipt, ReceiptBuilder
from suppress.screening.recipients import refuse_foreign, taken
from suppress.screening.segment import ALLOWED, INVALID, OUTCOMES, Matches, Segment
from suppress.screening.tally import OutcomeTally
from suppress.stop_list.origins import Origin
from suppress.stop_list.snapshot import Snapshot

R = TypeVar("R")


class Screening(Generic[R]):
    """The outcome for a list of recipients; iterates over its decisions.

    Args:
        recipients: the list to screen.
        snapshot: the stop list to screen against.
        default_region: an ISO 3166 region of numbers in national form, or `international`.
        key: takes the number, or a tuple of numbers, from a recipient; None where it is the
            recipient itself.
        screened_at: the time of the screening (aware, UTC); None for now.
        reader: reads the numbers, in place of `default_region`; None for a new one.
        numbers: the recipients' numbers, where these are a sequence and their numbers were
            taken already; None to take them.
        check_types: whether to refuse recipients of which none has a type that a number can
            have; False for a part of them, which may happen to hold nothing else.

    Attributes:
        snapshot: the stop list that it was screened against.
        convention: the rules by which the numbers were read.
        screened_at: the time of the screening (aware, UTC).
        codes: the outcome of each recipient, as a code of `segment`.

    Raises:
        TypeError: nothing that was handed in is of a type that a number can have.
    """

    def __init__(
        self,
        recipients: Iterable[R],
        snapshot: Snapshot,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
        screened_at: datetime | None = None,
        reader: Reader | None = None,
        numbers: Numbers | None = None,
        check_types: bool = True,
    ) -> None:
        self.snapshot = snapshot
        self.screened_at = datetime.now(UTC) if screened_at is None else screened_at
        self._reader = reader or Reader(Convention(default_region))
        self.convention = self._reader.convention
        in_order = cast("Sequence[R]", recipients)
        if numbers is None:
            in_order, numbers = taken(recipients, key)
        self._segments = list(_segments(in_order, numbers, snapshot, self._reader))
        none = np.zeros(0, np.uint8)
        self.codes = np.concatenate([none, *(segment.outcomes for segment in self._segments)])
        if check_types and len(self.codes) and self.codes.max() == INVALID:
            refuse_foreign(numbers)

    @cached_property
    def numbers(self) -> list[Any]:
        """The recipients' numbers, as handed in."""
        return list(itertools.chain.from_iterable(segment.numbers for segment in self._segments))

    @cached_property
    def allowed(self) -> list[R]:
        """The recipients who may be messaged, as handed in, in order."""
        return self.of(Outcome.ALLOWED)

    @cached_property
    def suppressed(self) -> list[R]:
        """The recipients on the stop list, as handed in, in order."""
        return self.of(Outcome.SUPPRESSED)

    @cached_property
    def invalid(self) -> list[R]:
        """The recipients without a usable number, as handed in, in order."""
        return self.of(Outcome.INVALID)

    def receipt(self) -> Receipt:
        """Return the receipt of the screening."""
        builder = ReceiptBuilder(self.snapshot, self.convention, self.screened_at)
        builder.add(self.numbers, self.counts)
        return builder.receipt()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """The number of recipients that are `"allowed"`, `"suppressed"` and `"invalid"`."""
        found = np.bincount(self.codes, minlength=len(OUTCOMES)).tolist()
        return {str(outcome): found[OUTCOMES.index(outcome)] for outcome in Outcome}

    @cached_property
    def problems(self) -> Mapping[Problem, int]:
        """The number of invalid recipients by reason."""
        counts = collections.Counter[Problem]()
        for segment in self._segments:
            counts.update(
                map(segment.problem, np.flatnonzero(segment.outcomes == INVALID).tolist())
            )
        return dict(counts)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Decision[R]]:
        for segment in self._segments:
            for place, recipient in enumerate(segment.recipients):
                yield self._decision(recipient, segment, place)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        return f"<Screening on {self.snapshot.channel}: {counts}>"

    def of(self, outcome: Outcome) -> list[R]:
        """Return the recipients with an outcome, as handed in, in order."""
        recipients = itertools.chain.from_iterable(segment.recipients for segment in self._segments)
        return list(itertools.compress(recipients, self.where(outcome).tobytes()))

    def where(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Return for each recipient whether it has an outcome."""
        found: NDArray[np.bool_] = np.equal(self.codes, OUTCOMES.index(outcome))
        return found

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The allowed recipients, as an array of booleans that picks rows."""
        return self.where(Outcome.ALLOWED)

    def first_readings(self) -> NDArray[np.uint64]:
        """Return the first reading of each recipient, as an integer of its digits; 0 for none."""
        none = np.zeros(0, np.uint64)
        return np.concatenate(
            [none, *(segment.first_readings(self._reader) for segment in self._segments)]
        )

    def lines(self) -> NDArray[np.uint64]:
        """Return the line of each recipient: its first reading after every change of plan.

        Two forms of one line are equal here.
        """
        values = self.first_readings()
        change_of = self.convention.renumbering.change_of
        places, new = [], []
        several = [
            np.zeros(0, np.bool_),
            *(segment.may_have_several() for segment in self._segments),
        ]
        for place in np.flatnonzero(np.concatenate(several)).tolist():
            digits = str(values[place])
            change = change_of(digits)
            if change is not None and len(form := change.new_form(digits)) <= MOST_DIGITS:
                places.append(place)
                new.append(int(form))
        # It is another form of the line only where it is a reading too.
        further = [values[:0], *(each.found.several.values for each in self._segments)]
        forms = np.array(new, np.uint64)
        is_reading = np.isin(forms, np.concatenate(further))
        values[np.array(places, np.intp)[is_reading]] = forms[is_reading]
        return values

    def matches(self) -> Matches:
        """Return the readings that suppress the recipients."""
        found = [each.matches(self.snapshot, self.convention) for each in self._segments]
        starts = range(0, len(self), BATCH_SIZE)
        return Matches(
            Pairs.joined(
                Pairs(each.pairs.places + start, each.pairs.values)
                for start, each in zip(starts, found, strict=True)
            ),
            [
                (place + start, origin)
                for start, each in zip(starts, found, strict=True)
                for place, origin in each.by_digits
            ],
        )

    def problem(self, place: int) -> Problem:
        """Return why a recipient is invalid."""
        segment, place = divmod(place, BATCH_SIZE)
        return self._segments[segment].problem(place)

    def number(self, place: int) -> Any:
        """Return the number that decides for a recipient; None where it has none."""
        segment, place = divmod(place, BATCH_SIZE)
        return self._segments[segment].number(place)

    def explained(self, place: int) -> tuple[str, tuple[Origin, ...]]:
        """Return the reason for the outcome of one recipient, and the entries that suppress it.

        Args:
            place: the place of the recipient, from 0.
        """
        segment, place = divmod(place, BATCH_SIZE)
        return self._explained(self._segments[segment], place)

    def _decision(self, recipient: R, segment: Segment[R], place: int) -> Decision[R]:
        outcome = OUTCOMES[segment.outcomes.item(place)]
        meaning = None
        if outcome is Outcome.SUPPRESSED:
            meaning = segment.meaning(place, self.convention)
            readings = tuple(each.e164 for each in meaning.readings)
        else:
            readings = segment.readings(place, self.convention)
        reason, origins = self._explained(segment, place, meaning)
        decision = Decision(recipient, outcome, readings[0] if readings else None, reason)
        # Another form of the number is shown with its plus.
        if meaning is None or "+" not in reason:
            decision.masked_reason = reason
        else:
            decision.masked_reason = self._listed(meaning, origins, mask_numbers)
        decision.readings = readings
        decision.origins = origins
        return decision

    def _explained(
        self, segment: Segment[R], place: int, meaning: Meaning | None = None
    ) -> tuple[str, tuple[Origin, ...]]:
        """Return the reason for an outcome, and the entries that make it."""
        outcome = OUTCOMES[segment.outcomes.item(place)]
        if outcome is Outcome.ALLOWED:
            return f"not listed for {self.snapshot.channel}", ()
        number = segment.number(place)
        if outcome is Outcome.INVALID:
            problem = segment.problem(place)
            of_type = f", but {type(number).__name__}" if problem is Problem.WRONG_TYPE else ""
            return f"{problem.words}{of_type}", ()
        if meaning is None:
            meaning = segment.meaning(place, self.convention)
        origins = self.snapshot.why(meaning, number)
        return self._listed(meaning, origins, str), origins

    def _listed(
        self, meaning: Meaning, origins: Iterable[Origin], show: Callable[[str], str]
    ) -> str:
        """Return why a recipient is suppressed, by these entries.

        Args:
            meaning: the readings of the recipient.
            origins: the entries.
            show: makes a form of the number, or a text with it, fit to be shown.
        """
        by = " and ".join(_named(each, self.convention, show) for each in origins)
        by = by or " or ".join(self.snapshot.sources)
        listed = self.snapshot.listed(meaning)
        note = f", {show(listed.note)}" if listed is not None and listed.note else ""
        # If both have the old form, the entry has said so already.
        note = "" if note and note in by else note
        return f"listed for {self.snapshot.channel} by {by}{note}"


def _named(origin: Origin, convention: Convention, show: Callable[[str], str]) -> str:
    """Return an entry in words, with its own form of the number if that is another one."""
    if origin.listed_as is None:
        return str(origin)
    digits, shown = origin.listed_as[1:], f"{origin} as {show(origin.listed_as)}"
    change = convention.renumbering.change_of(digits)
    if change is None:
        return shown
    since = "" if change.begins is None else f" since {change.begins}"
    return f"{shown}, which is {show(f'+{change.new_form(digits)}')}{since}"


def allowed(
    recipients: Sequence[R],
    numbers: Numbers,
    snapshot: Snapshot,
    reader: Reader,
    tally: OutcomeTally,
) -> list[R]:
    """Return the recipients who may be messaged, as `Screening.allowed` has them.

    Nothing else is kept. Each batch is finished while it is in the cache of the processor.

    Args:
        recipients: the recipients to screen.
        numbers: their numbers, as `taken` gives them.
        snapshot: the stop list to screen against.
        reader: reads the numbers.
        tally: counts the outcomes.

    Raises:
        TypeError: nothing that was handed in is of a type that a number can have.
    """
    found: list[R] = []
    all_invalid = True
    for segment in _segments(recipients, numbers, snapshot, reader):
        found += itertools.compress(segment.recipients, (segment.outcomes == ALLOWED).tobytes())
        all_invalid = all_invalid and segment.outcomes.max() == INVALID
        tally.add(segment.outcomes)
    if all_invalid:
        refuse_foreign(numbers)
    return found


def outcomes_of(numbers: Numbers, snapshot: Snapshot, reader: Reader) -> NDArray[np.uint8]:
    """Return the outcome of each number, as a code of `segment`; nothing else is kept.

    Arguments as for `allowed`.
    """
    none = np.zeros(0, np.uint8)
    segments = _segments(cast("Sequence[Any]", numbers), numbers, snapshot, reader)
    return np.concatenate([none, *(segment.outcomes for segment in segments)])


def _segments(
    recipients: Sequence[R], numbers: Numbers, snapshot: Snapshot, reader: Reader
) -> Iterator[Segment[R]]:
    for start in range(0, len(recipients), BATCH_SIZE):
        some = recipients[start : start + BATCH_SIZE]
        theirs = some if numbers is recipients else numbers[start : start + BATCH_SIZE]
        yield Segment(some, theirs, snapshot, reader)
