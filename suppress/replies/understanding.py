"""The meaning of a reply: an opt-out, an opt-in, a call for help, or none of these.

A reply opts out if a clause of it asks that messages end, and its other words do not ask for
something else. The words of a clause have to be explained, each of them: "Please stop." has
only polite words beside the keyword, and "stop by the shop" has others. So a sentence that was
never thought of has no meaning here, and a person reads it.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from suppress.replies.vocabulary import Use, Vocabulary, vocabulary
from suppress.replies.wording import Clause, clauses_of

_FARTHEST = 5
"""The most words before a request that can turn its sense around."""

_WORDS_WITH_NAME = 2


class Reply(StrEnum):
    """The meaning of a reply."""

    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"
    HELP = "help"


class _Sense(StrEnum):
    """The meaning of a clause, as far as its words go."""

    POLITE = "polite"
    AROUND = "around"
    STOP = "stop"
    ALONE = "alone"
    START = "start"
    HELP = "help"
    SOMETHING = "something"


_AFTER: Mapping[Use, Mapping[_Sense, _Sense]] = MappingProxyType(
    {
        Use.POLITE: {each: each for each in _Sense if each != _Sense.SOMETHING},
        Use.AROUND: {
            _Sense.POLITE: _Sense.AROUND,
            _Sense.AROUND: _Sense.AROUND,
            _Sense.STOP: _Sense.STOP,
            _Sense.ALONE: _Sense.ALONE,
        },
        Use.STOP: dict.fromkeys(
            (_Sense.POLITE, _Sense.AROUND, _Sense.ALONE, _Sense.STOP), _Sense.STOP
        ),
        Use.ALONE: {
            _Sense.POLITE: _Sense.ALONE,
            _Sense.AROUND: _Sense.ALONE,
            _Sense.ALONE: _Sense.ALONE,
            _Sense.STOP: _Sense.STOP,
        },
        Use.START: dict.fromkeys((_Sense.POLITE, _Sense.START), _Sense.START),
        Use.HELP: dict.fromkeys((_Sense.POLITE, _Sense.HELP), _Sense.HELP),
    }
)
"""The meaning of words and a phrase behind them, by the phrase's kind and theirs."""

_OF_WHOLE = MappingProxyType(
    {_Sense.ALONE: Reply.OPT_OUT, _Sense.START: Reply.OPT_IN, _Sense.HELP: Reply.HELP}
)
"""The meaning of a reply in which nothing else is said."""

_STRONGEST = (_Sense.STOP, _Sense.ALONE, _Sense.START, _Sense.HELP, _Sense.POLITE, _Sense.AROUND)


class _Heard(NamedTuple):
    """The meaning of a clause, and whether it has digits."""

    says: _Sense
    has_digits: bool


def understand(text: str, languages: Iterable[str] | None = None) -> Reply | None:
    """Return the meaning of a reply to a message.

    Case, accents, width, punctuation, quoted messages and signatures do not matter. The words
    that carriers know everywhere, such as STOP, count in every language. The time is
    proportional to the length; the first 10,000 characters are read.

    Args:
        text: the reply.
        languages: the languages that people may write in, such as `["en", "es"]`; None for all
            that are known. Some short words, such as the Chinese `T`, count only if their
            language is named.

    Returns:
        The meaning; None if the reply asks for nothing of the kind, or is not understood.

    Raises:
        InvalidArgument: a language is unknown (the message lists those that are not), or none is
            named.
    """
    words = vocabulary()
    if languages is None:
        listener = _Listener(words, words.all_languages, 0)
    else:
        chosen = words.chosen([languages] if isinstance(languages, str) else languages)
        listener = _Listener(words, chosen, chosen)
    return _meaning(listener, clauses_of(text))


def _meaning(listener: "_Listener", clauses: Sequence[Clause]) -> Reply | None:
    heard = [listener.hear(clause) for clause in clauses]
    said = {each.says for each in heard}
    if (
        listener.starts_with_keyword(clauses)
        or any(map(listener.has_request, clauses))
        or listener.says_stop(clauses, heard)
    ):
        return Reply.OPT_OUT
    meanings = {_OF_WHOLE[says] for says in said if says in _OF_WHOLE}
    if _Sense.SOMETHING in said or not meanings:
        return None
    if Reply.OPT_OUT in meanings:
        return Reply.OPT_OUT
    return meanings.pop() if len(meanings) == 1 and _Sense.AROUND not in said else None


