"""The format of a file: told by its name or its first line, or named."""

import pytest

from support.files import BOM, A, numbers, rows_of


@pytest.mark.parametrize(
    ("name", "content", "format_"),
    [
        # By the name's ending, whatever the first line is like.
        ("a.csv", b"phone\n", "csv"),
        ("folder.tsv/A.CSV", b"phone\n", "csv"),
        ("a.tsv", b"phone\n", "tsv"),
        ("a.jsonl", b'"+14155552671"\n', "jsonl"),
        ("a.ndjson", b"14155552671\n", "jsonl"),
        ("a.csv", b"name\tphone,x\n", "csv"),
        # By its content, if that is something else for certain.
        ("a.csv", b'{"phone": 1}\n', "jsonl"),
        ("a.jsonl", b"+14155552671\n", "text"),
        ("a.tsv", b"name;phone\n", "csv"),
        ("a.csv", b"[\n]", "json"),
        ("a.jsonl", b'[{"phone": 1}]\n', "json"),
        ("a.jsonl", b'["1"]\n', "jsonl"),
        ("-", b'[ {"phone": 1},\n{"phone": 2}]', "json"),
        ("-", b"[]", "json"),
        ("a.csv.gz", b"phone\n", "csv"),
        # By the first line, where the ending says nothing.
        ("-", b"+14155552671\n", "text"),
        ("a.txt", b"(415) 555-2671\n", "text"),
        ("a.dat", b"name,phone\n", "csv"),
        ("csv", b"name,phone\n", "csv"),
        ("-", b"name;phone\n", "csv"),
        ("-", b"name|phone\n", "csv"),
        ("-", b'"last, first";phone\n', "csv"),
        ("-", b"name\tphone\n", "tsv"),
        ("-", b"last, first\tphone\n", "tsv"),
        ("-", b'{"phone": 1}\n', "jsonl"),
        ("-", b'  {"phone": 1}\n', "jsonl"),
        ("-", b'"+14155552671"\n', "jsonl"),
        ("-", b'"name","phone"\n', "csv"),
        ("-", b'"name"\t"phone"\n', "tsv"),
        ("-", BOM + b'{"phone": 1}\n', "jsonl"),
        ("-", BOM + b"name,phone\n", "csv"),
        ("-", BOM + b"+14155552671\n", "text"),
        ("-", b"\r\n\nname,phone\n", "csv"),
        ("-", b'\n{"phone": 1}\n', "jsonl"),
        ("-", b"", "text"),
    ],
)
def test_the_format_is_told(name: str, content: bytes, format_: str) -> None:
    assert rows_of(content, name)[0].format == format_


@pytest.mark.parametrize(
    ("format_", "number"), [("text", '"p1,5"'), ("jsonl", "p1,5"), ("csv", None), ("tsv", None)]
)
def test_the_format_that_is_named_wins(format_: str, number: str | None) -> None:
    rows, found = rows_of(b'"p1,5"\n', "a.csv", format=format_)
    assert rows.format == format_
    assert [row.number for row in found] == ([] if number is None else [number])


def test_a_column_makes_it_csv() -> None:
    assert numbers(b"p\n+14155552671\n", column="p") == [A]


@pytest.mark.parametrize("format_", ["CSV", "js", "xlsx", ""])
def test_an_unknown_format_is_refused(format_: str) -> None:
    with pytest.raises(ValueError, match="csv"):
        rows_of(b"phone\n", format=format_)
