"""Every format keeps the contract of batches, and the suite finds a batch that does not."""

import io
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from suppress import Batch, Rows
from suppress.files.batch import Pieces
from suppress.files.lines import RowLimits
from suppress.testing import BatchContract
from suppress.testing.batches import NUMBERS, Chosen, Opening, Rewriting

SMALL = RowLimits(block_bytes=2**11)
HEADERS = {"text": b"", "csv": b"name,phone\n", "tsv": b"name\tphone\n", "jsonl": b""}


def file_of(numbers: Sequence[str], form: str) -> bytes:
    rows: dict[str, Callable[[str], str]] = {
        "text": lambda number: number,
        "csv": lambda number: f'"Ann\n{number[-3:]}",{number}' if "7" in number else f"A,{number}",
        "tsv": lambda number: f"A\t{number}",
        "jsonl": lambda number: json.dumps({"phone": number}),
    }
    return HEADERS[form] + "".join(rows[form](number) + "\n" for number in numbers).encode()


def batches_of(content: bytes, form: str) -> Iterable[Batch]:
    return Rows(io.BytesIO(content), format=form, limits=SMALL).batches()


@pytest.mark.parametrize("form", HEADERS)
class TestFormats(BatchContract):
    @pytest.fixture
    def opening(self, form: str) -> Opening:
        return lambda numbers: list(batches_of(file_of(numbers, form), form))

    @pytest.fixture
    def rewriting(self, form: str) -> Rewriting:
        def rewritten(choices: Sequence[tuple[Batch, Chosen]]) -> list[Any]:
            out = io.BytesIO(HEADERS[form])
            out.seek(0, io.SEEK_END)
            for batch, chosen in choices:
                batch.write(chosen, out)
            return [number for each in batches_of(out.getvalue(), form) for number in each.numbers]

        return rewritten

    def test_writes_byte_for_byte(self, form: str) -> None:
        content, out = file_of(NUMBERS, form), io.BytesIO()
        for batch in batches_of(content, form):
            batch.write(np.ones(len(batch.numbers), np.bool_), out)
        assert HEADERS[form] + out.getvalue() == content


class OfLibrary(BatchContract):
    """The suite for a format that a library reads and writes."""

    def content_of(self, numbers: Sequence[str]) -> bytes:
        raise NotImplementedError

    def name(self) -> str:
        raise NotImplementedError

    def rows_of(self, content: bytes) -> Rows:
        return Rows(io.BytesIO(content), limits=RowLimits(batch_rows=300))

    @pytest.fixture
    def opening(self) -> Opening:
        return lambda numbers: list(self.rows_of(self.content_of(numbers)).batches())

    @pytest.fixture
    def rewriting(self) -> Rewriting:
        def rewritten(choices: Sequence[tuple[Batch, Chosen]]) -> list[Any]:
            out = io.BytesIO()
            writer = self.rows_of(self.content_of(NUMBERS)).writer(out, self.name())
            for batch, chosen in choices:
                batch.write(chosen, writer)
            writer.finish()
            again = self.rows_of(out.getvalue()).batches()
            return [number for each in again for number in each.numbers]

        return rewritten


class TestParquet(OfLibrary):
    def content_of(self, numbers: Sequence[str]) -> bytes:
        parquet, out = pytest.importorskip("pyarrow.parquet"), io.BytesIO()
        table = pytest.importorskip("pyarrow").table({"phone": numbers})
        parquet.write_table(table, out, row_group_size=200)
        return out.getvalue()

    def name(self) -> str:
        return "out.parquet"


class TestWorkbook(OfLibrary):
    def content_of(self, numbers: Sequence[str]) -> bytes:
        pytest.importorskip("python_calamine")
        out = io.BytesIO()
        with pytest.importorskip("xlsxwriter").Workbook(out, {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            for place, cells in enumerate([("name", "phone"), *(("A", each) for each in numbers)]):
                sheet.write_row(place, 0, cells)
        return out.getvalue()

    def name(self) -> str:
        return "out.xlsx"


class TestWorkbookAsCsv(TestWorkbook):
    def rows_of(self, content: bytes) -> Rows:
        return Rows(io.BytesIO(content), limits=RowLimits(batch_rows=300, block_bytes=2**11))

    def name(self) -> str:
        return "out.csv"


class Backwards:
    """A batch that writes its rows in the wrong order."""

    def __init__(self, batch: Batch) -> None:
        self.numbers, self.lines = batch.numbers, batch.lines
        self.size, self.is_cut = batch.size, batch.is_cut
        self._batch = batch

    def write(self, chosen: Chosen, out: Pieces) -> None:
        for place in np.flatnonzero(chosen)[::-1]:
            self._batch.write(np.arange(len(chosen)) == place, out)


class Generous(Backwards):
    """A batch that writes the first row whether it is chosen or not."""

    def write(self, chosen: Chosen, out: Pieces) -> None:
        self._batch.write(chosen | (np.arange(len(chosen)) == 0), out)


class Forgetful(Backwards):
    """A batch without the last row."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self.numbers, self.lines = batch.numbers[:-1], batch.lines[:-1]


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (Backwards, "test_writes_the_chosen_rows"),
        (Generous, "test_writes_nothing"),
        (Forgetful, "test_has_every_row"),
    ],
)
def test_a_broken_batch_is_found(broken: type[Backwards], test: str) -> None:
    def rewriting(choices: Sequence[tuple[Batch, Chosen]]) -> list[Any]:
        out = io.BytesIO()
        for batch, chosen in choices:
            batch.write(chosen, out)
        return out.getvalue().decode().split()

    def opening(numbers: Sequence[str]) -> list[Batch]:
        return list(map(broken, batches_of(file_of(numbers, "text"), "text")))

    suite, given = BatchContract(), {"opening": opening, "rewriting": rewriting}
    if test == "test_has_every_row":
        del given["rewriting"]
    if test == "test_writes_the_chosen_rows":
        given |= {"every": 2, "first": 0}  # type: ignore[dict-item]
    with pytest.raises(AssertionError):
        getattr(suite, test)(**given)
