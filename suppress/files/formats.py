"""The format of a file, by the ending of its name or by its first line."""

from pathlib import PurePath

from suppress.files.encodings import BOM

FORMATS = ("text", "csv", "tsv", "jsonl")

DELIMITERS = ",;|"
"""The delimiters of a table, besides a tab."""

_SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def format_of(name: str, first: bytes, *, with_columns: bool) -> str:
    """Return the format of a file: by the ending of its name, else by its first line.

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
