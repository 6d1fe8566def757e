"""A table or a query as a source: its rows as entries, streamed in one consistent reading."""

import functools
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from suppress import Entries, Progress, Settings
from suppress_sqlalchemy.database import SqlDatabase
from suppress_sqlalchemy.limits import DEFAULT_LIMITS, SqlLimits
from suppress_sqlalchemy.own_table import OwnTable
from suppress_sqlalchemy.rows import RowReader, split_name
from suppress_sqlalchemy.settings import SqlSettings


class SqlSource:
    """Reads a list from a table or with a query.

    A row that is not exactly one number, or that is for an unknown channel, fails the load.

    Args:
        settings: the database, and how to read it.
        default_region: the region of its numbers in national form.
        name: the source's name.
        load_timeout: seconds that a statement may take.
        limits: the limits of connections and of reading.
    """

    strict = True

    def __init__(
        self,
        settings: SqlSettings,
        default_region: str | None,
        *,
        name: str = "sqlalchemy",
        load_timeout: float = 600.0,
        limits: SqlLimits = DEFAULT_LIMITS,
    ) -> None:
        self.name = name
        self.channels = settings.channels
        self.region = default_region
        self._settings = settings
        self._limits = limits
        self._database = SqlDatabase(settings.url, timeout=load_timeout, limits=limits)
        address = self._database.address
        self.identity = hashlib.sha256(
            json.dumps(
                [
                    *(address.get_backend_name(), address.username, address.host, address.port),
                    *(address.database, sorted(address.query.items())),
                    *(settings.table, settings.query, settings.columns),
                    *(settings.channel_column, settings.opt_outs_table),
                ]
            ).encode()
        ).hexdigest()

    def load(self, channels: frozenset[str], progress: Progress) -> Iterator[Entries]:
        """Read the rows, as they are at one moment.

        Raises:
            SourceError: the database cannot be read, or a row cannot be used.
        """
        count = 0
        progress(0, None)
        with self._database.reading() as connection:
            for entries in self._entries(connection, channels):
                yield entries
                count += len(entries.numbers)
                progress(count, None)
        progress(count, count)

    def _entries(self, connection: Connection, channels: frozenset[str]) -> Iterator[Entries]:  # noqa: ARG002 - for those that also read opt-outs
        id_column = self._settings.id_column or self._primary_key(connection)
        reader = RowReader(self._settings, id_column)
        options = {"yield_per": self._limits.batch_rows}
        with connection.execute(reader.statement(), execution_options=options) as result:
            reader.find_columns(list(result.keys()))
            for rows in result.partitions():
                yield from reader.entries(rows)

    def _primary_key(self, connection: Connection) -> str | None:
        """Return the primary key of the table, if it is one column."""
        if self._settings.table is None:
            return None
        schema, table = split_name(self._settings.table)
        try:
            key = sa.inspect(connection).get_pk_constraint(table, schema)["constrained_columns"]
        except sa.exc.NoSuchTableError:
            return None  # a synonym has none; what is not there at all, the query says
        return key[0] if len(key) == 1 else None


class SqlOptOutSource(SqlSource):
    """Takes opt-outs too, into a table of its own; the team's table is never changed.

    Whoever is in the team's table stays listed: `suppress remove` says so.
    """

    @property
    def add_at_once(self) -> int:
        """The most numbers that one call of `add` takes."""
        return self._limits.opt_outs_at_once

    @property
    def remove_at_once(self) -> int:
        """The most numbers that one call of `remove` takes."""
        return self._limits.opt_outs_at_once

    @functools.cached_property
    def _own(self) -> OwnTable:
        return OwnTable(self._settings.opt_outs_table or "")

    def add(self, numbers: Sequence[str], channel: str) -> None:
        """Put numbers into the table of opt-outs, except those that are there.

        Raises:
            SourceError: it cannot be written, or another has put one of them there meanwhile;
                trying again is right then.
        """
        with self._database.writing() as connection:
            self._own.add(connection, numbers, channel)

    def remove(self, numbers: Mapping[str, Sequence[str | int]], channel: str) -> None:
        """Take numbers out of the table of opt-outs.

        Raises:
            SourceError: it cannot be written.
        """
        with self._database.writing() as connection:
            self._own.remove(connection, list(numbers), channel)

    def _entries(self, connection: Connection, channels: frozenset[str]) -> Iterator[Entries]:
        yield from super()._entries(connection, channels)
        for channel in sorted(channels):
            yield from self._own.entries(connection, channel, self._limits.batch_rows)


def source_of(own: SqlSettings, settings: Settings, *, name: str) -> SqlSource:
    """Return the source for its settings and for those of suppress."""
    kind = SqlSource if own.opt_outs_table is None else SqlOptOutSource
    region = settings.default_region if own.default_region is None else own.default_region
    return kind(own, region, name=name, load_timeout=settings.load_timeout)
