"""The table of words: each row has a known use and a source, and each word is heard."""

import csv
import re
from collections.abc import Iterator
from importlib import resources

import pytest

from suppress.replies import Reply, understand
from suppress.replies.vocabulary import Use, vocabulary

MEANING = {
    Use.STOP: Reply.OPT_OUT,
    Use.ALONE: Reply.OPT_OUT,
    Use.ASKED: Reply.OPT_OUT,
    Use.REQUEST: Reply.OPT_OUT,
    Use.START: Reply.OPT_IN,
    Use.HELP: Reply.HELP,
}


def table(name: str) -> list[dict[str, str]]:
    text = resources.files("suppress.replies").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


WORDS, SOURCES = table("words.tsv"), table("sources.tsv")


def test_every_row_has_a_source_and_every_source_a_row() -> None:
    known = {row["key"] for row in SOURCES}
    assert {row["source"] for row in WORDS} | {"ctia"} == known
    assert all(row["address"].startswith("http") for row in SOURCES if row["key"] != "common")


def test_no_bracket_stands_in_another() -> None:
    for row in WORDS:
        assert not re.search(r"\([^)]*\(|^[^(]*\)", row["words"]), row


def test_many_languages_opt_out() -> None:
    speaking = {row["language"] for row in WORDS if row["kind"] in (Use.STOP, Use.ALONE)}
    assert speaking - {"*"} == vocabulary().bits.keys()
    assert len(vocabulary().bits) >= 30


def simple_phrases() -> Iterator[tuple[str, str, Reply]]:
    for row in WORDS:
        if (meaning := MEANING.get(Use(row["kind"]))) is None or "(" in row["words"]:
            continue
        for phrase in row["words"].split("|"):
            yield phrase, "en" if row["language"] == "*" else row["language"], meaning


def test_every_word_is_heard_in_its_language() -> None:
    wrong = [
        (phrase, language)
        for phrase, language, meaning in simple_phrases()
        if understand(phrase, [language]) is not meaning
    ]
    assert wrong == []


@pytest.mark.parametrize("written", ["{}", "  {}!!", "\u201c{}\u201d", "{}.\n--\nAnn"])
def test_the_words_of_the_rule_count_however_they_are_written(written: str) -> None:
    for word in ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"):
        for each in (word, word.upper(), word.capitalize()):
            assert understand(written.format(each)) is Reply.OPT_OUT, each
