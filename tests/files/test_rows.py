"""Files of every format, row by row: what is read, what is kept, what is refused."""

import io

import pytest

from support.files import BOM, rows_of
from suppress import InputError, Rows

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
        ("a.csv", b"name,phone\n" + b"\0" * 400, 2, "it has a NUL character"),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes, line: int, message: str) -> None:
    with pytest.raises(InputError, match=f"^{name}, line {line}: .*{message}"):
        rows_of(content, name)


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
