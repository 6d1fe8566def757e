"""One reader for each region, kept for the next call."""

import pytest

from suppress import ConfigurationError
from suppress.numbers.convention import Convention
from suppress.numbers.readers_by_region import ReadersByRegion


def test_each_region_has_one_reader() -> None:
    readers = ReadersByRegion(Convention("US", possible_only=False))
    assert readers.of(None).convention.region == "US"
    assert readers.of("US") is readers.of("us") is readers.of(None)
    british = readers.of("gb")
    assert british is readers.of("GB")
    assert (british.convention.region, british.convention.possible_only) == ("GB", False)


def test_an_unknown_region_is_an_error_each_time() -> None:
    readers = ReadersByRegion(Convention())
    for region in ("UK", "UK", ""):
        with pytest.raises(ConfigurationError, match="default_region"):
            readers.of(region)
