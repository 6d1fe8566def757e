"""The format of a file, by its first line and the ending of its name."""

import re
from pathlib import PurePath

from suppress.files.encodings import BOM

FORMATS = ("text", "csv", "tsv", "jsonl")

DELIMITERS = ",;|"
"""The delimiters of a table, besides a tab."""

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


NAMED_DELIMITER = re.compile(rb'(?:\xef\xbb\xbf)?"?sep=([!#-/:-@[-`{-~\t])"?\r?\n?', re.IGNORECASE)
"""A first line that names the delimiter, as Excel reads it."""

_OBJECT = re.compile(rb'\{\s*(?:"|\})')
_JSON = re.compile(rb'[\[{"\d-]|true|false|null')


def format_of(name: str, first: bytes, *, with_columns: bool) -> str:
    """Return the format of a file: by its first line, and by the ending of its name.

    Args:
        name: the file's name.
        first: its first line that is not blank.
        with_columns: whether columns were named.
    """
    if NAMED_DELIMITER.fullmatch(first):
        return "csv"
    text = first.removeprefix(BOM).lstrip()
    if _OBJECT.match(text):
        return "jsonl"
    by_name = _SUFFIXES.get(PurePath(name).suffix.lower())
    has_delimiter = any(ord(each) in text for each in DELIMITERS)
    # A name that the content contradicts says nothing.
    if (
        by_name == "csv"
        or (by_name == "jsonl" and (_JSON.match(text) or not text.isascii() or not text))
        or (by_name == "tsv" and (b"\t" in text or not has_delimiter))
    ):
        return by_name
    if text.startswith(b'"') and not _looks_quoted(text):
        return "jsonl"
    if b"\t" in text:
        return "tsv"
    return "csv" if with_columns or has_delimiter else "text"


def _looks_quoted(text: bytes) -> bool:
    return any(ord(each) in text for each in DELIMITERS + "\t")
