"""Screening: each recipient is allowed, suppressed or invalid.

A recipient is suppressed if any of its readings is on the snapshot, invalid if it has
none, and allowed otherwise: the same objects in the same order, repeats kept.
"""

import collections
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from phonenumbers import PhoneNumber

from suppress.lazy import cached_property
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.convention import Convention
from suppress.numbers.parsed import MOST_DIGITS
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning, Reading, read
from suppress.screening.receipt import Receipt, ReceiptBuilder
from suppress.stop_list.origins import Origin
from suppress.stop_list.snapshot import Snapshot

R = TypeVar("R")


class Outcome(StrEnum):
    """What screening says of a recipient."""

    ALLOWED = "allowed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"


_OUTCOMES = tuple(Outcome)
_ALLOWED, _SUPPRESSED, _INVALID = range(3)
# Of several numbers of one recipient, one that is listed counts before all others.
_RANKS = np.array([1, 2, 0], np.uint8)
_BY_RANK = np.argsort(_RANKS).astype(np.uint8)


class _Decision(NamedTuple, Generic[R]):
    recipient: R
    outcome: Outcome
    e164: str | None
    reason: str


class Decision(_Decision[R]):
    """The outcome for one recipient; a tuple of the first four.

    Attributes:
        recipient: what was handed in.
        outcome: allowed, suppressed or invalid.
        e164: its first reading; None where it has none.
        reason: why, in words.
        readings: all of its readings, in E.164 form.
        origins: the entries of stop lists that suppress it; none for the others.
    """

    readings: tuple[str, ...] = ()
    origins: tuple[Origin, ...] = ()


