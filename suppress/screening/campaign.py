"""The campaign: a file's rows, screened batch by batch, written, counted and put on record.

For each batch, after it was read, the stop list is looked at again: at the opt-outs that were
made meanwhile, and at its age.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from suppress.events import Listeners
from suppress.files.batch import RowsWriter, Writer
from suppress.files.rows import Rows
from suppress.numbers.bulk import Reader
from suppress.numbers.problem import Problem
from suppress.screening.decisions import decisions_header, decisions_of
from suppress.screening.once import Seen
from suppress.screening.outcome import Outcome
from suppress.screening.receipt import Receipt, ReceiptBuilder
from suppress.screening.screening import Screening
from suppress.screening.tally import OutcomeTally
from suppress.stop_list.snapshot import Snapshot

if TYPE_CHECKING:
    from suppress.screening.breakdown import BreakdownBuilder, ChangesAt
    from suppress.screening.report import CampaignReport


class View(NamedTuple):
    """A stop list at one moment.

    Attributes:
        snapshot: its snapshot.
        reader: reads the numbers of recipients.
        at: the moment (aware, UTC).
        changes_at: gives the changes at some positions of the record of opt-outs, for a
            report; None where there is no record.
        listeners: those who are told of what is screened against it; None for nobody.
    """

    snapshot: Snapshot
    reader: Reader
    at: datetime
    changes_at: "ChangesAt | None" = None
    listeners: Listeners | None = None


class LiveList(Protocol):
    """A stop list that changes while a campaign is screened, such as a `FollowedList`."""

    def look(self) -> View:
        """Return the stop list as it is now.

        Raises:
            StopListUnavailable: it is too old, and cannot be read.
        """


@dataclass(frozen=True)
class Campaign:
    """The result of a campaign.

    Attributes:
        snapshot: the stop list that the last recipients were screened against.
        columns: the columns or keys that the numbers were taken from.
        counts: the number of recipients with each outcome.
        problems: the number of invalid recipients by reason.
        repeated: the number of allowed rows that were left out; None if none were looked for.
        receipt: the receipt, if one was asked for, or a report.
        report: the report, if one was asked for.
        is_cut: whether the last row may be half a row: its line has no end.
    """

    snapshot: Snapshot
    columns: tuple[str, ...]
    counts: Mapping[str, int]
    problems: Mapping[Problem, int]
    repeated: int | None
    receipt: Receipt | None
    is_cut: bool
    report: "CampaignReport | None" = None


def screen_rows(  # noqa: PLR0913 - an argument for each output
    rows: Rows,
    stop_list: LiveList,
    *,
    allowed: Writer | None = None,
    suppressed: Writer | None = None,
    invalid: Writer | None = None,
    decisions: Writer | None = None,
    once: bool = False,
    with_receipt: bool = False,
    with_report: bool = False,
    progress: Callable[[int], object] = lambda _size: None,
) -> Campaign:
    """Screen the rows of a file, and write each as it came to where its outcome belongs.

    Args:
        rows: the rows.
        stop_list: the stop list to screen them against.
        allowed: a binary file for the allowed rows.
        suppressed: one for the suppressed rows.
        invalid: one for the rows without a usable number.
        decisions: one for the outcome of each row and the reason, as CSV.
        once: whether to leave out an allowed row if an earlier one has its number.
        with_receipt: whether to make a receipt.
        with_report: whether to make a report, and the receipt that it shows.
        progress: called with the number of bytes of the input that were dealt with.

    Raises:
        InputError: a row cannot be read. The rows of earlier batches were written.
        StopListUnavailable: the stop list is too old, and cannot be read.
        StoreUnavailable: the reasons of opt-outs cannot be read, for a report.
    """
    counts = Counter(dict.fromkeys(map(str, Outcome), 0))
    problems = Counter[Problem]()
    seen = Seen() if once else None
    repeats, is_cut = 0, False
    began = time.monotonic()
    view = stop_list.look()
    tally = OutcomeTally(view.snapshot.channel, view.listeners, began=began)
    builder = None
    breakdown = _breakdown() if with_report else None
    if with_receipt or with_report:
        builder = ReceiptBuilder(view.snapshot, view.reader.convention, view.at, rows.columns)
    named = {Outcome.ALLOWED: allowed, Outcome.SUPPRESSED: suppressed, Outcome.INVALID: invalid}
    progress(len(rows.header))
    with _writers(rows, named) as writers:
        if decisions is not None:
            decisions.writelines([decisions_header()])
        for batch in rows.batches():
            view = stop_list.look()
            screening = Screening(
                batch.numbers,
                view.snapshot,
                numbers=batch.numbers,
                reader=view.reader,
                screened_at=view.at,
                check_types=False,
            )
            repeated = None if seen is None else _repeated(screening, seen)
            left_out = 0 if repeated is None else int(np.count_nonzero(repeated))
            for outcome, writer in writers.items():
                chosen = screening.where(outcome)
                batch.write(chosen if repeated is None else chosen & ~repeated, writer)
            if decisions is not None:
                decisions.writelines([decisions_of(batch, screening, repeated)])
            if builder is not None:
                builder.look(view.snapshot, view.reader.convention, view.at)
                builder.add(batch.numbers, screening.counts, left_out)
            if breakdown is not None:
                breakdown.add(screening, batch.lines, view.changes_at)
            counts.update(screening.counts)
            problems.update(screening.problems)
            tally.add(screening.codes)
            repeats += left_out
            is_cut = batch.is_cut
            progress(batch.size)
        for writer in writers.values():
            writer.finish()
    tally.tell()
    receipt = None if builder is None else builder.receipt()
    return Campaign(
        snapshot=view.snapshot,
        columns=rows.columns,
        counts=dict(counts),
        problems=dict(problems),
        repeated=None if seen is None else repeats,
        receipt=receipt,
        is_cut=is_cut,
        report=_report(receipt, breakdown, rows.name),
    )


def _breakdown() -> "BreakdownBuilder":
    from suppress.screening.breakdown import BreakdownBuilder  # noqa: PLC0415 - few ask for it

    return BreakdownBuilder()


def _report(
    receipt: Receipt | None, breakdown: "BreakdownBuilder | None", name: str
) -> "CampaignReport | None":
    if receipt is None or breakdown is None:
        return None
    from suppress.screening.report import CampaignReport  # noqa: PLC0415 - few ask for it

    return CampaignReport(receipt, breakdown.breakdown(), name=name)


@contextlib.contextmanager
def _writers(
    rows: Rows, outputs: Mapping[Outcome, Writer | None]
) -> Iterator[dict[Outcome, RowsWriter]]:
    """Make the writers of rows; they are given up at the end, unless they are finished."""
    with contextlib.ExitStack() as stack:
        made = {}
        for outcome, out in outputs.items():
            if out is not None:
                made[outcome] = rows.writer(out)
                stack.callback(made[outcome].close)
        yield made


def _repeated(screening: Screening[Any], seen: Seen) -> NDArray[np.bool_]:
    """Return for each row whether it is allowed, and an earlier one has its number."""
    repeated = screening.where(Outcome.ALLOWED)
    repeated[repeated] = ~seen.first_time(screening.lines()[repeated])
    return repeated
