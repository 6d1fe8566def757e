"""The words of replies by language, from the table `words.tsv`.

A row of the table has words and phrases of one kind, separated by bars. A part in brackets
stands for each of its alternatives: `stop (texting|messaging) me` are two phrases. A tilde
stands for up to two words of any kind. Phrases are compared part by part, and never written out.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import NamedTuple

from suppress.errors import InvalidArgument
from suppress.replies.wording import words_of

_EVERYWHERE = "*"
"""In place of a language, for words that carriers know in every country."""

_BARS = re.compile(r"\|(?![^()]*\))")
_PARTS = re.compile(r"(\([^()]*\)|~)")


class Use(StrEnum):
    """The use of a phrase in a reply."""

    STOP = "stop"
    """Opts out if the other words of its clause are polite or say what is to stop."""
    ALONE = "alone"
    """Opts out if this holds for the whole reply: the word has other uses."""
    ASKED = "asked"
    """Is such a word if its language was asked for: in another one it means something else."""
    REQUEST = "request"
    """Opts out wherever it stands, unless the words before it turn its sense around."""
    START = "start"
    HELP = "help"
    POLITE = "polite"
    """Changes nothing."""
    AROUND = "around"
    """Changes nothing beside a word that opts out."""
    NOT = "not"
    """Turns the sense of a request around."""
    BETWEEN = "between"
    """May stand between such a word and the request."""
    OTHER_SENSE = "other-sense"
    """Gives the word before it another sense: stop by, stop sign."""


Words = tuple[str, ...]

Part = tuple[Words, ...] | None
"""The words that may stand in a part of a phrase; None for up to two of any kind."""

_ANY = 2


class Phrase(NamedTuple):
    """A phrase of some languages.

    Attributes:
        parts: its parts, one after the other, in one spelling.
        kind: its use.
        languages: its languages, a bit for each.
    """

    parts: tuple[Part, ...]
    kind: Use
    languages: int

    def ends(self, words: Words, place: int) -> set[int]:
        """Return the places where it ends, if it begins at a place in some words."""
        reached = {place}
        for part in self.parts:
            if part is None:
                last = len(words)
                reached = {min(start + gap, last) for start in reached for gap in range(_ANY + 1)}
                continue
            reached = {
                start + len(choice)
                for start in reached
                for choice in part
                if words[start : start + len(choice)] == choice
            }
        return reached

    def first_words(self) -> set[str]:
        """Return the words that it can begin with."""
        found = set()
        for part in self.parts:
            if part is not None:
                found |= {choice[0] for choice in part if choice}
                if all(part):
                    break
        return found


@dataclass(frozen=True)
class Vocabulary:
    """All phrases.

    Attributes:
        bits: the bit of each language.
        phrases: the phrases by their first word.
        words: the languages of single words, by kind and word.
    """

    bits: Mapping[str, int]
    phrases: Mapping[str, Sequence[Phrase]]
    words: Mapping[Use, Mapping[str, int]]

    @property
    def all_languages(self) -> int:
        """The bits of all languages."""
        return sum(self.bits.values())

    def chosen(self, languages: Iterable[str]) -> int:
        """Return the bits of some languages, such as `de` or `de-AT`.

        Raises:
            InvalidArgument: one of them has no words, or none is named.
        """
        found = 0
        for each in languages:
            language = re.split("[-_]", each.strip().lower())[0]
            if language not in self.bits:
                raise InvalidArgument(
                    f"There are no words for the language {each!r}. Use some of: "
                    f"{', '.join(sorted(self.bits))}."
                )
            found |= self.bits[language]
        if not found:
            raise InvalidArgument("No language is named. Name one, or leave the languages out.")
        return found

    def starting_at(self, words: Words, place: int) -> Iterator[tuple[Phrase, int]]:
        """Give the phrases that stand in some words from a place on, each with its ends."""
        for each in self.phrases.get(words[place], ()):
            for end in each.ends(words, place):
                yield each, end


@functools.cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary of the table."""
    text = resources.files(__package__).joinpath("words.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    names = dict.fromkeys(language for language, *_ in rows if language != _EVERYWHERE)
    bits = {name: 1 << place for place, name in enumerate(names)}
    masks = bits | {_EVERYWHERE: sum(bits.values())}
    found: dict[tuple[Use, tuple[Part, ...]], int] = {}
    for language, kind, cell, _source in rows:
        for phrase in _BARS.split(cell):
            key = Use(kind), _parts(phrase)
            found[key] = found.get(key, 0) | masks[language]
    by_first: dict[str, list[Phrase]] = {}
    singles: dict[Use, dict[str, int]] = {kind: {} for kind in Use}
    for (use, parts), bits_of_languages in found.items():
        each = Phrase(parts, use, bits_of_languages)
        for word in each.first_words():
            by_first.setdefault(word, []).append(each)
            if parts == (((word,),),):
                singles[use][word] = bits_of_languages
    return Vocabulary(MappingProxyType(bits), MappingProxyType(by_first), MappingProxyType(singles))


def _parts(phrase: str) -> tuple[Part, ...]:
    """Return the parts of a phrase: plain words, alternatives in brackets, and tildes."""
    parts: list[Part] = []
    for part in filter(None, _PARTS.split(phrase)):
        if part == "~":
            parts.append(None)
        elif part.startswith("("):
            parts.append(tuple(words_of(choice) for choice in part[1:-1].split("|")))
        elif words := words_of(part):
            parts.append((words,))
    return tuple(parts)
