"""A region's numbering plan: the steps of `phonenumbers.parse`, with some digits unknown."""

import re
from collections.abc import Iterator
from functools import cache

import phonenumbers

from suppress.numbers.pattern import (
    UNKNOWN,
    NotUnderstood,
    Pattern,
    Shape,
    Undecided,
    known_digits,
    pattern_of,
)
from suppress.numbers.problem import Problem


class UnknownCode(NotUnderstood):
    """No such calling code exists; with a default region, `parse` reads the digits again."""


class Plan:
    """A region's numbering plan, and the steps of `parse` that depend on it."""

    def __init__(self, metadata: phonenumbers.PhoneMetadata | None) -> None:
        if metadata is None or metadata.general_desc is None or metadata.country_code is None:
            raise NotUnderstood
        general = metadata.general_desc
        pattern = pattern_of(general.national_number_pattern)
        if pattern is None or not general.possible_length:
            raise NotUnderstood
        self._general = pattern
        self._code = str(metadata.country_code)
        self._international_prefix = pattern_of(metadata.international_prefix)
        self._national_prefix = pattern_of(metadata.national_prefix_for_parsing)
        self._transform = re.split(r"\\(\d)", metadata.national_prefix_transform_rule or "")
        self._lengths = general.possible_length
        self._local_lengths = general.possible_length_local_only
        self._last_group = self._national_prefix.groups if self._national_prefix else 0
        self._changes: dict[int, int] = {}
        if self._national_prefix is not None:
            for number, shape in enumerate(self._national_prefix.shapes):
                sample = "0" * len(shape.places)
                change = len(self._replaced(sample, shape)) - len(sample)
                self._changes[change] = self._changes.get(change, 0) | 1 << number

    def national(self, number: str) -> str | None:
        """Return the E.164 digits of digits without a plus, as `international` does.

        A plus in front of the answer says that the rest is an international number.
        """
        abroad = self._behind_international_prefix(number)
        if abroad is not None:
            return f"+{abroad}"
        if known_digits(number) < len(self._code):
            raise Undecided
        if number.startswith(self._code):
            rest = self._without_national_prefix(number[len(self._code) :])
            if self._is_too_long(number) or self._better(number, rest):
                return plan_of_code(int(self._code)).significant(rest)
        return self.significant(number)

    def significant(self, number: str) -> str | None:
        """Return the E.164 digits of digits behind the calling code; None for an invalid number."""
        if len(number) < 2:  # noqa: PLR2004 - as in parse
            return None
        if any(self._may_serve(length) for length in self._possible_lengths(number)):
            rest = self._without_national_prefix(number)
            if self._may_serve(len(rest)):
                number = rest
        return self._code + number if 2 <= len(number) <= 17 else None  # noqa: PLR2004

    def length_problem(self, number: str) -> Problem | None:
        """Return the problem with the length of an E.164 number; None for a possible one.

        This is `is_possible_number_with_reason`, step by step.
        """
        length = len(number) - len(self._code)
        if length in self._local_lengths:
            return Problem.TOO_SHORT
        if length in self._lengths:
            return None
        if length < self._lengths[0]:
            return Problem.TOO_SHORT
        return Problem.TOO_LONG if length > self._lengths[-1] else Problem.WRONG_LENGTH

    def _behind_international_prefix(self, number: str) -> str | None:
        prefix = self._international_prefix and self._international_prefix.starts(number)
        if not prefix:
            return None
        rest = number[len(prefix.places) :]
        if rest and rest[0] in UNKNOWN:
            raise Undecided
        return None if rest.startswith("0") else rest

    def _better(self, number: str, other: str) -> bool:
        """Tell whether the other is a number of the plan, and the first one is not."""
        before, after = self._general.is_all_of(number), self._general.is_all_of(other)
        if before is True or after is False:
            return False
        if before is None or after is None:
            raise Undecided
        return True

    def _without_national_prefix(self, number: str) -> str:
        prefix = self._national_prefix and self._national_prefix.starts(number)
        if not number or not prefix:
            return number
        rest = self._replaced(number, prefix)
        unknown = number[known_digits(number) :]
        if not rest.endswith(unknown):
            # One more known digit makes ten more cases, which pays; two make a hundred.
            dropped = len(unknown) - (len(rest) - known_digits(rest))
            raise Undecided if dropped == 1 else NotUnderstood
        return number if self._better(rest, number) else rest

    def _replaced(self, number: str, prefix: Shape) -> str:
        rest = number[len(prefix.places) :]
        groups = {group: number[start:end] for group, start, end in prefix.groups}
        if self._transform == [""] or self._last_group not in groups:
            return rest
        pieces = (
            groups[int(piece)] if place % 2 else piece
            for place, piece in enumerate(self._transform)
        )
        return "".join(pieces) + rest

    def _possible_lengths(self, number: str) -> Iterator[int]:
        """Yield the lengths that a number can have without its national prefix, if it has one."""
        if self._national_prefix is not None:
            possible = self._national_prefix.possible(number)
            for change, shapes in self._changes.items():
                if possible & shapes:
                    yield len(number) + change

    def _may_serve(self, length: int) -> bool:
        """Tell whether a number of the length counts as one without its national prefix."""
        if length in self._local_lengths:
            return False
        return length in self._lengths or length > self._lengths[-1]

    def _is_too_long(self, number: str) -> bool:
        length = len(number)
        return length not in self._local_lengths and length > self._lengths[-1]


