"""Lists written to files: every number, all that is known of it, and nothing that is in doubt."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, ListSource, by_hand
from suppress import (
    ConfigurationError,
    Entry,
    InvalidArgument,
    StopListUnavailable,
    Suppressor,
    UnknownChannel,
    lists,
)

ANN, BOB, CY, DEE = "+14155552671", "+14155552672", "+442079460958", "+442079460959"
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
ASKED = datetime(2023, 3, 1, 9, 30, 0, 123456, UTC)

Making = Callable[..., Suppressor]


@pytest.fixture
def made(clock: Clock, tmp_path: Path) -> Making:
    return lambda *sources, **arguments: by_hand(
        *sources, clock=clock, store=tmp_path / "store", **arguments
    )


@pytest.fixture
def one(made: Making) -> Suppressor:
    """Two sources, with an entry that is no number, and two opt-outs."""
    crm = ListSource(
        [Entry(BOB, {"sms"}, "b-1", NOON), Entry(ANN, {"sms", "viber"}, 7), Entry("12", {"sms"})],
        name="crm",
    )
    legacy = ListSource([Entry(ANN, {"sms"})], name="legacy", channels=("sms",))
    suppressor = made(crm, legacy)
    suppressor.add(
        ["020 7946 0958"],
        "sms",
        default_region="GB",
        reason='said "no", twice',
        by="Zoë",
        via="phone",
        reference="call-17",
        at=ASKED,
    )
    suppressor.add([DEE], "sms")
    return suppressor


def exported(suppressor: Suppressor, **arguments: Any) -> tuple[list[dict[str, str]], Any]:
    out = io.BytesIO()
    found = lists.export(out, suppressor=suppressor, **arguments)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""))), found


def test_everything_that_is_known(one: Suppressor, clock: Clock) -> None:
    rows, found = exported(one)
    filled = [{name: cell for name, cell in row.items() if cell} for row in rows]
    made_at = datetime.fromtimestamp(clock(), UTC).isoformat().replace("+00:00", "Z")
    bob = {"number": BOB, "source": "crm", "id": "b-1", "since": "2024-02-29T12:00:00Z"}
    cy = {
        "number": CY,
        "source": "opt-outs",
        "since": "2023-03-01T09:30:00.123456Z",
        "reason": 'said "no", twice',
        "by": "Zoë",
        "via": "phone",
        "reference": "call-17",
        "written": "020 7946 0958",
        "region": "GB",
    }
    assert [row for row in filled if row["channel"] == "sms"] == [
        {"channel": "sms", "reading": "first", **row}
        for row in (
            {"number": ANN, "source": "crm", "id": "7"},
            {"number": ANN, "source": "legacy"},
            bob,
            {"number": "12", "source": "crm", "reading": "none"},
            cy,
            {"number": DEE, "source": "opt-outs", "since": made_at, "written": DEE},
        )
    ]
    assert [row["number"] for row in rows if row["channel"] == "viber"] == [ANN]
    counts = {name: (each.rows, each.without_reading) for name, each in found.items()}
    assert counts == {"sms": (6, 1), "viber": (1, 0)}


def test_one_source_and_the_opt_outs_made_here(one: Suppressor) -> None:
    def numbers(**arguments: Any) -> list[str]:
        return [row["number"] for row in exported(one, **arguments)[0]]

    assert numbers(source="legacy") == [ANN]
    assert numbers(source="crm", channels=["viber", "viber"]) == [ANN]
    assert numbers(source="opt-outs") == [CY, DEE]
    with pytest.raises(ConfigurationError, match=r"'crn'\. There are: crm, legacy, opt-outs"):
        numbers(source="crn")
    with pytest.raises(UnknownChannel, match=r"'viber'.*Served are: sms"):
        numbers(source="legacy", channels=["viber"])
    with pytest.raises(InvalidArgument, match="'xlsx'"):
        numbers(format="xlsx")


def test_json_lines_and_parquet_say_the_same(one: Suppressor) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows, _ = exported(one)
    out = io.BytesIO()
    lists.export(out, suppressor=one, format="jsonl")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [{name: cell or "" for name, cell in row.items()} for row in lines] == rows
    out = io.BytesIO()
    lists.export(out, suppressor=one, format="parquet")
    table = parquet.read_table(out).to_pylist()
    for row in table:
        moment = row["since"]
        row["since"] = moment and moment.isoformat().replace("+00:00", "Z")
    assert table == lines


def test_a_list_that_may_not_be_served_is_not_written(made: Making, clock: Clock) -> None:
    crm, legacy = ListSource([Entry(ANN, {"sms"})], name="crm"), ListSource(name="legacy")
    legacy.failure = ConnectionError("down")
    suppressor = made(crm, legacy)
    out = io.BytesIO()
    with pytest.raises(StopListUnavailable, match="down"):
        lists.export(out, source="crm", suppressor=suppressor)
    assert out.getvalue() == b""
    legacy.failure = None
    clock.now += 60
    lists.export(io.BytesIO(), suppressor=suppressor)
    legacy.failure = ConnectionError("down")
    clock.now += suppressor.settings.max_stale + 1
    with pytest.raises(StopListUnavailable):
        lists.export(out, channels=["sms"], suppressor=suppressor)
    lists.export(out, source="opt-outs", suppressor=suppressor)
    assert out.getvalue().count(b"\n") == 1


def test_the_forgotten_are_counted(one: Suppressor) -> None:
    one.forget(CY)
    rows, found = exported(one, source="opt-outs")
    assert [row["number"] for row in rows] == [DEE]
    assert (found["sms"].forgotten, found["viber"].forgotten) == (1, 0)
    assert exported(one)[1]["sms"].forgotten == 1
    assert exported(one, source="crm")[1]["sms"].forgotten == 0


def test_every_reading_of_an_entry_is_written(made: Making) -> None:
    """The reader of the file may not read the digits as the entry was meant."""
    source = ListSource([Entry("15112345679", {"sms"})])
    source.region = "DE"  # type: ignore[attr-defined]
    rows, _ = exported(made(source), channels=["sms"])
    assert [(row["number"], row["reading"]) for row in rows] == [
        ("+15112345679", "further"),
        ("+4915112345679", "first"),
    ]
