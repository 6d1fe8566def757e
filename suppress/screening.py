"""Screening: each recipient is allowed, suppressed or invalid.

Whoever is on the snapshot is suppressed, what is no phone number is invalid, and the
rest are allowed: the same objects in the same order, repeats kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

from suppress.numbers import e164_all, why_invalid
from suppress.snapshot import Snapshot

R = TypeVar("R")


class Outcome(StrEnum):
    """What screening says of a recipient."""

    ALLOWED = "allowed"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"


class Decision(NamedTuple, Generic[R]):
    """The outcome for one recipient.

    Attributes:
        recipient: what was handed in.
        outcome: allowed, suppressed or invalid.
        e164: its number in E.164 form; None for an invalid one.
        reason: why, in words, without the number.
    """

    recipient: R
    outcome: Outcome
    e164: str | None
    reason: str


class Screening(Generic[R]):
    """The outcome for a list of recipients; iterates over its decisions.

    Args:
        recipients: what is to be screened.
        snapshot: the stop list to screen against.
        default_region: ISO 3166 region of numbers in national form.
        key: takes the number from a recipient; None where it is the recipient itself.
    """

    def __init__(
        self,
        recipients: Iterable[R],
        snapshot: Snapshot,
        *,
        default_region: str | None = None,
        key: Callable[[R], Any] | None = None,
    ) -> None:
        if isinstance(recipients, str | bytes):
            raise TypeError("one number was given where a list of them belongs")
        self.snapshot = snapshot
        self._recipients = list(recipients)
        self._numbers: list[Any] = (
            self._recipients if key is None else [key(each) for each in self._recipients]
        )
        self._default_region = default_region
        self._e164 = e164_all(self._numbers, default_region)
        lists = snapshot.lists
        self._outcomes = [
            Outcome.INVALID
            if canonical is None
            else Outcome.SUPPRESSED
            if lists(canonical, number)
            else Outcome.ALLOWED
            for canonical, number in zip(self._e164, self._numbers, strict=True)
        ]

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

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many are `"allowed"`, `"suppressed"` and `"invalid"`."""
        found = Counter(self._outcomes)
        return {outcome: found[outcome] for outcome in Outcome}

    def __len__(self) -> int:
        return len(self._recipients)

    def __iter__(self) -> Iterator[Decision[R]]:
        for recipient, number, outcome, canonical in zip(
            self._recipients, self._numbers, self._outcomes, self._e164, strict=True
        ):
            yield Decision(recipient, outcome, canonical, self._reason(outcome, number))

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in self.counts.items())
        return f"<Screening on {self.snapshot.channel}: {counts}>"

    def of(self, outcome: Outcome) -> list[R]:
        """Those with the outcome, as handed in, in order."""
        pairs = zip(self._recipients, self._outcomes, strict=True)
        return [recipient for recipient, each in pairs if each is outcome]

    def _reason(self, outcome: Outcome, number: Any) -> str:
        if outcome is Outcome.INVALID:
            return why_invalid(number, self._default_region)
        if outcome is Outcome.ALLOWED:
            return f"not listed for {self.snapshot.channel}"
        return f"listed for {self.snapshot.channel} by {' or '.join(self.snapshot.sources)}"