class _Listener:
    """Hears what clauses say, in some languages.

    Args:
        words: all phrases.
        languages: the bits of the languages.
        asked: the bits of those that the caller named.
    """

    def __init__(self, words: Vocabulary, languages: int, asked: int) -> None:
        self._words = words
        self._languages = languages
        self._asked = asked

    def hear(self, clause: Clause) -> _Heard:
        """Return the meaning of a clause whose words are all explained by one language."""
        words = clause.words
        # For each place, what the words before it can mean, and in which languages.
        reached: list[dict[_Sense, int]] = [{} for _ in range(len(words) + 1)]
        reached[0][_Sense.POLITE] = self._languages
        has_digits = False
        for place, word in enumerate(words):
            if not reached[place]:
                continue
            if word.isdecimal():
                has_digits = True
                self._step(reached[place], Use.AROUND, self._languages, reached[place + 1])
            for phrase, end in self._words.starting_at(words, place):
                self._step(reached[place], phrase.kind, phrase.languages, reached[end])
        for says in _STRONGEST:
            if reached[-1].get(says):
                return _Heard(says, has_digits)
        return _Heard(_Sense.SOMETHING, has_digits)

    def has_request(self, clause: Clause) -> bool:
        """Return whether a request stands in a clause, and is meant."""
        place = 0
        while place < len(clause.words):
            found = [
                (end, phrase.languages & self._languages)
                for phrase, end in self._words.starting_at(clause.words, place)
                if phrase.kind is Use.REQUEST and phrase.languages & self._languages
            ]
            if not found:
                place += 1
                continue
            end, languages = max(found)
            before = clause.words[max(place - _FARTHEST, 0) : place]
            if not self._is_turned(before, languages):
                return True
            place = end
        return False

    def starts_with_keyword(self, clauses: Sequence[Clause]) -> bool:
        """Return whether a reply begins with STOP in capitals, unlike the words behind it."""
        if not clauses:
            return False
        words, is_upper, *_ = clauses[0]
        languages = self._word(Use.STOP, words[0])
        if not (languages and is_upper[0] and len(words) > 1):
            return False
        if self._word(Use.OTHER_SENSE, words[1]) or not words[1].isalpha():
            return False
        has_name = len(clauses) == 1 and len(words) == _WORDS_WITH_NAME
        return has_name or not all(is_upper)

    def says_stop(self, clauses: Sequence[Clause], heard: Sequence[_Heard]) -> bool:
        """Return whether a clause is a keyword with polite words, and is meant."""
        is_whole = all(each.says is not _Sense.SOMETHING for each in heard)
        for place, (clause, each) in enumerate(zip(clauses, heard, strict=True)):
            if each.says is not _Sense.STOP:
                continue
            # Digits belong to the instructions of a message: STOP 36105.
            with_digits = any(other.has_digits for other in heard[place : place + 2])
            goes_on = clause.is_inside or self._word(Use.OTHER_SENSE, clause.follower)
            if is_whole or not (goes_on or with_digits):
                return True
        return False

    def _step(
        self, before: Mapping[_Sense, int], kind: Use, languages: int, after: dict[_Sense, int]
    ) -> None:
        if kind is Use.ASKED:
            kind, languages = Use.ALONE, languages & self._asked
        for says, in_languages in before.items():
            then = _AFTER.get(kind, {}).get(says)
            if then is not None and (both := in_languages & languages):
                after[then] = after.get(then, 0) | both

    def _is_turned(self, before: Sequence[str], languages: int) -> bool:
        """Return whether the words before a request turn its sense around."""
        for word in reversed(before):
            if self._word(Use.NOT, word) & languages:
                return True
            if not self._word(Use.BETWEEN, word) & languages:
                return False
        return False

    def _word(self, kind: Use, word: str) -> int:
        return self._words.words[kind].get(word, 0) & self._languages
