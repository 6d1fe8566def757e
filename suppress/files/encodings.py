"""The encodings of files: bytes that are not UTF-8, and how to convert them."""

BOM = b"\xef\xbb\xbf"
"""The mark with which a file in UTF-8 may begin."""

_SHORTEST_WIDE = 8
"""The fewest bytes of a line from which its encoding is guessed: one NUL says nothing."""

_MARKS = (
    # Those of UTF-32 first: one of UTF-16's begins like one of them.
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_BINARY = (
    (b"%PDF-", "a PDF document"),
    (b"ARROW1", "an Arrow file"),
    (b"Obj\1", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"7z\xbc\xaf", "an archive"),
    (b"Rar!\x1a", "an archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)


def binary_kind(first: bytes) -> str | None:
    """Return what a file is that no format here can read; None for any other.

    Args:
        first: its first bytes.
    """
    return next((kind for magic, kind in _BINARY if first.startswith(magic)), None)


def why_unreadable(raw: bytes, what: str) -> str:
    """Return why a line cannot be read, and how to convert the file.

    Args:
        raw: the line.
        what: what is wrong with it, if it looks like nothing else.
    """
    encoding = _wide_encoding(raw)
    if encoding is not None:
        what = f"it looks like {encoding}"
    convert = f"iconv -f {encoding or 'WINDOWS-1252'} -t UTF-8"
    return f"{what}. Convert the file to UTF-8 first, for example: {convert}"


def _wide_encoding(raw: bytes) -> str | None:
    """Return the encoding with two or four bytes a character that a line looks like."""
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    # In text that is written for the most part in ASCII, all but one byte of each are NUL.
    even, odd = (raw[start:400:2].count(0) * 4 for start in (0, 1))
    length = min(len(raw), 400)
    if length < _SHORTEST_WIDE:
        return None
    if 2.4 * length < even + odd < 3.6 * length:
        return "UTF-32LE" if raw[0] else "UTF-32BE"
    if abs(even - odd) > length:
        return "UTF-16LE" if odd > even else "UTF-16BE"
    return None
