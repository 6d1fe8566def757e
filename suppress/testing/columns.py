"""The suite of a maker of columns."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from suppress.numbers.bulk import Reader
from suppress.numbers.column import ROOM, Column
from suppress.numbers.convention import Convention

MakeColumn = Callable[[Sequence[str | None]], Column]

_NUMBERS = (
    *("+442079460123", "442079460123", "020 7946 0123", "+1 (415) 555-2671", "+22961234567"),
    *("tel:+442079460123", "'+442079460123", '="+442079460123"', "+442079460123.0", "p:+1"),
    *("+44 20 7946 0123 / +44 20 7946 0999", "+442079460123 Ann", "+4420 7946 \uff10123"),
    *("\u202a+442079460123\u202c", "+44\u00a020\u20097946 0123", "n/a", "", " ", "x" * 300),
    *("+44207946" + "-" * 300 + "0123", "1" * 17, "00442079460123", "+44...79460123", "0"),
)


class ColumnContract:
    """Tests of what makes columns; subclass it, and give the fixture `make`."""

    @pytest.fixture
    def make(self) -> MakeColumn:
        """The maker: a function that takes texts, or None for a missing one, to a column."""
        raise NotImplementedError("give a fixture named `make`")

    @pytest.mark.parametrize(
        "texts",
        [
            [],
            [""],
            ["", "", "+442079460123", ""],
            ["+442079460123", "+442079460999"],
            ["\uff0b44", "\u00e9", "\u202a1\u202c", "\U0001f4de 5"],
            ["a,b", 'c"d', "e\tf", "?", "\0"],
        ],
    )
    def test_has_the_texts(self, make: MakeColumn, texts: list[str]) -> None:
        """Its texts are those that were given, in their order, in UTF-8."""
        column = make(texts)
        assert len(column) == len(column.starts) == len(column.ends) == len(texts)
        assert list(column) == texts
        for text, start, end in zip(texts, column.starts, column.ends, strict=True):
            assert bytes(column.data[start:end]) == text.encode()

    def test_a_missing_text_is_empty(self, make: MakeColumn) -> None:
        """A text that is missing reads like an empty one."""
        assert list(make(["+442079460123", None, "5"])) == ["+442079460123", "", "5"]
        assert list(make([None])) == [""]

    def test_a_lone_surrogate(self, make: MakeColumn) -> None:
        """Half a character is refused or stays, and is never another character."""
        try:
            column = make(["1\ud8002", "3"])
        except UnicodeEncodeError:
            return
        assert list(column) == ["1\ud8002", "3"]

    def test_parts(self, make: MakeColumn) -> None:
        """A slice is the column of these texts, and so are chosen ones, in any order."""
        texts = ["+442079460123", "", "\u00e9", "4", "+1 415 555 2671"]
        column = make(texts)
        for part in (slice(1, 3), slice(0, 0), slice(2, None), slice(None, None, 2)):
            assert list(column[part]) == texts[part]
        assert list(column.take(np.array([3, 0, 0]))) == ["4", "+442079460123", "+442079460123"]
        with pytest.raises(IndexError):
            column[len(texts)]

    def test_is_in_lines_where_it_says_so(self, make: MakeColumn) -> None:
        """Texts that are said to be in lines are read where they stand."""
        for texts in (["+442079460123", "", "5"], ["a\nb", "c"]):
            column = make(texts)
            if column.in_lines:
                assert column.starts[0] > ROOM
                assert len(column.data) - column.ends[-1] > ROOM
                assert column.starts[1:].tolist() == (column.ends[:-1] + 1).tolist()
                lines = b"\n" + "\n".join(texts).encode() + b"\n"
                assert bytes(column.data[column.starts[0] - 1 : column.ends[-1] + 1]) == lines
                assert not any("\n" in text for text in texts)

    @pytest.mark.parametrize("region", [None, "GB", "international"])
    def test_is_read_like_its_texts(self, make: MakeColumn, region: str | None) -> None:
        """Read in bulk, it has the readings that each of its texts has by itself."""
        texts = [text for each in _NUMBERS for text in (each, f"{each}1")]
        reader = Reader(Convention(region))
        for given in (texts, texts[::-1], [text for text in texts if text.isascii()]):
            found = reader.read_all(make(given))
            firsts = reader.firsts(found).tolist()
            for place, text in enumerate(given):
                meaning = reader.read(text)
                assert found.problem(place) is meaning.problem
                assert (f"+{firsts[place]}" if firsts[place] else None) == meaning.first
