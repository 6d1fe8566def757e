"""Files of numbers, row by row: what is read, what is kept, what is refused."""

import csv
import io
import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suppress import InputError, Row, Rows
from suppress.files.lines import DEFAULT_LIMITS

BOM = b"\xef\xbb\xbf"
LIMITS = DEFAULT_LIMITS
A, B, C = "+14155552671", "+442079460958", "(415) 555-2672"


def rows_of(
    content: bytes,
    name: str = "-",
    *,
    format: str | None = None,  # noqa: A002
    column: str | None = None,
    columns: Sequence[str] = (),
    default_region: str | None = None,
) -> tuple[Rows, list[Row]]:
    rows = Rows(
        io.BytesIO(content),
        name=name,
        format=format,
        column=column,
        columns=columns,
        default_region=default_region,
    )
    return rows, list(rows)


def numbers(content: bytes, name: str = "-", column: str | None = None, **more: Any) -> list[Any]:
    return [row.number for row in rows_of(content, name, column=column, **more)[1]]


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


@pytest.mark.parametrize("format_", ["CSV", "json", "xlsx", ""])
def test_an_unknown_format_is_refused(format_: str) -> None:
    with pytest.raises(ValueError, match="csv"):
        rows_of(b"phone\n", format=format_)


@pytest.mark.parametrize(
    ("header", "column", "position"),
    [
        ("code", None, 0),  # the only one
        ("phone", None, 0),
        ("id,phone,name", None, 1),  # the likely one
        ("id,name,Mobile Number", None, 2),
        ("id,MSISDN", None, 1),
        ("id, phone-number ,name", None, 1),
        ('id,"phone"', None, 1),
        ("id;phone", None, 1),
        ("id,last;first|x,phone", None, 2),
        ("phone,mobile", "mobile", 1),  # the named one
        ("phone,name", "name", 1),
        ("name,name,phone", "phone", 2),
        ("a,b", "b", 1),
        ("12345678,b", "12345678", 0),
    ],
)
def test_the_column_is_told(header: str, column: str | None, position: int) -> None:
    delimiter = ";" if header.startswith("id;") else ","
    width = len(next(csv.reader([header], delimiter=delimiter)))
    record = [f"{A}{place}" if place == position else f"{place}" for place in range(width)]
    content = f"{header}\n{delimiter.join(record)}\n".encode()
    rows, found = rows_of(
        content.replace(f"{A}{position}".encode(), A.encode()), "a.csv", column=column
    )
    assert [row.number for row in found] == [A]
    assert rows.columns == (next(csv.reader([header], delimiter=delimiter))[position],)


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (b"a,b\n", None, "line 1: which column holds the number\\? .* Name one of: 'a', 'b'\\."),
        (b"phone,mobile\n", None, "line 1: which column .*: 'phone', 'mobile'"),
        (b"phone,Phone\n", None, "line 1: which column .*: 'phone', 'Phone'"),
        (b"phone,b,phone\n", None, "line 1: which column"),
        (b"phone,b\n", "mobile", "line 1: the column 'mobile' is not in the header"),
        (b"phone,b\n", "Phone", "line 1: the column 'Phone' is not in the header"),
        (b"phone,b,phone\n", "phone", "line 1: the column 'phone' is twice in the header"),
        (b"\n\na,b\n", None, "line 3: which column"),
        ("a,\u202eb\x1b\n".encode(), None, r"line 1: which column .*: 'a', '\\u202eb\\x1b'\.$"),
        (
            b"a," + b"b" * 10**5 + b"\n",
            None,
            f"line 1: which column .*: 'a', '{'b' * 40}\\.\\.\\.'\\.$",
        ),
        (b"a\n", "b" * 1000, f"line 1: the column '{'b' * 40}\\.\\.\\.' is not in the header"),
        # No header: the first number would be taken for a name, and never screened.
        (b"+14155552671\n", None, "line 1: a number stands where"),
        (b"14155552671\n", None, "line 1: a number stands where"),
        (b"Ann,+1 (415) 555-2671\n", None, "line 1: a number stands where"),
        (b'"Ann","415.555.2671"\n', None, "line 1: a number stands where"),
        (b"Ann;+14155552671\n", None, "line 1: a number stands where"),
        ("\u0661\u0664\u0661\u0665\u0665\u0665\n".encode(), None, "line 1: a number stands where"),
        (b"whatsapp:+14155552671\n", None, "line 1: a number stands where"),
        ("+1 415\u2013555\u20132671\n".encode(), None, "line 1: a number stands where"),
        ("+1\u2011415\u2011555\u20112671\n".encode(), None, "line 1: a number stands where"),
        (b"tel:+1-415-555-2671\n", None, "line 1: a number stands where"),
        (b"+1 415 555 2671 ext. 5\n", None, "line 1: a number stands where"),
        (b"12345\n", None, "line 1: a number stands where.* Add a line with the names"),
        (b"7\n", None, "line 1: a number stands where"),
        (b"Ann,+1 23\n", None, "line 1: a number stands where"),
    ],
)
def test_a_column_that_cannot_be_told(content: bytes, column: str | None, message: str) -> None:
    with pytest.raises(InputError, match=f"^a\\.csv, {message}"):
        rows_of(content, "a.csv", column=column)


