"""Text with a number on each line."""

import pytest

from support.files import A, C, numbers, rows_of
from suppress import InputError


def test_text_has_no_column() -> None:
    with pytest.raises(InputError, match="no column 'phone'"):
        rows_of(b"phone\n", format="text", column="phone")


def test_text_is_stripped_of_spaces_only() -> None:
    assert numbers(f"  {A} \r\n\t{C}\n+1 ext. 5\n".encode(), "a.txt") == [A, C, "+1 ext. 5"]
