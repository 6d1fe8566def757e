"""Bytes that are not UTF-8: the error names the encoding and the remedy."""

import pytest

from support.files import rows_of
from suppress import InputError

HEADER = "name,phone\r\nAnn,1\r\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
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


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.4\n", "a PDF document"),
        (b"ARROW1\0\0", "an Arrow file"),
        (b"SQLite format 3\0", "an SQLite database"),
    ],
)
def test_what_is_no_list_is_named(content: bytes, kind: str) -> None:
    with pytest.raises(InputError, match=f"^a.csv, line 1: it is {kind}. Save it as CSV in UTF-8"):
        rows_of(content, "a.csv")
