"""The table of opt-outs that suppress writes, beside the tables of the team's."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateTable

from suppress import Entries, SourceError
from suppress_sqlalchemy.rows import split_name


class OwnTable:
    """The table of opt-outs: a row for each number and channel.

    Args:
        name: its name, with its schema and a dot before it where need be.
    """

    def __init__(self, name: str) -> None:
        schema, table = split_name(name)
        self._name = name
        self._table = sa.Table(
            table,
            sa.MetaData(),
            sa.Column("number", sa.String(24), primary_key=True),
            sa.Column("channel", sa.String(64), primary_key=True),
            sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
            schema=schema,
        )

    def entries(self, connection: Connection, channel: str, batch_rows: int) -> Iterator[Entries]:
        """Yield the opt-outs of a channel.

        Raises:
            SourceError: the table is not there.
        """
        self._require(connection)
        columns = self._table.c
        statement = sa.select(columns.number, columns.added_at).where(columns.channel == channel)
        place = f"table {self._name}"
        options = {"yield_per": batch_rows}
        with connection.execute(statement, execution_options=options) as result:
            for rows in result.partitions():
                numbers, times = zip(*rows, strict=True)
                yield Entries(numbers=numbers, channels={channel}, added_at=times, place=place)

    def add(self, connection: Connection, numbers: Sequence[str], channel: str) -> None:
        """Put in the numbers that are not there.

        Raises:
            SourceError: the table is not there.
        """
        self._require(connection)
        columns = self._table.c
        statement = sa.select(columns.number).where(
            columns.channel == channel, columns.number.in_(numbers)
        )
        present = set(connection.scalars(statement))
        now = datetime.now(UTC)
        rows = [
            {"number": number, "channel": channel, "added_at": now}
            for number in numbers
            if number not in present
        ]
        if rows:
            connection.execute(sa.insert(self._table), rows)

    def remove(self, connection: Connection, numbers: Sequence[str], channel: str) -> None:
        """Take out the numbers that are there.

        Raises:
            SourceError: the table is not there.
        """
        self._require(connection)
        columns = self._table.c
        connection.execute(
            sa.delete(self._table).where(columns.channel == channel, columns.number.in_(numbers))
        )

    def _require(self, connection: Connection) -> None:
        # It is not made here: a table that was dropped must not come back empty, and the user of
        # the database need not have the right to make one.
        if not sa.inspect(connection).has_table(self._table.name, schema=self._table.schema):
            statement = CreateTable(self._table).compile(dialect=connection.dialect)
            raise SourceError(
                f"The table {self._name} of opt-outs does not exist. Create it: "
                f"{' '.join(str(statement).split())}"
            )