class Screening(Generic[R]):
    """The outcome for a list of recipients; iterates over its decisions.

    Args:
        recipients: what is to be screened.
        snapshot: the stop list to screen against.
        default_region: an ISO 3166 region of numbers in national form, or `international`.
        key: takes the number, or a tuple of numbers, from a recipient; None where it is the
            recipient itself.
        screened_at: when that is (aware, UTC); None for now.
        reader: what reads the numbers, in the place of `default_region`; None for a new one.
        numbers: the recipients' numbers, where these are a list and their numbers were taken
            already; None to take them.
        check_types: whether to refuse recipients of which none has a type that a number can
            have; False for a part of them, which may happen to hold nothing else.

    Attributes:
        snapshot: the stop list that it was screened against.
        convention: how the numbers were read.
        screened_at: when that was (aware, UTC).

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
        numbers: list[Any] | None = None,
        check_types: bool = True,
    ) -> None:
        self.snapshot = snapshot
        self.screened_at = datetime.now(UTC) if screened_at is None else screened_at
        self._reader = reader or Reader(Convention(default_region))
        self.convention = self._reader.convention
        if numbers is None or not isinstance(recipients, list):
            recipients, numbers = taken(recipients, key)
        self._parts = list(_parts(recipients, numbers, snapshot, self._reader))
        none = np.zeros(0, np.uint8)
        self._outcomes = np.concatenate([none, *(part.outcomes for part in self._parts)])
        if check_types and len(self._outcomes) and self._outcomes.min() == _INVALID:
            _refuse_foreign(numbers)

    @cached_property
    def numbers(self) -> list[Any]:
        """The recipients' numbers, as handed in."""
        return list(itertools.chain.from_iterable(part.numbers for part in self._parts))

    @cached_property
    def allowed(self) -> list[R]:
        """Those who may be messaged, as handed in, in order."""
        return self.of(Outcome.ALLOWED)

    @cached_property
    def suppressed(self) -> list[R]:
        """Those on the stop list, as handed in, in order."""
        return self.of(Outcome.SUPPRESSED)

    @cached_property
    def invalid(self) -> list[R]:
        """Those without a number that may be messaged, as handed in, in order."""
        return self.of(Outcome.INVALID)

    def receipt(self) -> Receipt:
        """Return what was checked against what: see `Receipt`."""
        builder = ReceiptBuilder(self.snapshot, self.convention, self.screened_at)
        builder.add(self.numbers, self.counts)
        return builder.receipt()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many are `"allowed"`, `"suppressed"` and `"invalid"`."""
        found = np.bincount(self._outcomes, minlength=len(_OUTCOMES)).tolist()
        return {str(outcome): count for outcome, count in zip(_OUTCOMES, found, strict=True)}

    @cached_property
    def problems(self) -> Mapping[Problem, int]:
        """How many of the invalid ones there are by reason."""
        counts = collections.Counter[Problem]()
        for part in self._parts:
            counts.update(map(part.problem, np.flatnonzero(part.outcomes == _INVALID).tolist()))
        return dict(counts)

    def __len__(self) -> int:
        return len(self._outcomes)

    def __iter__(self) -> Iterator[Decision[R]]:
        for part in self._parts:
            for place, recipient in enumerate(part.recipients):
                yield self._decision(recipient, part, place)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        return f"<Screening on {self.snapshot.channel}: {counts}>"

    def of(self, outcome: Outcome) -> list[R]:
        """Those with the outcome, as handed in, in order."""
        recipients = itertools.chain.from_iterable(part.recipients for part in self._parts)
        return list(itertools.compress(recipients, self.where(outcome).tobytes()))

    def where(self, outcome: Outcome) -> NDArray[np.bool_]:
        """Which of the recipients have the outcome."""
        found: NDArray[np.bool_] = np.equal(self._outcomes, _OUTCOMES.index(outcome))
        return found

    def first_readings(self) -> NDArray[np.uint64]:
        """The first reading of each recipient, as an integer of its digits; 0 for none."""
        none = np.zeros(0, np.uint64)
        return np.concatenate([none, *(part.first_readings(self._reader) for part in self._parts)])

    def lines(self) -> NDArray[np.uint64]:
        """The line that each recipient has: `first_readings`, as they are after a change of plan.

        Two forms of one line are equal here.
        """
        values = self.first_readings()
        change_of = self.convention.renumbering.change_of
        places, new = [], []
        several = [np.zeros(0, np.bool_), *(part.may_have_several() for part in self._parts)]
        for place in np.flatnonzero(np.concatenate(several)).tolist():
            digits = str(values[place])
            change = change_of(digits)
            if change is not None and len(form := change.new_form(digits)) <= MOST_DIGITS:
                places.append(place)
                new.append(int(form))
        # It is another form of the line only where it is a reading too.
        further = [values[:0], *(each.found.several.values for each in self._parts)]
        forms = np.array(new, np.uint64)
        is_reading = np.isin(forms, np.concatenate(further))
        values[np.array(places, np.intp)[is_reading]] = forms[is_reading]
        return values

    def explained(self, place: int) -> tuple[str, tuple[Origin, ...]]:
        """The reason for the outcome of one recipient, and the entries that suppress it.

        Args:
            place: which of the recipients, from 0.
        """
        part, place = divmod(place, BATCH_SIZE)
        return self._explained(self._parts[part], place)

    def _decision(self, recipient: R, part: "_Part[R]", place: int) -> Decision[R]:
        outcome = _OUTCOMES[part.outcomes.item(place)]
        meaning = None
        if outcome is Outcome.SUPPRESSED:
            meaning = part.meaning(place, self.convention)
            readings = tuple(each.e164 for each in meaning.readings)
        else:
            readings = part.readings(place, self.convention)
        reason, origins = self._explained(part, place, meaning)
        decision = Decision(recipient, outcome, readings[0] if readings else None, reason)
        decision.readings = readings
        decision.origins = origins
        return decision

    def _explained(
        self, part: "_Part[R]", place: int, meaning: Meaning | None = None
    ) -> tuple[str, tuple[Origin, ...]]:
        """The reason for an outcome, and the entries that make it."""
        outcome = _OUTCOMES[part.outcomes.item(place)]
        if outcome is Outcome.ALLOWED:
            return f"not listed for {self.snapshot.channel}", ()
        number = part.number(place)
        if outcome is Outcome.INVALID:
            problem = part.problem(place)
            of_type = f", but {type(number).__name__}" if problem is Problem.WRONG_TYPE else ""
            return f"{problem.words}{of_type}", ()
        if meaning is None:
            meaning = part.meaning(place, self.convention)
        origins = self.snapshot.why(meaning, number)
        by = " and ".join(map(self._named, origins)) or " or ".join(self.snapshot.sources)
        listed = self.snapshot.listed(meaning)
        note = f", {listed.note}" if listed is not None and listed.note else ""
        # Where both have the old form, the entry's has been told.
        note = "" if note and note in by else note
        return f"listed for {self.snapshot.channel} by {by}{note}", origins

    def _named(self, origin: Origin) -> str:
        """An entry in words, and how its form of a number meets the recipient's."""
        if origin.listed_as is None:
            return str(origin)
        digits = origin.listed_as[1:]
        change = self.convention.renumbering.change_of(digits)
        if change is None:
            return f"{origin} as {origin.listed_as}"
        since = "" if change.begins is None else f" since {change.begins}"
        return f"{origin} as {origin.listed_as}, which is +{change.new_form(digits)}{since}"


