"""Many numbers read at once, with the answers of `suppress.numbers.readings`."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import phonenumbers
from numpy.typing import NDArray

from suppress.numbers import damage
from suppress.numbers.convention import Convention
from suppress.numbers.e164 import QuickReader, value_of, why_invalid
from suppress.numbers.mask import mask
from suppress.numbers.plain import PlainNumbers, plain_numbers, plain_texts
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning, as_text, has_former_prefix, own_text, read
from suppress.numbers.rules import (
    ASK_PARSER,
    BEHIND_IDD,
    FIRST_CONSTANT,
    LONGEST,
    NO_READING,
    POWERS,
    PROBLEMS,
    UNKNOWN_CODE,
    Rules,
    are_valid,
    rules_for,
)
from suppress.numbers.single import may_not_be_single, why_not_single

BATCH_SIZE = 2**15
"""Numbers to read together: what is made of them fits the processor's cache."""

_ZEROS = len("00")

_MOST_REMEMBERED = 2**18

_PROBLEM_NUMBERS = {problem: number for number, problem in enumerate(PROBLEMS, 1)}
_MANY = 2**12
"""Numbers from which it takes less time to derive which ranges are valid."""

_MORE_DIGITS = 10
"""Leading digits that tell nearly always whether a number is valid."""

_NO_PLUS = _PROBLEM_NUMBERS[Problem.WITHOUT_PLUS]
_NO_CODE = _PROBLEM_NUMBERS[Problem.UNKNOWN_CODE]

Pairs = tuple[NDArray[np.intp], NDArray[np.uint64]]
"""Places of numbers, and for each the digits of one number as an integer."""


class E164Array(NamedTuple):
    """The readings of many numbers, each as an integer of its digits.

    Attributes:
        values: one reading of each number; 0 where it has none.
        further: the other readings.
        maybe: what may be readings: where one matters, `read` has to be asked.
        problems: why a number may not be messaged, by its place in `PROBLEMS` from 1; 0
            where a reading allows it.
        plain: what was handed in, as an integer, where it is nothing but digits, separators
            and a plus; 0 elsewhere.
        coded: whether these digits begin with a calling code for certain.
        texts: whether all of them are texts.
        asked: the places of those that the reference has read.
    """

    values: NDArray[np.uint64]
    further: Pairs
    maybe: Pairs
    problems: NDArray[np.uint8]
    plain: NDArray[np.int64]
    coded: NDArray[np.bool_]
    texts: bool
    asked: NDArray[np.intp]


