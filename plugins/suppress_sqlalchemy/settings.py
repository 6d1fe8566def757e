"""The settings of the plugin, and which of them make no sense."""

from dataclasses import dataclass

from suppress import ConfigurationError, InvalidSetting, Secret, known_region

EXTRA = "Run: pip install 'suppress-filter[sqlalchemy]'"


@dataclass(frozen=True, kw_only=True)
class SqlSettings:
    """The table `[suppress.sqlalchemy]` or `[suppress.sqlalchemy.NAME]`.

    Each is also `SUPPRESS_SQLALCHEMY_` or `SUPPRESS_SQLALCHEMY_NAME_` and its name.

    Attributes:
        url: the database, as SQLAlchemy writes it: `postgresql+psycopg://user:password@host/name`.
        column: the column of the number, or several of them.
        table: the table or view, with its schema and a dot before it where need be.
        query: a query in SQL, in place of `table`.
        channels: the channels on which its people must not be messaged.
        channel_column: the column that says on which of the channels each must not; None for all.
        id_column: the column that names a row in errors and reasons; None for the primary key of
            `table`, if it is one column.
        date_column: the column of the time when a row came on the list; UTC where it has no zone.
        default_region: ISO 3166 region of numbers in national form, or `international`; None
            for the setting of suppress.
        opt_outs_table: a table of suppress's own, where it puts opt-outs; None to take none.
    """

    url: Secret
    column: str | tuple[str, ...]
    table: str | None = None
    query: str | None = None
    channels: tuple[str, ...] = ("sms", "viber")
    channel_column: str | None = None
    id_column: str | None = None
    date_column: str | None = None
    default_region: str | None = None
    opt_outs_table: str | None = None

    def __post_init__(self) -> None:
        # The one way to change a frozen instance.
        object.__setattr__(self, "url", Secret(self.url))
        if not self.columns or not all(self.columns):
            raise InvalidSetting("column", "must name the column of the number")
        if (self.table is None) == (self.query is None):
            raise InvalidSetting("table", "or `query` must be set, one of the two")
        if self.opt_outs_table is not None and self.opt_outs_table == self.table:
            raise InvalidSetting(
                "opt_outs_table",
                "must be another table than `table`, which is never written to",
            )
        if self.default_region is not None:
            object.__setattr__(self, "default_region", known_region(self.default_region))
        try:
            from suppress_sqlalchemy.address import address_of  # noqa: PLC0415 - loads SQLAlchemy
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                f"A source `sqlalchemy` is configured, but {error.name} is not installed. {EXTRA}"
            ) from error
        address_of(self.url)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the number."""
        return (self.column,) if isinstance(self.column, str) else self.column
