"""Compares suppress with the plain phonenumbers loop on made-up texts.

As a command, over as many decisions as one likes: python tests/differential.py --help.
"""

import argparse
import itertools
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache

import phonenumbers

from suppress.numbers.bulk import e164_all
from suppress.numbers.e164 import e164

REGIONS = (None, *sorted(phonenumbers.SUPPORTED_REGIONS))
"""The default regions, none among them."""

ODD = (
    # Other digits and pluses, then separators of all kinds, invisible ones among them.
    *"\u0660\u0663\u06f5\u0967\uff11\uff15\u00b2\u2460\ufe62\uff0b",
    *" -.()/[]~,;*#\u00a0\u00ad\u200b\u2010\u2015\u2060\u2212\u3000\u30fc\uff08\uff09\uff0d\uff0f",
    *"xX\uff58aEoO\u00fc\u4e00\0\t\n\r\v\u2028\ud800",
    "//",
    "tel:",
    ";ext=5",
    " ext. 12",
    " x1234567",
    ";isub=1",
    ";phone-context=+44",
    ";phone-context=example.com",
    "+",
    "++",
    "00",
    "011",
)
LONG = (" " * 240, "-" * 250, "0" * 250, "1" * 17, ".()" * 90)


def reference(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def texts(region: str | None, rng: random.Random) -> Iterator[str]:
    """Texts without end, for a default region: plain, formatted and adversarial ones."""
    # Every beginning of three digits with every length that is decided in bulk, in turn.
    beginnings = itertools.cycle(itertools.product(range(1000), range(1, 19)))
    while True:
        plus = rng.choice(("", "+"))
        beginning, length = next(beginnings)
        yield f"{plus}{_digits(rng, f'{beginning:03}', length)}"
        yield f"{plus}{_digits(rng, rng.choice(_prefixes(region)), rng.randrange(3, 18))}"
        formatted = _varied(rng, _written(rng, region))
        yield formatted
        yield _with(rng, formatted, lambda: rng.choice(" -.()/[]"), 3)
        yield _with(rng, formatted, lambda: rng.choice(ODD), 2)
        yield _with(rng, _digits(rng, plus, rng.randrange(1, 12)), lambda: rng.choice(ODD), 2)
        if rng.random() < 0.01:
            yield _with(rng, formatted, lambda: rng.choice(LONG), 1)


def differences(region: str | None, given: list[str]) -> list[str]:
    """The texts of which suppress says something else, one by one or in bulk."""
    expected = [reference(text, region) for text in given]
    bulk = e164_all(given, region)
    return [
        text
        for place, (text, canonical) in enumerate(zip(given, expected, strict=True))
        if bulk.text(place) != canonical or e164(text, region) != canonical
    ]


def _digits(rng: random.Random, start: str, length: int) -> str:
    return (start + f"{rng.randrange(10**18):018}")[:length]


def _with(rng: random.Random, text: str, odd: Callable[[], str], most: int) -> str:
    for _ in range(rng.randint(1, most)):
        place = rng.randint(0, len(text))
        text = text[:place] + odd() + text[place:]
    return text


def _varied(rng: random.Random, text: str) -> str:
    """The text with some of its digits replaced, and perhaps with one more or less."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    for place in rng.sample(places, min(len(places), rng.randrange(1, 6))):
        text = f"{text[:place]}{rng.randrange(10)}{text[place + 1 :]}"
    place = rng.choice(places)
    end = rng.choice((place, place + 1, place + 1))
    return text[:place] + rng.choice(("", "5", text[place])) + text[end:]


def _written(rng: random.Random, region: str | None) -> str:
    """An example number of any region, or as often of this one, in any format."""
    number = rng.choice(_examples(rng.choice((None, region))))
    style = rng.randrange(5)
    if style == 4:
        return phonenumbers.format_out_of_country_calling_number(number, region or "ZZ")
    return phonenumbers.format_number(number, style)


@cache
def _examples(region: str | None) -> list[phonenumbers.PhoneNumber]:
    """Example numbers of a region, or of all."""
    return [
        number
        for each in ([region] if region else REGIONS[1:])
        for kind in phonenumbers.PhoneNumberType.values()
        if each and (number := phonenumbers.example_number_for_type(each, kind))
    ]


@cache
def _prefixes(region: str | None) -> list[str]:
    """How a number can begin: calling codes, and what is dialled before a number."""
    codes = [str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
    metadata = region and phonenumbers.PhoneMetadata.metadata_for_region(region)
    if not metadata:
        return codes
    national = [metadata.national_prefix or "", metadata.preferred_international_prefix or "00"]
    own = str(metadata.country_code)
    return [*codes, *[*national, own, national[0] + own, "00" + own, "011", "810"] * 40]


def _part(task: tuple[int, int]) -> tuple[int, list[str]]:
    seed, count = task
    rng, region = random.Random(seed), REGIONS[seed % len(REGIONS)]
    given = list(itertools.islice(texts(region, rng), count))
    return 2 * count, [f"{region}: {text!r}" for text in differences(region, given)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/differential.py", description=__doc__)
    parser.add_argument("--decisions", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=None)
    arguments = parser.parse_args()
    at_once = 2_000
    first = arguments.seed * 10**6
    tasks = [(first + part, at_once) for part in range(-(-arguments.decisions // (2 * at_once)))]
    begin, done, found = time.monotonic(), 0, 0
    with multiprocessing.Pool(arguments.processes) as pool:
        for count, differing in pool.imap_unordered(_part, tasks):
            done += count
            found += len(differing)
            for each in differing:
                print(each, flush=True)
    taken = time.monotonic() - begin
    print(f"{done:,} decisions, half of them in bulk and half one by one, in {taken:,.0f} s,")
    print(f"with {len(REGIONS)} default regions and phonenumbers {phonenumbers.__version__}:")
    print(f"{found} differences.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
