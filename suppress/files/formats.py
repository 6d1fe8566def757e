"""The format of a file, by its first bytes or its first line, and the ending of its name."""

import re
from pathlib import PurePath

from suppress.files.compressed import without_compression
from suppress.files.encodings import BOM

DELIMITERS = ",;|"
"""The delimiters of a table, besides a tab."""

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

_ENDINGS = {
    **_SUFFIXES,
    ".txt": "text",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "workbook",
    # These are read, but nothing here writes them.
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods"), "old workbook"),
}
"""Endings of names that promise a format."""

MAGIC = {
    "parquet": (b"PAR1",),
    # A ZIP archive, and the container of older workbooks.
    "workbook": (b"PK\3\4", b"\xd0\xcf\x11\xe0"),
}
"""The first bytes of formats that are not text."""

NAMED_DELIMITER = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([!#-/:-@[-`{-~\t])"?\r?\n?', re.IGNORECASE)
"""A first line that names the delimiter, as Excel reads it."""

_OBJECT = re.compile(rb'\{\s*(?:"|\})')
_ARRAY = re.compile(rb'\[\s*(?:$|[{"\[\d\]-])')
_OPENING = re.compile(rb"\[\s*(?:\{.*)?\s*", re.DOTALL)
_JSON = re.compile(rb'[\[{"\d-]|true|false|null')


def format_of(name: str, first: bytes, *, with_columns: bool) -> str:
    """Return the format of a file: by its first line, and by the ending of its name.

    Args:
        name: the file's name.
        first: its first line that is not blank.
        with_columns: whether columns were named.
    """
    text = first.removeprefix(BOM).lstrip()
    by_name = _SUFFIXES.get(PurePath(without_compression(name)).suffix.lower())
    # A line of JSON lines may be an array, too.
    if _ARRAY.match(text) and (by_name != "jsonl" or _OPENING.fullmatch(text)):
        return "json"
    has_delimiter = any(ord(each) in text for each in DELIMITERS)
    if NAMED_DELIMITER.fullmatch(first):
        return "csv"
    # A name that the content contradicts says nothing.
    if (
        (by_name == "csv" and not _OBJECT.match(text))
        or (by_name == "jsonl" and (_JSON.match(text) or not text.isascii() or not text))
        or (by_name == "tsv" and (b"\t" in text or not has_delimiter))
    ):
        return by_name
    if text.startswith(b"{") or (text.startswith(b'"') and not _looks_quoted(text)):
        return "jsonl"
    if b"\t" in text:
        return "tsv"
    return "csv" if with_columns or has_delimiter else "text"


def promised_by(name: str) -> str | None:
    """Return the format that a file has by the ending of its name; None for any."""
    return _ENDINGS.get(PurePath(without_compression(name)).suffix.lower())


def _looks_quoted(text: bytes) -> bool:
    return any(ord(each) in text for each in DELIMITERS + "\t")
