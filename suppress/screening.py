"""Screening: each recipient is allowed, suppressed or invalid.

Whoever is on the snapshot is suppressed, what is no phone number is invalid, and the
rest are allowed: the same objects in the same order, repeats kept.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from suppress.numbers.bulk import AT_ONCE, E164Array, e164_all
from suppress.numbers.e164 import why_invalid
from suppress.receipt import Receipt, ReceiptBuilder
from suppress.stop_list.origins import Origin
from suppress.stop_list.snapshot import Snapshot

R = TypeVar("R")


class Outcome(StrEnum):
    """What screening says of a recipient."""

    ALLOWED = "allowed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"


_OUTCOMES = tuple(Outcome)
_SUPPRESSED, _INVALID = map(_OUTCOMES.index, (Outcome.SUPPRESSED, Outcome.INVALID))


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
        e164: its number in E.164 form; None for an invalid one.
        reason: why, in words, without the number.
        origins: the entries of stop lists that suppress it; none for the others.
    """

    origins: tuple[Origin, ...] = ()


class Screening(Generic[R]):
    """The outcome for a list of recipients; iterates over its decisions.

    Args:
        recipients: what is to be screened.
        snapshot: the stop list to screen against.
        default_region: ISO 3166 region of numbers in national form.
        key: takes the number from a recipient; None where it is the recipient itself.
        screened_at: when that is (aware, UTC); None for now.

    Attributes:
        snapshot: the stop list that it was screened against.
        default_region: the region of numbers in national form.
        numbers: the recipients' numbers, as handed in.
        screened_at: when that was (aware, UTC).
    """

    def __init__(
        self,
        recipients: Iterable[R],
        snapshot: Snapshot,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
        screened_at: datetime | None = None,
    ) -> None:
        if isinstance(recipients, str | bytes):
            raise TypeError("one number was given where a list of them belongs")
        self.snapshot = snapshot
        self.screened_at = datetime.now(UTC) if screened_at is None else screened_at
        self._recipients = list(recipients)
        self.numbers: list[Any] = (
            self._recipients if key is None else [key(each) for each in self._recipients]
        )
        self.default_region = default_region
        self._canonical: list[E164Array] = []
        self._outcomes = np.zeros(len(self.numbers), np.uint8)
        for start in range(0, len(self.numbers), AT_ONCE):
            numbers = self.numbers[start : start + AT_ONCE]
            canonical = e164_all(numbers, default_region)
            outcomes = self._outcomes[start : start + AT_ONCE]
            np.putmask(outcomes, snapshot.lists_all(canonical, numbers), _SUPPRESSED)
            np.putmask(outcomes, canonical.values == 0, _INVALID)
            self._canonical.append(canonical)

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
        """Those that are no phone numbers, as handed in, in order."""
        return self.of(Outcome.INVALID)

    def receipt(self) -> Receipt:
        """What was checked against what: see `Receipt`."""
        tally = ReceiptBuilder(self.snapshot, self.default_region, self.screened_at)
        tally.add(self.numbers, self.counts)
        return tally.receipt()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many are `"allowed"`, `"suppressed"` and `"invalid"`."""
        found = np.bincount(self._outcomes, minlength=len(_OUTCOMES)).tolist()
        return {str(outcome): count for outcome, count in zip(_OUTCOMES, found, strict=True)}

    def __len__(self) -> int:
        return len(self._recipients)

    def __iter__(self) -> Iterator[Decision[R]]:
        e164 = (each.text(i) for each in self._canonical for i in range(len(each.values)))
        for recipient, number, code, canonical in zip(
            self._recipients, self.numbers, self._outcomes.tolist(), e164, strict=True
        ):
            yield self._decision(recipient, number, _OUTCOMES[code], canonical)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        return f"<Screening on {self.snapshot.channel}: {counts}>"

    def of(self, outcome: Outcome) -> list[R]:
        """Those with the outcome, as handed in, in order."""
        chosen = self._outcomes == _OUTCOMES.index(outcome)
        return list(itertools.compress(self._recipients, chosen.tobytes()))

    def _decision(
        self, recipient: R, number: Any, outcome: Outcome, canonical: str | None
    ) -> Decision[R]:
        channel = self.snapshot.channel
        if canonical is None:
            why = why_invalid(number, self.default_region)
            return Decision(recipient, outcome, None, why)
        if outcome is Outcome.ALLOWED:
            return Decision(recipient, outcome, canonical, f"not listed for {channel}")
        origins = self.snapshot.why(canonical, number)
        by = " and ".join(map(str, origins)) or " or ".join(self.snapshot.sources)
        decision = Decision(recipient, outcome, canonical, f"listed for {channel} by {by}")
        decision.origins = origins
        return decision