@pytest.mark.parametrize("name", ["phone1", "2nd phone", "Q3 2024", "cell_2024", "+"])
def test_a_name_with_a_few_digits_is_no_number(name: str) -> None:
    assert numbers(f"{name}\n{A}\n".encode(), "a.csv") == [A]


@pytest.mark.parametrize("blank", [b",,", b" , ,", b'"", \t,""', b"  ", b","])
def test_a_row_of_blanks_is_no_row(blank: bytes) -> None:
    content = b"name,phone,x\n%s\nA,1,2\n%s\n%s\n,,3\n%s" % (blank, blank, blank, blank)
    _, found = rows_of(content, "a.csv", column="phone")
    assert [(row.line, row.raw, row.number) for row in found] == [
        (3, b"A,1,2\n", "1"),
        (6, b",,3\n", ""),
    ]
    assert rows_of(b'phone\n""\n1\n \n', "a.csv")[1] == [Row(3, b"1\n", "1")]


def test_several_columns() -> None:
    content = b"home,name,work\n1,A,2\n,B,3\n4,C,\n , D, \n"
    rows, found = rows_of(content, "a.csv", columns=["work", "home", "work"])
    assert rows.columns == ("work", "home")
    assert [row.number for row in found] == [("2", "1"), ("3", ""), ("", "4"), (" ", " ")]
    assert [row.numbers for row in found] == [("2", "1"), ("3",), ("4",), (" ",)]
    assert rows_of(content, "a.csv", column="home", columns=["home"])[1][0].numbers == ("1",)
    with pytest.raises(InputError, match="line 1: the column 'mobile' is not in the header"):
        rows_of(content, "a.csv", columns=["home", "mobile"])


def test_several_keys() -> None:
    content = b'{"home": 1, "work": "2"}\n{"work": null, "home": 3}\n'
    rows, found = rows_of(content, columns=["work", "home"])
    assert rows.columns == ("work", "home")
    assert [row.number for row in found] == [("2", 1), (None, 3)]
    assert [row.numbers for row in found] == [("2", 1), (3,)]
    for broken, message in (
        (b'{"home": 1}\n', "line 3: it has no key 'work'"),
        (b'{"home": 1, "work": 2, "home": 3}\n', "line 3: it has the key 'home' twice"),
    ):
        with pytest.raises(InputError, match=message):
            rows_of(content + broken, columns=["work", "home"])


