"""Files taken over as opt-outs: with dates and reasons, all or nobody, once."""

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.builders import Clock, by_hand
from support.takers import Taker
from suppress import InputError, InvalidArgument, Rows, Suppressor, UnknownChannel, lists
from suppress.lists import Added

ANN, BOB, CY, DEE = "+14155552671", "+14155552672", "+442079460958", "+442079460959"
ASKED = datetime(2023, 3, 1, 9, 30, 0, 123456, UTC)


@pytest.fixture
def source() -> Taker:
    return Taker(ANN)


@pytest.fixture
def made(source: Taker, clock: Clock, tmp_path: Path) -> Callable[[str], Suppressor]:
    return lambda name: by_hand(source, clock=clock, store=tmp_path / name)


@pytest.fixture
def one(made: Callable[[str], Suppressor]) -> Suppressor:
    return made("store")


def taken(suppressor: Suppressor, content: str | bytes, name: str = "in", **arguments: Any) -> Any:
    raw = content if isinstance(content, bytes) else content.encode()
    column = arguments.pop("column", None)
    rows = Rows(io.BytesIO(raw), name=name, column=column)
    return lists.import_opt_outs(rows, suppressor=suppressor, **arguments)


def exported(suppressor: Suppressor, form: str = "csv") -> bytes:
    out = io.BytesIO()
    lists.export(out, source="opt-outs", format=form, suppressor=suppressor)
    return out.getvalue()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_there_and_back(
    made: Callable[[str], Suppressor], clock: Clock, source: Taker, form: str
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    one, other = made("store"), made("other store")
    told: Any = {"reason": "said no", "by": "Zoë", "via": "phone", "reference": "call-17"}
    one.add(["020 7946 0958", "+44 20 7946 0959 STOP"], "sms", default_region="GB", **told)
    clock.now += 1.5
    one.add([ANN, BOB], "viber", at=ASKED)
    one.add([BOB], "sms", reason="0")
    one.add(["15112345679"], "sms", default_region="DE")
    clock.now += 100
    written = exported(one, form)
    added = taken(other, written)
    assert added == {"sms": Added(4, 0), "viber": Added(2, 0)}
    assert exported(other, form) == written
    # Digits that may be national keep all that they may mean.
    assert other.is_suppressed("+15112345679", "sms")
    assert taken(other, written) == {"sms": Added(0, 4), "viber": Added(0, 2)}
    assert exported(other, form) == written
    assert [len(other.history(each)) for each in (CY, BOB)] == [1, 2]


def test_a_table_of_another_system(one: Suppressor, source: Taker) -> None:
    table = (
        "Phone;Opted out;Why;channel\n"
        f'{ANN};2023-03-01T09:30:00.123456Z;"asked; twice";VIBER ad\n'
        "+44 20 7946 0958;;;\n"
    )
    added = taken(
        one,
        table,
        channels=["sms", "viber"],
        columns={"since": "Opted out", "reason": "Why", "channel": ""},
        reason="moved",
        via="import",
    )
    assert added == {"sms": Added(2, 0), "viber": Added(2, 0)}
    (ann,), (cy,) = one.history(ANN, "sms"), one.history(CY, "viber")
    assert (ann.wished_at, ann.reason, ann.via) == (ASKED, "asked; twice", "import")
    assert (cy.wished_at, cy.reason, cy.text) == (None, "moved", "+44 20 7946 0958")
    one.pass_on()
    assert sorted(source.took()) == [("add", "sms", (ANN, CY)), ("add", "viber", (ANN, CY))]


def test_the_list_of_opt_outs_with_every_detail_comes_back(one: Suppressor) -> None:
    """As `suppress opt-outs --csv` prints it."""
    header = "position,action,channel,number,text,region,made_at,wished_at,by,reason,via"
    rows = f"1,add,sms,{ANN},{ANN},,2023-03-01T09:30:00Z,,,,\n"
    rows += f"2,add,sms,{BOB},{BOB},,2023-03-03T09:30:00Z,2023-03-02T09:30:00Z,,,reply\n"
    assert taken(one, f"{header}\n{rows}") == {"sms": Added(2, 0)}
    (ann,), (bob,) = one.history(ANN), one.history(BOB)
    assert ann.wished_at == datetime(2023, 3, 1, 9, 30, tzinfo=UTC)
    assert (bob.wished_at, bob.via) == (datetime(2023, 3, 2, 9, 30, tzinfo=UTC), "reply")


REFUSED = [
    (
        "number,x\n+14155552671,\n12,\n",
        {"channels": ["sms"], "column": "number"},
        "in, line 3: .*12: ",
    ),
    (
        "number,x\n+14155552671,\n4155552672,\n",
        {"channels": ["sms"], "column": "number"},
        "line 3: .*say whose",
    ),
    ("number,x\n+44 20 7946 09*,1\n", {"channels": ["sms"], "column": "number"}, "in, line 2: "),
    ("number,channel\n+14155552671,smss\n", {}, "line 2: .*'smss'.*Served are: sms, viber"),
    ("number,x\n+14155552671,\n", {}, "line 2: it names no channel"),
    ("number,since\n+14155552671,soon\n", {"channels": ["sms"]}, "line 2: 'soon' is not a date"),
    ("number,since\n+14155552671,2999-01-01\n", {"channels": ["sms"]}, "line 2: .*in the future"),
    ("number,via\n+14155552671,two words\n", {"channels": ["sms"]}, "line 2: `via` is one word"),
    (
        "number,channel,reading\n+14155552671,sms,first\n12,sms,none\n",
        {"column": "number"},
        "line 3: .*no phone number.*remove the row",
    ),
    (
        "number,x\n+14155552671,\n",
        {"channels": ["sms"], "columns": {"since": "when", "by": ""}},
        "in has no column 'when'",
    ),
    (
        "number,since\n+14155552671,+14155552672\n",
        {"channels": ["sms"], "column": "number"},
        r"line 2: '\+141\*+72' is not a date",
    ),
    (
        "number,channel\n+14155552671,+14155552672\n",
        {"column": "number"},
        "Digits stand where the channel",
    ),
    (
        '{"number": "+14155552671", "reason": ["a"]}\n',
        {"channels": ["sms"], "column": "number"},
        "line 1: `reason` is not a text",
    ),
]


@pytest.mark.parametrize(("content", "arguments", "said"), REFUSED)
def test_all_or_nobody(
    one: Suppressor, source: Taker, content: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        taken(one, content, **arguments)
    one.pass_on()
    assert (source.took(), list(one.opt_outs())) == ([], [])


def test_arguments_that_make_no_sense(one: Suppressor) -> None:
    with pytest.raises(UnknownChannel, match="smss"):
        taken(one, f"{ANN}\n", channels=["smss"])
    with pytest.raises(InvalidArgument, match=r"'number'.*channel, since"):
        taken(one, f"{ANN}\n", channels=["sms"], columns={"number": "x"})


def test_who_comes_twice_or_is_there_counts_as_known(one: Suppressor, source: Taker) -> None:
    one.add([ANN], "sms", reason="first")
    one.pass_on()
    source.took()
    text = f"{BOB}\n+1 (415) 555-2672\n{ANN}\n"
    assert taken(one, text, channels=["sms"]) == {"sms": Added(1, 2)}
    assert [each.reason for each in one.history(ANN)] == ["first"]
    one.pass_on()
    assert source.took() == [("add", "sms", (BOB,))]


def test_what_another_opt_out_may_mean_is_opted_out_on_its_own(one: Suppressor) -> None:
    """The digits of one person may be another one's number with its calling code."""
    one.add(["15112345679"], "sms", default_region="DE")
    assert one.is_suppressed("+15112345679", "sms")
    assert taken(one, "+15112345679\n", channels=["sms"]) == {"sms": Added(1, 0)}
    one.remove(["+4915112345679"], "sms")
    assert one.is_suppressed("+15112345679", "sms")


def test_the_forgotten_stay_forgotten(one: Suppressor) -> None:
    one.add([ANN], "sms")
    one.forget(ANN)
    assert taken(one, f"{ANN}\n", channels=["sms"]) == {"sms": Added(0, 1)}
    assert list(one.opt_outs()) == []
    assert one.is_suppressed(ANN, "sms")


def test_nobody_is_told_or_nothing_done(one: Suppressor, source: Taker) -> None:
    assert taken(one, f"{ANN}\n", channels=["sms"], dry_run=True) == {"sms": Added(1, 0)}
    assert list(one.opt_outs()) == []
    assert taken(one, f"{BOB}\n", channels=["sms"], tell=False) == {"sms": Added(1, 0)}
    one.pass_on()
    assert source.took() == []
    assert one.is_suppressed(BOB, "sms")


def test_an_empty_file(one: Suppressor) -> None:
    assert taken(one, "number,channel\n") == {}
    assert taken(one, "number,x\n", channels=["sms"]) == {"sms": Added(0, 0)}


def test_every_cell_of_parquet_and_of_a_workbook_is_given_by_its_name(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("python_calamine")
    xlsxwriter = pytest.importorskip("xlsxwriter")
    noon = datetime(2024, 2, 29, 12)  # noqa: DTZ001 - as a sheet has it
    rows: list[dict[str, Any]] = [
        {"phone": ANN, "when": noon, "count": 17},
        {"phone": BOB, "when": None, "count": 0},
    ]
    table = pa.Table.from_pylist(rows)
    nanoseconds = table.set_column(1, "when", table["when"].cast(pa.timestamp("ns")))
    parquet.write_table(nanoseconds, tmp_path / "in.parquet")
    with xlsxwriter.Workbook(tmp_path / "in.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, rows[0])
        for line, row in enumerate(rows, 1):
            sheet.write_row(line, 0, row.values())
        sheet.write_datetime(1, 1, noon, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    for name in "in.parquet", "in.xlsx":
        with (tmp_path / name).open("rb") as stream:
            found = list(Rows(stream, name=name).with_cells())
        assert [row.number for row, _ in found] == [ANN, BOB]
        cells = [{key: cell or 0 for key, cell in each.items()} for _, each in found]
        assert cells == [{key: cell or 0 for key, cell in row.items()} for row in rows]


def test_a_time_that_no_calendar_has_is_an_error(one: Suppressor) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    first = datetime(1, 1, 1)  # noqa: DTZ001 - as a table has it
    out = io.BytesIO()
    parquet.write_table(pa.table({"number": [ANN], "since": [first]}), out)
    for content in (out.getvalue(), f"number,since\n{ANN},0001-01-01T00:00+12:00\n".encode()):
        with pytest.raises(
            InputError, match=r"in, (row 1|line 2): .*(not a date|years 1 and 9999)"
        ):
            taken(one, content, channels=["sms"])
    assert list(one.opt_outs()) == []


def test_every_cell_is_given_by_its_name() -> None:
    table = b'\xef\xbb\xbfphone,"na ""me"""\r\n1,"two\nlines"\r\n'
    objects = b'[{"phone": 1, "a": null},\n {"phone": 2, "b": [1]}]'
    for content, expected in (
        (table, [{"phone": "1", 'na "me"': "two\nlines"}]),
        (objects, [{"phone": 1, "a": None}, {"phone": 2, "b": [1]}]),
        (b'{"phone": 1, "a": "b"}\n', [{"phone": 1, "a": "b"}]),
        (b"1\n2\n", [{}, {}]),
    ):
        column = None if content == b"1\n2\n" else "phone"
        rows = Rows(io.BytesIO(content), column=column)
        found = list(rows.with_cells())
        assert [dict(cells) for _, cells in found] == expected
        assert json.dumps([row.number for row, _ in found])
