"""The page of a report: its template, and the words and figures that it shows."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from suppress.errors import ConfigurationError
from suppress.numbers.mask import mask_numbers
from suppress.screening.breakdown import UNKNOWN, Breakdown
from suppress.screening.countries import Country, by_country
from suppress.screening.lengths import spoken
from suppress.screening.outcome import Outcome
from suppress.screening.reasons import troubles
from suppress.screening.receipt import Against, Receipt
from suppress.stop_list.snapshot import OPTED_OUT

_TEMPLATE = "report.html"
_MOST_ROWS = 12
_MOST_LISTS = 8
_LONGEST_NAME = 120
_LEAST_SHARE = 0.001

_SPANS = (
    *("under a day", "1 to 7 days", "1 to 4 weeks", "1 to 3 months"),
    *("3 to 12 months", "1 to 2 years", "over 2 years"),
)
"""The words for the ages that a breakdown tells apart."""


@dataclass(frozen=True)
class BarRow:
    """A row of a table with a bar.

    Attributes:
        label: what is counted.
        note: more about it; empty for nothing.
        count: how many there are.
        share: the share of all, in words.
        length: the length of the bar, of 100.
    """

    label: str
    note: str
    count: int
    share: str
    length: float


class CountryRow(NamedTuple):
    """The recipients of a country.

    Attributes:
        name: its name, or those of the countries that share its calling code.
        code: its calling code with a plus; empty for none.
        total: how many recipients were allowed or suppressed.
        suppressed: how many of them were suppressed.
        share: their share, in words.
        lengths: the lengths of the two parts of the bar, of 100: allowed, then suppressed.
    """

    name: str
    code: str
    total: int
    suppressed: int
    share: str
    lengths: tuple[float, float]


class ListRow(NamedTuple):
    """A stop list that recipients were screened against.

    Attributes:
        from_recipient: the first of them, from 1.
        at: when it began to answer.
        against: the list.
        sources: for each source, when it was read, and its age then, in words.
    """

    from_recipient: int
    at: datetime
    against: Against
    sources: list[tuple[str, datetime, str]]


def check_can_render() -> None:
    """Check that the libraries of the extra are there, before a campaign is screened.

    Raises:
        ConfigurationError: one is missing.
    """
    try:
        for name in ("jinja2", "babel"):
            importlib.import_module(name)
    except ImportError as error:
        raise ConfigurationError(
            "A report needs Jinja2 and Babel. Run: pip install 'suppress-filter[report]'"
        ) from error


def render(receipt: Receipt, breakdown: Breakdown | None, name: str | None) -> str:
    """Return the page of a report.

    Raises:
        ConfigurationError: a library is missing.
    """
    check_can_render()
    page: str = _environment().get_template(_TEMPLATE).render(context(receipt, breakdown, name))
    return page


@cache
def _environment() -> Any:
    import jinja2  # noqa: PLC0415 - an extra's

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("suppress.screening"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, moment=_moment, iso=_iso)
    return environment


def context(receipt: Receipt, breakdown: Breakdown | None, name: str | None) -> dict[str, Any]:
    """Return everything that the template shows."""
    counts = receipt.counts
    total = sum(counts.values())
    lists = _lists(receipt)
    found: dict[str, Any] = {
        "receipt": receipt,
        "name": "" if name is None else mask_numbers(name, _LONGEST_NAME),
        "columns": [mask_numbers(each, _LONGEST_NAME) for each in receipt.columns],
        "total": total,
        "outcomes": [
            (str(outcome), counts[outcome], _share(counts[outcome], total)) for outcome in Outcome
        ],
        "stacked": _stacked([counts[outcome] for outcome in Outcome]),
        "lists": lists[:_MOST_LISTS],
        "more_lists": max(len(lists) - _MOST_LISTS, 0),
        "breakdown": breakdown,
    }
    if breakdown is None:
        return found
    suppressed = counts[Outcome.SUPPRESSED]
    sources = [(_source(each), count) for each, count in breakdown.sources.items()]
    ages = [*zip(_SPANS, breakdown.ages, strict=True), ("undated", breakdown.undated)]
    return found | {
        "sources": _bars(((label, "", count) for label, count in sources), suppressed),
        "ages": _bars(((label, "", count) for label, count in ages), suppressed, len(ages)),
        "reasons": _bars(_reasons(breakdown, suppressed), suppressed),
        "countries": _countries(breakdown),
        "troubles": [
            (each, _share(each.count, counts[Outcome.INVALID]), breakdown.examples[each.problem])
            for each in troubles(breakdown.problems)
        ],
    }


def _source(name: str) -> str:
    if name == UNKNOWN:
        return "source unknown"
    return "opted out here" if name == OPTED_OUT else mask_numbers(name, _LONGEST_NAME)


def _reasons(breakdown: Breakdown, suppressed: int) -> Iterable[tuple[str, str, int]]:
    here = breakdown.sources.get(OPTED_OUT, 0)
    found = [(f"“{reason}”", "", count) for reason, count in breakdown.reasons.items()]
    for way, count in breakdown.ways.items():
        found.append(("no reason given", f"came by {way}" if way else "", count))
    found.append(("forgotten on request", "", breakdown.forgotten))
    found.append(("other reasons", "", breakdown.other_reasons))
    found.append(("listed by a source", "sources give no reasons", suppressed - here))
    return sorted((each for each in found if each[2]), key=lambda each: -each[2])


def _bars(rows: Iterable[tuple[str, str, int]], total: int, most: int = _MOST_ROWS) -> list[BarRow]:
    """Return rows with bars, the longest of them full; those beyond the most as one."""
    found = list(rows)
    shown, rest = found[:most], found[most:]
    if rest:
        shown.append((f"{len(rest):,} more", "", sum(count for _, _, count in rest)))
    longest = max((count for _, _, count in shown), default=0) or 1
    return [
        BarRow(label, note, count, _share(count, total), round(100 * count / longest, 2))
        for label, note, count in shown
    ]


def _countries(breakdown: Breakdown) -> list[CountryRow]:
    allowed, suppressed = by_country(breakdown.allowed), by_country(breakdown.suppressed)
    totals = {
        each: allowed.get(each, 0) + suppressed.get(each, 0) for each in {**allowed, **suppressed}
    }
    often = sorted(totals, key=lambda each: (-totals[each], each))
    shown, rest = often[:_MOST_ROWS], often[_MOST_ROWS:]
    rows = [(*_named(each), totals[each], suppressed.get(each, 0)) for each in shown]
    if rest:
        lost = sum(suppressed.get(each, 0) for each in rest)
        rows.append((f"{len(rest):,} more", "", sum(totals[each] for each in rest), lost))
    longest = max((total for _, _, total, _ in rows), default=0) or 1
    return [
        CountryRow(
            *(name, code, total, lost, _share(lost, total)),
            (round(100 * (total - lost) / longest, 2), round(100 * lost / longest, 2)),
        )
        for name, code, total, lost in rows
    ]


def _named(country: Country) -> tuple[str, str]:
    """Return the name of a country and its calling code."""
    from babel import Locale  # noqa: PLC0415 - an extra's

    code = f"+{country.code}" if country.code else ""
    if not country.regions:
        return ("no country" if code else "unknown calling code"), code
    first, *others = country.regions
    name = Locale("en").territories.get(first, first)
    return (f"{name} and others" if others else name), code


def _lists(receipt: Receipt) -> list[ListRow]:
    each = [(0, receipt.screened_at, receipt.snapshot)]
    each += [(later.after, later.at, later.snapshot) for later in receipt.later]
    return [
        ListRow(
            after + 1,
            at,
            against,
            [
                (mask_numbers(name, _LONGEST_NAME), read_at, spoken((at - read_at).total_seconds()))
                for name, read_at in against.sources.items()
            ],
        )
        for after, at, against in each
    ]


def _stacked(counts: list[int]) -> list[tuple[float, float]]:
    """Return the start and the length of each part of a bar, of 100."""
    total = sum(counts) or 1
    parts, start = [], 0
    for count in counts:
        parts.append((round(100 * start / total, 3), round(100 * count / total, 3)))
        start += count
    return parts


def _share(count: int, total: int) -> str:
    """Return a share in words; it says 0% and 100% only where that is so."""
    if not count or not total:
        return "0%"
    if count == total:
        return "100%"
    share = count / total
    if share < _LEAST_SHARE:
        return "under 0.1%"
    if share > 1 - _LEAST_SHARE:
        return "over 99.9%"
    return f"{share:.1%}"


def _number(count: int) -> str:
    return f"{count:,}"


def _moment(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M} UTC"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


_MONTHS: tuple[str, ...] = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
