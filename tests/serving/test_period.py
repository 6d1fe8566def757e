"""A period ends when a change of a numbering plan comes into force, to the second."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.builders import Clock, ListSource, listed
from suppress import Settings
from suppress.serving.context import Context
from suppress.serving.limits import ServingLimits
from suppress.serving.period import Calendar
from suppress.stores.memory import MemoryStore

HEADER = "id\tregion\tmatch\tlength\tat\tdrop\tadd\tfrom\told_form_until\tkind\treuse\tconfidence"
DAY = datetime(2030, 5, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def calendar(tmp_path: Path, clock: Clock) -> Calendar:
    path = tmp_path / "changes.tsv"
    path.write_text(
        f"{HEADER}\texample_old\texample_new\n"
        "GB-1\tGB\t4479\t12\t2\t0\t\t2030-05-01\t\tmobile\tfree\thigh\t447911123456\t447911123456\n"
    )
    clock.now = DAY - 1
    settings = Settings(renumbering=path, store=None, default_region="GB")
    context = Context(
        settings, ServingLimits(), MemoryStore(), None, clock, clock, wake=lambda: None
    )
    return Calendar([ListSource(listed("+447911123456"))], ["sms"], context, None)


def test_a_period_lasts_until_the_first_day_of_a_change(calendar: Calendar, clock: Clock) -> None:
    before = calendar.current
    assert before.end == DAY
    assert calendar.current is before
    clock.now += 1
    after = calendar.current
    assert after is not before
    assert after.begin == DAY
    changes = [
        len(each.readers.of(None).convention.renumbering.changes) for each in (before, after)
    ]
    assert changes[1] == changes[0] + 1
    clock.now -= 1
    assert calendar.current.end == DAY, "the clock was set back"


def test_each_period_has_lists_of_its_own(calendar: Calendar, clock: Clock) -> None:
    before = calendar.current.serving
    assert before.current("sms").count == 1
    clock.now += 1
    assert calendar.current.serving.stored("sms") is None


def test_lists_that_are_kept_recent_are_read_in_it_at_once(
    calendar: Calendar, clock: Clock
) -> None:
    woken: list[bool] = []
    calendar._context = calendar._context._replace(wake=lambda: woken.append(True))
    clock.now += 1
    assert calendar.current
    assert not woken, "nobody asked for them"
    clock.now -= 1
    assert calendar.current
    calendar._context = calendar._context._replace(kept_recent={"sms"})
    clock.now += 1
    assert calendar.current.serving.renew() > 0
    assert woken == [True]


def test_it_has_no_opt_outs_without_a_record(calendar: Calendar) -> None:
    assert calendar.current.opt_outs is None
