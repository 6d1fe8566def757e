"""The convention under which numbers are read: region, lengths, changes of plans."""

import dataclasses
from dataclasses import dataclass

from suppress.numbers.equivalence import Renumbering, table
from suppress.numbers.region import INTERNATIONAL


@dataclass(frozen=True)
class Convention:
    """A convention under which numbers are read.

    Attributes:
        region: an ISO 3166 region of numbers in national form; `international` where digits
            without a plus begin with a calling code; None where nobody has said.
        possible_only: True where only a number of a possible length is a reading.
        renumbering: the changes of numbering plans that count.
    """

    region: str | None = None
    possible_only: bool = True
    renumbering: Renumbering = dataclasses.field(default_factory=table)

    @property
    def plan(self) -> str | None:
        """The region whose numbering plan applies to numbers in national form; None for none."""
        return None if self.region == INTERNATIONAL else self.region

    def of(self, region: str | None) -> "Convention":
        """Return the same convention for numbers of another region."""
        return self if region == self.region else dataclasses.replace(self, region=region)
