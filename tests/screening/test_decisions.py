"""The decisions of a campaign as CSV: what iterating over a screening says, in less time."""

import csv
import io
import time
from collections.abc import Sequence

import pytest

from support.builders import Clock, ListSource, by_hand, listed
from suppress import Outcome, Row, Screening
from suppress.files.slices import Slices
from suppress.screening.decisions import decisions_header, decisions_of

SMS, ANN = "+14155552671", "+14155552672"
OLD_CAIRO, NEW_CAIRO = "+20105715722", "+201005715722"
"""One line before and after a change of plan; the old form has a possible length still."""


def batch_of(numbers: Sequence[str]) -> Slices:
    return Slices.of_rows([Row(line, b"", number) for line, number in enumerate(numbers)])


@pytest.mark.parametrize("region", [None, "US", "international"])
def test_it_says_what_iterating_says(clock: Clock, region: str | None) -> None:
    """It does not make the decisions that it tells of, since that takes longer."""
    source = ListSource(listed(SMS, NEW_CAIRO, "+4915112345678"))
    numbers = [
        *(SMS, ANN, OLD_CAIRO, "415 555 2671", "4915112345678", "0014155552671", "x", ""),
        *("1 415 555 2671", "+1 415 555 2671 / +44 20 7946 0958", "4.1E+10", "+999", "STOP 1"),
    ]
    one = by_hand(source, store=None)
    screening = Screening(numbers, one.snapshot("sms"), default_region=region)
    text = (decisions_header() + decisions_of(batch_of(numbers), screening)).decode()
    found = list(csv.DictReader(io.StringIO(text, newline="")))
    told = [(each["number"], each["outcome"], each["e164"], each["reason"]) for each in found]
    assert told == [
        (each.recipient, each.outcome, each.e164 or "", each.reason) for each in screening
    ]
    for each, decision in zip(found, screening, strict=True):
        assert each["source"] == "; ".join(origin.source for origin in decision.origins)
        assert each["entry"] == "; ".join(str(origin.id) for origin in decision.origins)


def test_decisions_take_microseconds(clock: Clock) -> None:
    one = by_hand(ListSource(listed(SMS)), store=None)
    numbers = [f"+1415555{n % 10_000:04}" for n in range(10_000)]
    batch, screening = batch_of(numbers), Screening(numbers, one.snapshot("sms"))
    assert screening.counts[Outcome.ALLOWED] == 9_999
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        decisions_of(batch, screening)
        best = min(best, time.process_time() - began)
    assert best / len(numbers) < 10e-6
