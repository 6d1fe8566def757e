"""One number read fast: by look-ups where these are certain, else by the reference."""

from typing import NamedTuple

from suppress.errors import InvalidNumber
from suppress.numbers.convention import Convention
from suppress.numbers.handed_in import LONGEST_TEXT, as_text
from suppress.numbers.mask import mask
from suppress.numbers.problem import Problem
from suppress.numbers.readings import Meaning, TextReader, has_former_prefix, read
from suppress.numbers.rule import LONGEST, NOT_VALID, SHORTEST, UNKNOWN_CODE, VALID, Rule
from suppress.numbers.rules import Rules, rules_for

# Without dots and slashes: they may be decimals, or stand between two numbers.
_SEPARATORS = dict.fromkeys(b" -()[]")


def value_of(e164: str) -> int:
    """Return the digits of an E.164 text as an integer, which no two texts share."""
    return int(e164[1:])


class LookedUp(NamedTuple):
    """Readings of digits, looked up in the rules.

    Attributes:
        values: the readings, as integers of their digits.
        written: the E.164 digits of the number as it is written, where that is a reading.
        allows: True where the readings may be messaged.
        problem: the problem with the number as it is written.
    """

    values: tuple[int, ...]
    written: str
    allows: bool = True
    problem: Problem | None = None


def look_up(digits: str, *, plus: bool, whole: bool, convention: Convention) -> LookedUp | None:
    """Return the readings of plain digits by rules 1, 2 and 4; None to ask the reference.

    Args:
        digits: from `SHORTEST` to `LONGEST` ASCII digits.
        plus: True where a plus is before them.
        whole: True where they were a whole number.
        convention: how they are to be read.
    """
    rules = rules_for(convention.renumbering)
    if plus:
        return _behind_plus(digits, rules, known_code=convention.plan is None)
    with_code = _behind_plus(digits, rules, known_code=True)
    # These prefixes put the readings in another order.
    in_order = not digits.startswith("00") and not has_former_prefix(digits, convention.plan)
    if with_code is None or not in_order:
        return None
    if convention.plan is None:
        if convention.region is None and not whole:
            return with_code._replace(allows=False, problem=Problem.WITHOUT_PLUS)
        return with_code
    national = _by_rule(digits, rules.of(digits, rules.form(convention.plan)))
    if national is None:
        return None
    return national._replace(values=national.values + with_code.values)


def _behind_plus(digits: str, rules: Rules, *, known_code: bool) -> LookedUp | None:
    rule = rules.of(digits, Rules.PLUS)
    if rule.first == UNKNOWN_CODE and known_code:
        return LookedUp((), "", problem=Problem.UNKNOWN_CODE)
    return _by_rule(digits, rule)


def _by_rule(digits: str, rule: Rule) -> LookedUp | None:
    if not rule.has_reading:
        return None if rule.problem is None else LookedUp((), "", problem=rule.problem)
    if rule.maybe:
        return None
    values = _values(digits, rule)
    return LookedUp(values, str(values[0]) if rule.is_written else "")


def is_valid(digits: str, convention: Convention) -> bool | None:
    """Tell whether E.164 digits are a valid number; None to ask phonenumbers."""
    if not SHORTEST <= len(digits) <= LONGEST:
        return None
    rule = rules_for(convention.renumbering).of(digits, Rules.VALIDITY)
    return None if rule not in (VALID, NOT_VALID) else rule is VALID


def plain_readings(number: object, convention: Convention) -> tuple[int, ...] | None:
    """Return the readings of a plain number that may be messaged, as integers of their digits.

    Return None to ask `read`: the number is odd, may mean more, or may not be messaged.
    """
    if type(number) is str and number[:1] == "+" and number[1:].isdigit():
        return _behind_a_plus(number, convention)  # the usual form, so the shortest way
    text, whole = as_text(number)
    plain = None if text is None else _plain(text)
    if text is None or plain is None:
        return None
    found = look_up(
        plain.removeprefix("+"), plus=plain[0] == "+", whole=whole, convention=convention
    )
    if found is None or not found.values or not found.allows:
        return None
    # Blanks and brackets may stand between two numbers, unless the first is a valid one.
    if len(plain) < len(text) and not (found.written and is_valid(found.written, convention)):
        return None
    return found.values


