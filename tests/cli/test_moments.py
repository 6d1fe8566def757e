"""Dates and times as they are typed: ISO 8601, in the user's time zone."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import click
import pytest

from suppress.cli.moments import end_of, moment_of

CONTEXT = click.Context(click.Command("opt-outs"))
OPTION = click.Option(["--since"])


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the user live two hours east of Greenwich."""
    monkeypatch.setenv("TZ", "XXX-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026-03-01", (2026, 2, 28, 22), (2026, 3, 1, 21, 59, 59, 999_999)),
        ("2026-03-01T09:30", (2026, 3, 1, 7, 30), (2026, 3, 1, 7, 30)),
        ("2026-03-01 09:30:00Z", (2026, 3, 1, 9, 30), (2026, 3, 1, 9, 30)),
        ("2026-03-01T09:30+01:00", (2026, 3, 1, 8, 30), (2026, 3, 1, 8, 30)),
    ],
)
def test_a_time(text: str, begins: tuple[int, ...], ends: tuple[int, ...]) -> None:
    for convert, parts in (moment_of, begins), (end_of, ends):
        moment = convert(CONTEXT, OPTION, text)
        assert moment is not None
        assert moment.tzinfo is not None
        assert moment == datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "9999-12-31", "12:30"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match=r"is not a date or time\. Write YYYY-MM-DD"):
        end_of(CONTEXT, OPTION, text)


def test_none_is_none() -> None:
    assert moment_of(CONTEXT, OPTION, None) is None
    assert end_of(CONTEXT, OPTION, None) is None