@cache
def plan_of_code(code: int) -> Plan:
    """Return the plan of the main region of a calling code."""
    region = phonenumbers.region_code_for_country_code(code)
    return Plan(phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region))


def calling_code(number: str) -> str:
    """Return the calling code of digits behind a plus.

    Raises:
        Undecided: it depends on digits that are not known.
        UnknownCode: no such calling code exists.
    """
    return _code_of(number[:3])


@cache
def _code_of(start: str) -> str:
    if start.startswith("0"):
        raise UnknownCode
    for length in range(1, len(start) + 1):
        if start[length - 1] in UNKNOWN:
            raise Undecided
        if int(start[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return start[:length]
    raise UnknownCode


def international(number: str) -> str | None:
    """Return the E.164 digits of digits behind a plus; None where they are invalid.

    Raises:
        Undecided: it depends on digits that are not known.
        UnknownCode: no such calling code exists.
    """
    if len(number) <= 2:  # noqa: PLR2004 - as in parse
        return None
    code = calling_code(number)
    return plan_of_code(int(code)).significant(number[len(code) :])


def length_problem(number: str) -> Problem | None:
    """Return the problem with the length of E.164 digits; None for a possible one.

    Raises:
        Undecided: it depends on digits that are not known.
    """
    return plan_of_code(int(calling_code(number))).length_problem(number)


class _Ranges:
    """The ranges that a region, or a calling code of no region, has given out."""

    def __init__(self, metadata: phonenumbers.PhoneMetadata) -> None:
        leading = metadata.leading_digits
        self._leading = pattern_of(leading) if leading else None
        self._general = _range(metadata.general_desc)
        kinds = (_range(getattr(metadata, kind)) for kind in _KINDS)
        self._kinds = [each for each in kinds if each is not None]

    def is_theirs(self, number: str) -> bool:
        """Tell whether `region_code_for_number` gives this region, if it gives none before it."""
        if self._leading is not None:
            return self._leading.starts(number) is not None
        return self.has(number)

    def has(self, number: str) -> bool:
        """Tell whether the digits behind the calling code are in one of the ranges."""
        if self._general is None or not _is_in(self._general, number):
            return False
        undecided = False
        for each in self._kinds:
            try:
                if _is_in(each, number):
                    return True
            except Undecided:
                undecided = True
        if undecided:
            raise Undecided
        return False


# The most frequent ones first: the first one that has a number settles it.
_KINDS = (
    *("mobile", "fixed_line", "premium_rate", "toll_free", "shared_cost", "voip"),
    *("personal_number", "pager", "uan", "voicemail"),
)

_Range = tuple[tuple[int, ...], Pattern]


def _range(kind: phonenumbers.PhoneNumberDesc | None) -> _Range | None:
    pattern = pattern_of(kind.national_number_pattern) if kind is not None else None
    if kind is None or pattern is None:
        return None
    return tuple(kind.possible_length), pattern


def _is_in(range_: _Range, number: str) -> bool:
    lengths, pattern = range_
    if lengths and len(number) not in lengths:
        return False
    found = pattern.is_all_of(number)
    if found is None:
        raise Undecided
    return found


@cache
def _ranges_of_code(code: int) -> list[_Ranges]:
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    found = (
        phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
        for region in regions
    )
    return [_Ranges(each) for each in found if each is not None]


def is_valid(number: str) -> bool:
    """Tell whether E.164 digits are in a range that was given out, as `is_valid_number` does.

    Raises:
        Undecided: it depends on digits that are not known.
        NotUnderstood: only phonenumbers can tell.
    """
    code = calling_code(number)
    rest = number[len(code) :]
    regions = _ranges_of_code(int(code))
    if len(regions) == 1:
        return regions[0].has(rest)
    return next((each.has(rest) for each in regions if each.is_theirs(rest)), False)
