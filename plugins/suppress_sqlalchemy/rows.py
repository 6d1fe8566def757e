"""Rows of a table or a query as entries: numbers, channels, ids and times from their columns."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from types import NoneType
from typing import Any

import sqlalchemy as sa

from suppress import Entries, SourceError, mask
from suppress_sqlalchemy.settings import SqlSettings

_IDS = {int, str, NoneType}
_SHORTEST_NUMBER = 10**8


class RowReader:
    """Makes entries of rows.

    Args:
        settings: the table or query, and its columns.
        id_column: the column that names a row; None for its place among those that are read.
    """

    def __init__(self, settings: SqlSettings, id_column: str | None) -> None:
        self._settings = settings
        self._id_column = id_column
        self._place = "the query" if settings.table is None else f"table {settings.table}"
        self._served = {each.casefold(): each for each in settings.channels}
        self._known: dict[object, frozenset[str]] = {}
        self._columns: dict[str, int] = {}
        self._read = 0

    def statement(self) -> sa.Executable:
        """Return the query to run."""
        if self._settings.table is None:
            # A colon is one, and does not stand before a parameter's name.
            query = (self._settings.query or "").strip().rstrip(";")
            return sa.text(query.replace(":", "\\:"))
        schema, name = split_name(self._settings.table)
        table = sa.table(name, *map(sa.column, dict.fromkeys(self._needed())), schema=schema)
        # Each with its table's name: SQLite takes a lone unknown name in quotes for a text.
        return sa.select(*table.columns)

    def find_columns(self, names: Sequence[str]) -> None:
        """Find the columns among those of the result.

        Raises:
            SourceError: one is missing, or is there twice.
        """
        for each in self._needed():
            if names.count(each) != 1:
                how_often = "has no column" if each not in names else "has more than one column"
                raise SourceError(
                    f"{self._place} {how_often} {each!r}. Its columns: {', '.join(names)}."
                )
            self._columns[each] = names.index(each)

    def entries(self, rows: Sequence[Sequence[Any]]) -> Iterator[Entries]:
        """Yield the entries of some rows; those with the same channels together.

        Raises:
            SourceError: a row has no number, or a channel that is not served.
        """
        columns = list(zip(*rows, strict=True))
        ids, id_word = self._ids(columns, len(rows))
        numbers: Sequence[Any] = columns[self._columns[self._settings.columns[0]]]
        owners: Sequence[int] = range(len(rows))
        if len(self._settings.columns) > 1:
            cells = [columns[self._columns[each]] for each in self._settings.columns]
            numbers, owners = self._flat(cells, ids, id_word)
        times = None
        if self._settings.date_column is not None:
            times = [_moment(each) for each in columns[self._columns[self._settings.date_column]]]
        for channels, chosen in self._by_channels(columns, owners, ids, id_word):
            picked = [owners[each] for each in chosen]
            yield Entries(
                numbers=[numbers[each] for each in chosen],
                channels=channels,
                ids=[ids[each] for each in picked],
                added_at=None if times is None else [times[each] for each in picked],
                id_word=id_word,
                place=self._place,
            )
        self._read += len(rows)

    def _needed(self) -> list[str]:
        others = self._settings.channel_column, self._id_column, self._settings.date_column
        return [*self._settings.columns, *(each for each in others if each is not None)]

    def _ids(
        self, columns: Sequence[Sequence[Any]], count: int
    ) -> tuple[Sequence[str | int | None], str]:
        """Return the names of rows, and the word before them."""
        if self._id_column is None:
            return range(self._read + 1, self._read + count + 1), "row"
        ids = columns[self._columns[self._id_column]]
        return ids if set(map(type, ids)) <= _IDS else [_id(each) for each in ids], ""

    def _flat(
        self, cells: Sequence[Sequence[Any]], ids: Sequence[str | int | None], id_word: str
    ) -> tuple[list[Any], list[int]]:
        """Return the numbers of all columns, and the place of the row of each."""
        numbers: list[Any] = []
        owners: list[int] = []
        for place, row in enumerate(zip(*cells, strict=True)):
            filled = [each for each in row if each is not None and str(each).strip()]
            if not filled:
                raise SourceError(
                    f"{self._named(ids[place], id_word)}: no number in "
                    f"{' and '.join(self._settings.columns)}."
                )
            numbers += filled
            owners += [place] * len(filled)
        return numbers, owners

    def _by_channels(
        self,
        columns: Sequence[Sequence[Any]],
        owners: Sequence[int],
        ids: Sequence[str | int | None],
        id_word: str,
    ) -> Iterable[tuple[frozenset[str], Sequence[int]]]:
        """Return the places of the numbers for each set of channels."""
        if self._settings.channel_column is None:
            return [(frozenset(self._settings.channels), range(len(owners)))]
        values = columns[self._columns[self._settings.channel_column]]
        groups: dict[frozenset[str], list[int]] = {}
        for place, row in enumerate(owners):
            value = tuple(values[row]) if isinstance(values[row], list) else values[row]
            if (channels := self._known.get(value)) is None:
                try:
                    channels = self._known[value] = self._channels_in(value)
                except SourceError as error:
                    raise SourceError(f"{self._named(ids[row], id_word)}: {error}") from None
            groups.setdefault(channels, []).append(place)
        return groups.items()

    def _channels_in(self, value: object) -> frozenset[str]:
        """Return the channels that a cell names: one, several with commas, or an array of them.

        Raises:
            SourceError: there is none, or one that is not served.
        """
        named = value if isinstance(value, tuple) else str(value or "").split(",")
        texts = [str(each).strip() for each in named if each is not None and str(each).strip()]
        if not texts:
            raise SourceError("no channel. Fill it in, or let a `query` give one.")
        for each in texts:
            if each.casefold() not in self._served:
                raise SourceError(
                    f"the channel {mask(each)!r} is not in `channels`. Add it there, or leave such "
                    "rows out with a `query`."
                )
        return frozenset(self._served[each.casefold()] for each in texts)

    def _named(self, id_: str | int | None, id_word: str) -> str:
        # As elsewhere, a short integer is not a number.
        shown = str(id_) if isinstance(id_, int) and 0 <= id_ < _SHORTEST_NUMBER else mask(id_)
        return f"{self._place}, {id_word or 'entry'} {shown}"


def split_name(name: str) -> tuple[str | None, str]:
    """Return the schema of a table, if any, and its own name."""
    schema, _, table = name.rpartition(".")
    return schema or None, table


def _id(value: Any) -> str | int | None:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value if type(value) in _IDS else str(value)


def _moment(value: object) -> datetime | None:
    """Return the time in a cell; None where there is none, which decides nothing."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time()) if isinstance(value, date) else None
