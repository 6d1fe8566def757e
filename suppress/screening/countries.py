"""The country of a number, told by its first digits."""

from collections.abc import Mapping
from typing import NamedTuple

import phonenumbers

_LONGEST_CODE = 3
_TOLD_BY_AREA = (1, 7)
"""Calling codes of countries that the next three digits tell apart."""

_FILLING = "2345678"
"""Digits behind the first ones of a number that has to be valid."""


class Country(NamedTuple):
    """A calling code, with the regions whose numbers it may begin.

    Attributes:
        code: the calling code; 0 for an unknown one.
        regions: ISO 3166 regions, the main one first; none where no country has the code.
    """

    code: int
    regions: tuple[str, ...]


def country_of(prefix: int) -> Country:
    """Return the country of the numbers that begin with four digits."""
    digits = str(prefix)
    for length in range(1, _LONGEST_CODE + 1):
        code = int(digits[:length])
        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code)
        if regions is not None:
            break
    else:
        return Country(0, ())
    if code in _TOLD_BY_AREA:
        number = phonenumbers.PhoneNumber(code, int(f"{digits[1:]}{_FILLING}"))
        region = phonenumbers.region_code_for_number(number)
        regions = regions if region is None else (region,)
    return Country(code, tuple(each for each in regions if each.isalpha()))


def by_country(counts: Mapping[int, int]) -> dict[Country, int]:
    """Return counts by country, from counts by the first four digits."""
    found: dict[Country, int] = {}
    for prefix, count in counts.items():
        country = country_of(prefix)
        found[country] = found.get(country, 0) + count
    return found
