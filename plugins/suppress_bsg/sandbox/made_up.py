"""Made-up stop lists, with mobile numbers of many countries."""

import functools
import itertools
import random
from typing import Final

import phonenumbers

from suppress_bsg.sandbox.stop_list import HIGHEST_PHONE, LOWEST_PHONE, SandboxEntry, stamp

_VARIED_DIGITS: Final = 5
_FIRST_ID: Final = 9_000_000
_FIRST_SECOND: Final = 1_546_300_800  # 2019-01-01, and the rows spread over six years from there
_SECONDS: Final = 6 * 365 * 86400
_MIXES: Final[dict[tuple[str, ...], int]] = {
    ("sms",): 59,
    ("viber",): 20,
    ("sms", "viber"): 19,
    ("sms", "rcs"): 1,
    ("sms", "viber", "rcs"): 1,
}


def made_up(size: int, *, seed: int = 0) -> list[SandboxEntry]:
    """Make up entries, with mobile numbers of many countries.

    Args:
        size: how many, up to some millions.
        seed: the same seed gives the same entries, under one version of `phonenumbers`.

    Returns:
        Entries with distinct phones, each valid behind a plus, in ascending order of ids (with
        gaps) and of times.

    Raises:
        ValueError: the size is negative, or there are not that many numbers.
    """
    prefixes, variants = _prefixes(), 10**_VARIED_DIGITS
    if not 0 <= size <= len(prefixes) * variants:
        raise ValueError(f"size must be from 0 to {len(prefixes) * variants:,}")
    dice = random.Random(seed)  # noqa: S311 - made-up data, no secrets
    numbers = dice.sample(range(len(prefixes) * variants), size)
    ids = itertools.accumulate(dice.choices(range(2, 10), k=size), initial=_FIRST_ID)
    seconds = sorted(dice.choices(range(_FIRST_SECOND, _FIRST_SECOND + _SECONDS), k=size))
    mixes = dice.choices(tuple(_MIXES), tuple(_MIXES.values()), k=size)
    return [
        SandboxEntry(
            id_, prefixes[number // variants] * variants + number % variants, stamp(at), set(mix)
        )
        for id_, number, at, mix in zip(ids, numbers, seconds, mixes, strict=False)
    ]


@functools.cache
def _prefixes() -> tuple[int, ...]:
    """Return the beginnings of mobile numbers that are valid with all last digits."""
    mobile = phonenumbers.PhoneNumberType.MOBILE
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    examples = (phonenumbers.example_number_for_type(region, mobile) for region in regions)
    texts = (
        phonenumbers.format_number(e, phonenumbers.PhoneNumberFormat.E164) for e in examples if e
    )
    found = dict.fromkeys(int(text[1:-_VARIED_DIGITS]) for text in texts)
    return tuple(prefix for prefix in found if all(map(_valid, _extremes(prefix))))


def _extremes(prefix: int) -> tuple[int, int]:
    lowest = prefix * 10**_VARIED_DIGITS
    return lowest, lowest + 10**_VARIED_DIGITS - 1


def _valid(phone: int) -> bool:
    in_range = LOWEST_PHONE <= phone <= HIGHEST_PHONE
    return in_range and phonenumbers.is_valid_number(phonenumbers.parse(f"+{phone}"))
