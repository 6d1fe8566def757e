"""The default region, with which numbers in national form are read."""

import phonenumbers

from suppress.errors import ConfigurationError
from suppress.numbers.mask import mask

INTERNATIONAL = "international"
"""In place of a region: digits without a plus begin with a calling code."""


def known_region(region: str) -> str:
    """Return the region in the spelling of ISO 3166, for example `"US"` for `"us"`.

    Args:
        region: two letters of ISO 3166, or the word `international`, in any case.

    Returns:
        The two letters in upper case, or `"international"`.

    Raises:
        ConfigurationError: it is neither.
    """
    if region.lower() == INTERNATIONAL:
        return INTERNATIONAL
    upper = region.upper()
    if upper not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigurationError(
            f"default_region: Unknown region {mask(repr(region))}. Use a two-letter code such as "
            f"US, or the word {INTERNATIONAL}."
        )
    return upper
