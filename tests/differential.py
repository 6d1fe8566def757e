"""Compares the fast ways of reading numbers with the reference, on made-up texts.

As a command, over as many decisions as one likes: python tests/differential.py --help.
"""

import argparse
import itertools
import multiprocessing
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import phonenumbers

from suppress.numbers import parsed
from suppress.numbers.bulk import Reader, ReaderLimits
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import QuickReader, plain_readings
from suppress.numbers.equivalence import table
from suppress.numbers.problem import Problem
from suppress.numbers.readings import FORMER_PREFIXES, Meaning, read

RANGES_ALWAYS = ReaderLimits(fewest_for_ranges=0)
"""Lets the ranges that are valid be derived, however few texts there are."""

SHARED_PARSE = lru_cache(maxsize=2**18)(parsed.parse)
"""Shares the parses of phonenumbers between the reference and the fast ways."""

WAYS = ("readings in bulk", "first readings in bulk", "one by one", "with look-ups")
"""The fast ways, of which each decides about each text."""

REGIONS = (None, "international", *sorted(phonenumbers.SUPPORTED_REGIONS))
"""The default regions, none and `international` among them."""

ODD = (
    # Other digits and pluses, then separators of all kinds, invisible ones among them.
    *"\u0660\u0663\u06f5\u0967\uff11\uff15\u00b2\u2460\ufe62\uff0b",
    *" -.()/[]~,;*#|\u00a0\u00ad\u200b\u2010\u2015\u2060\u2212\u3000\u30fc\uff08\uff09\uff0d\uff0f",
    *"xX\uff58aEoOIl\u00fc\u4e00\0\t\n\r\v\u2028\ud800_\u00b7:'\"=%<>@&?",
    *("//", "tel:", ";ext=5", " ext. 12", " x1234567", ";isub=1", ";phone-context=+44"),
    *(";phone-context=example.com", "+", "++", "00", "011", "  ", " / ", "\u200e", "\u202f"),
)
LONG = (" " * 240, "-" * 250, "0" * 250, "1" * 17, ".()" * 90)
BEHIND = (
    *(".0", ",00", ".00", ".000", ".0000", ".05", " (mobile)", " Mrs Brown", " STOP", "w22", "p9"),
    *(" null", " 22", " 1234", "-1234", " home 2", "\u202c", "@s.whatsapp.net", "@c.us", "XX", "*"),
    *("*", "XXXX", "...", '"', "'", ";", "?text=hi", " ext 5", "#5", " I", "\r\n"),
)
BEFORE = (
    *("p:", "tel:", "sms:", "whatsapp:", "TEL:", "tel://", "'", '"', '="', "=", "\u202a", "\u200e"),
    *("\ufeff", "Ann ", "Ann <", "viber://chat?number=", "https://wa.me/", "%2B", "1 ", "2) ", "x"),
    *("Tel. ", "2026-01-15 ", "(", "- ", "\u00a0", " ", "no. 5: ", "https://wa.me/+"),
)


def texts(region: str | None, rng: random.Random) -> Iterator[str]:
    """Texts without end, for a default region: plain, formatted and damaged ones."""
    # Every beginning of three digits with every length that is decided in bulk, in turn.
    beginnings = itertools.cycle(itertools.product(range(1000), range(1, 19)))
    while True:
        plus = rng.choice(("", "+"))
        beginning, length = next(beginnings)
        yield f"{plus}{_digits(rng, f'{beginning:03}', length)}"
        yield f"{plus}{_digits(rng, rng.choice(_prefixes(region)), rng.randrange(3, 18))}"
        yield f"{plus}{_renumbered(rng)}"
        yield _with_a_former_prefix(rng, region)
        yield f"{plus}{_with_its_code_twice(rng, region)}"
        formatted = _varied(rng, _written(rng, region))
        yield formatted
        yield _digits_alone(formatted)
        yield rng.choice(BEFORE) + formatted
        yield formatted + rng.choice(BEHIND)
        yield rng.choice(BEFORE) + _digits_alone(formatted) + rng.choice(BEHIND)
        yield formatted + rng.choice((" ", "/", "  ", ", ", ";", "|", "")) + _written(rng, region)
        yield _exponent(rng, _digits_alone(formatted))
        yield _with(rng, formatted, lambda: rng.choice(" -.()/[]"), 3)
        yield _with(rng, formatted, lambda: rng.choice(ODD), 2)
        yield _with(rng, _digits(rng, plus, rng.randrange(1, 12)), lambda: rng.choice(ODD), 2)
        if rng.random() < 0.01:
            yield _with(rng, formatted, lambda: rng.choice(LONG), 1)


def differences(
    region: str | None, given: list[Any], limits: ReaderLimits = RANGES_ALWAYS
) -> list[Any]:
    """Return the texts of which a fast way says something else than the reference."""
    convention = Convention(region)
    expected = [read(text, convention) for text in given]
    found = _in_bulk(given, Reader(convention, limits))
    return [
        text
        for text, meaning, bulk in zip(given, expected, found, strict=True)
        if not _agree(meaning, bulk)
        or not _agrees_alone(text, meaning, convention)
        or not _agrees_looked_up(text, meaning, convention)
    ]


class InBulk(NamedTuple):
    """The answers about one text where many are read at once."""

    certain: set[str]
    maybe: set[str]
    first: str | None
    problem: Problem | None


