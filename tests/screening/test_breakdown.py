"""The breakdown of a campaign: what is gathered agrees with what each decision says."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, ListSource, by_hand
from suppress import Entry, Screening, Suppressor
from suppress.numbers.problem import Problem
from suppress.screening.breakdown import Breakdown, BreakdownBuilder, BreakdownLimits
from suppress.screening.countries import by_country

ANN, BOB, CAT, DEE = (f"+1415555267{place}" for place in range(4))
OLD_CAIRO, NEW_CAIRO = "+20105715722", "+201005715722"
NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def entry(number: str, days: float | None = None) -> Entry:
    return Entry(number, {"sms"}, None, None if days is None else NOW - timedelta(days))


def made(store: Path | None = None, clock: Clock | None = None) -> Suppressor:
    bsg = ListSource([entry(ANN, 3), entry(BOB), entry("odd 12", 400)], name="bsg")
    hr = ListSource([entry(ANN, 30), entry(NEW_CAIRO, 1000)], name="hr")
    return by_hand(bsg, hr, store=store, clock=clock)


def of(screening: Screening[Any], one: Suppressor | None = None) -> Breakdown:
    builder = BreakdownBuilder()
    builder.add(screening, changes_at=None if one is None else one.changes_at)
    return builder.breakdown()


def test_sources_and_ages() -> None:
    found = of(made().screen([ANN, BOB, OLD_CAIRO, "12", CAT, CAT, "x"], "sms"))
    assert found.sources == {"bsg": 3, "hr": 2}
    assert found.in_several == 1
    # The earliest of Ann's two; Bob has none.
    assert found.ages == (0, 0, 0, 1, 0, 1, 1)
    assert found.undated == 1
    assert (found.reasons, found.ways, found.forgotten) == ({}, {}, 0)


@pytest.mark.parametrize("region", [None, "US", "international"])
def test_it_agrees_with_the_decisions(tmp_path: Path, region: str | None) -> None:
    one = made(tmp_path)
    one.add([CAT, "415 555 2675"], "sms", default_region="US")
    numbers: list[Any] = [ANN, BOB, CAT, OLD_CAIRO, "odd 12", "12", "1 415 555 2672", "n/a", None]
    numbers += ["4155552670", "0014155552670", "4155552670 / 4155552675", (BOB, CAT), ("x", DEE)]
    screening = one.screen(numbers * 3, "sms", default_region=region)
    sources, several = Counter[str](), 0
    for decision in screening:
        names = {origin.source for origin in decision.origins}
        sources.update(names)
        several += len(names) > 1
    found = of(screening, one)
    assert found.sources == sources
    assert found.in_several == several
    assert sum(found.ages) + found.undated == screening.counts["suppressed"]
    assert sum(found.suppressed.values()) <= screening.counts["suppressed"]
    assert found.problems == screening.problems


def test_batches_add_up(tmp_path: Path) -> None:
    one = made(tmp_path)
    one.add([CAT], "sms", reason="STOP")
    numbers = [ANN, CAT, "x", DEE, OLD_CAIRO, "", BOB]
    builder = BreakdownBuilder()
    for start in range(0, len(numbers), 2):
        builder.add(one.screen(numbers[start : start + 2], "sms"), changes_at=one.changes_at)
    assert builder.breakdown() == of(one.screen(numbers, "sms"), one)


def test_reasons(tmp_path: Path, clock: Clock) -> None:
    one = made(tmp_path, clock)
    one.add([ANN], "sms", reason="STOP", via="reply")
    clock.now += 1
    one.add([ANN], "sms", reason="a later one")
    one.add([BOB], "sms", via="form")
    one.add([CAT], "sms")
    one.add([DEE], "sms", reason=f"call {ANN} of 2026-11-29")
    one.forget(CAT)
    found = of(one.screen([ANN, BOB, CAT, DEE, ANN, OLD_CAIRO], "sms"), one)
    assert found.sources["opt-outs"] == 5
    assert found.reasons == {"STOP": 2, "call +141******70 of 2026-11-29": 1}
    assert found.ways == {"form": 1}
    assert found.forgotten == 1
    assert of(one.screen([ANN], "sms")).ways == {"": 1}, "no record was handed in"


def test_an_opt_out_that_could_not_be_kept_gets_no_reason_of_another(tmp_path: Path) -> None:
    one = made(tmp_path)
    one.add([DEE], "sms", reason="STOP")
    (of_another,) = one.history(DEE)
    builder = BreakdownBuilder()
    another = dataclasses.replace(of_another, number=CAT)
    builder.add(one.screen([DEE], "sms"), changes_at=lambda _positions: [another])
    found = builder.breakdown()
    assert (found.reasons, found.ways) == ({}, {"": 1})


def test_reasons_without_end_count_together(tmp_path: Path) -> None:
    one = made(tmp_path)
    for number, reason in ((ANN, "a"), (BOB, "b"), (CAT, "c")):
        one.add([number], "sms", reason=reason)
    builder = BreakdownBuilder(BreakdownLimits(reasons=2))
    builder.add(one.screen([ANN, BOB, CAT], "sms"), changes_at=one.changes_at)
    found = builder.breakdown()
    assert (len(found.reasons), found.other_reasons) == (2, 1)


def test_examples_are_few_and_masked() -> None:
    numbers = ["", *["+1 415 555 26 71 82 93"] * 9, "n/a", "\x1b[m"]
    found = of(made().screen(numbers, "sms"))
    assert found.examples[Problem.NO_NUMBER] == ((1, ""),)
    assert found.examples[Problem.TOO_LONG] == tuple(
        (line, "+141**********93") for line in (2, 3, 4)
    )
    assert found.examples[Problem.NOT_A_NUMBER] == ((11, "n/a"), (12, r"\x1b[m"))


def test_countries() -> None:
    numbers = [DEE, ANN, "+14165552671", "+447400123456", "+77012345678", "+79161234567"]
    found = of(made().screen([*numbers, "+88216123456", "x"], "sms"))
    named = {
        (country.code, *country.regions[:1]): count
        for country, count in by_country(found.allowed).items()
    }
    assert named == {
        (1, "US"): 1,
        (1, "CA"): 1,
        (44, "GB"): 1,
        (7, "KZ"): 1,
        (7, "RU"): 1,
        (882,): 1,
    }
    assert sum(found.suppressed.values()) == 1
    assert sum(found.allowed.values()) == 6
