"""Made-up campaigns of any size: numbers as people write them, beside their E.164 form."""

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
TEMPLATES = 3_000
"""Different numbers of a campaign before their last three digits are varied."""

GARBAGE = (
    "",
    "n/a",
    "unknown",
    "-",
    "0",
    "12",
    "+",
    "no phone",
    "user{0}{1}{2}@example.com",
    "2024-0{0}-1{1}",
    "see notes {0}{1}",
    "{0}{1}",
    "#REF!",
    "order {0}{1}{2}{0}{1}{2}{0}{1}{2}{0}{1}{2}{0}{1}{2}{0}{1}{2}",
)


class Campaign(NamedTuple):
    """Recipients, their E.164 texts, and a stop list that has some of them.

    Attributes:
        numbers: as a CRM has them.
        clean: the E.164 text of each; an empty text where it is made up to be none.
        stop_list: E.164 texts.
        region: that of numbers in national form.
    """

    numbers: Sequence[str | int]
    clean: Sequence[str]
    stop_list: frozenset[str]
    region: str | None = None


class _Template(NamedTuple):
    written: str
    clean: str


def campaign(
    write: Callable[[PhoneNumber], str],
    *,
    recipients: int,
    entries: int,
    regions: Sequence[str] = REGIONS,
    region: str | None = None,
    listed: float = 0.03,
    seed: int = 1,
) -> Campaign:
    """A campaign whose recipients `write` writes; some three in a hundred are listed."""
    rng = random.Random(seed)
    some = range(min(TEMPLATES, recipients))
    templates = [_template(_number(rng, rng.choice(regions)), write) for _ in some]
    numbers, clean = [], []
    for _ in range(recipients):
        template, digits = rng.choice(templates), f"{rng.randrange(1000):03}"
        numbers.append(template.written.format(*digits))
        clean.append(template.clean.format(*digits))
    stop_list = set(rng.sample(clean, min(entries, int(recipients * listed)))) - {""}
    while len(stop_list) < entries:
        # Of all countries, so that there are enough of them that are not in the campaign.
        stop_list.add(f"+{rng.randrange(10**9, 10**12)}")
    return Campaign(numbers, clean, frozenset(stop_list), region)


def e164(number: PhoneNumber) -> str:
    """`+442079460958`."""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def national(number: PhoneNumber) -> str:
    """`020 7946 0958`."""
    return phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)


def international(number: PhoneNumber) -> str:
    """`+44 20 7946 0958`, `tel:+44-20-7946-0958`, `+44 (20) 7946 0958` or `+44.20.7946.0958`."""
    style = random.Random(number.national_number).randrange(4)
    if style == 0:
        return phonenumbers.format_number(number, PhoneNumberFormat.RFC3966)
    text = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    if style == 1:
        return text.replace(" ", ".")
    return re.sub(r"^(\+\d+) (\d+)", r"\1 (\2)", text) if style == 2 else text


WRAPPERS = (
    *("p:{}", "'{}", '="{}"', "whatsapp:{}", "tel:{}", "\u200e{}", "\u202a{}\u202c", "\ufeff{}"),
    "{}.0",
)


def wrapped(campaign: Campaign) -> Campaign:
    """The same numbers in what exports put around them, or with odd blanks between digits."""
    numbers = []
    for place, number in enumerate(map(str, campaign.numbers)):
        style = place % (len(WRAPPERS) + 1)
        if style < len(WRAPPERS):
            numbers.append(WRAPPERS[style].format(number))
        else:
            numbers.append(f"{number[:3]}\u00a0{number[3:7]}\u2009{number[7:]}")
    return campaign._replace(numbers=numbers)


def without_plus(campaign: Campaign, region: str | None) -> Campaign:
    """The same numbers as digits with their calling code, read with a region."""
    numbers = [str(number).removeprefix("+") for number in campaign.numbers]
    return campaign._replace(numbers=numbers, region=region)


def dirty(plain: Campaign, formatted: Campaign) -> Campaign:
    """70% E.164, 16% digits without a plus, 6% formatted, 5% `.0`, 1% words, 2% garbage.

    The words behind numbers are all distinct.
    """
    rng = random.Random(3)
    numbers: list[str | int] = []
    clean = []
    pairs = zip(plain.numbers, plain.clean, formatted.numbers, formatted.clean, strict=True)
    for place, (number, e164, written, other) in enumerate(pairs):
        share = rng.random()
        clean.append(other if 0.86 <= share < 0.92 else e164)
        if share < 0.70:
            numbers.append(number)
        elif share < 0.86:
            numbers.append(str(number)[1:])
        elif share < 0.92:
            numbers.append(written)
        elif share < 0.97:
            numbers.append(f"{number}.0")
        elif share < 0.98:
            numbers.append(f"{number} {_word(place)}")
        else:
            numbers.append(rng.choice(GARBAGE).format(*f"{rng.randrange(1000):03}"))
            clean[-1] = ""
    return Campaign(numbers, clean, plain.stop_list, "US")


def _word(place: int) -> str:
    """A word of its own for each place."""
    letters = []
    while place:
        place, letter = divmod(place, 26)
        letters.append(chr(ord("a") + letter))
    return f"M{''.join(letters)}"


def _number(rng: random.Random, region: str) -> PhoneNumber:
    kind = rng.choice([PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None:
        return _number(rng, rng.choice(REGIONS))
    digits = str(example.national_number)
    for _ in range(20):
        number = PhoneNumber()
        number.merge_from(example)
        varied = min(5, len(digits) - 2)
        number.national_number = int(digits[:-varied] + f"{rng.randrange(10**varied):0{varied}}")
        if phonenumbers.is_valid_number(number):
            return number
    return example


def _template(number: PhoneNumber, write: Callable[[PhoneNumber], str]) -> _Template:
    written = write(number)
    region = phonenumbers.region_code_for_number(number)
    clean = e164(phonenumbers.parse(written, region))
    return _Template(_varied(written), _varied(clean))


def _varied(text: str) -> str:
    """The text with its last three digits replaced by `{0}`, `{1}` and `{2}`."""
    places = [match.start() for match in re.finditer(r"\d", text)][-3:]
    for place, at in reversed(list(enumerate(places))):
        text = f"{text[:at]}{{{place}}}{text[at + 1 :]}"
    return text
