"""Options that take a date or time: ISO 8601, in the user's time zone unless another is given."""

from datetime import date, datetime, timedelta

import click


def moment_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that was typed, with a time zone; a date stands for its beginning."""
    return None if value is None else _parsed(value)


def end_of(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """Return the time that was typed, with a time zone; a date stands for its end."""
    return None if value is None else _parsed(value, days=_is_date(value))


def _parsed(text: str, *, days: int = 0) -> datetime:
    try:
        return (datetime.fromisoformat(text) + timedelta(days=days)).astimezone()
    except (ValueError, OverflowError, OSError):
        raise click.BadParameter(
            f"{text!r} is not a date or time. Write it like 2026-03-31 or "
            "2026-03-31T09:30:00+02:00."
        ) from None


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
