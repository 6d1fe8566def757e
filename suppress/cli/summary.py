"""The summary of a screening, in a few lines."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from suppress.cli.printing import ago, counted
from suppress.files.named_columns import shown
from suppress.numbers.problem import Problem
from suppress.screening.outcome import Outcome
from suppress.screening.reasons import by_reason
from suppress.stop_list.snapshot import Snapshot


def summary(
    counts: Mapping[str, int],
    snapshot: Snapshot,
    age: float,
    columns: Sequence[str] = (),
    *,
    problems: Mapping[Problem, int] = MappingProxyType({}),
    repeated: int | None = None,
) -> str:
    """Return the summary of a screening.

    Args:
        counts: how many recipients had each outcome.
        snapshot: the stop list they were screened against.
        age: its age in seconds.
        columns: the columns that the numbers were taken from.
        problems: how many recipients are invalid for each reason.
        repeated: how many allowed ones were left out; None if repeats were kept.
    """
    lines = [
        f"{counted(sum(counts.values()), 'recipient')}: "
        + ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome)
        + "."
    ]
    if repeated is not None:
        have = (
            "an earlier row has its number" if repeated == 1 else "earlier rows have their numbers"
        )
        lines.append(
            f"  {repeated:,} repeated" + (f": left out, since {have}." if repeated else ".")
        )
    lines += [f"  {line}" for line in by_reason(problems)]
    lines.append(
        f"The {snapshot.channel} stop list of {' and '.join(snapshot.sources)} "
        f"has {counted(snapshot.count, 'number')} and was read {ago(age)}."
    )
    if columns:
        lines.append(taken_from(columns))
    return "\n".join(lines)


def taken_from(columns: Sequence[str]) -> str:
    """Return the sentence that names the columns of the numbers; empty for text."""
    if not columns:
        return ""
    plural = "s" if len(columns) > 1 else ""
    return f"Numbers were taken from the column{plural} {' and '.join(map(shown, columns))}."
