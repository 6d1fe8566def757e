"""The same line under two numbers: changes of numbering plans, as data.

A row of the table says how an old number becomes a new one. It acts on the digits behind
the plus, calling code included: where they match `match` from their start and have
`length` digits, the new number is

    digits[:at] + add + digits[at + drop:]

The table is `renumbering.tsv` in this package; a file of further rows has the same form.
"""

import functools
import hashlib
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple, Self

from suppress.errors import ConfigurationError
from suppress.lazy import cached_property
from suppress.ownership import warn_if_others_write

ALIAS = "alias"
"""In place of the day, in a row whose two forms have always been one line."""

_COLUMNS = ("id", "region", "match", "length", "at", "drop", "add", "from")
_FIRST_DAY = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:\.\.\S+)?")


class PlanChange(NamedTuple):
    """One change of a numbering plan.

    Attributes:
        id: its name in the table.
        region: the ISO 3166 region.
        match: a regular expression for the beginning of the old digits.
        length: how many digits an old number has, calling code included.
        at: how many digits stay in front.
        drop: how many digits go behind them.
        add: the digits that come in their place.
        begins: the first day on which the new number holds; None for always.
        reuse: `free` where old numbers may be given to others one day.
        examples: an old number and its new one, digits without a plus; empty where none are
            given.
    """

    id: str
    region: str
    match: str
    length: int
    at: int
    drop: int
    add: str
    begins: date | None
    reuse: str = ""
    examples: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """The count of last digits that the old number and the new one have in common."""
        return self.length - self.at - self.drop

    def new_form(self, digits: str) -> str:
        """Return the new number of an old one, both as digits without a plus."""
        return digits[: self.at] + self.add + digits[self.at + self.drop :]


class Renumbering:
    """Some changes of numbering plans. Immutable; equal where the changes are equal.

    Args:
        changes: the changes; for one number the first that acts on it counts.
    """

    def __init__(self, changes: Iterable[PlanChange] = ()) -> None:
        self.changes = tuple(changes)
        self._hash = hash(self.changes)
        self._of_length: dict[int, list[PlanChange]] = {}
        for each in self.changes:
            self._of_length.setdefault(each.length, []).append(each)
        self._any: dict[int, re.Pattern[str]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Renumbering) and self.changes == other.changes

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<Renumbering: {len(self.changes)} changes>"

    def change_of(self, digits: str) -> PlanChange | None:
        """Return the change that acts on a number (digits without a plus); None for none."""
        some = self._of_length.get(len(digits))
        if some is None:
            return None
        any_of_length = self._any.get(len(digits))
        if any_of_length is None:
            # One match tells whether any row acts on a number. Many lengths are never asked for.
            any_of_length = re.compile("|".join(f"(?:{each.match})" for each in some))
            self._any[len(digits)] = any_of_length
        if not any_of_length.match(digits):
            return None
        return next(each for each in some if re.match(each.match, digits))

    def in_force(self, day: date) -> "Renumbering":
        """Return the changes that act on a day."""
        return Renumbering(
            each for each in self.changes if each.begins is None or each.begins <= day
        )

    def period(self, day: date) -> tuple[date, date]:
        """Return the first day with the same changes as this one, and the first day after them."""
        first_days = {each.begins for each in self.changes if each.begins is not None}
        before = max((each for each in first_days if each <= day), default=date.min)
        return before, min((each for each in first_days if each > day), default=date.max)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the changes, in hexadecimal (64 characters)."""
        return hashlib.sha256(repr(self.changes).encode()).hexdigest()

    @classmethod
    def read(cls, text: str, name: str, *, is_ours: bool = False) -> Self:
        """Return the changes of a table: a header, then a row a line, with tabs between the fields.

        Args:
            text: the table.
            name: the file's name, for errors.
            is_ours: whether its regular expressions are known to be right, and not tried here:
                that takes as long as a small file.

        Raises:
            ConfigurationError: a row cannot be used; the message names its line.
        """
        lines = text.splitlines()
        header = lines[0].split("\t") if lines else []
        if missing := [each for each in _COLUMNS if each not in header]:
            raise ConfigurationError(f"{name}: the header has no column {missing[0]!r}.")
        changes = []
        for number, line in enumerate(lines[1:], 2):
            if line.strip():
                fields = dict(zip(header, line.split("\t"), strict=False))
                try:
                    changes.append(_change(fields))
                    if not is_ours:
                        re.compile(fields["match"])
                except (KeyError, ValueError, re.error) as error:
                    raise ConfigurationError(
                        f"{name}, line {number}: this row cannot be used ({error})."
                    ) from None
        return cls(changes)


NO_CHANGES = Renumbering()


@functools.cache
def table() -> Renumbering:
    """Return the table that comes with this package."""
    from importlib import resources  # noqa: PLC0415 - not needed at import

    file = resources.files("suppress.numbers") / "renumbering.tsv"
    return Renumbering.read(file.read_text("utf-8"), "renumbering.tsv", is_ours=True)


def chosen(setting: bool | Path) -> Renumbering:  # noqa: FBT001 - it is the setting's value
    """Return the changes that the setting `renumbering` asks for.

    Args:
        setting: True for the table, False for none, a file of rows to add to the table.

    Raises:
        ConfigurationError: the file cannot be read, or a row of it cannot be used.
    """
    if not isinstance(setting, Path):
        return table() if setting else NO_CHANGES
    warn_if_others_write(setting, "file of changes")
    try:
        text = setting.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(
            f"SUPPRESS_RENUMBERING (`renumbering` in the table [suppress]): {setting} cannot be "
            f"read: {why}."
        ) from error
    # A row of one's own wins over the table's.
    return Renumbering([*Renumbering.read(text, str(setting)).changes, *table().changes])


def first_day(text: str) -> date | None:
    """Return the day on which a row begins to act; None for always.

    Args:
        text: `alias`, a date, a month, a year, or a range of them; a missing month or day
            is the first, and of a range the first day counts.

    Raises:
        ValueError: it is none of these.
    """
    if text == ALIAS:
        return None
    found = _FIRST_DAY.fullmatch(text)
    if found is None:
        raise ValueError(f"from is {text!r}; write a date such as 2024-11-30, or alias")
    year, month, day = (int(each or 1) for each in found.groups())
    return date(year, month, day)


def _change(fields: dict[str, str]) -> PlanChange:
    length, at, drop = (int(fields[name]) for name in ("length", "at", "drop"))
    if not 0 <= at <= at + drop <= length:
        raise ValueError("at and drop must lie within length")
    if not re.fullmatch(r"[0-9]*", fields["add"]):
        raise ValueError("add must be digits")
    examples = (fields.get("example_old", ""), fields.get("example_new", ""))
    return PlanChange(
        id=fields["id"],
        region=fields["region"],
        match=fields["match"],
        length=length,
        at=at,
        drop=drop,
        add=fields["add"],
        begins=first_day(fields["from"]),
        reuse=fields.get("reuse", ""),
        examples=examples if all(examples) else (),
    )
