"""`--max-invalid`: how many invalid recipients are too many."""

import re
from dataclasses import dataclass
from fractions import Fraction

import click

from suppress.errors import SuppressError

_FORM = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(%)|\d{1,15}", re.ASCII)


class TooManyInvalid(SuppressError):
    """More recipients are invalid than `--max-invalid` allows: nothing was written."""


@dataclass(frozen=True)
class MaxInvalid:
    """The most recipients that may be invalid.

    Attributes:
        text: the bound, as it was given: `100` rows, or `0.5%` of all.
    """

    text: str

    def __post_init__(self) -> None:
        found = _FORM.fullmatch(self.text)
        if found is None or (found[1] and Fraction(found[1]) > 100):  # noqa: PLR2004 - per cent
            raise ValueError(
                f"{self.text!r} is no number of rows or percentage, such as 100 or 0.5%."
            )

    def check(self, invalid: int, total: int) -> None:
        """Make sure that no more are invalid than may be.

        Raises:
            TooManyInvalid: more are.
        """
        most = Fraction(self.text.removesuffix("%"))
        if self.text.endswith("%"):
            most *= Fraction(total, 100)
        if invalid > most:
            are = "is" if invalid == 1 else "are"
            raise TooManyInvalid(
                f"{invalid:,} of {total:,} recipients {are} invalid, and --max-invalid allows "
                f"{self.text}. Nothing was written."
            )


def bound(_ctx: click.Context, _param: click.Parameter, value: str | None) -> MaxInvalid | None:
    """The bound that was typed, if any; a callback of click."""
    try:
        return None if value is None else MaxInvalid(value.strip())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