def many(form: str) -> tuple[bytes, list[bytes]]:
    """A file of more rows than are judged, with rows of several lines and blank ones."""
    raws = []
    for place in range(3 * LIMITS.sample_rows):
        number = "n/a" if place % 3 == 0 else f"+1415555{place:04}"
        if form == "csv":
            raws.append(f'"{place}\r\n",{number}\r\n'.encode())
        else:
            raws.append(b'{"id": %d, "phone": "%s"}\n' % (place, number.encode()))
    return b"id,phone\r\n" if form == "csv" else b"", raws


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("end", [b"", b"\xff"])
def test_rows_that_were_judged_come_back(form: str, end: bytes) -> None:
    header, raws = many(form)
    rows = Rows(io.BytesIO(header + b"\n".join(raws) + end), name=f"a.{form}")
    assert (rows.columns, rows.header) == (("phone",), header)
    found = list(itertools.islice(rows, len(raws)))
    assert [row.raw for row in found[:-1]] == raws[:-1]
    each, start = (3, 2) if form == "csv" else (2, 1)
    assert [row.line for row in found] == [start + each * place for place in range(len(raws))]
    assert found[-2].number == f"+1415555{len(raws) - 2:04}"
    if end:
        with pytest.raises(InputError, match="not UTF-8"):
            next(iter(rows))
    else:
        assert list(rows) == []


@pytest.mark.parametrize(
    "line", [1, 2, LIMITS.sample_rows // 2, LIMITS.sample_rows - 1, LIMITS.sample_rows]
)
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_those_before_a_row_that_cannot_be_read_come_back(form: str, line: int) -> None:
    header, raws = many(form)
    numbered = [raw for raw in raws if b"n/a" not in raw]
    broken = b"".join([header, *numbered[:line], b"[\n"])
    rows = Rows(io.BytesIO(broken), name=f"a.{form}")
    assert [row.raw for row in itertools.islice(rows, line)] == numbered[:line]
    with pytest.raises(InputError, match=r"line \d+: it (has 1 field,|is not JSON)"):
        next(iter(rows))
    assert list(rows) == []


def test_a_row_that_cannot_be_read_is_named_before_the_column() -> None:
    with pytest.raises(InputError, match="line 3: it has 1 field,"):
        rows_of(b"a,b\n1,2\n3\n", "a.csv")


def test_the_rows_that_are_judged_fill_no_memory() -> None:
    stream = Counted(b"phone,x\n", f"{A},{'x' * 40_000}\n".encode())
    rows = Rows(io.BufferedReader(stream, 2**16), name="a.csv")
    assert rows.columns == ("phone",)
    assert stream.taken < LIMITS.sample_bytes + 100_000


def test_the_region_judges_and_no_more() -> None:
    content = b"id,phone\n1,(415) 555-2671\n"
    assert numbers(content, "a.csv", default_region="us") == ["(415) 555-2671"]
    with pytest.raises(InputError, match=r"line 1: which column .* need a default region"):
        rows_of(content, "a.csv")
    assert numbers(content, "a.csv", "phone") == ["(415) 555-2671"]


@pytest.mark.parametrize(
    ("lines", "keys"),
    [
        # Each row may have other keys.
        (['{"id": 7}', '{"id": 8, "to": "+14155552671"}', '{"to": "+442079460958"}'], "to"),
        (['{"mobile": null, "id": "A"}', '{"id": "B"}'], "mobile"),
        (['{"only": "x"}'], "only"),
    ],
)
def test_the_key_of_rows_with_other_keys(lines: list[str], keys: str) -> None:
    rows = Rows(io.BytesIO("\n".join(lines).encode()), name="a.jsonl")
    assert rows.columns == (keys,)


def test_a_mark_and_a_backslash() -> None:
    content = BOM + b'{"phone": "+14155552671", "x": "\\n"}\n'
    assert numbers(content) == [A]
    with pytest.raises(InputError, match="line 1: it has the key 'phone' twice"):
        rows_of(
            content.replace(b'"x"', b'"\\u0070hone"').replace(b'"\\n"', SOME.join([b'"', b'"']))
        )


def test_an_object_behind_plain_values() -> None:
    plain = b'"+14155552671"\n' * LIMITS.sample_rows
    with pytest.raises(InputError, match=f"line {LIMITS.sample_rows + 1}: it is a JSON object"):
        rows_of(plain + b'{"phone": 1}\n', "a.jsonl")
    with pytest.raises(InputError, match="line 1: it is not a JSON object with the key 'phone'"):
        rows_of(b'"+14155552671"\n{"phone": 1}\n', "a.jsonl")


def test_text_has_no_column() -> None:
    with pytest.raises(InputError, match="no column 'phone'"):
        rows_of(b"phone\n", format="text", column="phone")


JSON_KEYS = b'{"id": 1, "phone": "+14155552671"}\n{"phone": "+442079460958", "mobile": 2}\n'
SOME = A.encode()


def test_a_json_key_is_told_once_for_the_whole_file() -> None:
    assert numbers(JSON_KEYS, default_region="US") == [A, B]
    assert numbers(b'{"x": "%s"}\n{"x": 2, "phone": null}\n{"x": "%s"}\n' % (SOME, SOME)) == [
        *(SOME.decode(), 2, SOME.decode())
    ]
    assert numbers(b'{"phone": 1, "other": 2}\n{"other": 4, "phone": 3}\n', column="other") == [
        2,
        4,
    ]


def test_json_keys_that_are_named() -> None:
    assert numbers(b'{"phone": 1, "b": 2}\n{"b": 4, "phone": 3}\n', "a.jsonl", "b") == [2, 4]


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("14155552671", 14155552671),
        ('"14155552671"', "14155552671"),
        ("14155552671.0", 14155552671.0),
        ("1.4155552671e10", 1.4155552671e10),
        ("-5", -5),
        ("null", None),
        ("true", True),
        ("[1]", [1]),
        ('" +1\\u0034 "', " +14 "),
    ],
)
def test_json_values_are_kept_as_they_are(value: str, number: object) -> None:
    for line in (f'{{"phone": {value}}}', value):
        (found,) = numbers(line.encode(), "a.jsonl")
        assert found == number
        assert type(found) is type(number)