class _Part(Generic[R]):
    """Some of the recipients, screened together.

    Args:
        recipients: the recipients.
        numbers: the number, or the tuple of numbers, of each of them.
        snapshot: the stop list to screen against.
        reader: reads the numbers.

    Attributes:
        recipients: the recipients.
        numbers: the number, or the tuple of numbers, of each of them.
        singles: each number on its own.
        found: what these mean.
        outcomes: the outcome of each recipient, by its place in `_OUTCOMES`.
    """

    def __init__(
        self,
        recipients: list[R],
        numbers: list[Any],
        snapshot: Snapshot,
        reader: Reader,
    ) -> None:
        self.recipients = recipients
        self.numbers = numbers
        self.singles, self._owners = self.numbers, None
        self.found = reader.read_all(self.singles)
        if not self.found.texts and _any_tuple(self.numbers):
            self.singles, self._owners = _singles(self.numbers)
            self.found = reader.read_all(self.singles)
        outcomes = np.zeros(len(self.singles), np.uint8)
        np.putmask(outcomes, self.found.invalid, _INVALID)
        np.putmask(outcomes, snapshot.lists_all(self.found, reader), _SUPPRESSED)
        self.outcomes = self._single_outcomes = outcomes
        if self._owners is not None:
            ranks = np.zeros(len(recipients), np.uint8)
            np.maximum.at(ranks, self._owners, _RANKS.take(outcomes))
            self.outcomes = _BY_RANK.take(ranks)

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        """Which of the numbers decides for each recipient; the count where none does."""
        none = len(self.singles)
        if self._owners is None:
            return np.arange(none)
        places = np.full(len(self.outcomes), none)
        # Of several that decide alike, the first.
        deciding = np.flatnonzero(self._single_outcomes == self.outcomes[self._owners])[::-1]
        places[self._owners[deciding]] = deciding
        return places

    @cached_property
    def _several(self) -> NDArray[np.bool_]:
        """Which of the numbers may have more than one reading."""
        several = np.zeros(len(self.singles) + 1, np.bool_)
        several[self.found.several.places] = True
        return several

    def may_have_several(self) -> NDArray[np.bool_]:
        """Which of the recipients may have more than one reading."""
        return self._several[self._places]

    def first_readings(self, reader: Reader) -> NDArray[np.uint64]:
        """The first reading of each recipient, as an integer of its digits; 0 for none."""
        values = np.append(reader.firsts(self.found), np.uint64(0))
        return values[self._places]

    def number(self, place: int) -> Any:
        """The number that decides for a recipient; None where it has none."""
        single = self._places.item(place)
        return self.singles[single] if single < len(self.singles) else None

    def problem(self, place: int) -> Problem:
        """What is wrong with an invalid recipient."""
        single = self._places.item(place)
        if single == len(self.singles):
            return Problem.NO_NUMBER
        return self.found.problem(single) or Problem.NOT_A_NUMBER

    def readings(self, place: int, convention: Convention) -> tuple[str, ...]:
        """The readings of a recipient, in E.164 form."""
        single = self._places.item(place)
        if self._several[single]:
            return tuple(each.e164 for each in read(self.singles[single], convention).readings)
        value = self.found.values.item(single) if single < len(self.singles) else 0
        return (f"+{value}",) if value else ()

    def meaning(self, place: int, convention: Convention) -> Meaning:
        """The readings of a recipient who has a number, with what is to be said of them."""
        single = self._places.item(place)
        number, value = self.singles[single], self.found.values.item(single)
        if type(number) is str and number == f"+{value}" and not self._several[single]:
            return Meaning((Reading(number),))
        return read(number, convention)


