"""Options that take a date or time: ISO 8601, in the user's time zone unless another is given."""

from datetime import date, datetime, timedelta

import click

_DAY = timedelta(days=1, microseconds=-1)


def moment_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that was typed, with a time zone; a date stands for its beginning."""
    return None if value is None else _parsed(value)


def end_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that was typed, with a time zone; a date stands for its end."""
    if value is None:
        return None
    return _parsed(value, plus=_DAY if _is_date(value) else timedelta())


def _parsed(text: str, *, plus: timedelta = timedelta()) -> datetime:
    try:
        return (datetime.fromisoformat(text) + plus).astimezone()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is not a date or time. Write YYYY-MM-DD or YYYY-MM-DDThh:mm, with an "
            "offset such as +02:00 if the time is not in your time zone."
        ) from None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
