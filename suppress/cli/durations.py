"""Options that take a length of time, such as 8h or 1h30m."""

import re
from datetime import timedelta

import click

_FORM = re.compile(
    r"(?=\d)(?:(?P<days>\d{1,6})d)?(?:(?P<hours>\d{1,6})h)?"
    r"(?:(?P<minutes>\d{1,6})m(?:in)?)?(?:(?P<seconds>\d{1,9})s)?",
    re.ASCII,
)


def duration_of(
    _ctx: click.Context, _param: click.Parameter, value: str | None
) -> timedelta | None:
    """Return the length of time that was typed."""
    if value is None:
        return None
    found = _FORM.fullmatch("".join(value.split()))
    if found is None:
        raise click.BadParameter(
            f"{value!r} is not a length of time. Write 45m, 8h, 1h30m or 2d, for example."
        )
    return timedelta(**{unit: int(count) for unit, count in found.groupdict().items() if count})
