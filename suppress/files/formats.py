"""The formats of files of numbers, and how to tell them."""

from pathlib import PurePath

DELIMITERS = ",;|"
"""Characters that stand between the fields of a table, besides a tab."""

BOM = b"\xef\xbb\xbf"

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def format_of(name: str, first: bytes, *, with_columns: bool) -> str:
    """Tell the format of a file by the ending of its name, else by its first line.

    Args:
        name: the file's name.
        first: its first line that is not blank.
        with_columns: whether columns were named.
    """
    by_name = _SUFFIXES.get(PurePath(name).suffix.lower())
    if by_name is not None:
        return by_name
    text = first.removeprefix(BOM).lstrip()
    if text.startswith((b"{", b'"')) and not _looks_quoted(text):
        return "jsonl"
    if b"\t" in text:
        return "tsv"
    if with_columns or any(ord(each) in text for each in DELIMITERS):
        return "csv"
    return "text"


def _looks_quoted(text: bytes) -> bool:
    return text.startswith(b'"') and any(ord(each) in text for each in DELIMITERS + "\t")
