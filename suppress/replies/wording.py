"""The wording of a reply: its words in one spelling, clause by clause, without what it quotes."""

import re
import unicodedata
from typing import NamedTuple

LONGEST = 10_000
"""The most characters of a reply that are read."""

_REPEATS = re.compile(r"([^\W\d_])\1{2,}")

# Marks, such as accents and the vowels of some scripts, and characters that only direct others.
_UNSEEN = frozenset(["Cf", "Mc", "Me", "Mn"])

# Letters that Unicode does not take apart into a letter and a mark.
_PLAIN = str.maketrans({"\u0131": "i", "ø": "o", "ł": "l", "ð": "d", "ى": "ي", "ـ": None})

# These scripts put no blanks between words, or join endings to them: each letter is a word.
_SINGLE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff"
)
_WORD = re.compile(rf"[{_SINGLE}=🛑]|[^\W_{_SINGLE}]+")

_APOSTROPHE = re.compile(r"(?<=\w)['`\u00b4\u02bc\u2018\u2019\u2032](?=\w)")
_SPELLED = re.compile(rf"(?<!\w)[^\W_{_SINGLE}](?:[ .*_-][^\W\d_{_SINGLE}]){{2,11}}(?!\w)")

_SENTENCE = re.compile(r"[.!?…\n\r。！？؟।;:]+")  # noqa: RUF001 - what ends a sentence elsewhere
_COMMA = re.compile(r"[,،、，]| [-–—]+ ")  # noqa: RUF001 - the same for commas

_QUOTED = re.compile(r"“[^“”]*”|\"[^\"]*\"|«[^«»]*»|„[^„“”]*[“”]|「[^「」]*」")
_FEWEST_QUOTED = 4
"""The fewest words between quotation marks that are somebody else's."""

_QUOTED_LINE = re.compile(r"\s*(?:>|&gt;)")
# The text has no accents any more. The last alternative is the Russian for "sent", written so
# that no Latin letter can slip into it.
_END = re.compile(
    r"""\s*(?:
        --\s*$ | _{5,} | -{2,}\s*(?:original|forwarded|ursprungliche|mensaje|message)
        | from:\s | von:\s | (?:on|am|le|el|op|il|em)\s.{3,100}(?:wrote|schrieb|ecrit|escribio
            |schreef|scritto|escreveu)\b.{0,60}:\s*$
        | sent\ from | get\ outlook | von\ meinem\s.{1,40}gesendet | gesendet\ von | envoye\ de
        | enviado\ (?:desde|do) | inviato\ da | verzonden\ vanaf | skickat\ fran
        | \u043e\u0442\u043f\u0440\u0430\u0432\u043b\u0435\u043d\u043e\s
    )""",
    re.IGNORECASE | re.VERBOSE,
)


class Clause(NamedTuple):
    """A part of a reply between two marks of punctuation.

    Attributes:
        words: its words, in one spelling.
        is_upper: for each word, whether it was written in capitals.
        is_inside: whether commas part it from words of the same sentence on both sides.
        follower: the first word behind the comma that ends it; empty where its sentence ends.
    """

    words: tuple[str, ...]
    is_upper: tuple[bool, ...]
    is_inside: bool
    follower: str


def clauses_of(text: str) -> list[Clause]:
    """Return the clauses of a reply, without the message that it quotes and its signature."""
    own = _own_part(_visible(text[:LONGEST]))
    found = []
    for sentence in _SENTENCE.split(own):
        parts = [part for part in _COMMA.split(sentence) if _WORD.search(part)]
        for place, part in enumerate(parts):
            written = _WORD.findall(part)
            words = [_in_one_spelling(each) for each in written]
            found.append(
                Clause(
                    tuple(word for word in words if word),
                    tuple(
                        each.isupper() for each, word in zip(written, words, strict=True) if word
                    ),
                    0 < place < len(parts) - 1,
                    _first_word(parts[place + 1]) if place + 1 < len(parts) else "",
                )
            )
    return [each for each in found if each.words]


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text in one spelling."""
    return tuple(word for clause in clauses_of(text) for word in clause.words)


def _first_word(text: str) -> str:
    found = _WORD.search(text)
    return "" if found is None else _in_one_spelling(found[0])


def _visible(text: str) -> str:
    """Return the text in compatible characters, without accents and what nobody sees."""
    apart = unicodedata.normalize("NFKD", text)
    kept = "".join(each for each in apart if unicodedata.category(each) not in _UNSEEN)
    joined = _APOSTROPHE.sub("", unicodedata.normalize("NFC", kept))
    return _SPELLED.sub(lambda spelled: re.sub(r"[ .*_-]", "", spelled[0]), joined)


def _own_part(text: str) -> str:
    """Return what the sender of a reply wrote: no quoted lines, no signature, no quotation."""
    own = []
    for line in text.splitlines():
        if _END.match(line):
            break
        if not _QUOTED_LINE.match(line):
            own.append(line)
    kept = "\n".join(own)
    outside = _QUOTED.sub(_unless_quoted, kept)
    return outside if _WORD.search(outside) else kept


def _unless_quoted(quotation: re.Match[str]) -> str:
    return quotation[0] if len(_WORD.findall(quotation[0])) < _FEWEST_QUOTED else " "


def _in_one_spelling(word: str) -> str:
    """Return a word in lower case, and without letters that were held down."""
    return _REPEATS.sub(r"\1", word.casefold().translate(_PLAIN))
