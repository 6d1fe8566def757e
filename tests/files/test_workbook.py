"""Workbooks: the header is found, numbers are whole, and rows come out as CSV or as a workbook."""

import io
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suppress import InputError, Rows
from suppress.files.lines import RowLimits

calamine = pytest.importorskip("python_calamine")
xlsxwriter = pytest.importorskip("xlsxwriter")

A, B = "+14155552671", "+442079460958"
WHOLE = 442079460958
HEADER = ["name", "phone"]


def workbook_of(*rows: Sequence[Any], **sheets: Sequence[Sequence[Any]]) -> bytes:
    """A workbook of a sheet with these rows, and of others; one that is empty is hidden."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        formats = {
            kind: book.add_format({"num_format": form})
            for kind, form in {
                datetime: "yyyy-mm-dd hh:mm",
                date: "yyyy-mm-dd",
                time: "hh:mm",
            }.items()
        }
        formats[timedelta] = book.add_format({"num_format": "[h]:mm:ss"})
        for name, content in {"People": rows, **sheets}.items():
            sheet = book.add_worksheet(name)
            for place, cells in enumerate(content):
                for column, cell in enumerate(cells):
                    if isinstance(cell, str):
                        sheet.write_string(place, column, cell)
                    elif cell is not None:
                        sheet.write(place, column, cell, formats.get(type(cell)))
            if content:
                sheet.activate()
            else:
                sheet.very_hidden()
    return out.getvalue()


def rows_of(content: bytes, **options: Any) -> Rows:
    return Rows(io.BytesIO(content), name="a.xlsx", **options)


def written(content: bytes, name: str = "", **options: Any) -> bytes:
    """All rows but the first, as a file of this name."""
    rows, out = rows_of(content, **options), io.BytesIO()
    writer = rows.writer(out, name)
    for place, batch in enumerate(rows.batches()):
        chosen = np.ones(len(batch.numbers), np.bool_)
        chosen[0] = place > 0
        batch.write(chosen, writer)
    writer.finish()
    return out.getvalue()


def cells_of(content: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = (
        calamine.load_workbook(io.BytesIO(content))
        .get_sheet_by_index(0)
        .to_python(skip_empty_area=False)
    )
    return rows


TITLE = ["Spring campaign, 2026-01-02"]


@pytest.mark.parametrize("above", [[], [[]], [[], TITLE, []], [TITLE, ["for", None], []]])
def test_the_header_is_found(above: list[list[Any]]) -> None:
    wide = [*HEADER, "town", "at"]
    content = workbook_of(*above, wide, ["Ann", A, "x", 1], [], ["Bob", B, "y", 2])
    first = len(above) + 2
    for columns in ([], ["phone"]):
        rows = rows_of(content, columns=columns)
        assert rows.format == "workbook"
        assert rows.columns == ("phone",)
        assert rows.header == b"name,phone,town,at\r\n"
        assert [(row.line, row.number) for row in rows] == [(first, A), (first + 2, B)]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([["Ann", A], ["Bob", B]], {}, "a number stands where the names of the columns belong"),
        ([[A], HEADER, ["Ann", B]], {}, "row 1: a number stands above the row"),
        ([HEADER, ["Ann", A]], {"column": "Phone"}, "'Phone' is not in the header"),
        ([[*HEADER, "phone"], ["Ann", A, B]], {"column": "phone"}, "'phone' is twice"),
        ([HEADER, ["Ann", A]], {"sheet": "x"}, "no sheet 'x'. Name one of: 'People'"),
        ([HEADER, ["Ann", A]], {"column": "3", "has_header": False}, "from 1 to 2"),
        ([[]], {}, "the sheet 'People' is empty"),
    ],
)
def test_a_doubt_is_an_error(rows: list[Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^a.xlsx.*{message}"):
        rows_of(workbook_of(*rows), **options)


def test_rows_come_with_all_of_their_cells() -> None:
    rows = rows_of(workbook_of([*HEADER, "n"], ["Ann", A, 1]))
    assert [(row.number, cells) for row, cells in rows.with_cells()] == [
        (A, {"name": "Ann", "phone": A, "n": 1})
    ]


def test_without_a_header() -> None:
    content = workbook_of([], ["Ann", A], ["Bob", B])
    rows = rows_of(content, has_header=False)
    assert rows.columns == ("2",)
    assert [(row.line, row.number) for row in rows] == [(2, A), (3, B)]
    assert written(content, has_header=False) == f"Bob,{B}\r\n".encode()


def test_a_sheet_that_is_named_or_the_first_that_is_seen() -> None:
    content = workbook_of(HEADER, ["Ann", A], hidden=[], second=[HEADER, ["Bob", B]])
    first, second = rows_of(content), rows_of(content, sheet="second")
    assert [row.number for row in first] == [A]
    assert first.remark.startswith("Only the sheet 'People' was read, one of 2 with rows.")
    # Whoever reads a list would miss the people on the other one.
    with pytest.raises(InputError, match=r"one of 2 with rows.*save the list as a file of its own"):
        first.check_whole()
    second.check_whole()
    assert [row.number for row in second] == [B]
    assert [row.number for row in rows_of(workbook_of(first=[HEADER, ["Ann", A]]))] == [A]
    assert second.remark == rows_of(workbook_of(HEADER, ["Ann", A])).remark == ""
    with pytest.raises(InputError, match="b is no workbook, so it has no sheet 'second'"):
        Rows(io.BytesIO(b"1\n"), name="b", sheet="second")


AT = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - workbooks know no zones
TYPES: list[list[Any]] = [
    ["number", "text", "day", "at", "time", "span", "flag", "rest"],
    [1] * 8,
    [WHOLE, "=1+1", date(2026, 1, 2), AT, time(3, 4), None, True, 1.5],
    [1e15, 'a\n"b"', None, None, None, timedelta(hours=30, seconds=1), False, -3],
]


def test_cells_come_out_sensibly() -> None:
    content = workbook_of(*TYPES)
    assert [row.number for row in rows_of(content, column="number")] == [1, WHOLE, 10**15]
    assert written(content, column="number").decode() == (
        "number,text,day,at,time,span,flag,rest\r\n"
        f"{WHOLE},=1+1,2026-01-02,2026-01-02 03:04:05,03:04:00,,TRUE,1.5\r\n"
        '1000000000000000,"a\n""b""",,,,30:00:01,FALSE,-3\r\n'
    )
    again = written(content, "out.xlsx", column="number")
    before = cells_of(content)
    assert cells_of(again) == [before[0], *before[2:]]


