"""What makes two numbers the same: their E.164 form, as `phonenumbers` gives it.

The reference, which every answer of this module equals, is

    format_number(parse(text, default_region), E164)

Callers that have many numbers hand them over together (`e164_all`), so that a faster
way of normalizing can be put in here without touching them.
"""

import re
from collections.abc import Iterable

import phonenumbers

from suppress.errors import ConfigurationError, InvalidNumber

# phonenumbers refuses longer texts, and Python refuses to print much longer integers.
_LONGEST_INT = 10**250


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
    text = as_text(number)
    if text is None:
        return None
    try:
        parsed = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def e164_all(numbers: Iterable[object], default_region: str | None = None) -> list[str | None]:
    """`e164` of each of the numbers, in their order."""
    return [e164(number, default_region) for number in numbers]


def why_invalid(number: object, default_region: str | None = None) -> str:
    """Why `e164` gives None for the number, in words and without its digits."""
    text = as_text(number)
    if text is None:
        return f"a number is text or a positive int, not {type(number).__name__}"
    try:
        phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException as error:
        if error.error_type == error.INVALID_COUNTRY_CODE and default_region is None:
            return "not in international form, and no default region is set"
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


def mask(number: object) -> str:
    """What may be shown of a number, or of a text with numbers in it, in errors and logs.

    Of every run of seven digits or more (separators between them do not end a run) the
    first three and the last two stay.
    """
    text = str(number) if isinstance(number, str | int) else type(number).__name__

    def hide(match: re.Match[str]) -> str:
        run = re.sub(r"\D", "", match[0])
        return f"{run[:3]}{'*' * (len(run) - 5)}{run[-2:]}"

    return re.sub(r"\d(?:[^\w,;]{0,3}\d){6,}", hide, text)