CSV = b"name,phone\n"
KEPT = [
    ("-", CSV, [b"A,1\n", b"B,2\n"]),
    ("-", b"name,phone\r\n", [b"A,1\r\n", b"B,2\r\n"]),
    ("-", BOM + CSV, [b"A,1\n", b"B,2"]),
    ("-", CSV, [b'"two\nlines",1\n', b'B,"\n\n2"\n', b"C,3"]),
    ("-", b"name,phone\r\n", [b'"two\r\n\r\nlines",1\r\n', b'"a ""b"", c",2\n', b"C,3\r\n"]),
    ("a.csv", b'"na\n\nme","phone"\n', [b'"A","1"\n', b" x , 2 \n"]),
    ("-", CSV, []),
    ("-", b"name,phone", []),
    ("-", b"name;phone\n", [b"A, B;1\n", b'"x;y";2\n']),
    ("-", b"name\tphone\n", [b"A, B\t1\n", b'"x\ty"\t2\n']),
    ("-", CSV, ["Zo\u00eb \u2028 \x85 \x0b \x0c \x1c,\u0664\u0661\n".encode()]),
    ("a.csv", b"phone\n", [b'"1"\n', b"2\n", b'" 3"\n']),
    ("a.csv", BOM + b'"phone"\r\n', [b"1\r\n"]),
    ("-", b"", [b"+1 415\n", b" 2 \r\n", b"n/a\n", b"4"]),
    ("-", b"", [BOM + b"1\n", b"2\n"]),
    ("-", b"", [b'{"phone": 1}\n', b' {"phone": 2 } \r\n', b'{"x": "\\n", "phone": 3}']),
    ("-", b"", [BOM + b'{"phone": 1}\n', b'{"phone":"\xc3\xab"}\n']),
]


@pytest.mark.parametrize(("name", "header", "raws"), KEPT)
def test_bytes_are_kept(name: str, header: bytes, raws: list[bytes]) -> None:
    content = header + b"".join(raws)
    rows, found = rows_of(content, name, column="phone" if b"phone" in content else None)
    assert rows.header == header
    assert [row.raw for row in found] == raws


@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b"\n\n\r\n"])
@pytest.mark.parametrize("leading", [False, True])
@pytest.mark.parametrize(
    ("name", "header", "raws"),
    [(name, header, raws) for name, header, raws in KEPT if BOM not in b"".join([header, *raws])],
)
def test_blank_lines_are_no_rows_but_count_as_lines(
    name: str, header: bytes, raws: list[bytes], leading: bool, blank: bytes
) -> None:
    parts = [part if part.endswith(b"\n") else part + b"\n" for part in (header, *raws) if part]
    column = "phone" if b"phone" in b"".join(parts) else None
    rows, found = rows_of(blank * leading + blank.join(parts) + blank, name, column=column)
    assert [part for part in (rows.header, *(row.raw for row in found)) if part] == parts
    line = 1 + blank.count(b"\n") * leading
    lines = []
    for part in parts:
        lines.append(line)
        line += part.count(b"\n") + blank.count(b"\n")
    assert [row.line for row in found] == lines[len(parts) - len(raws) :]


