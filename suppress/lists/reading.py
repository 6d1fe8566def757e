"""The opt-outs in a file: an exported list, or the table of another system, read with its rules.

The rules are those of a list of one's own: each row has exactly one number, or nothing is read.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from suppress.errors import (
    ConfigurationError,
    InputError,
    InvalidArgument,
    SuppressError,
    UnknownChannel,
)
from suppress.files.batch import Row, is_blank
from suppress.files.named_columns import shown
from suppress.lists.listing import NONE
from suppress.numbers.bulk import BATCH_SIZE, Reader
from suppress.numbers.handed_in import as_text, digits_of
from suppress.numbers.mask import mask
from suppress.opt_outs.evidence import Details, Evidence
from suppress.opt_outs.moving import Addition
from suppress.opt_outs.people import People, storable
from suppress.suppressor import Suppressor

FIELDS = ("channel", "since", "reason", "by", "via", "reference")
"""The fields that a column of another system can be taken for."""

_SINCE = ("since", "wished_at", "made_at")
"""Columns of ours with the time of an opt-out, the first of them that is filled."""


@dataclass(frozen=True)
class Meanings:
    """The meaning of the rows of a file.

    Attributes:
        channels: the channels of rows that name none.
        default_region: as for `suppress.filter_recipients`.
        columns: the columns to take a field from; an empty name for none. Others are taken from
            the column of their own name, if there is one.
        details: what is said of rows that do not say it.
    """

    channels: Sequence[str] = ()
    default_region: str | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    details: Details = field(default_factory=Details)

    def __post_init__(self) -> None:
        for name in self.columns:
            if name not in FIELDS:
                raise InvalidArgument(f"Unknown field {name!r}. Use one of {', '.join(FIELDS)}.")


class Read(NamedTuple):
    """The opt-outs of a file.

    Attributes:
        additions: the people, in the order of the file.
        unread: the digits of exported rows that are no phone number, by channel.
    """

    additions: Sequence[Addition]
    unread: Mapping[str, frozenset[str]]


class GivenRows(Protocol):
    """Rows of a file with all of their cells: `Rows`, or some of its rows."""

    name: str

    def with_cells(self) -> Iterator[tuple[Row, Mapping[str, Any]]]:
        """Return the rows, each with its cells by the names of their columns."""

    def error(self, problem: str, line: int | None = None) -> InputError:
        """Return the error for a problem with a line."""


class _Line(NamedTuple):
    """One row.

    Attributes:
        line: its line in the file.
        number: its number.
        channels: the channels that it is about.
        evidence: how it came about.
        written: its number as it was handed in, and the region; None where it does not say.
    """

    line: int
    number: Any
    channels: tuple[str, ...]
    evidence: Evidence
    written: tuple[str, str] | None


def read_opt_outs(
    rows: GivenRows, meanings: Meanings, suppressor: Suppressor, *, allow_unread: bool = False
) -> Read:
    """Return all opt-outs of a file.

    Args:
        rows: its rows.
        meanings: what they mean.
        suppressor: which channels are served, and how numbers are read.
        allow_unread: whether an exported row without a reading is kept by its digits, and is no
            error.

    Raises:
        InputError: a row cannot be read, or is not exactly one number; the message names its line.
    """
    reader = suppressor.reader(meanings.default_region)
    readers = _Readers(reader)
    lines = _Lines(rows, meanings, suppressor)
    additions: list[Addition] = []
    unread: dict[str, set[str]] = {}
    given = rows.with_cells()
    while batch := list(itertools.islice(given, BATCH_SIZE)):
        some = []
        for row, cells in batch:
            line, has_none = lines.read(row.line, row.number, cells)
            if not has_none:
                some.append(line)
                continue
            if not allow_unread:
                raise rows.error(
                    f"the entry is no phone number (its `reading` is {NONE}), and cannot be opted "
                    "out. Correct it, or remove the row.",
                    row.line,
                )
            for channel in line.channels:
                unread.setdefault(channel, set()).add(digits_of(line.number))
        additions += _additions(some, rows, readers)
    if additions or unread:
        lines.check_columns()
    return Read(additions, {name: frozenset(digits) for name, digits in unread.items()})


class _Lines:
    """Reads what rows say beside their numbers.

    Args:
        rows: the rows.
        meanings: what they mean.
        suppressor: which channels are served, and the time.
    """

    def __init__(self, rows: GivenRows, meanings: Meanings, suppressor: Suppressor) -> None:
        self._rows = rows
        self._meanings = meanings
        self._served = suppressor.channels
        self._now = suppressor.now().timestamp()
        self._sources: dict[str, tuple[str, ...]] = {
            name: (meanings.columns.get(name, name),) for name in FIELDS
        }
        if "since" not in meanings.columns:
            self._sources["since"] = _SINCE
        self._unseen = {column for column in meanings.columns.values() if column}
        # Rows that say the same share an object.
        self._evidence = functools.lru_cache(2**12)(self._new_evidence)

    def read(self, line: int, number: Any, cells: Mapping[str, Any]) -> tuple[_Line, bool]:
        """Return a row, and whether it is an exported one without a reading.

        Raises:
            InputError: it makes no sense.
        """
        if self._unseen:
            self._unseen.difference_update(cells)
        try:
            said = [self._cell(name, cells) for name in FIELDS]
            evidence = self._evidence(*said[1:])
            channels = self._channels_of(said[0])
        except SuppressError as error:
            raise self._rows.error(str(error), line) from None
        written = cells.get("written")
        region = cells.get("region")
        handed_in = None
        if isinstance(written, str) and written:
            handed_in = written, region if isinstance(region, str) else ""
        is_unread = cells.get("reading") == NONE
        return _Line(line, number, channels, evidence, handed_in), is_unread

    def check_columns(self) -> None:
        """Check that every column that was named was in a row.

        Raises:
            InputError: one was in none.
        """
        if self._unseen:
            missing = " and ".join(map(shown, sorted(self._unseen)))
            raise InputError(f"{self._rows.name} has no column {missing}.")

    def _cell(self, name: str, cells: Mapping[str, Any]) -> str | datetime | None:
        for column in self._sources[name]:
            if not is_blank(cell := cells.get(column)):
                if isinstance(cell, list | dict):
                    raise InvalidArgument(f"`{name}` is not a text.")
                return cell if isinstance(cell, datetime) else str(cell)
        return None

    def _channels_of(self, cell: str | datetime | None) -> tuple[str, ...]:
        if cell is None:
            if not self._meanings.channels:
                raise InvalidArgument("it names no channel. Name one for the whole file.")
            return tuple(self._meanings.channels)
        channel = str(cell).strip()
        if channel not in self._served:
            raise UnknownChannel.among(channel, self._served)
        return (channel,)

    def _new_evidence(
        self, since: str | datetime | None, *texts: str | datetime | None
    ) -> Evidence:
        details = Details(**self._meanings.details)
        if since is not None:
            details["at"] = _moment(since)
        for name, text in zip(("reason", "by", "via", "reference"), texts, strict=True):
            if text is not None:
                details[name] = str(text)  # type: ignore[literal-required]
        return Evidence.given(details, self._now)


class _Readers:
    """Readers of numbers as they were handed in, by their regions.

    Args:
        default: the reader of the numbers themselves.
    """

    def __init__(self, default: Reader) -> None:
        self.default = default
        self._others: dict[str, Reader | None] = {}

    def of(self, region: str) -> Reader | None:
        """Return the reader of a region; None where there is no such region."""
        if region not in self._others:
            try:
                found = Reader(self.default.convention.of(region or None))
            except ConfigurationError:
                found = None
            self._others[region] = found
        return self._others[region]


def _additions(some: Sequence[_Line], rows: GivenRows, readers: _Readers) -> Iterator[Addition]:
    """Give the people of some rows; neighbours under the same circumstances together.

    Raises:
        InputError: a number is not exactly one.
    """
    reader = readers.default
    found = reader.read_all([each.number for each in some])
    for place, why in reader.faults(found):
        raise rows.error(why, some[place].line)
    numbers = [f"+{value}" for value in reader.firsts(found).tolist()]
    texts = [as_text(each.number)[0] or "" for each in some]
    regions = [reader.convention.region or ""] * len(some)
    for region in {each.written[1] for each in some if each.written is not None}:
        written = {
            place: each.written[0]
            for place, each in enumerate(some)
            if each.written is not None and each.written[1] == region
        }
        for place in _same(written, readers.of(region), numbers):
            texts[place], regions[place] = written[place], region
    start = 0
    for (channels, evidence), group in itertools.groupby(some, key=_circumstances):
        end = start + sum(1 for _ in group)
        people = People(
            numbers[start:end], list(map(storable, texts[start:end])), regions[start:end]
        )
        yield from (Addition(channel, people, evidence) for channel in channels)
        start = end


def _same(
    written: Mapping[int, str], reader: Reader | None, numbers: Sequence[str]
) -> Iterator[int]:
    """Give the places where a number as it was handed in is still the number that it was."""
    if reader is None:
        return
    found = reader.read_all(list(written.values()))
    faulty = {at for at, _ in reader.faults(found)}
    firsts = reader.firsts(found).tolist()
    for at, place in enumerate(written):
        if at not in faulty and f"+{firsts[at]}" == numbers[place]:
            yield place


def _circumstances(line: _Line) -> tuple[tuple[str, ...], Evidence]:
    return line.channels, line.evidence


def _moment(cell: str | datetime) -> datetime:
    try:
        if isinstance(cell, datetime):
            return cell if cell.tzinfo else cell.astimezone()
        return datetime.fromisoformat(cell.strip()).astimezone()
    except (ValueError, OverflowError, OSError):
        # A wrong column may hold phone numbers.
        written = mask(cell) if isinstance(cell, str) else str(cell)
        raise InputError(
            f"{written!r} is not a date or time. Write YYYY-MM-DD or YYYY-MM-DDThh:mm, with "
            "an offset such as +02:00 if the time is not in your time zone."
        ) from None
