"""Phone numbers of every region, in the ways in which people write them."""

from collections.abc import Iterator
from typing import Any

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
ELSEWHERE = "+12025550147"


def mobile(region: str) -> PhoneNumber:
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return number or phonenumbers.example_number(region)  # type: ignore[return-value]


def e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def spellings(number: PhoneNumber) -> Iterator[tuple[str, Any, str | None]]:
    """Ways to write a number, each with its kind and the region that it is read with."""
    own = phonenumbers.region_code_for_number(number)
    plus = e164(number)
    digits = plus[1:]
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    for region in (own, "international", None, "US", "DE"):
        yield "no plus", digits, region
        yield "no plus", spaced.removeprefix("+"), region
        yield "00", f"00{digits}", region
        yield "whole number", int(digits), region
        yield "decimal tail", f"{digits}.0", region
        yield "exponent", f"{digits[0]}.{digits[1:]}E+{len(digits) - 1}", region
    for text in (plus, spaced):
        for before, behind in (
            *(("p:", ""), ("'", ""), ('="', '"'), ("tel:", ""), ("sms:", ""), ("whatsapp:", "")),
            *(("\u202a", "\u202c"), ("\u200e", ""), ("\ufeff", ""), ("\u00a0", "\u2009")),
            *(("Ann <", ">"), ("", " (mobile)"), ("", " Mrs Brown"), ("", " STOP"), ("", "w22")),
            *(("", " null"), ("", ".0"), ("", ",00"), ("Tel. ", " or mail"), ("", "\n")),
        ):
            yield "damage", before + text + behind, None
        for several in (f"{text} / {ELSEWHERE}", f"{ELSEWHERE}; {text}", f"{text} {ELSEWHERE}"):
            yield "several", several, None
    yield "damage", f"{digits}@s.whatsapp.net", None
    yield "damage", f"https://wa.me/{digits}", None
    yield "damage", f"viber://chat?number=%2B{digits}", None
    yield "blanks", "\u200c".join(plus), None
    yield "letters", f"{plus[:2]}{plus[2:].replace('0', 'O')}", None
    yield "national", national, own
    yield "words", f"{national} (office)", own
    yield "code twice", f"+{number.country_code}{digits}", None