def taken(
    recipients: Iterable[R], key: Callable[[R], Any] | None = None
) -> tuple[list[R], list[Any]]:
    """Read all recipients, and take their numbers.

    Args:
        recipients: any iterable of them.
        key: takes the number from a recipient; None where it is the recipient itself.

    Raises:
        TypeError: it is one number.
    """
    if isinstance(recipients, str | bytes):
        raise TypeError("one number was given where a list of them belongs")
    all_of_them = recipients if type(recipients) is list else list(recipients)
    if key is None:
        return all_of_them, all_of_them
    return all_of_them, [key(each) for each in all_of_them]


def allowed(recipients: list[R], numbers: list[Any], snapshot: Snapshot, reader: Reader) -> list[R]:
    """Return the recipients who may be messaged, as `Screening.allowed` has them.

    Nothing else is kept of them. Each batch is done with while the processor's cache has it.

    Args:
        recipients: what is to be screened.
        numbers: their numbers, as `taken` gives them.
        snapshot: the stop list to screen against.
        reader: reads the numbers.

    Raises:
        TypeError: nothing that was handed in is of a type that a number can have.
    """
    found: list[R] = []
    all_invalid = True
    for part in _parts(recipients, numbers, snapshot, reader):
        found += itertools.compress(part.recipients, (part.outcomes == _ALLOWED).tobytes())
        all_invalid = all_invalid and part.outcomes.min() == _INVALID
    if all_invalid:
        _refuse_foreign(numbers)
    return found


def _parts(
    recipients: list[R], numbers: list[Any], snapshot: Snapshot, reader: Reader
) -> Iterator[_Part[R]]:
    for start in range(0, len(recipients), BATCH_SIZE):
        some = recipients[start : start + BATCH_SIZE]
        theirs = some if numbers is recipients else numbers[start : start + BATCH_SIZE]
        yield _Part(some, theirs, snapshot, reader)


def _any_tuple(numbers: list[Any]) -> bool:
    return any(issubclass(kind, tuple) for kind in set(map(type, numbers)))


def _singles(numbers: list[Any]) -> tuple[list[Any], NDArray[np.intp]]:
    """Each number on its own, and whose it is."""
    # Its own members, and not what a subclass iterates over.
    several = [
        list(tuple.__iter__(each)) if issubclass(type(each), tuple) else [each] for each in numbers
    ]
    owners = np.repeat(np.arange(len(several)), list(map(len, several)))
    return list(itertools.chain.from_iterable(several)), owners


_MISSING = ("NAType", "NaTType")


def _refuse_foreign(numbers: list[Any]) -> None:
    """Refuse a list in which nothing has a type that a number can have.

    Raises:
        TypeError: that is so. What stands for a missing number is passed over.
    """
    kinds = {
        type(each)
        for each in _singles(numbers)[0]
        if each is not None
        and not isinstance(each, bool | np.bool_)
        and type(each).__name__ not in _MISSING
    }
    if not kinds or any(issubclass(each, str | float | Decimal | np.floating) for each in kinds):
        return
    if any(hasattr(each, "__index__") or issubclass(each, PhoneNumber) for each in kinds):
        return
    names = ", ".join(sorted(each.__name__ for each in kinds))
    raise TypeError(
        f"no recipient is a number, but {names}: hand over text or whole numbers, or name with "
        "key= what takes the number from a recipient"
    )
