"""Numbers as phonenumbers knows them."""

import phonenumbers

from suppress.numbers.parsed import MOST_DIGITS


def test_every_number_of_every_plan_fits_64_bits() -> None:
    """So numbers are integers everywhere, and no number needs a path of its own."""
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
            assert plan is not None
            assert plan.general_desc is not None
            assert len(str(code)) + max(plan.general_desc.possible_length) <= MOST_DIGITS
    assert 10**MOST_DIGITS - 1 < 2**64
