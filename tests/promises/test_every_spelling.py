"""A campaign of every way to write a number, through the command: nobody is let through."""

import csv
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumber

from support import commands
from support.phones import REGIONS, e164, mobile, spellings

ROWS = 100_000


def people() -> Iterator[PhoneNumber]:
    """Valid numbers of all regions in turn, without end; no two are the same."""
    for change in itertools.count(1):
        for region in REGIONS:
            number = PhoneNumber()
            number.merge_from(mobile(region))
            number.national_number = (number.national_number or 0) + change
            if phonenumbers.is_valid_number(number):
                yield number


@pytest.mark.slow
def test_nobody_listed_is_allowed_in_a_hundred_thousand_rows(tmp_path: Path) -> None:
    listed: set[str] = set()
    rows: list[tuple[str, str]] = []
    for place, number in enumerate(people()):
        if len(rows) >= ROWS:
            break
        if place % 2:
            listed.add(e164(number))
        rows += [
            (e164(number), text)
            for _, text, region in spellings(number)
            if region is None and isinstance(text, str)
        ]
    with (tmp_path / "campaign.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("person", "mobile"), *rows])
    (tmp_path / "list.txt").write_text("\n".join(sorted(listed)), "utf-8")

    done = commands.run(
        [
            *("filter", "campaign.csv", "--channel", "sms", "--column", "mobile"),
            *("-o", "allowed.csv", "--suppressed", "suppressed.csv"),
        ],
        cwd=tmp_path,
        env=os.environ
        | {"SUPPRESS_FILE_PATH": "list.txt", "SUPPRESS_STORE": "none", "SUPPRESS_FILE_QUIET": "0"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()

    def read(name: str) -> list[tuple[str, str]]:
        with (tmp_path / name).open(encoding="utf-8", newline="") as stream:
            return [(person, text) for person, text in list(csv.reader(stream))[1:]]

    allowed, suppressed = read("allowed.csv"), read("suppressed.csv")
    # A row of two numbers is suppressed for either.
    assert [row for row in allowed if row[0] in listed] == []
    kept_back = set(suppressed)
    assert kept_back >= {row for row in rows if row[0] in listed}
    # Whoever writes a plus and is not listed comes through, however damaged the rest.
    others = [row for row in rows if row[0] not in listed and row not in kept_back]
    assert [row for row in allowed if row[1].startswith("+")] == [
        row for row in others if row[1].startswith("+")
    ]
    assert len({row[0] for row in allowed}) > 800