def test_a_workbook_keeps_its_titles_and_the_name_of_its_sheet() -> None:
    again = written(workbook_of(TITLE, [], HEADER, ["Ann", A], ["Bob", B]), "out.xlsx")
    assert cells_of(again) == [[*TITLE, ""], HEADER, ["Bob", B]]
    assert calamine.load_workbook(io.BytesIO(again)).sheet_names == ["People"]


def test_several_columns_and_batches() -> None:
    people = [[f"n{place}", A, WHOLE + place] for place in range(10)]
    content = workbook_of([*HEADER, "other"], *people)
    options: dict[str, Any] = {"columns": ["phone", "other"], "limits": RowLimits(batch_rows=4)}
    found = [number for batch in rows_of(content, **options).batches() for number in batch.numbers]
    assert found == [(A, WHOLE + place) for place in range(10)]
    sizes = [batch.size for batch in rows_of(content, **options).batches()]
    assert 0 < sum(sizes) <= len(content)


@pytest.mark.parametrize("name", ["out.xls", "out.parquet", "out.json"])
def test_a_name_that_promises_another_form_is_refused(name: str) -> None:
    rows = rows_of(workbook_of(HEADER, ["Ann", A]))
    with pytest.raises(InputError, match="as csv, text or workbook"):
        rows.writer(io.BytesIO(), name)
    with pytest.raises(InputError, match="would not be what its name says"):
        Rows(io.BytesIO(b"1\n"), name="a.txt").writer(io.BytesIO(), "out.xlsx")


def archive_of(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (archive_of("list.csv"), "it is an archive. Take the list out of it"),
        (archive_of("word/document.xml"), "it is a document of Word"),
        (archive_of("xl/workbook.xml"), "cannot be read as a workbook: it is damaged"),
        (b"PK\3\4xx", "it is damaged, or not complete"),
        (b"\xd0\xcf\x11\xe0xx", "cannot be read as a workbook"),
    ],
)
def test_what_is_no_workbook_is_named(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"^a.xlsx: .*{message}"):
        rows_of(content)


@pytest.mark.parametrize("library", ["python_calamine", "xlsxwriter"])
def test_a_missing_library_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = workbook_of(HEADER, ["Ann", A])
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=r"workbook, for which.*suppress-filter\[workbook\]"):
        rows_of(content).writer(io.BytesIO(), "out.xlsx")


@pytest.mark.parametrize("finishes", [True, False])
def test_nothing_is_left_of_a_workbook_that_grew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finishes: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    rows, out = rows_of(workbook_of(HEADER, ["Ann", A])), io.BytesIO()
    writer = rows.writer(out, "out.xlsx")
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o77 == 0
    if finishes:
        writer.finish()
    writer.close()
    assert list(tmp_path.iterdir()) == []
    assert (out.getvalue() != b"") == finishes
