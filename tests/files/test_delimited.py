"""CSV and TSV: the header, the column, rows of several lines, and any table byte for byte."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.files import BOM, A, numbers, rows_of
from suppress import InputError, Row, Rows


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


def test_a_row_that_cannot_be_read_is_named_before_the_column() -> None:
    with pytest.raises(InputError, match="line 3: it has 1 field,"):
        rows_of(b"a,b\n1,2\n3\n", "a.csv")


def test_the_region_judges_and_no_more() -> None:
    content = b"id,phone\n1,(415) 555-2671\n"
    assert numbers(content, "a.csv", default_region="us") == ["(415) 555-2671"]
    with pytest.raises(InputError, match=r"line 1: which column .* need a default region"):
        rows_of(content, "a.csv")
    assert numbers(content, "a.csv", "phone") == ["(415) 555-2671"]


def test_line_numbers_after_records_of_several_lines() -> None:
    content = b'"na\nme",phone\n"a\n\nb",1\nB,2\n\n"c\n",3\nD,4\n'
    assert [(row.line, row.number) for row in rows_of(content, "a.csv", column="phone")[1]] == [
        (3, "1"),
        (6, "2"),
        (8, "3"),
        (10, "4"),
    ]


def test_a_wide_table() -> None:
    """As many columns as a row has room for."""
    names = [str(place) for place in range(150_000)]
    content = ",".join(names).encode() + b"\n" + b",".join([b"1"] * len(names)) + b"\n"
    assert numbers(content, "a.csv", "149999") == ["1"]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\n", BOM])
@pytest.mark.parametrize("format_", ["csv", "tsv"])
def test_csv_without_a_header_is_refused(format_: str, content: bytes) -> None:
    with pytest.raises(
        InputError, match=f"a.{format_} is empty: a {format_.upper()} file begins with a header"
    ):
        rows_of(content, f"a.{format_}")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


forms = st.sampled_from(
    [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]
)


@settings(deadline=None)
@given(data=st.data(), form=forms, width=st.integers(1, 4), marked=st.booleans())
@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        (b"sep=;\n", b";"),
        (BOM + b'"sep=;"\r\n', b";"),
        (b"SEP=\t\r\n", b"\t"),
        (b"sep=#\n", b"#"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "-"])
def test_a_first_line_that_names_the_delimiter(name: str, header: bytes, delimiter: bytes) -> None:
    """As Excel reads it; it is written with the header, for Excel."""
    content = header + delimiter.join([b"a,b", b"phone"]) + b"\n" + delimiter.join([b"x", b"1"])
    rows, found = rows_of(content, name, column="phone")
    assert (rows.format, rows.columns) == ("csv", ("phone",))
    assert found == [Row(3, b"x" + delimiter + b"1", "1")]
    assert rows.header + found[0].raw == content


def test_tabs_in_a_csv() -> None:
    rows, found = rows_of(b"last, first\tphone\tid\nAnn\t1\t2\n", "a.csv", column="phone")
    assert (rows.format, [row.number for row in found]) == ("csv", ["1"])


@pytest.mark.parametrize(("name", "content"), [("-", b"A,%s\n"), ("a.csv", BOM + b"\nA;%s")])
def test_a_table_without_a_header(name: str, content: bytes) -> None:
    content %= A.encode()
    for column in ("2", None):
        rows = Rows(io.BytesIO(content), name=name, column=column, has_header=False)
        assert (rows.header, rows.columns) == (b"", ("2",))
        assert [row.number for row in rows] == [A]
    batches = Rows(io.BytesIO(content), name=name, has_header=False).batches()
    assert [list(batch.numbers) for batch in batches] == [[A]]


def test_a_place_that_there_is_not() -> None:
    with pytest.raises(InputError, match=r"line 1: there is no column .3.\. .* from 1 to 2"):
        Rows(io.BytesIO(b"A,1\n"), column="3", has_header=False)


def test_a_number_in_place_of_a_header() -> None:
    with pytest.raises(InputError, match="or use --no-header"):
        rows_of(b"A,+14155552671\n")


@pytest.mark.parametrize("end", [b"\x1a", b"\n\x1a", b"\r\n\x1a"])
@pytest.mark.parametrize("format_", ["text", "csv"])
def test_a_final_ctrl_z_is_passed_over(format_: str, end: bytes) -> None:
    header = b"phone\n" if format_ == "csv" else b""
    _, found = rows_of(header + b"1" + end, format=format_)
    assert [row.number for row in found] == ["1"]
    assert found[0].raw == b"1" + end.removesuffix(b"\x1a")