class Reader:
    """Reads numbers under one convention, and remembers the odd texts that it has read.

    Args:
        convention: how numbers are to be read.
    """

    def __init__(self, convention: Convention) -> None:
        self.convention = convention
        self._meanings: dict[object, Meaning] = {}

    def read(self, number: object) -> Meaning:
        """Everything that one number may mean."""
        if type(number) is not str:
            return read(number, self.convention, QuickReader)
        meaning = self._meanings.get(number)
        if meaning is None:
            meaning = read(number, self.convention, QuickReader)
            if len(self._meanings) >= _MOST_REMEMBERED:
                self._meanings.clear()
            self._meanings[number] = meaning
        return meaning

    def read_all(self, numbers: Sequence[object]) -> E164Array:
        """The readings of each of the numbers, in their order.

        The memory it needs is about 300 bytes for each of them, so hand over `BATCH_SIZE` at a
        time.
        """
        plain = plain_numbers(numbers)
        found = _Readings(plain, self.convention)
        found.read()
        found.read_parts(numbers)
        if not self.convention.possible_only:
            found.ask_of_those_without()
        for place in found.asked().tolist():
            found.settle(place, self.read(numbers[place]))
        return found.array()

    def firsts(self, numbers: Sequence[object], found: E164Array) -> NDArray[np.uint64]:
        """The first reading of each number, as an integer of its digits; 0 for none.

        Args:
            numbers: as for `read_all`.
            found: what that gave.
        """
        values = found.values.copy()
        # What begins with the region's own calling code, or with 00, may mean that first; and
        # what is behind a former prefix comes last.
        plan = self.convention.plan
        code = str(phonenumbers.country_code_for_region(plan)) if plan else ""
        for place in np.union1d(found.further[0], found.maybe[0]).tolist():
            text = as_text(numbers[place])[0] or ""
            plain = str(found.plain.item(place))
            if (
                plain == "0"
                or "".join(filter(str.isdigit, text)).startswith((code, "00"))
                or has_former_prefix(plain, plan)
                or has_former_prefix(f"0{plain}", plan)
            ):
                first = self.read(numbers[place]).first
                values[place] = 0 if first is None else int(first)
        return values

    def all_readings(self, numbers: Sequence[object], found: E164Array) -> Pairs:
        """All readings of the numbers, in front one of each that has any.

        Arguments as for `firsts`.
        """
        read = np.flatnonzero(found.values)
        pairs = [(read, found.values[read]), found.further]
        for place in np.unique(self._open(found)[0]).tolist():
            values = [value_of(each.e164) for each in self.read(numbers[place]).readings]
            pairs.append((np.full(len(values), place), np.array(values, np.uint64)))
        return _joined(pairs)

    def _open(self, found: E164Array) -> Pairs:
        """Those that may be readings and are none for certain yet: only a valid number is one."""
        places, values = found.maybe
        digits = values.view(np.int64)
        lengths = np.searchsorted(POWERS, digits, side="right")
        fit = (digits > 0) & (lengths <= LONGEST)
        valid = rules_for(self.convention.renumbering).of_all(
            digits * fit, lengths * fit, Rules.VALIDITY
        )
        open_ = (valid == Rules.VALID) | (valid == Rules.ASK) | ~fit
        open_ &= values != found.values[places]
        return places[open_], values[open_]

    def faults(self, numbers: Sequence[object], found: E164Array) -> Iterator[tuple[int, str]]:
        """The places of those that are not exactly one number, each with what is wrong.

        A list of one's own is read so: nobody else may be listed in somebody's place.

        Args:
            numbers: as for `read_all`.
            found: what that gave.
        """
        faulty = (found.problems != 0) | (found.values == 0)
        unsure = found.plain == 0
        unsure[self._open(found)[0]] = unsure[found.asked] = True
        unsure[may_not_be_single(numbers)] = True
        for place in np.flatnonzero(faulty | unsure).tolist():
            number = numbers[place]
            if faulty[place]:
                yield place, why_invalid(number, self.read(number))
            elif isinstance(number, str) and (
                why := why_not_single(own_text(number), self.convention)
            ):
                yield place, f"{mask(number)}: {why}"