def _in_bulk(given: list[Any], reader: Reader) -> list[InBulk]:
    found = reader.read_all(given)
    firsts = [f"+{value}" if value else None for value in reader.firsts(found).tolist()]
    sets: list[tuple[set[str], set[str]]] = [
        ({f"+{value}"} if value else set(), set()) for value in found.values.tolist()
    ]
    for which, (places, values) in enumerate((found.further, found.maybe)):
        for place, value in zip(places.tolist(), values.tolist(), strict=True):
            sets[place][which].add(f"+{value}")
    problems = map(found.problem, range(len(given)))
    return [
        InBulk(*each, first, problem)
        for each, first, problem in zip(sets, firsts, problems, strict=True)
    ]


def _agree(meaning: Meaning, found: InBulk) -> bool:
    wanted = {each.e164 for each in meaning.readings}
    return (
        found.certain <= wanted <= found.certain | found.maybe
        and found.first == meaning.first
        and found.problem is meaning.problem
    )


def _agrees_looked_up(text: Any, meaning: Meaning, convention: Convention) -> bool:
    found = read(text, convention, QuickReader)
    return found.problem is meaning.problem and [each[:2] for each in found.readings] == [
        each[:2] for each in meaning.readings
    ]


def _agrees_alone(text: Any, meaning: Meaning, convention: Convention) -> bool:
    found = plain_readings(text, convention)
    if found is None:
        return True
    return meaning.problem is None and {f"+{value}" for value in found} == {
        each.e164 for each in meaning.readings
    }


def _digits(rng: random.Random, start: str, length: int) -> str:
    return (start + f"{rng.randrange(10**18):018}")[:length]


def _digits_alone(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _renumbered(rng: random.Random) -> str:
    """A number from before or after a change of plan, or one like it."""
    change = rng.choice(table().changes)
    text = rng.choice(change.examples)
    place = rng.randrange(len(text))
    return rng.choice((text, f"{text[:place]}{rng.randrange(10)}{text[place + 1 :]}"))


def _with_a_former_prefix(rng: random.Random, region: str | None) -> str:
    """A national number behind a long-distance prefix of the past, of this region if it has one."""
    regions = [region] if region in FORMER_PREFIXES else sorted(FORMER_PREFIXES)
    prefix, begins, length = rng.choice(FORMER_PREFIXES[rng.choice(regions)])
    return prefix + _digits(rng, begins, length)


def _with_its_code_twice(rng: random.Random, region: str | None) -> str:
    number = rng.choice(_examples(rng.choice((None, region))))
    return f"{number.country_code}{_digits_alone(phonenumbers.format_number(number, 0))}"


def _exponent(rng: random.Random, digits: str) -> str:
    if not digits:
        return "E"
    kept = rng.choice((digits, digits.rstrip("0"), digits[: rng.randrange(1, len(digits) + 1)]))
    return f"{kept[:1]}{rng.choice('.,')}{kept[1:]}{rng.choice('eE')}+{len(digits) - 1}"


def _with(rng: random.Random, text: str, odd: Callable[[], str], most: int) -> str:
    for _ in range(rng.randint(1, most)):
        place = rng.randint(0, len(text))
        text = text[:place] + odd() + text[place:]
    return text


def _varied(rng: random.Random, text: str) -> str:
    """The text with some of its digits replaced, and perhaps with one more or less."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    for place in rng.sample(places, min(len(places), rng.randrange(6))):
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
        for each in ([region] if region in REGIONS[2:] else REGIONS[2:])
        for kind in phonenumbers.PhoneNumberType.values()
        if each and (number := phonenumbers.example_number_for_type(each, kind))
    ]


@cache
def _prefixes(region: str | None) -> list[str]:
    """Beginnings of numbers: calling codes, and prefixes that are dialled before a number."""
    codes = [str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
    twice = [code + code for code in codes]
    if region is None or region == "international":
        return codes + twice
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    national = [metadata.national_prefix or "", metadata.preferred_international_prefix or "00"]
    own = str(metadata.country_code)
    own_prefixes = [*national, own, own + own, national[0] + own, "00" + own]
    return [*codes, *twice, *[*own_prefixes, "011", "810", "8", "01", "044", "09"] * 40]


def _share_parses() -> None:
    parsed.parse = SHARED_PARSE
    # phonenumbers has more patterns than are kept otherwise.
    re._MAXCACHE = 2**16  # type: ignore[attr-defined]


def _part(task: tuple[int, int]) -> tuple[int, list[str]]:
    seed, count = task
    rng, region = random.Random(seed), REGIONS[seed % len(REGIONS)]
    given = list(itertools.islice(texts(region, rng), count))
    return len(WAYS) * count, [f"{region}: {text!r}" for text in differences(region, given)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/differential.py", description=__doc__)
    parser.add_argument("--decisions", type=int, default=20_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=None)
    arguments = parser.parse_args()
    at_once = 2_000
    first = arguments.seed * 10**6
    parts = -(-arguments.decisions // (len(WAYS) * at_once))
    tasks = [(first + part, at_once) for part in range(parts)]
    begin, done, found = time.monotonic(), 0, 0
    with multiprocessing.Pool(arguments.processes, _share_parses) as pool:
        for count, differing in pool.imap_unordered(_part, tasks):
            done += count
            found += len(differing)
            for each in differing:
                print(each, flush=True)
    taken = time.monotonic() - begin
    print(f"{done:,} decisions, as many in each of {len(WAYS)} ways, in {taken:,.0f} s,")
    print(f"with {len(REGIONS)} default regions and phonenumbers {phonenumbers.__version__}:")
    print(f"{found} differences.")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