def _behind_a_plus(text: str, convention: Convention) -> tuple[int, ...] | None:
    if not SHORTEST < len(text) <= LONGEST + 1 or not text.isascii():
        return None
    rule = rules_for(convention.renumbering).of(text[1:], Rules.PLUS)
    if rule.maybe or not rule.has_reading:
        return None
    return _values(text, rule)


def _values(digits: str, rule: Rule) -> tuple[int, ...]:
    """Return the certain readings of a number that has some, as integers of their digits."""
    value = int(digits)
    if not rule.further:
        return (value + rule.first,)
    return (value + rule.first, *[value + each for each in rule.further])


def _plain(text: str) -> str | None:
    """Return the digits of a plain text, with the plus before them; None where it is not plain."""
    bare, digits = text, text[1:] if text[:1] == "+" else text
    if not digits.isdigit():
        if len(text) > LONGEST_TEXT:
            return None
        bare = text.translate(_SEPARATORS)
        digits = bare.removeprefix("+")
    if SHORTEST <= len(digits) <= LONGEST and digits.isdigit() and bare.isascii():
        return bare
    return None


class QuickReader(TextReader):
    """A reader that looks plain texts, and plain parts of others, up in the rules."""

    def as_written(self, text: str, *, allows: bool, valid_only: bool = False) -> bool:
        """Take the readings of rules 1 and 2, as `TextReader` does."""
        plain = _plain(text)
        found = None
        if plain is not None:
            digits = plain.removeprefix("+")
            found = look_up(
                digits, plus=digits is not plain, whole=self.whole, convention=self.convention
            )
        if found is None or not self._is_known(found, valid_only=valid_only):
            return super().as_written(text, allows=allows, valid_only=valid_only)
        for value in found.values:
            if not valid_only or self._is_valid(str(value)):
                self.take(str(value), allows=allows and found.allows)
        if not valid_only or found.problem is Problem.WITHOUT_PLUS:
            self.problem = self.problem or found.problem
        return bool(found.written and self._is_valid(found.written))

    def is_whole(self, text: str) -> bool:
        """Tell whether a text is a number of a possible length, as `TextReader` does."""
        plain = _plain(text)
        if plain is not None and plain[0] == "+":
            found = _behind_plus(
                plain[1:], rules_for(self.convention.renumbering), known_code=False
            )
            if found is not None and found.written:
                return True
        return super().is_whole(text)

    def _is_known(self, found: LookedUp, *, valid_only: bool) -> bool:
        """Tell whether the look-up says everything that has to be known of the readings."""
        if not self.convention.possible_only and not found.values:
            return False
        asked = [str(each) for each in found.values] if valid_only else [found.written]
        return all(self._is_valid(each) is not None for each in asked if each)

    def _is_valid(self, digits: str) -> bool | None:
        return is_valid(digits, self.convention)


def normalize(number: object, default_region: str | None = None) -> str:
    """Return the E.164 text of one number: its first reading.

    Args:
        number: text in any form, a whole number, or a `phonenumbers.PhoneNumber`.
        default_region: the ISO 3166 region of a number written in national form;
            `"international"` where digits without a plus begin with a calling code.

    Raises:
        InvalidNumber: it has no reading that may be messaged.
    """
    meaning = read(number, Convention(default_region))
    if meaning.first is None or meaning.problem is not None:
        raise InvalidNumber(why_invalid(number, meaning))
    return meaning.first


def why_invalid(number: object, meaning: Meaning) -> str:
    """Return why a number is invalid, in words that do not show it."""
    text, _ = as_text(number)
    shown = mask(number) if text and text.strip() else "The number"
    words = "not a phone number" if meaning.problem is None else meaning.problem.words
    return f"{shown}: {words}."