def test_line_numbers_after_records_of_several_lines() -> None:
    content = b'"na\nme",phone\n"a\n\nb",1\nB,2\n\n"c\n",3\nD,4\n'
    assert [(row.line, row.number) for row in rows_of(content, "a.csv", column="phone")[1]] == [
        (3, "1"),
        (6, "2"),
        (8, "3"),
        (10, "4"),
    ]


def test_text_is_stripped_of_spaces_only() -> None:
    assert numbers(f"  {A} \r\n\t{C}\n+1 ext. 5\n".encode(), "a.txt") == [A, C, "+1 ext. 5"]


@pytest.mark.parametrize(
    ("name", "content", "line", "message"),
    [
        ("a.txt", b"1\n\xff2\n", 2, "not UTF-8.*iconv -f WINDOWS-1252 -t UTF-8$"),
        ("a.txt", b"1\n\n2\x00\n", 3, "NUL"),
        ("a.txt", b"1\n22\r33\n", 2, "a carriage return stands in it"),
        ("a.txt", b"1\r2\r3\r", 1, r"a carriage return .*: tr '\\r' '\\n'\.$"),
        ("a.csv", b"na\xffme,phone\n", 1, "not UTF-8"),
        ("a.csv", b"name,phone\nA,1\n\xe9,2\n", 3, "not UTF-8"),
        ("a.csv", b'name,phone\n"a\nb\xe9",2\n', 3, "not UTF-8"),
        ("a.csv", b"name,phone\nA\0,1\n", 2, "NUL"),
        ("a.csv", b"name,phone\nA,1\n\nB\n", 4, "1 field, but the header has 2"),
        ("a.csv", b'name,phone\n"a\nb",1\nB,2,3\n', 4, "3 fields, but the header has 2"),
        ("a.csv", b'phone\n1\n"2\n3\n4\n', 3, "cannot be read as CSV: a quote is never closed"),
        ("a.csv", b'"phone\n1\n', 1, "cannot be read as CSV: a quote is never closed"),
        ("a.csv", b'phone\n"1"2\n', 2, "cannot be read as CSV: text follows a closing quote"),
        ("a.csv", b"name,phone\nA,1\rB,2\r", 2, "cannot be read as CSV: a carriage return"),
        ("a.csv", b"name,phone\rA,1\rB,2\r", 1, "cannot be read as CSV: a carriage return"),
        ("a.csv", b'phone\n"' + b"1" * 140_000, 2, "cannot be read as CSV: a field is too long"),
        ("a.csv", b'phone\n1\n"' + b"22\n" * 50_000, 3, "CSV: a field is too long. Is a quote"),
        ("a.tsv", b'phone\n"1\n', 2, "cannot be read as TSV"),
        ("a.tsv", b"name\tphone\nA,1\n", 2, "1 field, "),
        ("a.jsonl", b'{"phone": 1}\n{"phone": 1\n', 2, "not JSON"),
        ("a.jsonl", b'{"phone": 1}\n\n+1\n', 3, "not JSON"),
        ("a.jsonl", b'{"phone": 1} {"phone": 2}\n', 1, "not JSON"),
        ("a.jsonl", b'{"phone": 1}\r{"phone": 2}\r', 1, "not JSON"),
        ("a.jsonl", b'{"phone": NaN}\n', 1, "not JSON"),
        ("a.jsonl", b'{"phone": 1' + b"0" * 5000 + b"}\n", 1, "out of range"),
        ("a.jsonl", b"[" * 100_000, 1, "nested too deeply"),
        ("a.jsonl", b'{"phone":' * 100_000, 1, "nested too deeply"),
        ("a.jsonl", b'{"phone": "+14155552671"}\n{"mobile": 1}\n', 2, "no key 'phone'"),
        ("a.jsonl", b'{"phone": 1, "x": 2, "phone": "+14155552671"}\n', 1, "the key 'phone' twice"),
        ("a.jsonl", b'{"phone": 1, "\\u0070hone": 1}\n', 1, "the key 'phone' twice"),
        ("a.jsonl", b'{"a": 1, "b": 2}\n', 1, "which column .*: 'a', 'b'"),
        ("a.jsonl", b'{"phone": 1, "mobile": 2}\n', 1, "which column"),
        ("a.jsonl", b'{"phone": 1, "Phone": 2}\n', 1, "which column"),
        ("a.jsonl", b"{}\n", 1, "which column"),
        ("a.jsonl", b'{"phone": "\xff"}\n', 1, "not UTF-8"),
        ("a.xlsx", b"PK\x03\x04\x14\0\x06\0\x08\0\n", 1, "a workbook or an archive"),
        ("a.csv", b"name,phone\n" + b"\0" * 400, 2, "it has a NUL character"),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes, line: int, message: str) -> None:
    with pytest.raises(InputError, match=f"^{name}, line {line}: .*{message}"):
        rows_of(content, name)


HEADER = "name,phone\r\nAnn,1\r\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (HEADER.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + HEADER.encode("utf-16-be"), "UTF-16"),
        (HEADER.encode("utf-16-le"), "UTF-16LE"),
        (HEADER.encode("utf-16-be"), "UTF-16BE"),
        ("\u0438\u043c\u044f,phone\n".encode("utf-16-le"), "UTF-16LE"),
        (HEADER.encode("utf-32"), "UTF-32"),
        (b"\0\0\xfe\xff" + HEADER.encode("utf-32-be"), "UTF-32"),
        (HEADER.encode("utf-32-le"), "UTF-32LE"),
        (HEADER.encode("utf-32-be"), "UTF-32BE"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl", "-"])
def test_another_encoding_is_named(name: str, content: bytes, encoding: str) -> None:
    message = (
        f"^{name}, line 1: it looks like {encoding}\\. Convert the file to UTF-8 first, "
        f"for example: iconv -f {encoding} -t UTF-8$"
    )
    with pytest.raises(InputError, match=message):
        rows_of(content, name)


def test_what_is_no_doubled_key() -> None:
    content = rb"""{"phone": "1", "x": {"phone": 2}, "y": "phone"}
{"x": {"phone": 2, "phone": 3}, "phone": "\u0031", "Phone": 4}"""
    assert numbers(content, "a.jsonl", "phone") == ["1", "1"]


class Counted(io.RawIOBase):
    """A file without an end that repeats a piece; counts the bytes that are read of it."""

    def __init__(self, first: bytes, piece: bytes) -> None:
        self.taken = 0
        self._first, self._piece = first, piece

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._first = self._first or self._piece, b""
        buffer[: len(piece)] = piece
        self.taken += len(piece)
        if self.taken > 5 * LIMITS.row_bytes:
            pytest.fail("it reads on and on")
        return len(piece)


@pytest.mark.parametrize(
    ("first", "piece", "line", "message"),
    [
        # A line, a row of many lines, and a field that never end.
        (b"+14155552671\n", b"1" * 4096, 2, "longer than 1,048,576 bytes"),
        (b"phone,x\n1,", b"2" * 4096, 2, "longer than 1,048,576 bytes"),
        (b"phone,x\n1", b',"\n"' * 1000, 2, "longer than 1,048,576 bytes"),
        (b'phone,x\n1,2\n"', b"2\n" * 2000, 3, "a field is too long. Is a quote never closed"),
        (b'{"phone": 1}\n', b"[" * 4096, 2, "longer than 1,048,576 bytes"),
        (b"phone", b",a" * 2000, 1, "longer than 1,048,576 bytes"),
        (b"", b" " * 4096, 1, "longer than 1,048,576 bytes"),
        (b"", b"1\r" * 2000, 1, "longer than 1,048,576 bytes; a carriage return stands"),
    ],
)
def test_a_row_without_an_end_does_not_fill_the_memory(
    first: bytes, piece: bytes, line: int, message: str
) -> None:
    stream = Counted(first, piece)
    with pytest.raises(InputError, match=f"^-, line {line}: .*{message}") as raised:
        list(Rows(io.BufferedReader(stream), name="-"))
    assert stream.taken < LIMITS.row_bytes + 100_000
    assert len(str(raised.value)) < 300


def test_the_longest_row_is_read() -> None:
    line = b"1" + b" " * (LIMITS.row_bytes - 2) + b"\n"
    assert [row.raw for row in rows_of(line * 2)[1]] == [line, line]
    with pytest.raises(InputError, match="line 2: it is longer"):
        rows_of(line + b" " + line)


def test_a_wide_table() -> None:
    """As many columns as a row has room for."""
    names = [str(place) for place in range(150_000)]
    content = ",".join(names).encode() + b"\n" + b",".join([b"1"] * len(names)) + b"\n"
    assert numbers(content, "a.csv", "149999") == ["1"]


def test_json_that_is_no_object_has_no_key() -> None:
    with pytest.raises(InputError, match=r"line 2: .*not a JSON object with the key 'phone'"):
        rows_of(b'{"phone": 1}\n"2"\n', "a.jsonl", column="phone")


def test_rows_before_a_bad_one_are_given() -> None:
    rows = Rows(io.BytesIO(b"phone\n1\n2\n3,4\n5\n"), name="a.csv")
    assert [next(rows.__iter__()).number for _ in range(2)] == ["1", "2"]
    with pytest.raises(InputError, match="line 4"):
        list(rows)


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n \n", BOM, BOM + b"\n"])
@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "-"])
def test_empty_input_has_no_rows(name: str, content: bytes) -> None:
    rows, found = rows_of(content, name)
    assert found == []
    assert rows.header == b""


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\n", BOM])
@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_csv_without_a_header_is_refused(format_: str, content: bytes) -> None:
    with pytest.raises(
        InputError, match=f"a.{format_} is empty: a {format_.upper()} file begins with a header"
    ):
        rows_of(content, f"a.{format_}")


