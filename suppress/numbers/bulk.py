"""Many numbers read at once, with the answers of `suppress.numbers.readings`."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import QuickReader, value_of, why_invalid
from suppress.numbers.e164_array import E164Array, Pairs
from suppress.numbers.handed_in import Numbers, as_text, own_text
from suppress.numbers.lookup import Lookup
from suppress.numbers.mask import mask
from suppress.numbers.plain import plain_numbers
from suppress.numbers.readings import Meaning, has_former_prefix, read
from suppress.numbers.rule import LONGEST, POWERS
from suppress.numbers.rules import Rules, rules_for
from suppress.numbers.single import may_not_be_single, why_not_single

BATCH_SIZE = 2**15
"""Numbers to read together: their arrays fit the processor's cache."""


class ReaderLimits(NamedTuple):
    """The limits of a reader.

    Attributes:
        remembered: most odd texts whose readings are remembered.
        fewest_for_ranges: fewest numbers for which the valid ranges are derived, which takes
            time once.
    """

    remembered: int = 2**18
    fewest_for_ranges: int = 2**12


LIMITS = ReaderLimits()


class Reader:
    """Reads numbers under one convention, and remembers the odd texts that it has read.

    Args:
        convention: how numbers are to be read.
        limits: how much it remembers and derives.
    """

    def __init__(self, convention: Convention, limits: ReaderLimits = LIMITS) -> None:
        self.convention = convention
        self._limits = limits
        self._meanings: dict[object, Meaning] = {}

    def read(self, number: object) -> Meaning:
        """Return everything that one number may mean."""
        if type(number) is not str:
            return read(number, self.convention, QuickReader)
        meaning = self._meanings.get(number)
        if meaning is None:
            meaning = read(number, self.convention, QuickReader)
            if len(self._meanings) >= self._limits.remembered:
                self._meanings.clear()
            self._meanings[number] = meaning
        return meaning

    def read_all(self, numbers: Numbers) -> E164Array:
        """Return the readings of each of the numbers, in their order.

        This takes about 300 bytes of memory a number, so hand over `BATCH_SIZE` at a time.
        """
        plain = plain_numbers(numbers)
        found = Lookup(plain, self.convention)
        found.read()
        found.read_parts(numbers, prove_valid=len(numbers) >= self._limits.fewest_for_ranges)
        if not self.convention.possible_only:
            found.ask_of_those_without()
        for place in found.asked().tolist():
            found.settle(place, self.read(numbers[place]))
        return found.array(numbers)

    def firsts(self, found: E164Array) -> NDArray[np.uint64]:
        """Return the first reading of each number, as an integer of its digits; 0 for none.

        Args:
            found: what `read_all` gave.
        """
        values = found.values.copy()
        # Digits that begin with the region's own calling code, or with 00, may mean that
        # first; a reading without a former prefix comes last.
        plan = self.convention.plan
        code = str(phonenumbers.country_code_for_region(plan)) if plan else ""
        for place in distinct(found.several.places).tolist():
            text = as_text(found.numbers[place])[0] or ""
            plain = str(found.plain.item(place))
            if (
                plain == "0"
                or "".join(filter(str.isdigit, text)).startswith((code, "00"))
                or has_former_prefix(plain, plan)
                or has_former_prefix(f"0{plain}", plan)
            ):
                first = self.read(found.numbers[place]).first
                values[place] = 0 if first is None else int(first)
        return values

    def all_readings(self, found: E164Array) -> Pairs:
        """Return all readings of the numbers, in front one of each that has any.

        Args:
            found: what `read_all` gave.
        """
        with_reading = np.flatnonzero(found.has_reading)
        pairs = [Pairs(with_reading, found.values[with_reading]), found.further]
        for place in distinct(self._undecided(found).places).tolist():
            meaning = self.read(found.numbers[place])
            values = [value_of(each.e164) for each in meaning.readings]
            pairs.append(Pairs(np.full(len(values), place), np.array(values, np.uint64)))
        return Pairs.joined(pairs)

    def _undecided(self, found: E164Array) -> Pairs:
        """Return the possible readings that may be valid numbers: no other one is a reading."""
        places, values = found.maybe
        digits = values.view(np.int64)
        lengths = np.searchsorted(POWERS, digits, side="right")
        fit = (digits > 0) & (lengths <= LONGEST)
        valid = rules_for(self.convention.renumbering).of_all(
            digits * fit, lengths * fit, Rules.VALIDITY
        )
        undecided = (valid == Rules.VALID) | (valid == Rules.ASK) | ~fit
        undecided &= values != found.values[places]
        return Pairs(places[undecided], values[undecided])

    def faults(self, found: E164Array) -> Iterator[tuple[int, str]]:
        """Yield the places of those that are not exactly one number, each with what is wrong.

        A list of one's own is read so: nobody else may be listed in somebody's place.

        Args:
            found: what `read_all` gave.
        """
        invalid = found.invalid
        unsure = ~found.is_plain
        unsure[self._undecided(found).places] = unsure[found.asked] = True
        unsure[may_not_be_single(found.numbers)] = True
        for place in np.flatnonzero(invalid | unsure).tolist():
            number = found.numbers[place]
            if invalid[place]:
                yield place, why_invalid(number, self.read(number))
            elif isinstance(number, str) and (
                why := why_not_single(own_text(number), self.convention)
            ):
                yield place, f"{mask(number)}: {why}"
