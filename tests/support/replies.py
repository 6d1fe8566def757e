"""The written sets of replies, and how well they are understood."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from suppress.replies import Reply, understand

DATA = Path(__file__).parents[1] / "data"

ASKED = "counts if its language is named"
"""In the note of a reply that means nothing where all languages are listened for."""


class Case(NamedTuple):
    """A reply of a set, and its meaning."""

    text: str
    language: str
    expected: str
    note: str

    @property
    def is_asked(self) -> bool:
        return ASKED in self.note


class Figures(NamedTuple):
    """The count of replies that say something, and how many of them are heard, and rightly."""

    replies: int
    precision: float
    recall: float


def cases(name: str) -> list[Case]:
    lines = (DATA / name).read_text("utf-8").splitlines()[1:]
    return [Case(_unescaped(text), *rest) for text, *rest in (line.split("\t") for line in lines)]


def _unescaped(text: str) -> str:
    """Replace the two escapes of the sets: a line end, and a character by its number."""
    return re.sub(r"\\n|\\u([0-9a-f]{4})", lambda found: chr(int(found[1] or "a", 16)), text)


def figures(some: Sequence[Case]) -> dict[Reply, Figures]:
    """Measure how a set is understood if every language is listened for."""
    heard = Counter((case.expected, understand(case.text) or "none") for case in some)
    found = {}
    for meaning in Reply:
        right = heard[meaning, meaning]
        given = sum(count for (_, got), count in heard.items() if got == meaning)
        there = sum(count for (expected, _), count in heard.items() if expected == meaning)
        found[meaning] = Figures(there, right / max(given, 1), right / max(there, 1))
    return found