def test_rows_are_read_as_they_are_asked_for() -> None:
    class Endless(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            return b"+14155552671\n"

    rows = iter(Rows(Endless()))
    assert [next(rows).line for _ in range(3)] == [1, 2, 3]


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
forms = st.sampled_from(
    [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]
)


@settings(deadline=None)
@given(data=st.data(), form=forms, width=st.integers(1, 4), marked=st.booleans())
def test_any_table_comes_back(
    data: st.DataObject, form: tuple[str, int], width: int, marked: bool
) -> None:
    delimiter = data.draw(st.sampled_from(",;|\t")) if width > 1 else ","
    table = data.draw(st.lists(st.lists(texts, min_size=width, max_size=width), max_size=5))
    position = data.draw(st.integers(0, width - 1))
    names = [f"c{place}" for place in range(width)]

    def written(record: list[str]) -> bytes:
        stream = io.StringIO()
        terminator, quoting = form
        csv.writer(
            stream,
            delimiter=delimiter,
            lineterminator=terminator,
            quoting=quoting,  # type: ignore[arg-type]
        ).writerow(record)
        return stream.getvalue().encode()

    header, raws = BOM * marked + written(names), [written(record) for record in table]
    name = "a.tsv" if delimiter == "\t" else "a.csv"
    rows, found = rows_of(header + b"".join(raws), name, column=f"c{position}")
    assert rows.header == header
    lines = [1 + header.count(b"\n")]
    for raw in raws:
        lines.append(lines[-1] + raw.count(b"\n"))
    assert found == [
        Row(line, raw, record[position])
        for line, raw, record in zip(lines, raws, table, strict=False)
        if any(map(str.strip, record))
    ]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30)))
def test_any_json_lines_come_back(values: list[str]) -> None:
    raws = [msgspec.json.encode({"phone": value, "n": place}) for place, value in enumerate(values)]
    _, found = rows_of(b"\n".join(raws), "a.jsonl", column="phone")
    assert [row.number for row in found] == values
    assert [row.raw.removesuffix(b"\n") for row in found] == raws
