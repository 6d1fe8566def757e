"""Changes as a table, CSV or JSON: page by page, however many there are."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from suppress import Change
from suppress.cli.changes import PAGE, print_csv_of, print_json_of, print_table_of

MADE_AT = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)
ANN = Change(1, "add", "sms", "+14155552672", "(415) 555-2672", "US", MADE_AT)

Capture = pytest.CaptureFixture[str]
PRINTERS: list[Callable[[Iterable[Change]], object]] = [
    print_table_of,
    print_csv_of,
    lambda changes: print_json_of(changes, "opt_outs"),
]


def many(count: int) -> Iterator[Change]:
    return (replace(ANN, position=place) for place in range(count))


@pytest.mark.parametrize("print_changes", PRINTERS)
def test_a_page_is_printed_before_the_next_is_asked_for(
    capsys: Capture, print_changes: Callable[[Iterable[Change]], object]
) -> None:
    def changes() -> Iterator[Change]:
        yield from many(PAGE)
        assert capsys.readouterr().out.count("+14155552672") == PAGE
        yield ANN

    print_changes(changes())
    assert capsys.readouterr().out.count("+14155552672") == 1


@pytest.mark.parametrize("count", [0, 1, PAGE, 2 * PAGE + 1])
def test_however_many(capsys: Capture, count: int) -> None:
    assert print_table_of(many(count)) == count
    assert len(capsys.readouterr().out.splitlines()) == count + (count > 0)
    print_csv_of(many(count))
    rows = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [row["position"] for row in rows] == [str(place) for place in range(count)]
    print_json_of(many(count), "opt_outs")
    found = json.loads(capsys.readouterr().out)["opt_outs"]
    assert [each["position"] for each in found] == list(range(count))


def test_each_form_has_every_detail(capsys: Capture) -> None:
    change = replace(ANN, wished_at=MADE_AT, by="Zoë", reason='says "no", twice', via="phone")
    details = {
        "position": 1,
        "action": "add",
        "channel": "sms",
        "number": "+14155552672",
        "text": "(415) 555-2672",
        "region": "US",
        "made_at": "2026-03-01T09:30:15.250000Z",
        "wished_at": "2026-03-01T09:30:15.250000Z",
        "by": "Zoë",
        "reason": 'says "no", twice',
        "via": "phone",
        "reference": "x",
        "correction": False,
    }
    change = replace(change, reference="x")
    print_json_of([change], "changes")
    assert json.loads(capsys.readouterr().out) == {"changes": [details]}
    print_csv_of([change])
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row == {name: str(value) for name, value in details.items()} | {"correction": "false"}


def test_columns_get_wider_and_never_narrower(capsys: Capture) -> None:
    wide = replace(ANN, by="somebody with a long name", reason="late")
    print_table_of([*many(PAGE), wide, *many(PAGE)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        *("made", "channel", "change", "number", "wished", "by", "via", "reason", "reference")
    ]
    assert lines[1].startswith("2026-03-01T09:30:15Z  sms      add     +14155552672")
    assert lines[PAGE + 1].endswith("somebody with a long name       late")


def test_no_text_gives_orders_to_a_terminal(capsys: Capture) -> None:
    change = replace(ANN, by="\x1b[2J", text="\x1b[2J")
    print_table_of([change])
    print_json_of([change], "changes")
    assert "\x1b" not in capsys.readouterr().out
