"""The readers of recipients' numbers, one for each default region, kept for the next call."""

from suppress.numbers.bulk import Reader
from suppress.numbers.convention import Convention
from suppress.numbers.region import known_region


class ReadersByRegion:
    """The readers of numbers under one convention.

    Args:
        convention: how numbers are read where a call names no region.
    """

    def __init__(self, convention: Convention) -> None:
        self._convention = convention
        self._default = Reader(convention)
        self._made = {convention.region: self._default}

    def of(self, region: str | None) -> Reader:
        """Return the reader for a region; None for the region of the convention.

        Raises:
            ConfigurationError: there is no such region.
        """
        if region is None:
            return self._default
        reader = self._made.get(region)
        if reader is None:
            known = known_region(region)
            reader = self._made.setdefault(known, Reader(self._convention.of(known)))
            self._made[region] = reader
        return reader