class _Readings:
    """The readings of some plain numbers, as far as they are known."""

    def __init__(self, plain: PlainNumbers, convention: Convention) -> None:
        self._plain = plain
        self._convention = convention
        self._rules = rules_for(convention.renumbering)
        count = len(plain.values)
        self._problems = np.zeros(count, np.uint8)
        self._further: list[Pairs] = []
        self._maybe: list[Pairs] = []
        self._asked: list[NDArray[np.intp]] = []

    def read(self) -> None:
        """Apply rules 1, 2 and 4 to all of them."""
        plain, rules, region = self._plain, self._rules, self._convention.plan
        national = ~plain.with_plus
        any_national = bool(national.any())
        forms: NDArray[np.int64] | int = Rules.PLUS
        if region is not None and any_national:
            forms = np.where(national, rules.form(region), Rules.PLUS)
        numbers = rules.of_all(plain.values, plain.lengths, forms)
        first = rules.first.take(numbers)
        self.values = (plain.values + first).view(np.uint64)
        special = rules.special.take(numbers)
        if plain.grouped:
            self._widths = rules.widths.take(numbers)
            self._written = special & Rules.CHANGED == 0
        others = np.flatnonzero(first < FIRST_CONSTANT)
        if len(others):
            self.values[others] = 0
            self._without(others, first[others])
        if special.any():
            several = np.flatnonzero(special & Rules.SEVERAL)
            self._add_more(several, plain.values[several], numbers[several])
        if any_national:
            self._read_without_plus(np.flatnonzero(national & (plain.lengths > 0)))

    def _without(self, places: NDArray[np.intp], first: NDArray[np.int64]) -> None:
        """Take what rule 1 says of those to which it gives no reading of their own."""
        behind = (first >= BEHIND_IDD) & (first < NO_READING)
        asked = first == ASK_PARSER
        unknown = first == UNKNOWN_CODE
        if self._convention.plan is None:
            self._problems[places[unknown]] = _NO_CODE
        else:
            asked |= unknown & self._plain.with_plus[places]
        self._asked.append(places[asked])
        none = np.flatnonzero(first >= NO_READING)
        self._problems[places[none]] = first[none] - NO_READING + 1
        some = places[behind]
        if len(some):
            left = self._plain.lengths[some] - (first[behind] - BEHIND_IDD)
            self._take(some, self._plain.values[some] % POWERS.take(left), left)

    def _read_without_plus(self, places: NDArray[np.intp]) -> None:
        """Apply rule 2: digits without a plus begin with a calling code, or with 00."""
        values, lengths = self._plain.values[places], self._plain.lengths[places]
        zeros = (lengths > _ZEROS) & (values < POWERS.take(np.maximum(lengths - _ZEROS, 0)))
        if self._convention.plan is not None:
            self._take(places, values, lengths, is_written=False)
        if zeros.any():
            behind = np.flatnonzero(zeros)
            self._take(
                places[behind],
                values[behind],
                lengths[behind] - _ZEROS,
                is_written=self._convention.plan is None,
            )
        if self._convention.region is None:
            unsure = ~zeros if self._plain.whole is None else ~zeros & ~self._plain.whole[places]
            self._problems[places[unsure]] = _NO_PLUS

    def _take(
        self,
        places: NDArray[np.intp],
        values: NDArray[np.int64],
        lengths: NDArray[np.int64],
        *,
        is_written: bool = True,
    ) -> None:
        """Take the readings of digits behind a plus."""
        numbers = self._rules.of_all(values, lengths, Rules.PLUS)
        first = self._rules.first.take(numbers)
        certain = first >= FIRST_CONSTANT
        if not certain.all():
            self._take_none(places, first)
        found = (values + first).view(np.uint64)
        # All of them together need no copies.
        before = self.values if len(places) == len(self.values) else self.values[places]
        is_new = before == 0
        if len(new := np.flatnonzero(certain & is_new)):
            at, rules = places[new], numbers[new]
            self.values[at] = found[new]
            if self._plain.grouped:
                more = lengths[new] - self._plain.lengths[at]
                self._widths[at] = more + self._rules.widths.take(rules)
                special = self._rules.special.take(rules)
                self._written[at] = is_written & (special & Rules.CHANGED == 0)
            self._problems[at] = 0
        if len(old := np.flatnonzero(certain & ~is_new)):
            self._further.append((places[old], found[old]))
        special = self._rules.special.take(numbers)
        if len(several := np.flatnonzero(certain & (special & Rules.SEVERAL != 0))):
            self._add_more(places[several], values[several], numbers[several])

    def _take_none(self, places: NDArray[np.intp], first: NDArray[np.int64]) -> None:
        """Take what is said of digits behind a plus that have no certain reading."""
        self._asked.append(places[first == ASK_PARSER])
        none = np.flatnonzero((first < FIRST_CONSTANT) & (first != ASK_PARSER))
        none = none[(self._problems[places[none]] == 0) & (self.values[places[none]] == 0)]
        unknown = first[none] == UNKNOWN_CODE
        self._problems[places[none]] = np.where(unknown, _NO_CODE, first[none] - NO_READING + 1)

    def _add_more(
        self, places: NDArray[np.intp], values: NDArray[np.int64], numbers: NDArray[np.uint16]
    ) -> None:
        """Add the further and the uncertain readings of rules that have several."""
        for number in np.unique(numbers).tolist():
            rule = self._rules.all[number]
            chosen = numbers == number
            for constants, pairs in ((rule.further, self._further), (rule.maybe, self._maybe)):
                for each in constants:
                    pairs.append((places[chosen], (values[chosen] + each).view(np.uint64)))

    def read_parts(self, numbers: Sequence[object]) -> None:
        """Apply rule 3 to plain numbers with groups: they may be several numbers."""
        if not self._plain.grouped:
            return
        unsure = self._plain.lengths > 0
        if len(unsure) >= _MANY:
            unsure &= ~self._are_valid()
            unsure[self._plain.split] = True
        places: list[int] = []
        parts: list[str] = []
        for place in np.flatnonzero(unsure).tolist():
            text = numbers[place]
            # Only texts have groups.
            if not isinstance(text, str) or not damage.has_group_marks(own_text(text)):
                continue
            found = list(damage.parts(damage.cleaned(own_text(text)).text))
            if found and self.values[place] == 0:
                self._asked.append(np.array([place]))
            else:
                places += [place] * len(found)
                parts += found
        if parts:
            self._add_parts(np.array(places), parts)

    def _are_valid(self) -> NDArray[np.bool_]:
        """Tell those that are valid numbers for certain, as they are written."""
        lengths = self._plain.lengths + self._widths
        known = (self.values != 0) & self._written & (lengths <= LONGEST)
        values = self.values.view(np.int64)
        if not known.all():
            values, lengths = values * known, lengths * known
        found = self._rules.of_all(values, lengths, Rules.VALIDITY)
        valid: NDArray[np.bool_] = found == Rules.VALID
        # Some plans ask for more digits than rules look at.
        for place in np.flatnonzero((found == Rules.ASK) & known).tolist():
            digits = str(values.item(place))
            valid[place] = are_valid(digits[:_MORE_DIGITS], len(digits[_MORE_DIGITS:]))
        return valid

    def _add_parts(self, places: NDArray[np.intp], parts: list[str]) -> None:
        found = _Readings(plain_texts(parts, clean=True), self._convention)
        found.read()
        some = np.flatnonzero(found.values)
        self._maybe.append((places[some], found.values[some]))
        for where, values in (*found._further, *found._maybe):
            self._maybe.append((places[where], values))
        self._asked.append(places[found.asked()])

    def ask_of_those_without(self) -> None:
        """Let the reference be asked about those without a reading."""
        self._asked.append(np.flatnonzero(self.values == 0))

    def asked(self) -> NDArray[np.intp]:
        """The places of those that the reference has to be asked about, each once."""
        return np.unique(np.concatenate([*self._asked, np.zeros(0, np.intp)]))

    def settle(self, place: int, meaning: Meaning) -> None:
        """Take what the reference says of one."""
        values = [value_of(each.e164) for each in meaning.readings]
        self.values[place] = values[0] if values else 0
        problem = 0 if meaning.problem is None else _PROBLEM_NUMBERS[meaning.problem]
        self._problems[place] = problem
        if len(values) > 1:
            places = np.full(len(values) - 1, place)
            self._further.append((places, np.array(values[1:], np.uint64)))

    def array(self) -> E164Array:
        """Everything that was found."""
        return E164Array(
            self.values,
            _joined(self._further),
            _joined(self._maybe),
            self._problems,
            self._plain.values,
            self._plain.with_plus | (self._convention.plan is None),
            self._plain.whole is None,
            self.asked(),
        )


def _joined(pairs: Iterable[Pairs]) -> Pairs:
    places = [np.zeros(0, np.intp)]
    values = [np.zeros(0, np.uint64)]
    for some, their in pairs:
        places.append(some)
        values.append(their)
    return np.concatenate(places), np.concatenate(values)
