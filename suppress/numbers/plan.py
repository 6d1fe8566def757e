"""A region's numbering plan: the steps of `phonenumbers.parse`, for digits not all known."""

import re
from collections.abc import Iterator
from functools import cache

import phonenumbers

from suppress.numbers.pattern import (
    UNKNOWN,
    NotUnderstood,
    Shape,
    Undecided,
    known_digits,
    pattern_of,
)


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
        """What becomes of digits without a plus, as `international` gives it.

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
        """What becomes of digits behind the calling code."""
        if len(number) < 2:  # noqa: PLR2004 - as in parse
            return None
        if any(self._may_serve(length) for length in self._possible_lengths(number)):
            rest = self._without_national_prefix(number)
            if self._may_serve(len(rest)):
                number = rest
        return self._code + number if 2 <= len(number) <= 17 else None  # noqa: PLR2004

    def _behind_international_prefix(self, number: str) -> str | None:
        prefix = self._international_prefix and self._international_prefix.starts(number)
        if not prefix:
            return None
        rest = number[len(prefix.places) :]
        if rest and rest[0] in UNKNOWN:
            raise Undecided
        return None if rest.startswith("0") else rest

    def _better(self, number: str, other: str) -> bool:
        """Whether the other is a number of the plan, and the first one is not."""
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
            # Ten more cases for one more known digit are worth it, a hundred are not.
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
        """The lengths that it can have without its national prefix, if it has one."""
        if self._national_prefix is not None:
            possible = self._national_prefix.possible(number)
            for change, shapes in self._changes.items():
                if possible & shapes:
                    yield len(number) + change

    def _may_serve(self, length: int) -> bool:
        """Whether a number of the length counts as one without its national prefix."""
        if length in self._local_lengths:
            return False
        return length in self._lengths or length > self._lengths[-1]

    def _is_too_long(self, number: str) -> bool:
        length = len(number)
        return length not in self._local_lengths and length > self._lengths[-1]


@cache
def plan_of_code(code: int) -> Plan:
    """The plan of the main region of a calling code."""
    region = phonenumbers.region_code_for_country_code(code)
    return Plan(phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region))


def international(number: str) -> str | None:
    """What becomes of digits behind a plus: their E.164 digits; None where it is invalid.

    Raises:
        Undecided: it depends on digits that are not known.
        NotUnderstood: no such calling code; `parse` looks at the default region again.
    """
    if len(number) <= 2:  # noqa: PLR2004 - as in parse
        return None
    if number.startswith("0"):
        raise NotUnderstood
    for length in (1, 2, 3):
        if number[length - 1] in UNKNOWN:
            raise Undecided
        if int(number[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            return plan_of_code(int(number[:length])).significant(number[length:])
    raise NotUnderstood
