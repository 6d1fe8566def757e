"""What a number may mean, in plain `phonenumbers` calls: the reference."""

import phonenumbers


def parsed(text: str, region: str | None) -> str | None:
    """The reference: the E.164 text by phonenumbers itself; None where it cannot be parsed."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
