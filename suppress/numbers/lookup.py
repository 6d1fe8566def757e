"""Many plain numbers looked up at once in the derived rules: their readings, as arrays."""

import numpy as np
from numpy.typing import NDArray

from suppress.distinct import distinct
from suppress.numbers import damage
from suppress.numbers.column import Column
from suppress.numbers.convention import Convention
from suppress.numbers.derivation import are_valid
from suppress.numbers.e164 import value_of
from suppress.numbers.e164_array import E164Array, Pairs
from suppress.numbers.handed_in import Numbers, own_text
from suppress.numbers.plain import PlainNumbers, plain_texts
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning
from suppress.numbers.rule import (
    ASK_PARSER,
    BEHIND_IDD,
    FIRST_CONSTANT,
    LONGEST,
    NO_READING,
    POWERS,
    UNKNOWN_CODE,
)
from suppress.numbers.rules import Rules, rules_for

_ZEROS = len("00")

_MORE_DIGITS = 10
"""Leading digits that nearly always settle whether a number is valid."""

_NO_PLUS = Problem.WITHOUT_PLUS.code
_NO_CODE = Problem.UNKNOWN_CODE.code


class Lookup:
    """The readings of some plain numbers, as far as they are known.

    Args:
        plain: the numbers.
        convention: how they are to be read.
    """

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
        """Take what rule 1 says of the numbers to which it gives no reading of their own."""
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
        # Without a choice of places, no copy is needed.
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
            self._further.append(Pairs(places[old], found[old]))
        special = self._rules.special.take(numbers)
        if len(several := np.flatnonzero(certain & (special & Rules.SEVERAL != 0))):
            self._add_more(places[several], values[several], numbers[several])

    def _take_none(self, places: NDArray[np.intp], first: NDArray[np.int64]) -> None:
        """Take what the rules say of digits behind a plus without a certain reading."""
        self._asked.append(places[first == ASK_PARSER])
        none = np.flatnonzero((first < FIRST_CONSTANT) & (first != ASK_PARSER))
        none = none[(self._problems[places[none]] == 0) & (self.values[places[none]] == 0)]
        unknown = first[none] == UNKNOWN_CODE
        self._problems[places[none]] = np.where(unknown, _NO_CODE, first[none] - NO_READING + 1)

    def _add_more(
        self, places: NDArray[np.intp], values: NDArray[np.int64], numbers: NDArray[np.uint16]
    ) -> None:
        """Add the further and the uncertain readings of rules that have several."""
        for number in distinct(numbers).tolist():
            rule = self._rules.all[number]
            chosen = numbers == number
            for constants, pairs in ((rule.further, self._further), (rule.maybe, self._maybe)):
                for each in constants:
                    pairs.append(Pairs(places[chosen], (values[chosen] + each).view(np.uint64)))

    def read_parts(self, numbers: Numbers, *, prove_valid: bool) -> None:
        """Apply rule 3 to plain numbers with groups: they may be several numbers.

        Args:
            numbers: the numbers, as they were handed in.
            prove_valid: True to spare the parts of numbers that are valid for certain; to
                derive which are takes time once.
        """
        if not self._plain.grouped:
            return
        unsure = self._plain.lengths > 0
        if prove_valid:
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
        """Tell of each number whether it is valid for certain, as it is written."""
        lengths = self._plain.lengths + self._widths
        known = (self.values != 0) & self._written & (lengths <= LONGEST)
        values = self.values.view(np.int64)
        if not known.all():
            values, lengths = values * known, lengths * known
        found = self._rules.of_all(values, lengths, Rules.VALIDITY)
        valid: NDArray[np.bool_] = found == Rules.VALID
        # Some plans need more digits than rules look at.
        for place in np.flatnonzero((found == Rules.ASK) & known).tolist():
            digits = str(values.item(place))
            valid[place] = are_valid(digits[:_MORE_DIGITS], len(digits[_MORE_DIGITS:]))
        return valid

    def _add_parts(self, places: NDArray[np.intp], parts: list[str]) -> None:
        found = Lookup(plain_texts(Column.of(parts), clean=True), self._convention)
        found.read()
        some = np.flatnonzero(found.values)
        self._maybe.append(Pairs(places[some], found.values[some]))
        for where, values in (*found._further, *found._maybe):
            self._maybe.append(Pairs(places[where], values))
        self._asked.append(places[found.asked()])

    def ask_of_those_without(self) -> None:
        """Have the reference asked about the numbers without a reading."""
        self._asked.append(np.flatnonzero(self.values == 0))

    def asked(self) -> NDArray[np.intp]:
        """Return the places of the numbers to ask the reference about, each once."""
        return distinct(np.concatenate([*self._asked, np.zeros(0, np.intp)]))

    def settle(self, place: int, meaning: Meaning) -> None:
        """Take what the reference says of one number."""
        values = [value_of(each.e164) for each in meaning.readings]
        self.values[place] = values[0] if values else 0
        self._problems[place] = 0 if meaning.problem is None else meaning.problem.code
        if len(values) > 1:
            places = np.full(len(values) - 1, place)
            self._further.append(Pairs(places, np.array(values[1:], np.uint64)))

    def array(self, numbers: Numbers) -> E164Array:
        """Return everything that was found, beside the numbers as they were handed in."""
        return E164Array(
            numbers=numbers,
            values=self.values,
            further=Pairs.joined(self._further),
            maybe=Pairs.joined(self._maybe),
            problems=self._problems,
            plain=self._plain.values,
            coded=self._plain.with_plus | (self._convention.plan is None),
            texts=self._plain.whole is None,
            asked=self.asked(),
        )
