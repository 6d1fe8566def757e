"""The bound on invalid recipients: a campaign with more of them is not to be written."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suppress.errors import SuppressError

if TYPE_CHECKING:
    from fractions import Fraction

_FORM = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)(%)|\d{1,15}", re.ASCII)


class TooManyInvalid(SuppressError):
    """More recipients are invalid than may be."""


@dataclass(frozen=True)
class MaxInvalid:
    """The most recipients that may be invalid.

    Attributes:
        text: the bound: `100` recipients, or `0.5%` of all.

    Raises:
        ValueError: the text is neither.
    """

    text: str

    def __post_init__(self) -> None:
        found = _FORM.fullmatch(self.text)
        if found is None or (found[1] and self._most_of(100) > 100):  # noqa: PLR2004 - per cent
            raise ValueError(
                f"{self.text!r} is neither a number of rows nor a percentage. Use 100 or 0.5%, "
                "for example."
            )

    def check(self, invalid: int, total: int) -> None:
        """Check how many recipients are invalid.

        Args:
            invalid: how many are.
            total: how many recipients there are.

        Raises:
            TooManyInvalid: more are invalid than may be.
        """
        if invalid > self._most_of(total):
            are = "recipient is" if total == 1 else "recipients are"
            raise TooManyInvalid(
                f"{invalid:,} of {total:,} {are} invalid, and the limit is {self.text}."
            )

    def _most_of(self, total: int) -> "Fraction":
        """Return how many of a total may be invalid."""
        from fractions import Fraction  # noqa: PLC0415 - few campaigns have a bound

        most = Fraction(self.text.removesuffix("%"))
        return most * Fraction(total, 100) if self.text.endswith("%") else most
