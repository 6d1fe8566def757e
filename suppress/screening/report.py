"""The report of a campaign: one page for the person who answers for it."""

from dataclasses import dataclass
from typing import Any, Self

from suppress.screening.breakdown import Breakdown, BreakdownBuilder, ChangesAt
from suppress.screening.receipt import Receipt
from suppress.screening.screening import Screening


@dataclass(frozen=True)
class CampaignReport:
    """The report of a campaign, which `to_html` makes a page of.

    Attributes:
        receipt: the receipt: the counts, the stop lists, and how numbers were read.
        breakdown: the recipients by what they have in common; None where only the receipt was
            kept, which does not hold it. The page then says what it cannot show.
        name: the name of the file, if it has one.
    """

    receipt: Receipt
    breakdown: Breakdown | None = None
    name: str | None = None

    @classmethod
    def of(
        cls,
        screening: Screening[Any],
        *,
        changes_at: ChangesAt | None = None,
        name: str | None = None,
    ) -> Self:
        """Return the report of a screening.

        Args:
            screening: the screening.
            changes_at: gives the reasons of opt-outs: `Suppressor.changes_at`. Without it, they
                are not known.
            name: the name of the campaign, if it has one.

        Raises:
            StoreUnavailable: the reasons cannot be read.
        """
        builder = BreakdownBuilder()
        builder.add(screening, changes_at=changes_at)
        return cls(screening.receipt(), builder.breakdown(), name)

    def to_html(self) -> str:
        """Return the report as a page in HTML that needs nothing else, in UTF-8.

        Raises:
            ConfigurationError: Jinja2 or Babel is missing (the extra `report`).
        """
        from suppress.screening.page import render  # noqa: PLC0415 - nobody else needs it

        return render(self.receipt, self.breakdown, self.name)
