"""The E.164 form of one number.

The reference, which every answer equals, is

    format_number(parse(text, default_region), E164)
"""

import phonenumbers

from suppress.errors import ConfigurationError, InvalidNumber
from suppress.numbers.mask import mask
from suppress.numbers.readings import parsed
from suppress.numbers.rules import (
    BEHIND_IDD,
    FIRST_CONSTANT,
    INVALID,
    LONGEST,
    NUMBERING,
    SHORTEST,
)

# phonenumbers refuses longer texts, and Python refuses to print much longer integers.
_LONGEST_INT = 10**250
LONGEST_TEXT = 250

NO_REGION = "and no default region is set"
"""Why a number in national form is invalid, at the end."""

SEPARATORS = b" -.()/[]"
_NO_SEPARATORS = dict.fromkeys(SEPARATORS)


def known_region(region: str) -> str:
    """The region in the spelling of ISO 3166, for example `"US"` for `"us"`.

    Raises:
        ConfigurationError: phonenumbers has no such region.
    """
    upper = region.upper()
    if upper not in phonenumbers.SUPPORTED_REGIONS:
        raise ConfigurationError(
            f"default_region: {region!r} is no region that phonenumbers knows. "
            "Use two letters of ISO 3166, such as US, GB (not UK) or DE."
        )
    return upper


def as_text(number: object) -> str | None:
    """The text to parse for a number as handed in, or None where there is none.

    An `int` is an international number without its plus. Nothing but `str` and `int` is
    a number; a `bool` is not one either.
    """
    if isinstance(number, str):
        return number
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < _LONGEST_INT:
        return f"+{int(number)}"
    return None


def e164(number: object, default_region: str | None = None) -> str | None:
    """The E.164 text of a number (a plus and digits), or None where it cannot be parsed."""
    value = settled(number, default_region)
    if value is None:
        text = as_text(number)
        return None if text is None else parsed(text, default_region)
    return f"+{value}" if value else None


def settled(number: object, default_region: str | None = None) -> int | None:
    """The digits of a plain number's E.164 text, as an integer.

    It is 0 where the number is certainly invalid, and None where `e164` has to be asked.
    """
    text = number if type(number) is str else as_text(number)
    if text is None:
        return 0
    if len(text) > LONGEST_TEXT:
        return 0
    digits = text.removeprefix("+")
    if not digits.isdigit():
        text = text.translate(_NO_SEPARATORS)
        digits = text.removeprefix("+")
    if not (SHORTEST <= len(digits) <= LONGEST and digits.isdigit() and digits.isascii()):
        return None
    rule = NUMBERING.rule(digits, 0 if digits is not text else NUMBERING.forms(default_region))
    if rule >= FIRST_CONSTANT:
        return int(digits) + rule
    if rule >= BEHIND_IDD:
        return settled(f"+{digits[rule - BEHIND_IDD :]}")
    return 0 if rule == INVALID else None


def why_invalid(number: object, default_region: str | None = None) -> str:
    """Why `e164` gives None for the number, in words and without its digits."""
    text = as_text(number)
    if text is None:
        return f"a number is text or a positive int, not {type(number).__name__}"
    try:
        phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE and default_region is None:
            return f"not in international form, {NO_REGION}"
        if error.error_type == error.INVALID_COUNTRY_CODE:
            return "its country calling code is unknown"
        if error.error_type == error.TOO_LONG:
            return "too long for a phone number"
        if error.error_type in (error.TOO_SHORT_NSN, error.TOO_SHORT_AFTER_IDD):
            return "too short for a phone number"
        return "not a phone number"
    raise ValueError("the number is valid")


def normalize(number: str | int, default_region: str | None = None) -> str:
    """The E.164 text of one number.

    Args:
        number: text in any form that `phonenumbers` reads, or an `int`: an international
            number without its plus.
        default_region: the ISO 3166 region of a number written in national form.

    Raises:
        InvalidNumber: it cannot be parsed.
    """
    canonical = e164(number, default_region)
    if canonical is None:
        shown = mask(number) or "An empty text"
        raise InvalidNumber(f"{shown}: {why_invalid(number, default_region)}.")
    return canonical


def digits(number: object) -> str:
    """The decimal digits of a number, of whatever script, as ASCII; no plus, no separators."""
    text = as_text(number)
    return "" if text is None else phonenumbers.normalize_digits_only(text)
