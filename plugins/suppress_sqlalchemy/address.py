"""The address of a database: its URL, checked, and the part of it that may be shown."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from suppress import InvalidSetting, Secret

FORM = "such as postgresql+psycopg://user:password@host/database"


def address_of(url: Secret) -> URL:
    """Return the URL of a database, whose driver is installed.

    Raises:
        InvalidSetting: it is no URL, its driver is not there, or its database cannot be used.
    """
    try:
        address = sa.make_url(url.reveal())
    except (sa.exc.ArgumentError, ValueError):
        # The error itself may show the password.
        raise InvalidSetting("url", f"is not the URL of a database, {FORM}") from None
    if "@" in (address.host or ""):
        raise InvalidSetting("url", "has a password with an @. Write it as %40")
    if address.drivername == "postgres":  # as elsewhere, and not for SQLAlchemy
        address = address.set(drivername="postgresql")
    address = _with_driver(address)
    return _of_file(address) if address.get_backend_name() == "sqlite" else address


def shown(address: URL) -> str:
    """Return what may be shown of an address: the kind of database, its host and its name."""
    host = address.host or ""
    port = "" if address.port is None else f":{address.port}"
    return f"{address.get_backend_name()}://{host}{port}/{address.database or ''}"


def without_secrets(text: str, address: URL) -> str:
    """Return a text, such as a driver's error, without the secrets of an address."""
    options = (_texts(value) for value in address.query.values())
    # A shorter option is in many a text, and no secret.
    hidden = {each for values in options for each in values if len(each) > 3}  # noqa: PLR2004
    hidden.add(str(address.password or ""))
    for secret in sorted(hidden - {""}, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _with_driver(address: URL) -> URL:
    """Return the address with a driver that is installed.

    Raises:
        InvalidSetting: there is none.
    """
    error: ImportError | None = None
    others = [f"{address.drivername}+psycopg"] if address.drivername == "postgresql" else []
    for name in (address.drivername, *others):
        try:
            found = address.set(drivername=name)
            dialect = found.get_dialect()
            dialect.import_dbapi()
        except sa.exc.NoSuchModuleError:
            raise InvalidSetting(
                "url",
                f"begins with {name!r}, which SQLAlchemy does not know. Name a database that it "
                f"knows, {FORM}, or install its dialect",
            ) from None
        except ImportError as raised:
            error = error or raised
        else:
            if dialect.is_async:
                raise InvalidSetting("url", f"has a driver for asyncio. Name another, {FORM}")
            return found
    missing = getattr(error, "name", None) or error
    raise InvalidSetting(
        "url", f"needs the driver {missing}, which is not installed. Install it with pip"
    ) from error


def _of_file(address: URL) -> URL:
    """Return the address of a database of SQLite with the whole path of its file.

    Raises:
        InvalidSetting: it has none.
    """
    database = address.database or ""
    if database in ("", ":memory:"):
        raise InvalidSetting("url", "names a database in memory, which is empty. Name a file")
    if database.startswith("file:"):
        return address
    try:
        path = Path(database).expanduser()
    except RuntimeError:
        path = Path()
    if not path.is_absolute():
        raise InvalidSetting(
            "url", "needs the whole path of the file, such as sqlite:////srv/crm.db or ~/crm.db"
        )
    return address.set(database=str(path))


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value
