"""A campaign in Python: rows in, each out to where it belongs, counted and on record."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from support.builders import snapshot
from suppress import (
    Batch,
    Campaign,
    Column,
    InputError,
    Rows,
    Snapshot,
    StopListUnavailable,
    screen_rows,
)
from suppress.files.lines import RowLimits
from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.screening.campaign import View

LISTED, ANN, BOB = "+14155552671", "+14155552672", "+14155552673"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Lists:
    """Stop lists that take turns: one more for each look, and the last one again and again."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self.looks = 0
        self._snapshots = snapshots
        self._reader = Reader(Convention(None))

    def look(self) -> View:
        place = min(self.looks, len(self._snapshots) - 1)
        self.looks += 1
        return View(self._snapshots[place], self._reader, NOON + timedelta(minutes=self.looks))


def rows_of(*lines: str, **options: int) -> Rows:
    return Rows(io.BytesIO("".join(lines).encode()), limits=RowLimits(**options))


def test_each_row_goes_where_it_belongs() -> None:
    rows = rows_of("name,phone\n", f"A,{LISTED}\n", f'"B\n",{ANN}\r\n', "C,n/a\n", f"D,{ANN}")
    allowed, suppressed, invalid, decisions = (io.BytesIO() for _ in range(4))
    sizes: list[int] = []
    campaign = screen_rows(
        rows,
        Lists(snapshot(LISTED)),
        allowed=allowed,
        suppressed=suppressed,
        invalid=invalid,
        decisions=decisions,
        with_receipt=True,
        progress=sizes.append,
    )
    assert allowed.getvalue() == f'name,phone\n"B\n",{ANN}\r\nD,{ANN}'.encode()
    assert suppressed.getvalue() == f"name,phone\nA,{LISTED}\n".encode()
    assert invalid.getvalue() == b"name,phone\nC,n/a\n"
    told = list(csv.reader(io.StringIO(decisions.getvalue().decode(), newline="")))
    assert [(line, outcome) for line, _, outcome, *_ in told[1:]] == [
        ("2", "suppressed"),
        ("3", "allowed"),
        ("5", "invalid"),
        ("6", "allowed"),
    ]
    assert campaign.counts == {"allowed": 2, "suppressed": 1, "invalid": 1}
    assert sum(campaign.problems.values()) == 1
    assert (campaign.columns, campaign.repeated) == (("phone",), None)
    assert campaign.is_cut
    assert campaign.receipt is not None
    assert campaign.receipt.counts == campaign.counts
    assert campaign.receipt.columns == ("phone",)
    assert sum(sizes) == len(f'name,phone\nA,{LISTED}\n"B\n",{ANN}\r\nC,n/a\nD,{ANN}')


class Columns(Rows):
    """Rows whose batches have a column of numbers."""

    def batches(self) -> Iterator[Batch]:
        for batch in super().batches():
            batch.numbers = Column.of(batch.numbers)  # type: ignore[misc]
            yield batch


def test_columns_are_screened_as_lists_are() -> None:
    content = "".join(f"{number}\n" for number in (LISTED, ANN, "n/a", BOB, ANN, "00 1415 5552671"))
    results = []
    for kind in (Rows, Columns):
        outputs = [io.BytesIO() for _ in range(4)]
        campaign = screen_rows(
            kind(io.BytesIO(content.encode())),
            Lists(snapshot(LISTED)),
            **dict(zip(("allowed", "suppressed", "invalid", "decisions"), outputs, strict=True)),
            once=True,
            with_receipt=True,
            with_report=True,
            progress=lambda _size: None,
        )
        assert campaign.counts == {"allowed": 3, "suppressed": 2, "invalid": 1}
        results.append((campaign.report, [each.getvalue() for each in outputs]))
    assert results[0] == results[1]


def test_once() -> None:
    allowed = io.BytesIO()
    campaign = screen_rows(
        rows_of(f"{ANN}\n", "+1 415 555 2672\n", f"{BOB}\n", f"{ANN}\n"),
        Lists(snapshot(LISTED)),
        allowed=allowed,
        once=True,
        with_receipt=True,
    )
    assert allowed.getvalue() == f"{ANN}\n{BOB}\n".encode()
    assert campaign.counts == {"allowed": 4, "suppressed": 0, "invalid": 0}
    assert campaign.repeated == 2
    assert campaign.receipt is not None
    assert campaign.receipt.repeated == 2


def test_the_stop_list_is_looked_at_for_every_batch() -> None:
    before, after = snapshot(LISTED), snapshot(LISTED, BOB)
    allowed = io.BytesIO()
    # The first row is read to find the format; each of the others fills a block.
    rows = rows_of(f"{ANN}\n", f"{BOB}\n", f"{BOB}\n", block_bytes=len(BOB) + 1)
    lists = Lists(before, before, before, after)
    campaign = screen_rows(rows, lists, allowed=allowed, with_receipt=True)
    assert lists.looks == 4
    assert allowed.getvalue() == f"{ANN}\n{BOB}\n".encode()
    assert campaign.snapshot is after
    assert campaign.receipt is not None
    assert campaign.receipt.snapshot.digest == before.digest
    (later,) = campaign.receipt.later
    assert (later.after, later.snapshot.digest) == (2, after.digest)
    assert campaign.receipt.screened_until == NOON + timedelta(minutes=4)


def test_no_rows() -> None:
    campaign = screen_rows(rows_of(), Lists(snapshot(LISTED)), with_receipt=True)
    assert campaign.counts == {"allowed": 0, "suppressed": 0, "invalid": 0}
    assert not campaign.is_cut
    assert campaign.receipt is not None
    assert campaign.receipt.recipients.count == 0


def stop_list_that_ends() -> View:
    raise StopListUnavailable("it is too old")


@pytest.mark.parametrize(
    ("content", "look", "error"),
    [
        (f"{ANN}\n\0\n", Lists(snapshot(LISTED)).look, InputError),
        (f"{ANN}\n", stop_list_that_ends, StopListUnavailable),
    ],
)
def test_errors_are_the_callers(
    content: str, look: Callable[[], View], error: type[Exception]
) -> None:
    lists = Lists(snapshot(LISTED))
    lists.look = look  # type: ignore[method-assign]
    with pytest.raises(error):
        screen_rows(rows_of(content), lists)


def test_the_result_is_frozen() -> None:
    campaign = screen_rows(rows_of(), Lists(snapshot(LISTED)))
    assert isinstance(campaign, Campaign)
    with pytest.raises(AttributeError):
        campaign.repeated = 1  # type: ignore[misc]
